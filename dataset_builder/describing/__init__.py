"""What describes a release to its readers: the card, how to cite it, Croissant metadata."""
