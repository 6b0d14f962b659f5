"""Synthetic respondents: a model of a country's demographics, and personas drawn from it."""
