"""The page Run a model: its form, the run under way, its result."""
