"""The three files that the packages meet through: release, predictions, report."""
