"""Which ratings become samples, and their labels."""

from collections import Counter

from invented_ratings import invent, movies_table, posters_table, ratings_table
from pyspark.sql import functions as F

from mmdin.config import Samples
from mmdin.features.movies import describe_movies
from mmdin.features.scope import (
    ABOVE_MAX_MOVIE_ID,
    FEW_RATINGS,
    IN_SCOPE,
    NO_POSTER,
    NOT_IN_FRACTION,
    keep_in_scope,
    label_ratings,
)


def test_high_ids_and_movies_without_poster_are_out_of_scope(spark):
    world = invent()
    movies = describe_movies(movies_table(spark, world.movies), posters_table(spark, world.posters))
    samples = Samples(with_posters_only=True, max_movie_id=20, positive_rating=4)
    labelled = label_ratings(ratings_table(spark, world.ratings), movies, samples, seed=1)

    found = {(r["user_id"], r["movie_id"]): r for r in labelled.collect()}
    assert len(found) == len(world.ratings)
    for rating in world.ratings:
        row = found[rating.key]
        assert (row["seconds"], row["label"]) == (rating.second, int(rating.stars >= 4))
        if rating.movie > 20:
            assert row["scope"] == ABOVE_MAX_MOVIE_ID
        else:
            assert row["scope"] == (IN_SCOPE if rating.movie in world.posters else NO_POSTER)
    assert keep_in_scope(labelled).count() == sum(
        row["scope"] == IN_SCOPE for row in found.values()
    )


def test_everything_is_in_scope_without_limits(spark):
    world = invent()
    movies = describe_movies(movies_table(spark, world.movies), posters_table(spark, {}))
    labelled = label_ratings(
        ratings_table(spark, world.ratings), movies, Samples(with_posters_only=False), seed=1
    )
    assert keep_in_scope(labelled).count() == len(world.ratings)


def test_users_with_few_ratings_are_out_of_scope(spark):
    world = invent()
    # Ratings of movies without poster do not count.
    of_user = Counter(r.user for r in world.ratings if r.movie in world.posters)
    fewest = sorted(of_user.values())[len(of_user) // 2]
    assert min(of_user.values()) < fewest

    movies = describe_movies(movies_table(spark, world.movies), posters_table(spark, world.posters))
    samples = Samples(with_posters_only=True, min_user_ratings=fewest)
    labelled = label_ratings(ratings_table(spark, world.ratings), movies, samples, seed=1)
    for row in labelled.where("scope <> 'no poster'").collect():
        expected = IN_SCOPE if of_user[row["user_id"]] >= fewest else FEW_RATINGS
        assert row["scope"] == expected


def test_a_larger_fraction_of_users_holds_the_smaller(spark):
    ratings = spark.range(3000).selectExpr(
        "id % 1000 AS user_id", "1L AS movie_id", "4.0D AS rating", "timestamp_seconds(id) rated_at"
    )
    movies = spark.createDataFrame([(1, True)], "movie_id long, has_poster boolean")
    kept = {}
    for fraction in (0.1, 0.5):
        labelled = label_ratings(ratings, movies, Samples(user_fraction=fraction), seed=1)
        by_scope = labelled.groupBy("user_id").agg(
            F.min("scope").alias("scope"), F.count_distinct("scope").alias("scopes")
        )
        rows = by_scope.collect()
        assert all(row["scopes"] == 1 for row in rows)  # a user stays whole
        assert {row["scope"] for row in rows} == {IN_SCOPE, NOT_IN_FRACTION}
        kept[fraction] = {row["user_id"] for row in rows if row["scope"] == IN_SCOPE}
        assert abs(len(kept[fraction]) - 1000 * fraction) < 4 * (1000 * fraction) ** 0.5
    assert kept[0.1] < kept[0.5]
