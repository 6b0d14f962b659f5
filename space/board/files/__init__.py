"""What a board hands out: downloads, data by address, single answers of predictions files."""
