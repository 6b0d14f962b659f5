"""What the pages draw, read from the index: charts, maps, comparisons, distances, trials."""
