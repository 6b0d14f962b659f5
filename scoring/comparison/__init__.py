"""Comparing reports: differences, tests, wordings."""
