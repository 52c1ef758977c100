"""Table samples in SQL for DuckDB: what build_samples is measured against.

    .venv/bin/python -m benchmarks.duckdb_samples TABLES FOLDER PROTOCOL

The same columns from the same tables, written for one process that holds all in memory: windows for
point_in_time, joins with statistics out of fold for random. Samples of point_in_time equal those
of build_samples but for the order of sums; random draws other rows, since Spark's hash is not
DuckDB's, and so does the choice of the rows that bucket edges are fitted on.
"""

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import duckdb

from mmdin.config import Samples
from mmdin.features.buckets import BUCKETED, MAX_ROWS_FITTED
from mmdin.features.history import HISTORY, RATED
from mmdin.features.neighbours import MOST_MOVIES, PRIOR
from mmdin.features.tastes import BY_GENRE, LATEST
from mmdin.inputs import GENRE_SLOTS, INPUTS, POSTER_FEATURES, genre, history_genre, history_movie
from mmdin.schemas import SAMPLES

MEASURED = ("release_year", *POSTER_FEATURES)
SLOTS = range(1, GENRE_SLOTS + 1)
POSITIONS = range(1, HISTORY.length + 1)
EARLIER = "ORDER BY seconds RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"

DESCRIBED = f"""
SELECT movie_id, release_year, array_to_string(m.genres, '|') AS genres,
    {", ".join(f"m.genres[{s}] AS {genre(s)}" for s in SLOTS)},
    {", ".join(POSTER_FEATURES)}, f.movie_id IS NOT NULL AS has_poster
FROM movies m FULL JOIN poster_features f USING (movie_id)
"""

LABELLED = """
SELECT r.user_id, r.movie_id, r.rating, epoch(r.rated_at)::BIGINT AS seconds,
    (r.rating >= {positive_rating})::INT AS label, round(2 * r.rating)::INT AS half_stars
FROM ratings r JOIN described d USING (movie_id) WHERE d.has_poster
"""

SPLIT_BY_TIME = """
SELECT *, -1 AS fold, true AS in_history,
    CASE WHEN seconds < (SELECT seconds FROM labelled ORDER BY seconds LIMIT 1
            OFFSET (SELECT round({train} * count(*))::BIGINT FROM labelled)) THEN 'train'
        WHEN seconds < (SELECT seconds FROM labelled ORDER BY seconds LIMIT 1
            OFFSET (SELECT round({tested_from} * count(*))::BIGINT FROM labelled)) THEN 'validation'
        ELSE 'test' END AS split
FROM labelled
"""

SPLIT_INTO_FOLDS = """
SELECT * EXCLUDE share, split = 'train' AS in_history,
    CASE split WHEN 'train' THEN (hash(user_id, movie_id, 'fold') % {folds})::INT
        ELSE -1 END AS fold
FROM (
    SELECT *, hash(user_id, movie_id, 'split') / 18446744073709551616.0 AS share,
        CASE WHEN share < {test} THEN 'test' WHEN share < {held_out} THEN 'validation'
            ELSE 'train' END AS split
    FROM labelled
)
"""

KEYS = f"""
SELECT 'user' AS vocabulary, user_id::VARCHAR AS key, split, rating FROM split_rows
UNION ALL SELECT 'movie', movie_id::VARCHAR, split, rating FROM split_rows
UNION ALL SELECT 'genre', unnest([{", ".join(genre(s) for s in SLOTS)}]), split, rating
    FROM split_rows JOIN described USING (movie_id)
"""

VOCABULARIES = """
SELECT *, row_number() OVER (
    PARTITION BY vocabulary ORDER BY train_rows DESC, try_cast(key AS BIGINT), key)::INT AS index
FROM (
    SELECT vocabulary, key, count(*) AS train_rows, sum(rating) AS stars,
        sum(rating * rating) AS squares
    FROM keys WHERE split = 'train' AND key IS NOT NULL GROUP BY vocabulary, key
)
"""

BASELINE = """
WITH sums AS (
    SELECT vocabulary, sum(train_rows)::DOUBLE AS n, count(*) AS keys, sum(stars) AS stars,
        sum(squares) AS squares, sum(train_rows::DOUBLE ** 2) AS squared_rows,
        sum(stars ** 2 / train_rows) AS squared_stars
    FROM vocabularies GROUP BY vocabulary
), priors AS (
    SELECT vocabulary, stars / n AS mean, (squares - squared_stars) / (n - keys) AS noise,
        round(noise * (n - squared_rows / n)
            / (squared_stars - stars ** 2 / n - (keys - 1) * noise), 6) AS prior
    FROM sums
)
SELECT u.mean, m.prior AS movie_prior, u.prior AS user_prior
FROM priors u, priors m WHERE u.vocabulary = 'user' AND m.vocabulary = 'movie'
"""

