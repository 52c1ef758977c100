"""Which ratings become samples, and their labels."""

from invented_ratings import invent, movies_table, posters_table, ratings_table

from mmdin.config import Samples
from mmdin.features.movies import describe_movies
from mmdin.features.scope import (
    ABOVE_MAX_MOVIE_ID,
    IN_SCOPE,
    NO_POSTER,
    keep_in_scope,
    label_ratings,
)


def test_high_ids_and_movies_without_poster_are_out_of_scope(spark):
    world = invent()
    movies = describe_movies(movies_table(spark, world.movies), posters_table(spark, world.posters))
    samples = Samples(with_posters_only=True, max_movie_id=20, positive_rating=4)
    labelled = label_ratings(ratings_table(spark, world.ratings), movies, samples)

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
        ratings_table(spark, world.ratings), movies, Samples(with_posters_only=False)
    )
    assert keep_in_scope(labelled).count() == len(world.ratings)
