"""Training of the configured networks, one after the other, from the driver."""

import itertools
import logging
from collections.abc import Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config, Training
from mmdin.connect import require_classic
from mmdin.dataset.sharding import count_rows
from mmdin.errors import TableError
from mmdin.fingerprints import sample_identities, sample_versions
from mmdin.inputs import INPUTS
from mmdin.schemas import BUCKET_EDGES, SAMPLES, VOCABULARIES
from mmdin.storage import HadoopSettings, absolute, folder_at, hadoop_settings
from mmdin.tables import DataFile, Tables
from mmdin.training.assignment import Assignment, read_result
from mmdin.training.driver.runs import (
    PreviousRuns,
    Run,
    TrainingData,
    check_resumable,
    end_runs,
    find_previous_runs,
    start_run,
    upsert_runs,
)
from mmdin.training.driver.slots import wait_for_slots
from mmdin.training.ranks import RankLostError, run_on_ranks
from mmdin.variants import Plan

log = logging.getLogger(__name__)


def train_networks(spark: SparkSession, plan: Plan) -> list[Run]:
    """Train every variant with every seed on the newest samples; writes a row of `runs` for each.

    Runs that have ended, with the same configuration, samples and code, are not trained again.
    Those that were stopped are resumed after their last epoch.

    Args:
        spark: session whose executors run the ranks.
        plan: what to train.

    Returns:
        The runs that were trained now.

    Raises:
        TableError: samples are missing, or the run of training.resume cannot be resumed.
        ClusterError: Spark has too few slots, or the session is one of Spark Connect.
        TrainingFailedError: a rank failed or was lost too often; the runs are recorded as failed.
    """
    require_classic(spark, "training starts Horovod's ranks through a SparkContext")
    config = plan.config
    tables = Tables.of(spark, config)
    planned = plan_runs(spark, plan)
    wanted = [run for run, _ in planned]
    previous = find_previous_runs(tables, wanted)
    if previous.unrecorded:
        end_runs(tables, previous.unrecorded, reason="stopped before its end")
    if config.training.resume:
        check_resumable(tables, config.training.resume, previous.resumable.values())
    _announce(config, wanted, previous)
    runs = [
        previous.resumable.get(run.fingerprint, run)
        for run in wanted
        if run.fingerprint not in previous.finished
    ]
    if not runs:
        return []
    upsert_runs(tables, runs)
    data = {run.fingerprint: run_data for run, run_data in planned}
    assignments = assign(spark, [(run, data[run.fingerprint]) for run in runs])
    try:
        train_with_restarts(spark, assignments, config.training)
    except BaseException as error:
        end_runs(tables, runs, reason=f"{type(error).__name__}: {error}")
        raise
    return _report(end_runs(tables, runs))


def plan_runs(spark: SparkSession, plan: Plan) -> list[tuple[Run, TrainingData]]:
    """Plan a run of every variant with every seed on the newest samples.

    Returns:
        The runs, each with the data that it reads.

    Raises:
        TableError: samples are missing, or have fewer files than there are ranks.
    """
    data = {s.config.samples.name: _find_data(spark, s.config) for s in plan.sample_sets()}
    return [
        (start_run(variant, seed, run_data), run_data)
        for variant in plan.variants
        for run_data in [data[variant.config.samples.name]]
        for seed in variant.config.training.seeds
    ]


def assign(spark: SparkSession, runs: Sequence[tuple[Run, TrainingData]]) -> list[Assignment]:
    """Create what is sent to the ranks for each run."""
    threads = int(spark.conf.get("spark.task.cpus", "1") or 1)
    hadoop = hadoop_settings(spark)
    return [_assign(run, data, threads, hadoop) for run, data in runs]


def train_with_restarts(
    spark: SparkSession, assignments: Sequence[Assignment], training: Training
) -> None:
    """Train all networks, restarting after the last epoch when a rank is lost.

    All networks are trained in one launch, because starting and ending Horovod takes some 15 s.

    Raises:
        ClusterError: Spark has too few slots.
        TrainingFailedError: a rank failed by its own error.
        RankLostError: a rank was lost after training.restarts restarts.
    """
    for restart in itertools.count():
        remaining = [a for a in assignments if not read_result(folder_at(spark, a.checkpoint))]
        if not remaining:
            return  # The rank was lost after the last network had ended.
        wait_for_slots(spark, training.ranks, training.start_timeout)
        try:
            run_on_ranks(spark, _train_on_rank, [remaining], training.ranks, training.start_timeout)
            return
        except RankLostError as error:
            if restart == training.restarts:
                raise
            log.warning("train: %s", error)
            log.info(
                "train: restarting after the last epoch, restart %d of %d (training.restarts)",
                restart + 1,
                training.restarts,
            )