INDEXED_MOVIES = f"""
SELECT d.*, coalesce(v.index, 0) AS movie_index,
    {", ".join(f"coalesce(g{s}.index, 0) AS {genre(s)}_index" for s in SLOTS)},
    {" | ".join(f"if(g{s}.index <= 62, 1::BIGINT << g{s}.index, 0)" for s in SLOTS)} AS genre_bits
FROM described d
LEFT JOIN vocabularies v ON v.vocabulary = 'movie' AND v.key = d.movie_id::VARCHAR
{
    " ".join(
        f"LEFT JOIN vocabularies g{s} ON g{s}.vocabulary = 'genre' AND g{s}.key = d.{genre(s)}"
        for s in SLOTS
    )
}
"""

MOVIES_PAST = f"""
SELECT *, count(rating) OVER earlier AS movie_rating_count, avg(rating) OVER earlier
    AS movie_rating_mean, stddev_pop(rating) OVER earlier AS movie_rating_stddev
FROM split_rows WINDOW earlier AS (PARTITION BY movie_id {EARLIER})
"""

SEEN = "SELECT s.*, v.view FROM split_rows s JOIN views v ON v.view != s.fold WHERE s.in_history"

MOVIE_VIEWS = """
SELECT movie_id, view, count(*) AS movie_rating_count, avg(rating) AS movie_rating_mean,
    stddev_pop(rating) AS movie_rating_stddev
FROM seen GROUP BY movie_id, view
"""

MOVIES_SEEN = """
SELECT s.*, coalesce(v.movie_rating_count, 0) AS movie_rating_count, v.movie_rating_mean,
    v.movie_rating_stddev
FROM split_rows s LEFT JOIN movie_views v ON v.movie_id = s.movie_id AND v.view = s.fold
"""

RESIDUALS = """
SELECT p.*, coalesce(movie_rating_count * (movie_rating_mean - b.mean)
        / (movie_rating_count + b.movie_prior), 0) AS movie_bias,
    rating - b.mean - movie_bias AS residual
FROM movies_past p, baseline b
"""

COMPARED = """
SELECT r.* EXCLUDE trained, row_number() OVER () AS id, round((trained - sum(trained) OVER of_user
    / (count(trained) OVER of_user + b.user_prior)) * 256) / 256 AS deviation
FROM (SELECT *, CASE split WHEN 'train' THEN residual END AS trained FROM residuals) r, baseline b
WINDOW of_user AS (PARTITION BY user_id)
"""

SIMILARITIES = f"""
WITH used AS (
    SELECT user_id, movie_index, deviation FROM compared JOIN indexed USING (movie_id)
    WHERE deviation IS NOT NULL AND movie_index BETWEEN 1 AND {MOST_MOVIES}
)
SELECT a.movie_index AS movie, b.movie_index AS other, count(*) AS common,
    sum(a.deviation * b.deviation)::FLOAT AS products
FROM used a JOIN used b USING (user_id) GROUP BY movie, other
"""

STATISTICS = ", ".join(
    (
        "count(*) {over} AS user_rating_count",
        "avg(rating) {over} AS user_rating_mean",
        "sum(residual) {over} AS user_residuals",
        f"count({POSTER_FEATURES[0]}) {{over}} AS user_poster_count",
        *(
            f"{function}({column}) {{over}} AS user_{column}_{name}"
            for column in MEASURED
            for name, function in (("mean", "avg"), ("stddev", "stddev_pop"))
        ),
        f"sum(CASE WHEN {POSTER_FEATURES[0]} IS NOT NULL THEN residual END) {{over}}"
        " AS user_poster_residuals",
        *(f"sum(residual * {f}) {{over}} AS user_{f}_products" for f in POSTER_FEATURES),
    )
)

POSTER_BIAS = " + ".join(
    f"(user_{f}_products - user_poster_residuals * user_{f}_mean) * ({f} - user_{f}_mean)"
    f" / (user_poster_count * user_{f}_stddev ** 2 + 0.2)"
    for f in POSTER_FEATURES
)

USERS_PAST = f"""
SELECT c.*, {STATISTICS.format(over="OVER earlier")}
FROM (SELECT c.*, i.* EXCLUDE (movie_id) FROM compared c JOIN indexed i USING (movie_id)) c
WINDOW earlier AS (PARTITION BY user_id {EARLIER})
"""

