"""The report's figures: one module for each, drawn on the canvas and listed in the catalogue."""
