"""MMDIN: rating-prediction networks on MovieLens ratings and movie posters, on Spark.

from mmdin import Pipeline, load_config, local_session
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmdin.api import Figure, Pipeline, load_config, local_session, register_functions

__version__ = "0.1.0"

__all__ = ["Figure", "Pipeline", "load_config", "local_session", "register_functions"]


def __getattr__(name: str) -> Any:
    # Loaded when it is used: every module of the project imports this one.
    if name in __all__:
        return getattr(importlib.import_module(".api", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
