"""Scores of any user and movie, by a trained network and all ratings that are known."""
