"""Every feature of every rating worked out one at a time, as the definitions say it."""

import bisect
import math
import statistics
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from invented_ratings import Movie, Rating, World

from mmdin import inputs

Values = dict[str, Any]
Knows = Callable[[Rating, Rating], bool]
"""Whether the first rating's row may know of the second rating."""

Compared = Callable[[Rating, Rating, Rating], bool]
"""Whether the first rating's row, when it compares the second with its movie's other ratings, may
know of the third."""

NO_POSTER = (None,) * len(inputs.POSTER_FEATURES)


def slow_values(
    world: World,
    statistics_know: Knows,
    history_knows: Knows,
    compared_with: Compared,
    training: list[Rating],
) -> list[Values]:
    """The readable columns of samples for each rating, in the world's order."""
    mean = statistics.fmean(r.stars for r in training)
    movie_prior = slow_prior([(r.movie, r.stars) for r in training])
    user_prior = slow_prior([(r.user, r.stars) for r in training])

    def movie_bias(movie: int, known: list[Rating]) -> float:
        return _shrunken([r.stars - mean for r in known if r.movie == movie], movie_prior)

    def residual(row: Rating, rating: Rating) -> float:
        others = [r for r in world.ratings if compared_with(row, rating, r)]
        return rating.stars - mean - movie_bias(rating.movie, others)

    def own_residual(rating: Rating) -> float:
        known = [r for r in world.ratings if statistics_know(rating, r)]
        return rating.stars - mean - movie_bias(rating.movie, known)

    deviations = _deviations({r: own_residual(r) for r in training}, user_prior)
    rows: list[Values] = []
    for row in world.ratings:
        known = [r for r in world.ratings if statistics_know(row, r)]
        by_user = [r for r in known if r.user == row.user]
        residuals = [residual(row, r) for r in by_user]
        rows.append(
            {
                **_own_values(world, row),
                **_movie_statistics([r for r in known if r.movie == row.movie]),
                **_user_statistics(world, by_user),
                **_history(world, row, history_knows),
                "movie_bias": movie_bias(row.movie, known),
                "user_bias": _shrunken(residuals, user_prior),
                "poster_bias": _poster_bias(world, row, by_user, residuals),
            }
        )
        earlier = [r for r in world.ratings if r.user == row.user and history_knows(row, r)]
        latest = sorted(earlier, key=lambda r: (r.second, r.movie), reverse=True)[:50]
        above = [(r, own_residual(r) - rows[-1]["user_bias"]) for r in latest]
        rows[-1] |= _tastes(world, row, above)
        rows[-1]["neighbour_bias"] = _neighbour_bias(row, above, deviations)
    return rows


Deviations = dict[Rating, float]


def _deviations(residuals: dict[Rating, float], user_prior: float) -> Deviations:
    """Of each training rating, by how much its residual is above the user's."""
    deviations = {}
    for rating, residual in residuals.items():
        of_user = [x for r, x in residuals.items() if r.user == rating.user]
        deviations[rating] = round((residual - _shrunken(of_user, user_prior)) * 256) / 256
    return deviations


def _neighbour_bias(
    row: Rating, above: list[tuple[Rating, float]], deviations: Deviations
) -> float:
    """Of a user's latest ratings, and by how much each is above the user's bias."""
    by_movie: dict[int, dict[int, float]] = {}
    for rating, deviation in deviations.items():
        by_movie.setdefault(rating.movie, {})[rating.user] = deviation
    variance = statistics.fmean(d * d for d in deviations.values())

    def similarity(rating: Rating) -> float:
        mine, other = by_movie.get(row.movie, {}), by_movie.get(rating.movie, {})
        products = {user: mine[user] * other[user] for user in {*mine} & {*other}}
        total = float(np.float32(sum(products.values())))
        if row in deviations and rating in deviations:
            total -= products.pop(row.user)
        return max(total, 0) / (len(products) + 100) / variance if products else 0.0

    weighted = [(similarity(r), a) for r, a in above]
    return sum(w * a for w, a in weighted) / (sum(w for w, _ in weighted) + 1)


def _tastes(world: World, row: Rating, above: list[tuple[Rating, float]]) -> Values:
    """Of a user's latest ratings, and by how much each is above the user's bias."""

    def genres(movie: int) -> set[str]:
        return set(world.movies[movie].genres[:5]) if movie in world.movies else set()

    def likeness(movie: int) -> float:
        mine, other = genres(row.movie), genres(movie)
        return len(mine & other) / math.sqrt(len(mine) * len(other)) if mine and other else 0.0

    by_genre = [(likeness(r.movie), a) for r, a in above[:20]]
    return {
        "genre_bias": sum(w * a for w, a in by_genre) / (sum(w for w, _ in by_genre) + 2),
        "recent_bias": sum(a for _, a in above[:10]) / (len(above[:10]) + 3),
    }


def _poster_bias(world: World, row: Rating, rated: list[Rating], residuals: list[float]) -> float:
    """Of a user's ratings, and by how much each is above the movie's bias."""
    seen = [
        (world.posters[r.movie], x)
        for r, x in zip(rated, residuals, strict=True)
        if r.movie in world.posters
    ]
    if row.movie not in world.posters or not seen:
        return 0.0
    mean = statistics.fmean(x for _, x in seen)
    total = 0.0
    for place, of_movie in enumerate(world.posters[row.movie]):
        middle = statistics.fmean(poster[place] for poster, _ in seen)
        products = sum((poster[place] - middle) * (x - mean) for poster, x in seen)
        squares = sum((poster[place] - middle) ** 2 for poster, _ in seen)
        total += products / (squares + 0.2) * (of_movie - middle)
    return total


