"""Training the configured networks, one after the other, from the driver."""

import itertools
import logging
from collections.abc import Collection, Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config, Training
from mmdin.errors import TableError
from mmdin.inputs import INPUTS
from mmdin.schemas import BUCKET_EDGES, SAMPLE_TABLES, SAMPLES, VOCABULARIES
from mmdin.storage import HadoopSettings, folder_at, hadoop_settings
from mmdin.tables import DataFile, Tables
from mmdin.training.assignment import Assignment, read_outcome
from mmdin.training.driver.runs import (
    Run,
    TrainingData,
    check_resumed,
    end_runs,
    find_earlier,
    record,
    start_run,
)
from mmdin.training.driver.slots import wait_for_slots
from mmdin.training.ranks import RankLostError, run_on_ranks
from mmdin.variants import Variant, sample_sets

log = logging.getLogger(__name__)


def train_networks(spark: SparkSession, variants: Sequence[Variant]) -> list[Run]:
    """Train every variant with every seed on the newest samples; a row of `runs` for each.

    Those that ended before, with the same configuration, samples and code, are not trained again;
    those that were stopped in the middle go on after their last epoch. Returns the runs trained
    now.

    Raises TableError where samples are missing or training.resume cannot be gone on with,
    ClusterError where Spark has too few slots, and TrainingFailedError where a rank fails, or is
    lost too often, after the runs are recorded as failed.
    """
    config = variants[0].config
    tables = Tables.of(spark, config)
    planned = plan_runs(spark, variants)
    wanted = [run for run, _ in planned]
    finished, going_on = find_earlier(tables, wanted)
    if config.training.resume:
        check_resumed(tables, config.training.resume, going_on.values())
    runs = [going_on.get(r.fingerprint, r) for r in wanted if r.fingerprint not in finished]
    _announce(config, wanted, finished, going_on.values())
    if not runs:
        return []
    record(tables, runs)
    data = {run.fingerprint: read for run, read in planned}
    assignments = assign(spark, [(run, data[run.fingerprint]) for run in runs])
    try:
        run_to_the_end(spark, assignments, config.training)
    except BaseException as error:
        end_runs(tables, runs, reason=f"{type(error).__name__}: {error}")
        raise
    return _report(end_runs(tables, runs))


def plan_runs(spark: SparkSession, variants: Sequence[Variant]) -> list[tuple[Run, TrainingData]]:
    """A run of every variant with every seed on the newest samples, and what it reads.

    Raises TableError where samples are missing.
    """
    data = {c.samples.name: _describe(spark, c) for c in sample_sets(list(variants))}
    return [
        (start_run(variant, seed, own), own)
        for variant in variants
        for own in [data[variant.config.samples.name]]
        for seed in variant.config.training.seeds
    ]


def assign(spark: SparkSession, runs: Sequence[tuple[Run, TrainingData]]) -> list[Assignment]:
    """What ranks are told to do for runs."""
    threads = int(spark.conf.get("spark.task.cpus", "1") or 1)
    hadoop = hadoop_settings(spark)
    return [_assign(run, data, threads, hadoop) for run, data in runs]


def run_to_the_end(spark: SparkSession, assignments: list[Assignment], training: Training) -> None:
    """Train all networks, starting again from the last epoch where a rank is lost.

    All in one launch: to start and end Horovod's processes takes 20 s each time.
    """
    for restart in itertools.count():
        left = [a for a in assignments if not read_outcome(folder_at(spark, a.checkpoint))]
        if not left:
            return  # The rank was lost after the last network had ended.
        wait_for_slots(spark, training.ranks, training.start_timeout)
        try:
            run_on_ranks(spark, _train_on_rank, [left], training.ranks, training.start_timeout)
            return
        except RankLostError as error:
            if restart == training.restarts:
                raise
            log.warning("train: %s", error)
            log.info(
                "train: starting again from the last epoch, %d of %d times (training.restarts)",
                restart + 1,
                training.restarts,
            )


def _describe(spark: SparkSession, config: Config) -> TrainingData:
    """What the runs on one set of samples read."""
    tables = Tables.of(spark, config)
    versions = {table.name: tables.version(table) for table in SAMPLE_TABLES}
    files = {
        split: _files_of(tables, versions["samples"], split, config)
        for split in ("train", "validation")
    }
    data = TrainingData(versions, vocabulary_sizes(tables, versions), files)
    log.info(
        "train: %sprotocol %s, samples version %d: %s training and %s validation rows in %d and %d "
        "files",
        f"{config.samples.name}: " if config.samples.name else "",
        config.samples.protocol,
        versions["samples"],
        *(f"{rows:,}" for rows in data.rows.values()),
        *(len(own) for own in files.values()),
    )
    return data


def _announce(
    config: Config, wanted: Sequence[Run], finished: Collection[str], going_on: Collection[Run]
) -> None:
    training = config.training
    for run in going_on:
        log.info("train: %s (%s) goes on from where it was stopped", run.run_id, run.label)
    log.info(
        "train: %d runs, of which %d ended before; %d ranks x %d rows = global batch %d",
        len(wanted),
        len(finished),
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
        checkpoint=run.checkpoint,
        threads=threads,
        hadoop=hadoop,
    )


def vocabulary_sizes(tables: Tables, versions: dict[str, int]) -> dict[str, int]:
    """Rows of every input's vocabulary, index 0 counted."""
    words = tables.read(VOCABULARIES, versions["vocabularies"])
    buckets = tables.read(BUCKET_EDGES, versions["bucket_edges"])
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
    files = tables.files(SAMPLES, version, f"split = '{split}'")
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
    from mmdin.training.rank.loop import train_on_rank

    train_on_rank(assignments)


def _report(runs: list[Run]) -> list[Run]:
    for run in runs:
        log.info(
            "train: %s (%s) %s, best epoch %d, validation ROC AUC %.4f, %s parameters",
            run.run_id,
            run.label,
            run.status,
            run.best_epoch,
            run.metrics["validation_roc_auc"],
            f"{run.parameters:,}",
        )
    return runs
