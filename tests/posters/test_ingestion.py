"""A folder of images, good and bad, becomes the tables posters and poster_features."""

import io
import logging
import math
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin import schemas
from mmdin.config import Config, Input, Posters
from mmdin.errors import InputDataError
from mmdin.inputs import POSTER_FEATURES
from mmdin.posters import images, ingestion, local_files
from mmdin.posters.features import compute_features
from mmdin.posters.task_sizes import tasks_sized_for_images
from mmdin.tables import Tables
from mmdin.variants import plan_variants
from spark_jobs import ingest_posters

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "posters"


def image_bytes(format: str = "PNG", seed: int = 1, size: tuple[int, int] = (12, 8)) -> bytes:
    levels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format)
    return buffer.getvalue()


def grey_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4, 4), 100).save(buffer, "PNG")
    return buffer.getvalue()


FILES = {
    "1.png": image_bytes(seed=1),
    "2.JPG": image_bytes("JPEG", seed=2),
    "3 .png": image_bytes(seed=3),
    "cover.jpg": image_bytes("JPEG"),
    "4.gif": b"",
    "5.jpg": b"No poster today.\n",
    "6.jpg": image_bytes("JPEG", size=(60, 60))[:2000],
    "7.png": image_bytes(size=(70, 70)),
    "8.bmp": image_bytes("BMP", size=(200, 100)),
    "10.png": image_bytes(seed=10),
    "10.webp": image_bytes("WEBP", seed=10),
    "11.jpg": b"broken",
    "11.png": image_bytes(seed=11),
    "12.png": grey_png(),
    "13:b.png": image_bytes(seed=13),
    "14.p:g": image_bytes(seed=14),
    "Comédie #1? [a] {b}%20/15.png": image_bytes(seed=15),
    f"{os.fsdecode(bytes([0xE9]))}/16.png": image_bytes(seed=16),
    os.fsdecode(b"\xe9.png"): image_bytes(seed=17),
    "_hidden/18.png": image_bytes(seed=18),
}
LINK_TO_NOTHING = "19.png"

STATUSES = {
    "1.png": images.OK,
    "2.JPG": images.OK,
    "3 .png": ingestion.MISNAMED,
    "cover.jpg": ingestion.MISNAMED,
    "4.gif": images.EMPTY,
    "5.jpg": images.NOT_AN_IMAGE,
    "6.jpg": images.TRUNCATED,
    "7.png": images.TOO_MANY_PIXELS,
    "8.bmp": ingestion.TOO_LARGE,
    "10.png": images.OK,
    "10.webp": ingestion.SECOND_FILE,
    "11.jpg": images.NOT_AN_IMAGE,
    "11.png": images.OK,
    "12.png": images.OK,
    "13:b.png": ingestion.MISNAMED,
    "14.p:g": images.OK,
    "15.png": images.OK,
    "16.png": images.OK,
    "\\xe9.png": ingestion.MISNAMED,
    LINK_TO_NOTHING: local_files.UNREADABLE,
}


LIMITS = Posters(max_pixels=70 * 69, max_bytes=30_000)


def configure(folder: Path, root: Path) -> Config:
    return Config(name="t", root=str(root), input=Input(posters=str(folder)), posters=LIMITS)


