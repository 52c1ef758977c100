"""From the table posters to the table poster_features, on Spark."""

import logging
from collections.abc import Iterator

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import DoubleType, StructField, StructType

from mmdin import inputs
from mmdin.posters import images
from mmdin.posters.features import compute_features
from mmdin.posters.task_sizes import tasks_sized_for_images
from mmdin.schemas import POSTER_FEATURES, POSTERS
from mmdin.tables import Tables

log = logging.getLogger(__name__)

_COLUMNS = StructType([StructField(feature, DoubleType()) for feature in inputs.POSTER_FEATURES])


def write_poster_features(tables: Tables) -> None:
    """Write the table poster_features: one row per poster with status ok.

    Raises:
        TableError: if the table posters is missing.
    """
    with tasks_sized_for_images(tables.spark):
        tables.write(POSTER_FEATURES, extract_features(tables.read(POSTERS)))
    log.info("poster_features: %d posters measured", tables.read(POSTER_FEATURES).count())


def extract_features(posters: DataFrame) -> DataFrame:
    """Features of the posters with status ok.

    Args:
        posters: columns movie_id, status and bytes.

    Returns:
        movie_id and the columns of mmdin.inputs.POSTER_FEATURES. A feature that an image does not
        have, such as the hue of a grey one, is null.
    """
    usable = posters.where(F.col("status") == images.OK)
    measured = usable.select("movie_id", _measure("bytes").alias("features"))
    return measured.select("movie_id", "features.*")


# PySpark's overloads lack this call.
@pandas_udf(_COLUMNS)  # type: ignore[call-overload, untyped-decorator]
def _measure(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
    for contents in batches:
        features = [compute_features(images.decode(content)) for content in contents]
        yield pd.DataFrame(features, columns=list(inputs.POSTER_FEATURES), dtype="float64")
