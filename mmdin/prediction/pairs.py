"""Describing and scoring pairs of a user and a movie."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.features.states import States, join_states
from mmdin.finished_runs import FinishedRun
from mmdin.scoring.networks import TrainedRun, add_network_scores, network_scores

SCORED = ("user_id", "movie_id", "as_of", "user_known", "movie_known")
"""Columns of described pairs that tell which pair it is, and how well it is known."""


def describe_pairs(pairs: DataFrame, states: States) -> DataFrame:
    """Add to pairs what a network takes, mmdin.scoring.networks.ENCODED, and its readable values.

    Also adds as_of (timestamp), and user_known and movie_known (boolean): whether the training rows
    have the user, and the movie.

    Args:
        pairs: user_id, movie_id, seconds (long, the moment), and any other columns.
        states: at these moments.
    """
    return join_states(pairs, states).withColumns(
        {
            "as_of": F.timestamp_seconds("seconds"),
            "user_known": F.col("user_index") > 0,
            "movie_known": F.col("movie_index") > 0,
        }
    )


def score_pairs(
    described: DataFrame, run: FinishedRun, batch_size: int, kept: Sequence[str] = SCORED
) -> DataFrame:
    """The columns kept of described pairs, and score (double): the probability of a like.

    Args:
        described: of describe_pairs.
        run: the trained network.
        batch_size: pairs of a call of the network.
        kept: columns.

    Raises:
        TableError: if the run's checkpoint folder holds no network.
    """
    trained = [TrainedRun.of(run)]
    scored = add_network_scores(described, trained, batch_size, kept)
    (score,) = network_scores(trained)
    return scored.select(*kept, score["score"].alias("score"))
