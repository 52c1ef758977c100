"""MMDIN: rating-prediction networks on MovieLens ratings and movie posters, on Spark.

from mmdin import Pipeline, load_config, local_session
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmdin.api import Figure, Pipeline, load_config, local_session

__version__ = "0.1.0"

__all__ = ["Figure", "Pipeline", "load_config", "local_session", "register_functions"]


def __getattr__(name: str) -> Any:
    # Loaded when it is used: every module of the project imports this one. Not by import_module: a
    # stage that imports it counts as one that loads all modules that it names (mmdin.code_digest).
    if name in __all__:
        place = "sql.functions" if name == "register_functions" else "api"
        return getattr(__import__(f"{__name__}.{place}", fromlist=[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
