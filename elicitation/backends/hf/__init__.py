"""Local models with transformers: replies, and the probability of every answer."""