def _find_data(spark: SparkSession, config: Config) -> TrainingData:
    """Find what the runs on one set of samples read, and log it."""
    tables = Tables.of(spark, config)
    versions = sample_versions(tables)
    identities = sample_identities(tables, versions)
    files = _find_files(tables, versions["samples"], config.training.ranks)
    data = TrainingData(versions, identities, vocabulary_sizes(tables, versions), files)
    log.info(
        "train: %sprotocol %s, samples version %d: %s training and %s validation rows in %d and %d "
        "files",
        f"{config.samples.name}: " if config.samples.name else "",
        config.samples.protocol,
        versions["samples"],
        *(f"{rows:,}" for rows in data.rows.values()),
        *(len(split_files) for split_files in files.values()),
    )
    return data


def _announce(config: Config, wanted: Sequence[Run], previous: PreviousRuns) -> None:
    training = config.training
    for run in previous.resumable.values():
        log.info("train: %s (%s) is resumed after its last saved epoch", run.run_id, run.label)
    log.info(
        "train: %d runs, of which %d ended before; %d ranks x %d rows = global batch %d",
        len(wanted),
        len(previous.finished),
        training.ranks,
        training.batch_size,
        training.ranks * training.batch_size,
    )


def _assign(run: Run, data: TrainingData, threads: int, hadoop: HadoopSettings) -> Assignment:
    return Assignment(
        label=run.label,
        model=run.variant.model,
        seed=run.seed,
        config=run.variant.config,
        vocabulary_sizes=data.vocabulary_sizes,
        train_files=data.files["train"],
        validation_files=data.files["validation"],
        # Ranks run in the folder in which Spark was started, which can be another.
        checkpoint=absolute(run.checkpoint),
        threads=threads,
        hadoop=hadoop,
    )


def vocabulary_sizes(tables: Tables, versions: dict[str, int]) -> dict[str, int]:
    """Count the rows of every input's vocabulary, with index 0."""
    words = tables.read(VOCABULARIES, versions["vocabularies"])
    buckets = tables.read(BUCKET_EDGES, versions["bucket_edges"])
    indices = words.select("vocabulary", "index").union(buckets.select("value", "bucket"))
    # In one partition nothing is shuffled, and this is one Spark job.
    largest = indices.coalesce(1).groupBy("vocabulary").agg(F.max("index").alias("largest"))
    sizes = {r["vocabulary"]: r["largest"] + 1 for r in largest.collect()}
    return {v: sizes.get(v, 1) for v in sorted({i.vocabulary for i in INPUTS})}


def _find_files(tables: Tables, version: int, ranks: int) -> dict[str, list[DataFile]]:
    """Find the files of each split that training reads, in one query."""
    splits = ("train", "validation")
    both = tables.files(SAMPLES, version, f"split IN {splits}")
    # A partition's files are in a folder that is named after its value.
    files = {s: [f for f in both if f.url.split("/")[-2] == f"split={s}"] for s in splits}
    for split, split_files in files.items():
        if len(split_files) < ranks:
            raise TableError(
                f"samples has {count_rows(split_files)} {split} rows in {len(split_files)} files, "
                f"fewer than training.ranks ({ranks}): run build_samples with more samples.files, "
                "or, if there are few rows, with other samples.validation_fraction and "
                "samples.test_fraction, or train with fewer ranks"
            )
    return files


def _train_on_rank(assignments: Sequence[Assignment]) -> None:
    # Runs on a rank. TensorFlow takes seconds to load, and neither the driver nor the Spark task
    # that starts the rank needs it.
    from mmdin.training.rank.loop import train_on_rank

    train_on_rank(assignments)


def _report(runs: list[Run]) -> list[Run]:
    for run in runs:
        log.info(
            "train: %s (%s) %s, best epoch %d, validation ROC AUC %s, %s parameters",
            run.run_id,
            run.label,
            run.status,
            run.best_epoch,
            _shown(run.metrics["validation_roc_auc"]),
            f"{run.parameters:,}",
        )
    return runs


def _shown(roc_auc: float | None) -> str:
    return "undefined" if roc_auc is None else f"{roc_auc:.4f}"
