"""A synthetic twin of the survey file, for those who do not hold it."""

from dataset_builder.synthesis.generate import Synthesized, synthesize

__all__ = ["Synthesized", "synthesize"]