USER_VIEWS = f"""
SELECT user_id, view, {STATISTICS.format(over="")}
FROM (
    SELECT s.user_id, s.view, s.rating, i.*, s.rating - b.mean
        - (v.movie_rating_count * v.movie_rating_mean - s.rating
            - (v.movie_rating_count - 1) * b.mean)
        / (v.movie_rating_count - 1 + b.movie_prior) AS residual
    FROM seen s JOIN indexed i USING (movie_id) JOIN movie_views v ON v.movie_id = s.movie_id
        AND v.view = s.view, baseline b
)
GROUP BY user_id, view
"""

USERS_SEEN = """
SELECT c.*, i.* EXCLUDE (movie_id), coalesce(v.user_rating_count, 0) AS user_rating_count,
    v.* EXCLUDE (user_id, view, user_rating_count)
FROM compared c JOIN indexed i USING (movie_id)
LEFT JOIN user_views v ON v.user_id = c.user_id AND v.view = c.fold
"""

HELD = """
SELECT user_id, seconds, movie_id, movie_index, residual, deviation, genre_bits,
    row_number() OVER (PARTITION BY user_id ORDER BY seconds, movie_id) AS number
FROM compared JOIN indexed USING (movie_id) WHERE {among}
"""

LAST_OF_SECOND = """
SELECT user_id, seconds, max(number) AS number FROM {held} GROUP BY user_id, seconds
"""

NUMBERED = f"""
SELECT u.*, coalesce(user_residuals / (user_rating_count + b.user_prior), 0) AS user_bias,
    coalesce({POSTER_BIAS}, 0) AS poster_bias,
    coalesce(r.number, 0) AS rated, coalesce(l.number, 0) AS liked
FROM users_past u
ASOF LEFT JOIN last_rated r ON r.user_id = u.user_id AND u.seconds > r.seconds
ASOF LEFT JOIN last_liked l ON l.user_id = u.user_id AND u.seconds > l.seconds, baseline b
"""

LOOKED_BACK = f"""
WITH pairs AS (
    SELECT id, user_id, movie_index, deviation, user_bias, genre_bits, rated,
        unnest(range(greatest(rated - {RATED.length - 1}, 1), rated + 1)) AS number
    FROM numbered
), weighted AS (
    SELECT p.id, p.rated - h.number AS back, h.residual - p.user_bias AS excess,
        coalesce(bit_count(p.genre_bits & h.genre_bits)
            / nullif(sqrt(bit_count(p.genre_bits)::INT * bit_count(h.genre_bits)), 0), 0) AS alike,
        CASE WHEN s.common > (p.deviation * h.deviation IS NOT NULL)::INT
            THEN greatest(s.products - coalesce(p.deviation * h.deviation, 0), 0)
                / (s.common - (p.deviation * h.deviation IS NOT NULL)::INT + {PRIOR}) / v.variance
            ELSE 0 END AS similarity
    FROM pairs p JOIN held_rated h USING (user_id, number)
    LEFT JOIN similarities s ON s.movie = p.movie_index AND s.other = h.movie_index,
    (SELECT sum(products) / sum(common) AS variance FROM similarities WHERE movie = other) v
)
SELECT id,
    sum(excess) FILTER (back < {LATEST}) / (count(*) FILTER (back < {LATEST}) + 3) AS recent_bias,
    sum(excess * alike) FILTER (back < {BY_GENRE})
        / (sum(alike) FILTER (back < {BY_GENRE}) + 2) AS genre_bias,
    sum(excess * similarity) / (sum(similarity) + 1) AS neighbour_bias
FROM weighted GROUP BY id
"""


def _history() -> str:
    columns = []
    for p in POSITIONS:
        name = history_movie(p)
        columns += [f"h{p}.movie_id AS {name}", f"coalesce(h{p}.movie_index, 0) AS {name}_index"]
        columns += [
            f"coalesce(m{p}.{genre(s)}_index, 0) AS {history_genre(p, s)}_index" for s in SLOTS
        ]
    return ", ".join(columns)


VALUES = f"""
SELECT n.*, coalesce(v.index, 0) AS user_index, to_timestamp(n.seconds) AS rated_at,
    hour(rated_at)::INT AS hour_of_day, dayofweek(rated_at)::INT + 1 AS day_of_week,
    coalesce(b.recent_bias, 0) AS recent_bias, coalesce(b.genre_bias, 0) AS genre_bias,
    coalesce(b.neighbour_bias, 0) AS neighbour_bias, {_history()}
FROM numbered n LEFT JOIN looked_back b USING (id)
LEFT JOIN vocabularies v ON v.vocabulary = 'user' AND v.key = n.user_id::VARCHAR
{
    " ".join(
        f"LEFT JOIN held_liked h{p} ON h{p}.user_id = n.user_id "
        f"AND h{p}.number = n.liked - {p - 1} "
        f"LEFT JOIN indexed m{p} ON m{p}.movie_id = h{p}.movie_id"
        for p in POSITIONS
    )
}
"""

