"""Machine translation of dilemmas and wordings."""
