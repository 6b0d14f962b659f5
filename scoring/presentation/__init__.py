"""Reports for readers: terminal, HTML, texts."""
