"""How far scores and rankings depend on the form of the prompt, and whether personas steer."""
