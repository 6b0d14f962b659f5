"""Comparison groups and the ranks within them."""
