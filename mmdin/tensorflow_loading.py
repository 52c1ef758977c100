"""Loading TensorFlow in processes that are started often: ranks, and Spark's Python workers."""

import sys

_UNUSED = ("matplotlib", "sklearn")
"""What Keras loads, if it is installed, for its plots and its wrappers of scikit-learn."""


def load_tensorflow() -> None:
    """Load TensorFlow without the packages that Keras would load for what is not used here.

    That takes two thirds of the time, and 80 MB less. They can still be imported afterwards.
    """
    absent = [name for name in _UNUSED if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # Importing it fails, which Keras expects.
    try:
        import tensorflow  # noqa: F401
    finally:
        for name in absent:
            del sys.modules[name]
