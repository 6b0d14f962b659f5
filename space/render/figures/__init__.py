"""Figures as HTML and SVG: dots, bars, maps, tabs; they read without scripts."""
