"""ALS's setting and the network's weight, chosen on validation rows and measured on test rows."""

import logging
from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.evaluation.ranking import RankedLists, measure_lists, measure_users
from mmdin.metrics import RANKING_METHODS
from mmdin.recommendation.als import SETTINGS, Factors, Setting, factorise
from mmdin.recommendation.candidates import choose_candidates
from mmdin.recommendation.moments import HeldOut
from mmdin.recommendation.recommender import Recommender
from mmdin.recommendation.reranking import ALS, choose_weight, rank_candidates

log = logging.getLogger(__name__)


def choose_setting(held_out: HeldOut, recommender: Recommender) -> tuple[Setting, Factors]:
    """The setting of ALS whose lists have the highest NDCG, and its factors."""
    moment, top = held_out.moment, recommender.wanted.top
    best: tuple[float, Setting, Factors] | None = None
    for setting in SETTINGS:
        factors = factorise(moment.likes, moment.catalogue, setting, recommender.seed)
        catalogue, users = moment.catalogue, held_out.users
        candidates = choose_candidates(users, moment.known, factors, catalogue, top, top)
        lists = rank_candidates(candidates, 0.0, top, (ALS,))
        ranked = _ranked(held_out, lists, (ALS,), top)
        (mean,) = measure_users(ranked).agg(F.avg("ndcg")).collect()[0]
        reached = 0.0 if mean is None else float(mean)
        log.info("recommend: ALS, %s: validation NDCG@%d %.4f", setting, top, reached)
        if best is None or reached > best[0]:
            best = reached, setting, factors
    assert best is not None
    return best[1], best[2]


def weigh_network(held_out: HeldOut, factors: Factors, recommender: Recommender) -> float:
    """The weight of the network whose lists have the highest NDCG."""
    moment = held_out.moment
    candidates = recommender.candidates(held_out.users, moment, factors, moment.catalogue)
    scored = recommender.score(candidates, moment.seconds)
    weight = choose_weight(scored, held_out.relevant, recommender.wanted.top, recommender.seed)
    log.info("recommend: weight of the network: %g", weight)
    return weight


def measure(
    held_out: HeldOut, recommender: Recommender, setting: Setting, weight: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of RANKING_METRICS and RANKING_DIFFERENCES, less run_id."""
    moment, top = held_out.moment, recommender.wanted.top
    factors = factorise(moment.likes, moment.catalogue, setting, recommender.seed)
    candidates = recommender.candidates(held_out.users, moment, factors, moment.catalogue)
    scored = recommender.score(candidates, moment.seconds)
    lists = rank_candidates(scored, weight, top).select("method", "user_id", "rank", "movie_id")
    metrics, differences = measure_lists(
        _ranked(held_out, lists.localCheckpoint(), RANKING_METHODS, top)
    )
    return [{**row, "network_weight": weight} for row in metrics], differences


def _ranked(held_out: HeldOut, lists: DataFrame, methods: Sequence[str], top: int) -> RankedLists:
    catalogue = held_out.moment.catalogue.numbered(lists.sparkSession).select("movie_id", "share")
    return RankedLists(lists, held_out.relevant, catalogue, methods, top)
