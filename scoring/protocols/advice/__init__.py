"""The protocol `advice`: dilemmas against Hofstede scores."""
