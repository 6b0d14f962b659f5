"""Both sides of a comparison as arrays: survey, respondents, answers, scale geometry."""
