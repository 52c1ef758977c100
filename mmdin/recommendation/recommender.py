"""What makes every list: a trained network, the ratings that are known, and what is wanted."""

import functools
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.config import Recommend
from mmdin.features.states import Knowledge, States, states_as_of
from mmdin.finished_runs import FinishedRun
from mmdin.prediction.pairs import describe_pairs, score_pairs
from mmdin.recommendation.als import Factors
from mmdin.recommendation.candidates import choose_candidates
from mmdin.recommendation.catalogue import Catalogue
from mmdin.recommendation.moments import Moment
from mmdin.recommendation.reranking import standardise

_MOST_POPULAR = 4
"""One of this many candidates is there because it is popular, and at least a list's length are."""


@dataclass(frozen=True)
class Recommender:
    """What every list is made with.

    Attributes:
        run: whose network scores.
        knowledge: all ratings, and what features are made from.
        wanted: section of the configuration.
        batch_size: rows of a call of the network.
        seed: of ALS.
        moments: the seconds as of which pairs are described.
    """

    run: FinishedRun
    knowledge: Knowledge
    wanted: Recommend
    batch_size: int
    seed: int
    moments: tuple[int, ...]

    @functools.cached_property
    def _states(self) -> States:
        """At all moments, made in one pass over the ratings."""
        return states_as_of(self.knowledge, self.moments)

    def score(self, pairs: DataFrame, seconds: int) -> DataFrame:
        """The candidates, described as of a moment, scored and standardised; computed once."""
        kept = (*pairs.columns, "as_of")
        described = self.describe(pairs, seconds)
        scored = score_pairs(described, self.run, self.batch_size, kept=kept)
        return standardise(scored).localCheckpoint()

    def describe(self, pairs: DataFrame, seconds: int) -> DataFrame:
        """Pairs with everything that the network takes, as of one of the moments."""
        at = pairs.withColumn("seconds", F.lit(seconds).cast("long"))
        return describe_pairs(at, self._states)

    def candidates(
        self, users: DataFrame, moment: Moment, factors: Factors, catalogue: Catalogue
    ) -> DataFrame:
        """The users' candidates among a catalogue's allowed movies."""
        popular = max(self.wanted.top, self.wanted.candidates // _MOST_POPULAR)
        by_score = self.wanted.candidates - popular
        return choose_candidates(users, moment.known, factors, catalogue, by_score, popular)
