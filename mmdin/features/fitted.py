"""What building samples has fitted on training rows, read back from its tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.features.biases import Baseline, fit_baseline
from mmdin.features.buckets import Edges, edges_from_rows
from mmdin.features.neighbours import Similarities, similarities_from_rows
from mmdin.features.vocabularies import fit_vocabularies, sum_up
from mmdin.hashing import RATING
from mmdin.schemas import BUCKET_EDGES, MOVIE_SIMILARITIES, SAMPLES, VOCABULARIES
from mmdin.tables import Tables


@dataclass(frozen=True)
class Fitted:
    """What was fitted on the training rows of a set of samples.

    Attributes:
        vocabularies: rows of table vocabularies.
        edges: of buckets.
        baseline: that biases are measured against.
        similarities: of movies.
    """

    vocabularies: DataFrame
    edges: Edges
    baseline: Baseline
    similarities: Similarities


def read_fitted(tables: Tables, versions: Mapping[str, int]) -> Fitted:
    """Read what was fitted with these versions of the tables of samples, by name.

    The baseline is in no table. It is fitted again on the training rows of samples, by the code
    that fitted it when they were built.
    """
    training_rows = (
        tables.read(SAMPLES, versions[SAMPLES.name])
        .where("split = 'train'")
        .select(*RATING, "rating", "label", F.lit("train").alias("split"))
    )
    return Fitted(
        tables.read(VOCABULARIES, versions[VOCABULARIES.name]),
        edges_from_rows(tables.read(BUCKET_EDGES, versions[BUCKET_EDGES.name])),
        fit_baseline(sum_up(fit_vocabularies(training_rows))),
        similarities_from_rows(tables.read(MOVIE_SIMILARITIES, versions[MOVIE_SIMILARITIES.name])),
    )
