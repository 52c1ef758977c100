"""The driver's side of training: plan runs, start ranks, record results. Loads no TensorFlow."""
