"""Make the embedded reference release, from aggregates or from an official file."""

from dataset_builder.reference.make import make_reference

__all__ = ["make_reference"]
