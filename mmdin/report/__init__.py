"""Figures and the page that people read, from the tables of evidence."""
