"""The board for agents: typed tools of the Model Context Protocol."""
