"""Questions and respondents as text, for prompts and training rows alike."""
