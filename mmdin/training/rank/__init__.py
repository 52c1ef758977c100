"""Training as one rank does it. Loads TensorFlow: the driver imports this only inside functions."""
