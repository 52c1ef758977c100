"""The order of a user's candidates: by candidate score and network together, or by one of them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin.hashing import hashed_order
from mmdin.metrics import RANKING_METHODS
from mmdin.scoring.logistic import log_odds

log = logging.getLogger(__name__)

POPULARITY, ALS, NETWORK, COMBINED = RANKING_METHODS
"""Orders of candidates. The first two are what they are without a network: the candidates hold the
best movies of the whole catalogue by either."""

WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Weights of the network that are tried."""

MOST_USERS = 10_000
"""Users whose candidates choose the weight; if there are more, a seeded hash chooses among them."""

Floats = NDArray[np.float64]


def standardise(scored: DataFrame) -> DataFrame:
    """Add candidate_z and network_z, from the candidate score and the network's log-odds.

    Each is the number less its mean over the user's candidates, by its deviation there.

    Args:
        scored: user_id, candidate_score, and score, the network's probability.
    """
    with_logit = scored.withColumn("logit", log_odds(F.col("score")))
    columns = {"candidate_z": _within_user("candidate_score"), "network_z": _within_user("logit")}
    return with_logit.withColumns(columns).drop("logit")


def _within_user(column: str) -> Column:
    user = Window.partitionBy("user_id")
    deviation = F.stddev_pop(column).over(user)
    standardised = (F.col(column) - F.avg(column).over(user)) / deviation
    return F.when(deviation > 0, standardised).otherwise(0.0)


def rank_candidates(
    standardised: DataFrame, weight: float, top: int, methods: Sequence[str] = RANKING_METHODS
) -> DataFrame:
    """The first `top` candidates of each user by each method.

    Args:
        standardised: of standardise.
        weight: of the network in the combined order.
        top: length of the lists.
        methods: of RANKING_METHODS.

    Returns:
        method, rank (int), and the columns of the candidates.
    """
    values = {
        POPULARITY: F.col("popularity"),
        ALS: F.col("candidate_score"),
        NETWORK: F.col("score"),
        COMBINED: (1 - weight) * F.col("candidate_z") + weight * F.col("network_z"),
    }
    by_method = [
        F.struct(F.lit(method).alias("method"), values[method].alias("value")) for method in methods
    ]
    # Of candidates that are equal by one method, the better by the candidate score comes first.
    order = (F.desc("value"), F.desc("candidate_score"), "movie_id")
    rank = F.row_number().over(Window.partitionBy("method", "user_id").orderBy(*order))
    listed = standardised.select("*", F.inline(F.array(*by_method)))
    return listed.withColumn("rank", rank).where(F.col("rank") <= top).drop("value")


def choose_weight(standardised: DataFrame, relevant: DataFrame, top: int, seed: int) -> float:
    """The weight of the network with which the lists of validation users have the highest NDCG.

    Of equals, the smallest. Logs the NDCG of every weight.

    Args:
        standardised: of standardise, of users with a relevant movie.
        relevant: user_id, movie_id.
        top: length of the lists.
        seed: of the choice of users, if there are many.
    """
    by_chance = hashed_order(seed, "recommend", ("user_id",))
    users = relevant.groupBy("user_id").agg(F.count("*").alias("relevant"))
    chosen = users.orderBy(by_chance).limit(MOST_USERS)
    hits = relevant.select("user_id", "movie_id", F.lit(1.0).alias("gain"))
    rows = standardised.join(chosen, "user_id").join(hits, ["user_id", "movie_id"], "left")
    columns = ("user_id", "movie_id", "candidate_z", "network_z", "relevant", "gain")
    table = rows.select(*columns).fillna(0.0, ["gain"]).toArrow()
    reached = ndcg_by_weight(Candidates.of(table), top)
    log.info(
        "recommend: NDCG@%d of %s validation users, by weight of the network: %s",
        top,
        f"{len(np.unique(table['user_id'])):,}",
        ", ".join(f"{weight:g} {ndcg:.4f}" for weight, ndcg in reached.items()),
    )
    return max(reached, key=lambda weight: (reached[weight], -weight))


@dataclass(frozen=True)
class Candidates:
    """Candidates of some users, with what decides their order.

    Attributes:
        user: number of the user from 0, ascending.
        candidate: standardised candidate scores; of a user, the highest first.
        network: standardised scores of the network.
        gain: 1.0 if the movie is relevant, else 0.0.
        relevant: relevant movies of each user, candidates or not.
    """

    user: NDArray[np.intp]
    candidate: Floats
    network: Floats
    gain: Floats
    relevant: NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table) -> "Candidates":
        """Of the columns user_id, movie_id, candidate_z, network_z, relevant and gain."""
        order = [("user_id", "ascending"), ("candidate_z", "descending"), ("movie_id", "ascending")]
        columns = {c: table.sort_by(order)[c].to_numpy() for c in table.column_names}
        _, first, user = np.unique(columns["user_id"], return_index=True, return_inverse=True)
        candidate, network, gain = (columns[c] for c in ("candidate_z", "network_z", "gain"))
        return cls(user, candidate, network, gain, columns["relevant"][first])


def ndcg_by_weight(candidates: Candidates, top: int) -> Mapping[float, float]:
    """The mean NDCG over users of the order by each of WEIGHTS."""
    discounts = 1 / np.log2(np.arange(2, top + 2))
    ideal = np.cumsum(discounts)[np.minimum(candidates.relevant, top) - 1]
    starts = np.searchsorted(candidates.user, np.arange(len(ideal)))
    reached = {}
    for weight in WEIGHTS:
        value = (1 - weight) * candidates.candidate + weight * candidates.network
        # Stable, so that equals stay in the order of the candidate score.
        order = np.lexsort((-value, candidates.user))
        place = np.arange(len(order)) - starts[candidates.user]
        is_listed = place < top
        gains = candidates.gain[order][is_listed] * discounts[place[is_listed]]
        sums = np.bincount(candidates.user[is_listed], gains, minlength=len(ideal))
        reached[weight] = float(np.mean(sums / ideal))
    return reached
