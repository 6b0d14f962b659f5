"""Tables of a release: responses, distributions, correlations and tasks."""
