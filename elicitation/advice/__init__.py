"""Answers to dilemmas: decisions, second readers, reports."""
