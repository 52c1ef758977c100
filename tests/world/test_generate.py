"""The whole job in Spark: same files on any number of cores, and a truth for every good rating."""

import csv
import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from mmdin.config import Config
from mmdin.schemas import TRUE_PROBABILITIES
from mmdin.tables import Tables
from mmdin.world.generate import generate_world, rate_all
from mmdin.world.looks import poster_measures
from mmdin.world.posters import draw_poster

SIZES = {"users": 120, "movies": 700, "ratings": 20_000}


def _config(folder):
    return Config(
        name="test",
        root=str(folder / "root"),
        input={"movielens": str(folder / "raw"), "posters": str(folder / "posters")},
        world=SIZES,
    )


@pytest.fixture(scope="module")
def made(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    config = _config(folder)
    generate_world(spark, config)
    return folder, config


@pytest.fixture(scope="module")
def good_ratings(made):
    folder, _ = made
    with (folder / "raw" / "ratings.csv").open(newline="") as file:
        reader = csv.reader(file)
        assert next(reader) == ["userId", "movieId", "rating", "timestamp"]
        rows = list(reader)
    return [(int(u), int(m), float(r), int(t)) for u, m, r, t in rows[:-7]], rows[-7:]


def test_every_good_rating_has_its_truth_and_the_other_way_round(spark, made, good_ratings):
    good, _ = good_ratings
    truth = Tables(spark, made[1].root).read(TRUE_PROBABILITIES).select("user_id", "movie_id")
    assert sorted((u, m) for u, m, _, _ in good) == sorted(map(tuple, truth.collect()))
    assert len(good) == pytest.approx(SIZES["ratings"], rel=0.01)
    assert [(u, m) for u, m, _, _ in good] == sorted((u, m) for u, m, _, _ in good)


def test_bad_rows_are_there_and_the_older_rating_stays_older(good_ratings):
    good, bad = good_ratings
    assert sum(row[0] == str(SIZES["users"] + 1) for row in bad) == 6
    times = {(u, m): t for u, m, _, t in good}
    user, movie, _, seconds = bad[-1]
    assert int(seconds) < times[int(user), int(movie)]


def test_posters_are_drawn_but_for_the_bad_ones(made):
    posters = list((made[0] / "posters").iterdir())
    assert len(posters) == SIZES["movies"] - 3
    readable = 0
    for poster in posters:
        try:
            Image.open(poster).load()
            readable += poster.name != "cover.jpg"
        except OSError:
            pass
    assert readable == SIZES["movies"] - 7


def test_measured_posters_follow_the_looks_that_users_care_about(made, draw):
    drawn = draw(made[1].world, made[1].seed)
    brightness = []
    for movie_id in range(1, 60):
        path = made[0] / "posters" / f"{movie_id}.jpg"
        image = Image.open(path) if path.exists() and path.stat().st_size > 1000 else None
        brightness.append(np.nan if image is None else np.asarray(image).max(axis=2).mean() / 255)
    wanted = poster_measures(drawn.catalogue.looks)[:59, 1]
    known = ~np.isnan(brightness)
    assert np.corrcoef(np.array(brightness)[known], wanted[known])[0, 1] > 0.98


def test_the_number_of_partitions_changes_nothing(spark, made, good_ratings, draw):
    config = made[1]
    drawn = draw(config.world, config.seed)
    world = (drawn.population, drawn.catalogue, drawn.calibration, config.seed)
    one, five = (
        sorted(map(tuple, rate_all(spark, *world, partitions=n).collect())) for n in (1, 5)
    )
    assert one == five
    assert [row[:3] for row in one] == [row[:3] for row in good_ratings[0]]


def test_making_it_again_gives_the_same_bytes(spark, made, tmp_path):
    def digests(folder):
        files = [*(folder / "raw").glob("*.csv"), *(folder / "posters").glob("1*.jpg")]
        return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    generate_world(spark, _config(tmp_path))
    assert digests(tmp_path) == digests(made[0])


def test_a_poster_is_a_small_jpeg():
    image = Image.open(io.BytesIO(draw_poster(0.5, 0.5, 0.1, (1, 2))))
    assert (image.format, image.size) == ("JPEG", (185, 278))
