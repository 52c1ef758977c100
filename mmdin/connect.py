"""Spark Connect: sessions that have no SparkContext and no JVM."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mmdin.errors import ClusterError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Sent(Protocol[T_co]):
    """A value on its way to Python workers: one of Spark's broadcasts, or Carried."""

    @property
    def value(self) -> T_co:
        """The value, on a worker."""


@dataclass(frozen=True)
class Carried(Generic[T]):
    """A value on its way to Python workers within the functions that use it.

    Attributes:
        value: the value.
    """

    value: T


def is_classic(spark: "SparkSession") -> bool:
    """Whether the session has a SparkContext, in whose JVM the driver's files can be reached."""
    return not type(spark).__module__.startswith("pyspark.sql.connect")


def require_classic(spark: "SparkSession", what: str) -> None:
    """Check that the session has a SparkContext.

    Args:
        spark: the session.
        what: needs it, and why.

    Raises:
        ClusterError: it is one of Spark Connect.
    """
    if not is_classic(spark):
        raise ClusterError(f"{what}, which Spark Connect does not have: use a classic session")


def send(spark: "SparkSession", value: T) -> Sent[T]:
    """Send a value to Python workers, which read it as `.value`: once to each, if that can be."""
    return spark.sparkContext.broadcast(value) if is_classic(spark) else Carried(value)
