"""The board: rows, index, queries and what a page shows of them."""
