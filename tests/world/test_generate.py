"""The whole job in Spark: the same files on any number of cores, and a truth for every rating."""

import csv
import hashlib
import io
import logging

import numpy as np
import pytest
from PIL import Image

from mmdin.config import Config
from mmdin.schemas import TRUE_PROBABILITIES
from mmdin.tables import Tables
from mmdin.variants import plan_variants
from mmdin.world.files import poster_faults
from mmdin.world.generate import generate_world, rate_all
from mmdin.world.looks import poster_measures
from mmdin.world.posters import draw_poster
from spark_jobs import make_demo_data

SIZES = {"users": 60, "movies": 200, "ratings": 2_400}


def _config(folder):
    return Config(
        name="test",
        root=str(folder / "root"),
        input={"movielens": str(folder / "raw"), "posters": str(folder / "posters")},
        world=SIZES,
    )


@pytest.fixture(scope="module")
def generated(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    config = _config(folder)
    make_demo_data.run(spark, plan_variants(config))
    return folder, config


@pytest.fixture(scope="module")
def good_ratings(generated):
    folder, _ = generated
    with (folder / "raw" / "ratings.csv").open(newline="") as file:
        reader = csv.reader(file)
        assert next(reader) == ["userId", "movieId", "rating", "timestamp"]
        rows = list(reader)
    return [(int(u), int(m), float(r), int(t)) for u, m, r, t in rows[:-7]], rows[-7:]


def test_ratings_and_true_probabilities_are_of_the_same_pairs(spark, generated, good_ratings):
    good, _ = good_ratings
    truth = Tables(spark, generated[1].root).read(TRUE_PROBABILITIES).select("user_id", "movie_id")
    assert sorted((u, m) for u, m, _, _ in good) == sorted(map(tuple, truth.collect()))
    assert len(good) == pytest.approx(SIZES["ratings"], rel=0.01)
    assert [(u, m) for u, m, _, _ in good] == sorted((u, m) for u, m, _, _ in good)


def test_bad_rows_are_written_and_the_older_rating_is_older(good_ratings):
    good, bad = good_ratings
    assert sum(row[0] == str(SIZES["users"] + 1) for row in bad) == 6
    times = {(u, m): t for u, m, _, t in good}
    user, movie, _, seconds = bad[-1]
    assert int(seconds) < times[int(user), int(movie)]


def test_all_posters_but_the_faulty_ones_can_be_read(generated):
    posters = list((generated[0] / "posters").iterdir())
    assert len(posters) == SIZES["movies"] - 3
    readable = 0
    for poster in posters:
        try:
            Image.open(poster).load()
            readable += poster.name != "cover.jpg"
        except OSError:
            pass
    assert readable == SIZES["movies"] - 7


def test_posters_measure_as_their_looks(generated, draw):
    drawn = draw(generated[1].world, generated[1].seed)
    readable = [m for m in range(1, 61) if m not in poster_faults(drawn.catalogue)]
    images = [Image.open(generated[0] / "posters" / f"{m}.jpg") for m in readable]
    brightness = [np.asarray(image).max(axis=2).mean() / 255 for image in images]
    wanted = poster_measures(drawn.catalogue.looks)[np.array(readable) - 1, 1]
    assert np.corrcoef(brightness, wanted)[0, 1] > 0.98


def test_ratings_do_not_depend_on_the_number_of_partitions(spark, generated, good_ratings, draw):
    config = generated[1]
    drawn = draw(config.world, config.seed)
    world = (drawn.population, drawn.catalogue, drawn.calibration, config.seed)
    one, five = (
        sorted(map(tuple, rate_all(spark, *world, partitions=n).collect())) for n in (1, 5)
    )
    assert one == five
    assert [row[:3] for row in one] == [row[:3] for row in good_ratings[0]]


def test_what_was_generated_is_not_generated_again(spark, generated, caplog):
    folder, config = generated

    def written():
        return {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}

    before = written()
    with caplog.at_level(logging.INFO, logger="mmdin"):
        make_demo_data.run(spark, plan_variants(config))
    assert "== make_demo_data: unchanged, skipped" in caplog.text
    assert written() == before


def test_generating_again_gives_the_same_bytes(spark, generated, tmp_path):
    def digests(folder):
        files = [*(folder / "raw").glob("*.csv"), *(folder / "posters").glob("1*.jpg")]
        return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    generate_world(spark, _config(tmp_path))
    assert digests(tmp_path) == digests(generated[0])


def test_a_poster_is_a_small_jpeg():
    image = Image.open(io.BytesIO(draw_poster(0.5, 0.5, 0.1, (1, 2))))
    assert (image.format, image.size) == ("JPEG", (185, 278))
