"""Training the configured networks, one after the other, from the driver."""

import logging
from collections.abc import Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config
from mmdin.dataset.sharding import count_rows
from mmdin.errors import TableError
from mmdin.inputs import INPUTS
from mmdin.tables import DataFile, Tables
from mmdin.training.assignment import Assignment
from mmdin.training.ranks import run_on_ranks
from mmdin.training.runs import Run, end_runs, start_runs

log = logging.getLogger(__name__)

_READ = ("samples", "vocabularies", "bucket_edges")


def train_networks(spark: SparkSession, config: Config) -> list[Run]:
    """Train every network of training.models on the newest samples; a row of `runs` for each.

    Raises TableError where samples are missing, ClusterError where Spark has too few slots, and
    TrainingFailedError where a rank fails, after the run is recorded as failed.
    """
    tables = Tables(spark, config.root)
    versions = {name: tables.version(name) for name in _READ}
    files = {
        split: _files_of(tables, versions["samples"], split, config)
        for split in ("train", "validation")
    }
    sizes = vocabulary_sizes(tables, versions)
    rows = {split: count_rows(own) for split, own in files.items()}
    training = config.training
    log.info(
        "train: protocol %s, samples version %d: %s training and %s validation rows in %d and %d "
        "files\ntrain: %d ranks x %d rows = global batch %d",
        config.samples.protocol,
        versions["samples"],
        *(f"{rows[s]:,}" for s in files),
        *(len(files[s]) for s in files),
        training.ranks,
        training.batch_size,
        training.ranks * training.batch_size,
    )
    runs = start_runs(tables, config, versions, rows)
    assignments = [
        Assignment(
            model=model,
            config=config,
            vocabulary_sizes=sizes,
            train_files=files["train"],
            validation_files=files["validation"],
            checkpoint=run.checkpoint,
            threads=int(spark.conf.get("spark.task.cpus", "1") or 1),
        )
        for model, run in zip(training.models, runs, strict=True)
    ]
    try:
        # All networks in one launch: to start and end Horovod's processes takes 20 s each time.
        run_on_ranks(spark, _train_on_rank, [assignments], training.ranks)
    except BaseException as error:
        end_runs(tables, runs, reason=f"{type(error).__name__}: {error}")
        raise
    return _report(end_runs(tables, runs))


def vocabulary_sizes(tables: Tables, versions: dict[str, int]) -> dict[str, int]:
    """Rows of every input's vocabulary, index 0 counted."""
    words = tables.read("vocabularies", versions["vocabularies"])
    buckets = tables.read("bucket_edges", versions["bucket_edges"])
    largest = (
        words.groupBy("vocabulary")
        .agg(F.max("index").alias("largest"))
        .unionByName(
            buckets.groupBy(F.col("value").alias("vocabulary")).agg(
                F.max("bucket").alias("largest")
            )
        )
    )
    sizes = {r["vocabulary"]: r["largest"] + 1 for r in largest.collect()}
    return {v: sizes.get(v, 1) for v in sorted({i.vocabulary for i in INPUTS})}


def _files_of(tables: Tables, version: int, split: str, config: Config) -> list[DataFile]:
    files = tables.files("samples", version, f"split = '{split}'")
    if len(files) < config.training.ranks:
        raise TableError(
            f"samples has {len(files)} files for split {split}, and training.ranks is "
            f"{config.training.ranks}: run build_samples with samples.files of at least that, "
            "or train with fewer ranks"
        )
    return files


def _train_on_rank(assignments: Sequence[Assignment]) -> None:
    # TensorFlow takes seconds to load: only the rank's own process needs it, not the driver and
    # not the Spark task that starts the rank.
    from mmdin.training.loop import train_on_rank

    train_on_rank(assignments)


def _report(runs: list[Run]) -> list[Run]:
    for run in runs:
        log.info(
            "train: %s %s, best epoch %d, validation ROC AUC %.4f, %s parameters",
            run.run_id,
            run.status,
            run.best_epoch,
            run.metrics["validation_roc_auc"],
            f"{run.parameters:,}",
        )
    return runs
