"""The predictions file: its kinds, metadata, readers and writers."""
