"""Published answers of real models: the board's first rows, scored by this project."""
