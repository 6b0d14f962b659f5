"""Studies over several reports: conditions, steering, trend, sensitivity."""
