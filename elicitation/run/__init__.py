"""Running a plan: calls, their store, provenance and the predictions file."""
