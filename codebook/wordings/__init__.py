"""Wordings of questions and options in every language, and the files that hold them."""
