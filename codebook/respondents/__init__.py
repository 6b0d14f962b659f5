"""What is known of a respondent: demographics, harmonised categories, descriptions."""
