"""Baseline predictions: distributions and ratings that need no model."""
