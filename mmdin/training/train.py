"""Training the configured networks, one after the other, from the driver."""

import logging
from collections.abc import Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config, ModelName
from mmdin.dataset.sharding import count_rows
from mmdin.errors import TableError
from mmdin.inputs import INPUTS
from mmdin.tables import DataFile, Tables
from mmdin.training.loop import Assignment, train_on_rank
from mmdin.training.ranks import run_on_ranks
from mmdin.training.runs import Run, fail_run, finish_run, start_run

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
    return [
        _train_one(tables, config, model, versions, rows, files, sizes) for model in training.models
    ]


def vocabulary_sizes(tables: Tables, versions: dict[str, int]) -> dict[str, int]:
    """Rows of every input's vocabulary, index 0 counted."""
    words = tables.read("vocabularies", versions["vocabularies"])
    buckets = tables.read("bucket_edges", versions["bucket_edges"])
    largest = words.groupBy("vocabulary").agg(F.max("index").alias("largest")).unionByName(
        buckets.groupBy(F.col("value").alias("vocabulary")).agg(F.max("bucket").alias("largest"))
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


def _train_one(
    tables: Tables,
    config: Config,
    model: ModelName,
    versions: dict[str, int],
    rows: dict[str, int],
    files: dict[str, Sequence[DataFile]],
    sizes: dict[str, int],
) -> Run:
    run = start_run(tables, config, model, versions, rows)
    assignment = Assignment(
        model=model,
        config=config,
        vocabulary_sizes=sizes,
        train_files=list(files["train"]),
        validation_files=list(files["validation"]),
        checkpoint=run.checkpoint,
        threads=int(tables.spark.conf.get("spark.task.cpus", "1") or 1),
    )
    try:
        outcomes = run_on_ranks(tables.spark, train_on_rank, [assignment], config.training.ranks)
    except BaseException as error:
        fail_run(tables, run, f"{type(error).__name__}: {error}")
        raise
    finished = finish_run(tables, run, outcomes[0])
    log.info(
        "train: %s finished, best epoch %d, validation ROC AUC %.4f, %s parameters",
        finished.run_id,
        finished.best_epoch,
        finished.metrics["validation_roc_auc"],
        f"{finished.parameters:,}",
    )
    return finished
