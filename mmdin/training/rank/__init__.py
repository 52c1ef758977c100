"""One rank's side of training. Loads TensorFlow, so the driver imports it only inside functions."""

from mmdin.tensorflow_loading import load_tensorflow

load_tensorflow()  # before the modules here import it
