"""The control for posters: the same posters, each at another movie."""

from invented_ratings import posters_table
from pyspark.sql import SparkSession

from mmdin.features.movies import shuffle_posters
from mmdin.inputs import POSTER_FEATURES


def test_every_movie_gets_another_movies_poster(spark: SparkSession) -> None:
    features = {m: tuple(float(m + n) for n in range(len(POSTER_FEATURES))) for m in range(3, 40)}
    table = posters_table(spark, features)

    def shuffled(seed: int) -> dict[int, tuple[float, ...]]:
        rows = shuffle_posters(table.repartition(seed), seed).collect()
        return {r["movie_id"]: tuple(r[f] for f in POSTER_FEATURES) for r in rows}

    found = shuffled(1)
    assert found.keys() == features.keys()
    assert set(found.values()) == set(features.values())
    assert all(found[m] != features[m] for m in features)
    assert shuffled(1) == found
    assert shuffled(2) != found
