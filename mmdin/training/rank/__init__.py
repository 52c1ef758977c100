"""One rank's side of training. Loads TensorFlow, so the driver imports it only inside functions."""
