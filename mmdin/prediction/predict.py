"""Scores of given pairs by one trained network."""

import logging
from collections import Counter

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config, seconds_of
from mmdin.errors import InputDataError
from mmdin.features.states import Knowledge, states_at
from mmdin.features.stored_states import refresh_states
from mmdin.finished_runs import find_run
from mmdin.ingest.pairs import read_pairs
from mmdin.ingest.rejection import kept
from mmdin.prediction.knowledge import read_knowledge, read_newest_knowledge
from mmdin.prediction.pairs import describe_pairs, score_pairs
from mmdin.schemas import MOVIE_STATES, PAIR_SCORES, REJECTED_PAIRS, USER_STATES
from mmdin.tables import Tables
from mmdin.variants import Plan

log = logging.getLogger(__name__)

_KEY = "predict.pairs"


def predict_pairs(spark: SparkSession, plan: Plan) -> None:
    """Score the pairs of predict.pairs.

    Writes pair_scores, of which it replaces the run's rows, and rejected_pairs.

    Raises:
        InputDataError: if there are no pairs, or none can be used.
        TableError: if there is no such run, or a table is missing.
    """
    config = plan.config
    run = find_run(spark, plan, config.predict.run)
    log.info("predict: run %s", run.title)
    judged = read_pairs(spark, config.predict.pairs, config.input, _KEY).persist()
    untimed = _count_pairs(judged, config.predict.pairs)
    knowledge = read_knowledge(run, config)
    pairs = kept(judged, "user_id", "movie_id", "seconds")
    if untimed:
        default = F.lit(choose_moment(knowledge, config)).cast("long")
        pairs = pairs.withColumn("seconds", F.coalesce("seconds", default))
    described = describe_pairs(pairs, states_at(knowledge, pairs, pairs))
    scored = score_pairs(described, run, config.scoring.batch_size)
    tables = Tables.of(spark, config)
    tables.write(REJECTED_PAIRS, _rejected(judged, config.predict.pairs))
    rows = scored.withColumn("run_id", F.lit(run.run_id)).select(*PAIR_SCORES.columns)
    tables.replace(PAIR_SCORES, rows, f"run_id = '{run.run_id}'")
    judged.unpersist()
    _log_scores(tables, run.run_id)


def build_states(spark: SparkSession, plan: Plan) -> None:
    """Write user_states and movie_states of each set of samples.

    Raises:
        TableError: if a table is missing.
    """
    for samples in plan.sample_sets():
        tables = Tables.of(spark, samples.config)
        knowledge = read_newest_knowledge(tables, samples.config)
        refresh_states(tables, knowledge, choose_moment(knowledge, samples.config))
        for table in (USER_STATES, MOVIE_STATES):
            count = tables.read(table).count()
            log.info("build_states: %s rows in %s", f"{count:,}", tables.label(table))


def choose_moment(knowledge: Knowledge, config: Config) -> int:
    """The second as of which is predicted: predict.as_of, or one after the newest rating."""
    given = config.predict.as_of
    return seconds_of(given) if given else knowledge.newest() + 1


def _count_pairs(judged: DataFrame, place: str) -> int:
    """Log how many pairs can be used, and return how many of them have no moment.

    Raises:
        InputDataError: if none can be used.
    """
    counted = judged.groupBy("reason").agg(
        F.count("*").alias("pairs"), F.count_if(F.col("seconds").isNull()).alias("untimed")
    )
    found = {row["reason"]: row for row in counted.collect()}
    rejected = Counter({r: row["pairs"] for r, row in found.items() if r is not None})
    usable = found[None]["pairs"] if None in found else 0
    reasons = [f"{count} x {reason}" for reason, count in sorted(rejected.items())]
    if not usable:
        problem = f"none of its {rejected.total()} rows can be used: " if reasons else "has no rows"
        raise InputDataError(f"{place}: {problem}{'; '.join(reasons)}. Nothing was written")
    log.info(
        "predict: %s: %d rows read = %d kept + %d rejected",
        *(place, usable + rejected.total(), usable, rejected.total()),
    )
    for reason in reasons:
        log.info("predict: %s:   %s", place, reason)
    untimed: int = found[None]["untimed"]
    return untimed


def _rejected(judged: DataFrame, place: str) -> DataFrame:
    rows = judged.where(F.col("reason").isNotNull())
    return rows.select(F.lit(place).alias("source"), "line", "reason")


def _log_scores(tables: Tables, run_id: str) -> None:
    rows = tables.read(PAIR_SCORES).where(F.col("run_id") == run_id)
    count, users, movies = rows.agg(
        F.count("*"), F.count_if(~F.col("user_known")), F.count_if(~F.col("movie_known"))
    ).collect()[0]
    log.info(
        "predict: %s rows into pair_scores; training has not seen the user of %s and the movie of "
        "%s",
        *(f"{number:,}" for number in (count, users, movies)),
    )
