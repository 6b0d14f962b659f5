"""Dilemmas: what is asked for advice, in which sets, read from which files."""
