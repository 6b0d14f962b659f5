"""Bring a release to the Hugging Face Hub, and nothing of it where it must not be."""
