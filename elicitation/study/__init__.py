"""What a study asks: methods, conditions, wordings, options and their checks."""
