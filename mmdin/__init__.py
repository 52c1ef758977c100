"""MMDIN: rating-prediction networks on MovieLens ratings and movie posters, on Spark."""

__version__ = "0.1.0"
