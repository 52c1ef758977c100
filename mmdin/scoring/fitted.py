"""Scores by the predictors that are fitted on the driver."""

import functools
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from mmdin.config import Config
from mmdin.connect import Sent, send
from mmdin.errors import ConfigurationError
from mmdin.predictors import FITTED, naive_run_id, require_packages
from mmdin.scoring import boosting, factorisation
from mmdin.scoring.fitting import Candidate, Splits, choose
from mmdin.scoring.scored import KEPT, one_score, with_scores

_COLUMNS = {"factorisation": factorisation.COLUMNS, "lightgbm": boosting.COLUMNS}


def fitted_scores(samples: DataFrame, rows: int, config: Config) -> list[DataFrame]:
    """The scores of validation and test rows by the configured predictors; see with_scores.

    Brings the samples to the driver.

    Args:
        samples: every row of a table samples.
        rows: their number.
        config: that they were built with.

    Returns:
        One DataFrame, or none if no predictor is configured.

    Raises:
        ConfigurationError: there are too many rows, or a package is missing.
        TableError: validation rows are of one class.
    """
    predictors = [p for p in config.scoring.predictors if p in FITTED]
    if not predictors:
        return []
    require_packages(predictors)
    _refuse_too_many(predictors, rows, config.scoring.max_fitted_rows)
    table = _collect(samples, predictors)
    splits = {s: _of_split(table, s).to_pandas() for s in ("train", "validation", "test")}
    labels = splits["validation"]["label"].to_numpy()
    scored = [_of_split(table, s).select(list(KEPT)) for s in ("validation", "test")]
    for name in predictors:
        fitted = choose(name, _candidates(name, splits, config), labels)
        for n, scores in enumerate((fitted.validation, fitted.test)):
            scored[n] = scored[n].append_column(name, pa.array(scores, pa.float64()))
    schema = StructType([samples.schema[c] for c in KEPT])
    for name in predictors:
        schema.add(StructField(name, DoubleType()))
    held_out = _from_driver(samples.sparkSession, pa.concat_tables(scored), schema)
    run_ids = {name: naive_run_id(name, config.samples.name) for name in predictors}
    return [with_scores(held_out, [one_score(run_ids[p], p, F.col(p)) for p in predictors])]


def _from_driver(spark: SparkSession, table: pa.Table, schema: StructType) -> DataFrame:
    """The rows of a table, which each executor gets once: tasks would be large with them."""
    take = functools.partial(_take, sent=send(spark, table.combine_chunks()))
    return spark.range(table.num_rows).mapInArrow(take, schema)


def _take(numbers: Iterator[pa.RecordBatch], sent: Sent[pa.Table]) -> Iterator[pa.RecordBatch]:
    for batch in numbers:
        yield from sent.value.take(batch.column(0)).to_batches()


def _candidates(predictor: str, splits: Splits, config: Config) -> Iterator[Candidate]:
    if predictor == "lightgbm":
        return boosting.boost(splits)
    return factorisation.factorise(splits, config.samples.positive_rating)


def _collect(samples: DataFrame, predictors: Sequence[str]) -> pa.Table:
    """The rows in order of their keys, with numbers in single precision."""
    columns = dict.fromkeys(c for name in predictors for c in _COLUMNS[name])
    kept = [c for c in columns if c not in KEPT]
    collected = samples.select(*KEPT, *(_narrow(samples, c) for c in kept)).toArrow()
    return collected.sort_by([("user_id", "ascending"), ("movie_id", "ascending")])


def _narrow(samples: DataFrame, column: str) -> Column:
    is_index = column.endswith("_index")
    return F.col(column) if is_index else F.col(column).cast("float").alias(column)


def _of_split(table: pa.Table, split: str) -> pa.Table:
    return table.filter(pc.equal(table["split"], split))


def _refuse_too_many(predictors: Sequence[str], rows: int, most: int) -> None:
    if rows > most:
        raise ConfigurationError(
            f"scoring.predictors: {', '.join(predictors)} would be fitted on the driver with "
            f"{rows:,} samples, more than scoring.max_fitted_rows ({most:,}): leave them out, or "
            "raise that limit if the driver has some 2 GB for each million"
        )
