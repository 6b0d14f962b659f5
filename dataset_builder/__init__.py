"""Survey files in, a release out: read, split, tabulate, check, publish."""
