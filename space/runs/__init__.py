"""Runs of hosted models, started from the web app: estimated first, watched, stopped, resumed."""