def make_folder(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    base = tmp_path_factory.mktemp("posters")
    folder = make_folder(base / "a: #folder", FILES)
    (folder / LINK_TO_NOTHING).symlink_to("nowhere")
    config = configure(folder, base / "root")
    ingest_posters.run(spark, plan_variants(config))
    return Tables(spark, config.root)


def test_each_file_is_a_row_with_its_status(tables: Tables) -> None:
    rows = tables.read(schemas.POSTERS).select("file", "status").collect()
    assert len(rows) == len(STATUSES)
    assert {r["file"]: r["status"] for r in rows} == STATUSES


def test_rows_describe_their_files(tables: Tables) -> None:
    rows = {r["file"]: r for r in tables.read(schemas.POSTERS).collect()}
    jpeg = rows["2.JPG"]
    assert (jpeg["movie_id"], jpeg["format"], jpeg["width"], jpeg["height"]) == (2, "JPEG", 12, 8)
    assert bytes(jpeg["bytes"]) == FILES["2.JPG"]
    assert len(jpeg["sha256"]) == 64
    assert rows["cover.jpg"]["movie_id"] is None
    assert (rows["8.bmp"]["bytes"], rows["8.bmp"]["sha256"]) == (None, None)
    assert (rows["7.png"]["width"], rows["7.png"]["height"]) == (70, 70)


def test_usable_posters_are_measured(tables: Tables) -> None:
    rows = {r["movie_id"]: r for r in tables.read(schemas.POSTER_FEATURES).collect()}
    assert sorted(rows) == [1, 2, 10, 11, 12, 14, 15, 16]
    for movie_id, file in ((1, "1.png"), (2, "2.JPG")):
        expected = compute_features(images.decode(FILES[file]))
        assert [rows[movie_id][f] for f in POSTER_FEATURES] == list(expected.values())


def test_a_grey_poster_has_null_hue_and_nothing_else_null(tables: Tables) -> None:
    row = tables.read(schemas.POSTER_FEATURES).where("movie_id = 12").collect()[0].asDict()
    assert {name for name, value in row.items() if value is None} == {"hue_mean", "hue_stddev"}
    assert not any(math.isnan(value) for value in row.values() if value is not None)


def test_running_again_gives_the_same_rows(
    spark: SparkSession, tables: Tables, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_folder(tmp_path / "folder", FILES)
    (folder / LINK_TO_NOTHING).symlink_to("nowhere")
    config = configure(folder, tmp_path / "root")
    with caplog.at_level(logging.INFO, logger="mmdin"):
        ingest_posters.run(spark, plan_variants(config))
    again = Tables(spark, config.root).read(schemas.POSTERS)
    assert again.exceptAll(tables.read(schemas.POSTERS)).isEmpty()
    assert again.count() == len(STATUSES)
    assert "posters: 20 files read = 8 ok + 12 not ok" in caplog.text
    assert "4 x file name is not a movie id" in caplog.text
    assert "1 x file cannot be read" in caplog.text


def test_a_remote_folder_has_the_same_rows(
    spark: SparkSession, tables: Tables, tmp_path: Path
) -> None:
    names = [name for name in FILES if name.isascii() and ":" not in name]
    folder = make_folder(tmp_path / "folder", {name: FILES[name] for name in names})
    setting = "fs.viewfs.mounttable.posters.link./folder"
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set(setting, folder.as_uri())
    try:
        examined = ingestion.examine_folder(spark, "viewfs://posters/folder", LIMITS)
        probed = ingestion.probe_images(examined, LIMITS.max_bytes)
        second = ingestion.find_second_files(probed)
        rows = ingestion.reject_second_files(probed, second).select(schemas.POSTERS.columns)
        stored = tables.read(schemas.POSTERS).where(F.col("file").isin(names))
        assert rows.exceptAll(stored).isEmpty()
        assert rows.count() == stored.count() == len(names) - 1
        (folder / "2:x.jpg").touch()
        with pytest.raises(InputDataError, match=r"2:x\.jpg.*rename it"):
            ingestion.examine_folder(spark, "viewfs://posters/folder", LIMITS)
    finally:
        configuration.unset(setting)


def test_one_python_worker_reads_a_file_and_decodes_it(spark: SparkSession, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "folder", {"1.png": FILES["1.png"]})
    examined = ingestion.examine_folder(spark, str(folder), LIMITS)
    probed = ingestion.probe_images(examined, LIMITS.max_bytes)
    plan = probed._jdf.queryExecution().executedPlan().toString()
    assert plan.count("Python") + plan.count("InArrow") == 1
    assert "ExistingRDD" not in plan  # Rows that Python workers would read.


@pytest.mark.parametrize(
    ("folder", "message"),
    [("", "--set|set input.posters"), ("missing", "no such folder"), ("empty", "holds no file")],
)
def test_no_files_stop_the_job(
    spark: SparkSession, tmp_path: Path, folder: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    path = str(tmp_path / folder) if folder else ""
    config = Config(name="t", root=str(tmp_path / "root"), input=Input(posters=path))
    with pytest.raises(InputDataError, match=message):
        ingest_posters.run(spark, plan_variants(config))


def test_no_posters_are_needed_by_samples_without_them(spark: SparkSession, tmp_path: Path) -> None:
    given = {"samples": {"with_posters_only": False}}
    config = Config(name="t", root=str(tmp_path / "root"), **given)
    ingest_posters.run(spark, plan_variants(config))
    tables = Tables(spark, config.root)
    assert tables.read(schemas.POSTERS).isEmpty()
    assert tables.read(schemas.POSTER_FEATURES).isEmpty()


def test_only_bad_files_stop_the_job_and_write_nothing(spark: SparkSession, tmp_path: Path) -> None:
    bad = {name: FILES[name] for name in ("4.gif", "5.jpg", "cover.jpg")}
    config = configure(make_folder(tmp_path / "bad", bad), tmp_path / "root")
    with pytest.raises(InputDataError, match=r"none of the files.*1 x empty file; 1 x file name"):
        ingest_posters.run(spark, plan_variants(config))
    assert not (tmp_path / "root").exists()


def test_settings_are_restored(spark: SparkSession) -> None:
    name = "spark.sql.execution.arrow.maxBytesPerBatch"
    before = spark.conf.get(name, None)
    with pytest.raises(ZeroDivisionError), tasks_sized_for_images(spark):
        assert spark.conf.get(name) == str(32 << 20)
        raise ZeroDivisionError
    assert spark.conf.get(name, None) == before


@pytest.mark.skipif(not REAL.is_dir(), reason=f"real posters are not at {REAL}")
def test_real_posters(spark: SparkSession, tmp_path: Path) -> None:
    config = Config(name="t", root=str(tmp_path), input=Input(posters=str(REAL)))
    ingest_posters.run(spark, plan_variants(config))
    posters = Tables(spark, config.root).read(schemas.POSTERS)
    counts = posters.groupBy("status", "format").count().collect()
    assert [tuple(r) for r in counts] == [("ok", "JPEG", 971)]
