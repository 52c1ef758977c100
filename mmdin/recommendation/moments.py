"""Moments at which movies are recommended: what is known then, and what users liked later."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.recommendation.als import Likes, number_likes
from mmdin.recommendation.catalogue import Catalogue, read_catalogue


@dataclass(frozen=True)
class Moment:
    """What is known at a moment.

    Attributes:
        seconds: since 1970, UTC. Only earlier ratings are known.
        known: user_id, movie_id and label of those ratings.
        catalogue: their movies.
        likes: those with label 1.
    """

    seconds: int
    known: DataFrame
    catalogue: Catalogue
    likes: Likes

    @classmethod
    def at(cls, seconds: int, ratings: DataFrame) -> "Moment":
        """The moment at this second, of ratings: user_id, movie_id, label, seconds."""
        earlier = ratings.where(F.col("seconds") < seconds)
        known = earlier.select("user_id", "movie_id", "label").localCheckpoint()
        catalogue = read_catalogue(known)
        return cls(seconds, known, catalogue, number_likes(known, catalogue))


@dataclass(frozen=True)
class HeldOut:
    """Ratings of a split by time, and the moment before the first of them.

    Attributes:
        moment: before the split.
        relevant: user_id, movie_id, is_known: the movies of the split that a user liked, and
            whether the user had rated before.
    """

    moment: Moment
    relevant: DataFrame

    @property
    def users(self) -> DataFrame:
        """The users who liked something, by user_id."""
        return self.relevant.select("user_id").distinct()


def hold_out(ratings: DataFrame, first: int, last: int) -> HeldOut:
    """Hold out the ratings from a first to a last second."""
    moment = Moment.at(first, ratings)
    liked = ratings.where(F.col("seconds").between(first, last) & (F.col("label") == 1))
    known = moment.known.select("user_id", F.lit(True).alias("was_known")).distinct()
    relevant = liked.join(known, "user_id", "left").select(
        "user_id", "movie_id", F.coalesce("was_known", F.lit(False)).alias("is_known")
    )
    return HeldOut(moment, relevant.localCheckpoint())


def split_seconds(samples: DataFrame) -> dict[str, tuple[int, int]]:
    """The first and the last second of each split of table samples."""
    seconds = F.unix_timestamp("rated_at")
    ends = samples.groupBy("split").agg(F.min(seconds).alias("first"), F.max(seconds).alias("last"))
    return {row["split"]: (row["first"], row["last"]) for row in ends.collect()}
