"""Ask models the survey: plans, methods, backends, a store that loses nothing, and reading."""
