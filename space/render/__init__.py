"""Pieces of HTML, made on the server from what the index and the reports hold."""
