"""What answers: local models, servers, hosted providers, and a mock."""
