"""Exact metrics of predictions, computed in Spark."""
