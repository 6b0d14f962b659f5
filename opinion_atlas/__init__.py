"""The front door: version and command table."""