SAVED = """
COPY (SELECT {columns} FROM sample_values ORDER BY split, hash(user_id, movie_id))
TO '{folder}' (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (split))
"""


def write_samples(tables: Path, folder: Path, samples: Samples) -> None:
    """Read ratings, movies and poster_features, and write the samples as Parquet.

    Args:
        tables: folder of the three Delta tables, each written once.
        folder: to write to; must not exist.
        samples: protocol, fractions, folds, buckets and positive_rating are heeded.
    """
    threads = len(os.sched_getaffinity(0))
    settings = {"threads": threads, "temp_directory": f"{folder}.tmp"}
    with duckdb.connect(config=settings) as database:
        database.execute("SET TimeZone = 'UTC'")
        for name in ("ratings", "movies", "poster_features"):
            database.execute(f"CREATE VIEW {name} AS FROM '{tables / name}/*.parquet'")
        steps = list(_steps(samples))
        for number, (name, query) in enumerate(steps, 1):
            database.execute(f"CREATE TEMP TABLE {name} AS {query}")
            _drop_unused(database, [later for _, later in steps[number:]])
        columns = ", ".join(_columns(database, samples.buckets))
        database.execute(SAVED.format(columns=columns, folder=folder))


def _drop_unused(database: duckdb.DuckDBPyConnection, later: list[str]) -> None:
    """Drop tables that no later step names, but for sample_values: they would fill the memory."""
    named = set(re.findall(r"\w+", " ".join(later))) | {"sample_values"}
    for (table,) in database.sql("SELECT table_name FROM duckdb_tables()").fetchall():
        if table not in named:
            database.execute(f"DROP TABLE {table}")


def _steps(samples: Samples) -> Iterable[tuple[str, str]]:
    held_out = samples.validation_fraction + samples.test_fraction
    by_time = samples.protocol == "point_in_time"
    yield "described", DESCRIBED
    yield "labelled", LABELLED.format(positive_rating=samples.positive_rating)
    if by_time:
        shares = {"train": 1 - held_out, "tested_from": 1 - samples.test_fraction}
        yield "split_rows", SPLIT_BY_TIME.format(**shares)
    else:
        shares = {"test": samples.test_fraction, "held_out": held_out}
        yield "split_rows", SPLIT_INTO_FOLDS.format(folds=samples.folds, **shares)
    yield "keys", KEYS
    yield "vocabularies", VOCABULARIES
    yield "baseline", BASELINE
    yield "indexed", INDEXED_MOVIES
    if by_time:
        yield "movies_past", MOVIES_PAST
    else:
        yield "views", f"SELECT unnest(range(-1, {samples.folds})) AS view"
        yield "seen", SEEN
        yield "movie_views", MOVIE_VIEWS
        yield "movies_past", MOVIES_SEEN
    yield "residuals", RESIDUALS
    yield "compared", COMPARED
    yield "similarities", SIMILARITIES
    if by_time:
        yield "users_past", USERS_PAST
    else:
        yield "user_views", USER_VIEWS
        yield "users_past", USERS_SEEN
    yield "held_rated", HELD.format(among="in_history")
    yield "held_liked", HELD.format(among="in_history AND label = 1")
    yield "last_rated", LAST_OF_SECOND.format(held="held_rated")
    yield "last_liked", LAST_OF_SECOND.format(held="held_liked")
    yield "numbered", NUMBERED
    yield "looked_back", LOOKED_BACK
    yield "sample_values", VALUES


def _columns(database: duckdb.DuckDBPyConnection, buckets: int) -> list[str]:
    """The columns of samples, those in buckets computed from quantiles of the training rows."""
    shares = [n / buckets for n in range(1, buckets)]
    quantiles = ", ".join(f"quantile_disc({i.value}, {shares}), min({i.value})" for i in BUCKETED)
    found = database.execute(
        f"SELECT {quantiles} FROM (SELECT * FROM sample_values WHERE split = 'train' "
        f"USING SAMPLE {MAX_ROWS_FITTED} ROWS)"
    ).fetchone()
    assert found is not None
    cut = {}
    for i, edges, least in zip(BUCKETED, found[::2], found[1::2], strict=True):
        above = sorted({e for e in edges or () if e > least})
        passed = " + ".join(f"({i.value} >= {edge!r})::INT" for edge in above) or "0"
        cut[i.column] = f"coalesce(1 + {passed}, 0) AS {i.column}"
    encoded = {i.column for i in INPUTS}
    return [cut.get(c, c) if c in encoded else c for c in SAMPLES.columns]


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]), Path(sys.argv[2]), Samples(protocol=sys.argv[3]))
