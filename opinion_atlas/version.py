"""The one place where the version of the project stands."""

__version__ = "0.1.0"
