"""Structure: whether the answers of synthetic respondents hang together as people's do."""