def slow_prior(rated: list[tuple[int, float]]) -> float:
    """The variance of one key's ratings over the variance of keys' means."""
    groups: dict[int, list[float]] = {}
    for key, stars in rated:
        groups.setdefault(key, []).append(stars)
    everything, sizes = [stars for _, stars in rated], [len(g) for g in groups.values()]
    rows, keys = len(rated), len(groups)
    noise = sum((x - statistics.fmean(g)) ** 2 for g in groups.values() for x in g) / (rows - keys)
    mean = statistics.fmean(everything)
    between = sum(len(g) * (statistics.fmean(g) - mean) ** 2 for g in groups.values())
    spread = (between - (keys - 1) * noise) / (rows - sum(n * n for n in sizes) / rows)
    return round(noise / spread, 6) if spread > 0 else float("inf")


def _shrunken(deviations: list[float], prior: float) -> float:
    return sum(deviations) / (len(deviations) + prior)


def _own_values(world: World, row: Rating) -> Values:
    movie = world.movies.get(row.movie)
    return {
        "user_id": row.user,
        "movie_id": row.movie,
        "rating": row.stars,
        "label": int(row.stars >= 3.5),
        "half_stars": round(2 * row.stars),
        "release_year": movie.year if movie else None,
        "genres": "|".join(movie.genres) if movie else None,
        "hour_of_day": row.moment.hour,
        "day_of_week": row.moment.isoweekday() % 7 + 1,
        **_genres(movie, inputs.genre),
        **dict(zip(inputs.POSTER_FEATURES, world.posters.get(row.movie, NO_POSTER), strict=True)),
    }


def _movie_statistics(known: list[Rating]) -> Values:
    mean, stddev = _mean_and_stddev([r.stars for r in known])
    return {
        "movie_rating_count": len(known),
        "movie_rating_mean": mean,
        "movie_rating_stddev": stddev,
    }


def _user_statistics(world: World, known: list[Rating]) -> Values:
    years = [world.movies[r.movie].year for r in known if r.movie in world.movies]
    columns = {"release_year": years}
    for place, feature in enumerate(inputs.POSTER_FEATURES):
        columns[feature] = [world.posters.get(r.movie, NO_POSTER)[place] for r in known]
    values: Values = {
        "user_rating_count": len(known),
        "user_rating_mean": _mean_and_stddev([r.stars for r in known])[0],
    }
    for name, numbers in columns.items():
        mean, stddev = _mean_and_stddev(numbers)
        values |= {f"user_{name}_mean": mean, f"user_{name}_stddev": stddev}
    return values


def _mean_and_stddev(numbers: list[Any]) -> tuple[float | None, float | None]:
    known = [n for n in numbers if n is not None]
    return (statistics.fmean(known), statistics.pstdev(known)) if known else (None, None)


def _history(world: World, row: Rating, knows: Knows) -> Values:
    liked = [r for r in world.ratings if r.user == row.user and r.stars >= 3.5 and knows(row, r)]
    latest = sorted(liked, key=lambda r: (r.second, r.movie), reverse=True)
    values: Values = {}
    for position in range(1, inputs.HISTORY_LENGTH + 1):
        movie = latest[position - 1].movie if position <= len(latest) else None
        values[inputs.history_movie(position)] = movie
        listed = world.movies.get(movie) if movie else None
        values |= _genres(listed, lambda slot, p=position: inputs.history_genre(p, slot))
    return values


def _genres(movie: Movie | None, name: Callable[[int], str]) -> Values:
    names = movie.genres if movie else ()
    slots = range(1, inputs.GENRE_SLOTS + 1)
    return {name(s): names[s - 1] if s <= len(names) else None for s in slots}


def slow_vocabularies(training: list[Values]) -> dict[str, dict[Any, int]]:
    """Index of each key, by vocabulary."""
    genres = [row[inputs.genre(s)] for row in training for s in range(1, inputs.GENRE_SLOTS + 1)]
    keys = {
        "user": [row["user_id"] for row in training],
        "movie": [row["movie_id"] for row in training],
        "genre": [g for g in genres if g is not None],
    }
    return {
        name: {
            key: place
            for place, (key, _) in enumerate(
                sorted(Counter(held).items(), key=lambda item: (-item[1], item[0])), start=1
            )
        }
        for name, held in keys.items()
    }


def slow_edges(training: list[Values], buckets: int) -> dict[str, list[float]]:
    """Inner edges of each bucketed value."""
    edges = {}
    for i in inputs.INPUTS:
        if i.is_bucket:
            known = sorted(float(row[i.value]) for row in training if row[i.value] is not None)
            shares = [k / buckets for k in range(1, buckets)]
            cuts = set(np.quantile(known, shares, method="inverted_cdf")) if known else set()
            edges[i.value] = sorted(cut for cut in cuts if cut > known[0])
    return edges


def slow_encoding(
    row: Values, vocabularies: dict[str, dict[Any, int]], edges: dict[str, list[float]]
) -> dict[str, int]:
    """Every input column of a row."""
    encoded = {}
    for i in inputs.INPUTS:
        value = row[i.value]
        if not i.is_bucket:
            encoded[i.column] = vocabularies[i.vocabulary].get(value, 0)
        elif value is None:
            encoded[i.column] = 0
        else:
            encoded[i.column] = 1 + bisect.bisect_right(edges[i.value], value)
    return encoded
