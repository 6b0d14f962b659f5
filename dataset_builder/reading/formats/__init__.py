"""File formats of survey files and the reader of each."""
