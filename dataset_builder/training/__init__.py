"""Texts and targets to train on, made from a release."""
