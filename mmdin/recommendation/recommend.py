"""Recommendations by a trained network, and how good such lists are on later ratings.

Candidates come from ALS and from popularity, and the network orders them together with the
candidate score. ALS's setting and the network's weight are chosen on validation rows, with what was
known before them; the lists are measured on test rows, with what was known before those; and
movies are recommended with all that is known.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from mmdin.config import Recommend
from mmdin.errors import InputDataError
from mmdin.finished_runs import FinishedRun, find_run
from mmdin.local_rows import local_rows
from mmdin.networks import NETWORKS
from mmdin.prediction.knowledge import read_knowledge
from mmdin.prediction.predict import choose_moment
from mmdin.recommendation.als import SETTINGS, Setting, checkpoints_in, factorise
from mmdin.recommendation.catalogue import Catalogue, allow
from mmdin.recommendation.choosing import choose_setting, measure, weigh_network
from mmdin.recommendation.console import NOT_BY_TIME, format_list, format_ranking
from mmdin.recommendation.moments import HeldOut, Moment, hold_out, split_seconds
from mmdin.recommendation.reasons import find_reasons
from mmdin.recommendation.recommender import Recommender
from mmdin.recommendation.reranking import (
    COMBINED,
    rank_candidates,
)
from mmdin.schemas import (
    MOVIES,
    RANKING_DIFFERENCES,
    RANKING_METRICS,
    REASONS,
    RECOMMENDATIONS,
    SAMPLES,
    Table,
)
from mmdin.scoring.networks import TrainedRun
from mmdin.storage import join
from mmdin.tables import Tables
from mmdin.variants import Plan

log = logging.getLogger(__name__)

Rows = Sequence[Mapping[str, Any]]


def write_recommendations(spark: SparkSession, plan: Plan) -> None:
    """Recommend movies to users, and measure such lists on test rows.

    Writes recommendations, reasons, ranking_metrics and ranking_differences of the run that scores;
    rows of other runs stay.

    Raises:
        ConfigurationError: no movie passes the filters.
        InputDataError: there is nothing left to recommend.
        TableError: there is no finished run, or a table is missing.
    """
    config, tables = plan.config, Tables.of(spark, plan.config)
    run = find_run(spark, plan, config.recommend.run)
    log.info("recommend: with %s", run.title)
    knowledge, batch_size = read_knowledge(run, config), config.scoring.batch_size
    moment = Moment.at(choose_moment(knowledge, config), knowledge.ratings)
    movies = tables.read(MOVIES)
    catalogue = allow(moment.catalogue, movies, config.recommend)
    held_out = _hold_out(run, knowledge.ratings)
    moments = (moment.seconds, *(split.moment.seconds for split in held_out))
    recommender = Recommender(run, knowledge, config.recommend, batch_size, config.seed, moments)
    with checkpoints_in(spark, join(config.root, "als")):
        chosen = _choose_and_measure(recommender, held_out)
        listed = _list(recommender, moment, catalogue, chosen)
    reasons = _explain(recommender, listed, moment)
    written = {
        RECOMMENDATIONS: listed,
        REASONS: reasons,
        RANKING_METRICS: _of_rows(spark, RANKING_METRICS, chosen.metrics, run.run_id),
        RANKING_DIFFERENCES: _of_rows(spark, RANKING_DIFFERENCES, chosen.differences, run.run_id),
    }
    for table, rows in written.items():
        tables.replace(table, rows.select(*table.columns), f"run_id = '{run.run_id}'")
    log.info("recommend: %s rows into %s", f"{listed.count():,}", RECOMMENDATIONS.name)
    _show(listed, reasons, movies, config.recommend)


class _Chosen(NamedTuple):
    """What the order of lists follows, and how good such lists are.

    Attributes:
        setting: of ALS.
        weight: of the network.
        metrics: rows of RANKING_METRICS, less run_id.
        differences: rows of RANKING_DIFFERENCES, less run_id.
    """

    setting: Setting
    weight: float
    metrics: Rows = ()
    differences: Rows = ()


def _hold_out(run: FinishedRun, ratings: DataFrame) -> Sequence[HeldOut]:
    """The ratings of the validation rows' time, and those of the test rows'.

    None under other protocols than point_in_time: nothing can be chosen or measured honestly.
    """
    if run.settings["samples"]["protocol"] != "point_in_time":
        return ()
    seconds = split_seconds(run.tables.read(SAMPLES, run.table_versions[SAMPLES.name]))
    return [hold_out(ratings, *seconds[split]) for split in ("validation", "test")]


def _choose_and_measure(recommender: Recommender, held_out: Sequence[HeldOut]) -> _Chosen:
    """ALS's setting and the network's weight, chosen on validation rows and measured on test rows.

    Args:
        recommender: makes the lists.
        held_out: of _hold_out.
    """
    run, given = recommender.run, recommender.wanted.network_weight
    if not held_out:
        weight = given or 0.0
        words = NOT_BY_TIME.format(protocol=run.settings["samples"]["protocol"])
        log.info("recommend: %s. The network's weight cannot be chosen either: %g", words, weight)
        return _Chosen(SETTINGS[0], weight)
    validation, test = held_out
    setting, factors = choose_setting(validation, recommender)
    weight = weigh_network(validation, factors, recommender) if given is None else given
    metrics, differences = measure(test, recommender, setting, weight)
    if metrics:
        log.info("\n%s", format_ranking(metrics, differences))
    return _Chosen(setting, weight, metrics, differences)


def _list(
    recommender: Recommender, moment: Moment, catalogue: Catalogue, chosen: _Chosen
) -> DataFrame:
    """The rows of RECOMMENDATIONS, computed once.

    Raises:
        InputDataError: there are none.
    """
    factors = factorise(moment.likes, moment.catalogue, chosen.setting, recommender.seed)
    users = _users(moment, recommender.wanted)
    candidates = recommender.candidates(users, moment, factors, catalogue)
    scored = recommender.score(candidates, moment.seconds)
    ranked = rank_candidates(scored, chosen.weight, recommender.wanted.top, (COMBINED,))
    of_run = ranked.withColumn("run_id", F.lit(recommender.run.run_id))
    listed = of_run.select(*RECOMMENDATIONS.columns).localCheckpoint()
    if listed.isEmpty():
        raise InputDataError(
            "recommend.users: they have rated every movie that passes recommend.genres, "
            "recommend.release_years and recommend.min_ratings: allow more, or name other users"
        )
    return listed


def _explain(recommender: Recommender, listed: DataFrame, moment: Moment) -> DataFrame:
    """The rows of REASONS, computed once; none if the network has no attention."""
    run = recommender.run
    if not NETWORKS[run.model].has_attention:
        return local_rows(listed.sparkSession, [], REASONS.schema)
    pairs = listed.select("user_id", "movie_id", "rank")
    described = recommender.describe(pairs, moment.seconds)
    return find_reasons(described, TrainedRun.of(run)).localCheckpoint()


def _users(moment: Moment, wanted: Recommend) -> DataFrame:
    """user_id of those who get a list."""
    known = moment.known.select("user_id").distinct()
    if not wanted.users:
        return known
    users = ((user,) for user in dict.fromkeys(wanted.users))
    listed = local_rows(known.sparkSession, users, StructType().add("user_id", "long"))
    new = listed.join(known, "user_id", "left_anti").count()
    if new:
        log.info(
            "recommend: %d of the users of recommend.users have no rating in scope; they get what "
            "is popular, in the network's order for a new user",
            new,
        )
    return listed


def _show(listed: DataFrame, reasons: DataFrame, movies: DataFrame, wanted: Recommend) -> None:
    """Log the list of the first user of recommend.users, or of the lowest user_id."""
    shown = listed.where(F.col("user_id").isin(list(wanted.users))) if wanted.users else listed
    user_id = shown.agg(F.min("user_id")).collect()[0][0]
    user = F.col("user_id") == user_id
    rows = [row.asDict() for row in listed.where(user).orderBy("rank").collect()]
    because = [row.asDict() for row in reasons.where(user).orderBy("rank", "place").collect()]
    ids = {row["movie_id"] for row in rows} | {row["liked_movie_id"] for row in because}
    titles = {movie_id: f"movie {movie_id}" for movie_id in ids}
    found = movies.where(F.col("movie_id").isin(list(ids))).select("movie_id", "title").collect()
    titles |= {row["movie_id"]: row["title"] for row in found if row["title"]}
    log.info("\n%s", format_list(user_id, rows, because, titles))


def _of_rows(spark: SparkSession, table: Table, rows: Rows, run_id: str) -> DataFrame:
    values = [tuple({**row, "run_id": run_id}[c] for c in table.columns) for row in rows]
    return local_rows(spark, values, table.schema).coalesce(1)
