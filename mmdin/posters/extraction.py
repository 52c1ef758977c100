"""What is found out about an image file in one decoding: whether it can be used, and its features.

On Spark, in Arrow batches.
"""

import math
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql.pandas.functions import arrow_udf
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import DoubleType, IntegerType, StringType, StructField, StructType

from mmdin import inputs
from mmdin.posters import images
from mmdin.posters.features import compute_features

_FOUND = StructType(
    [
        StructField("status", StringType()),
        StructField("format", StringType()),
        StructField("width", IntegerType()),
        StructField("height", IntegerType()),
        *(StructField(feature, DoubleType()) for feature in inputs.POSTER_FEATURES),
    ]
)


def examine(contents: Column, max_pixels: int) -> Column:
    """What examine_image finds, as a struct.

    Args:
        contents: of files, binary.
        max_pixels: images with more are not decoded.
    """

    def examine_batch(batch: pa.Array) -> pa.Array:
        found = [examine_image(content.as_py(), max_pixels) for content in batch]
        return pa.array(found, to_arrow_type(_FOUND))

    # PySpark's overloads lack this call.
    return arrow_udf(examine_batch, _FOUND)(contents)  # type: ignore[call-overload, no-any-return]


def examine_image(content: bytes | None, max_pixels: int) -> Mapping[str, Any]:
    """Status, format, width and height (see mmdin.posters.images.Probe), and the features.

    A feature that an image does not have, such as the hue of a grey one, is None. So are all
    features of an image that cannot be used.
    """
    probe = images.probe(content or b"", max_pixels)
    features = {} if probe.pixels is None else compute_features(probe.pixels)
    return {
        "status": probe.status,
        "format": probe.format,
        "width": probe.width,
        "height": probe.height,
        **{name: None if math.isnan(value) else value for name, value in features.items()},
    }
