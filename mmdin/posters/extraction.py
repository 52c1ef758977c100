"""What is found out about an image file in one decoding: whether it can be used, and its features.

On Spark, in Arrow batches.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import (
    BinaryType,
    DoubleType,
    IntegerType,
    StringType,
    StructField,
    StructType,
)

from mmdin import inputs
from mmdin.posters import images
from mmdin.posters.features import compute_features

Reading = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
"""Adds column content (binary) to Arrow batches, on executors."""

_FOUND = StructType(
    [
        StructField("status", StringType()),
        StructField("format", StringType()),
        StructField("width", IntegerType()),
        StructField("height", IntegerType()),
        *(StructField(feature, DoubleType()) for feature in inputs.POSTER_FEATURES),
    ]
)


def examine_files(files: DataFrame, max_pixels: int, read: Reading | None = None) -> DataFrame:
    """Add what `examine_image` finds in each file, as a struct, found.

    With read, a Python worker reads a file and decodes it at once; Java sees its bytes once.

    Args:
        files: rows with column content (binary), or rows that read adds it to.
        max_pixels: images with more are not decoded.
        read: what adds it; None if it is there.

    Returns:
        The columns of files, content and found.
    """
    content = [StructField("content", BinaryType())] if read else []
    schema = StructType([*files.schema.fields, *content, StructField("found", _FOUND)])
    examine = functools.partial(_examine_batches, max_pixels=max_pixels, read=read)
    return files.mapInArrow(examine, schema)


def _examine_batches(
    batches: Iterator[pa.RecordBatch], max_pixels: int, read: Reading | None
) -> Iterator[pa.RecordBatch]:
    found_type = to_arrow_type(_FOUND)
    for batch in read(batches) if read else batches:
        found = [examine_image(content.as_py(), max_pixels) for content in batch["content"]]
        yield batch.append_column("found", pa.array(found, found_type))


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
