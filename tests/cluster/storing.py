"""An application that tries under its root what every job needs there; started by test_roots."""

import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import SparkSession

from mmdin import storage
from mmdin.config import Config
from mmdin.report.report import publish_report
from mmdin.schemas import POSTER_FEATURES
from mmdin.session import submit
from mmdin.tables import Tables
from spark_jobs import build_samples, ingest_ratings

sys.path.append(str(Path(__file__).resolve().parents[1] / "report"))
from invented_evidence import invent

log = logging.getLogger("mmdin.storing")


def run(spark: SparkSession, config: Config) -> None:
    """Ingest and build samples from files under the root, and keep files and a report there."""
    files = storage.files_at(spark, config.root)
    for name, lines in invent_movielens().items():
        files.write(storage.join(config.input.movielens, name), "\n".join(lines).encode())
    ingest_ratings.run(spark, config)
    tables = Tables.of(spark, config)
    tables.write("poster_features", spark.createDataFrame([], POSTER_FEATURES))
    build_samples.run(spark, config)
    log.info("storing: %d samples", tables.read("samples").count())
    parts = tables.files("samples", tables.version("samples"), "split = 'train'")
    settings = storage.hadoop_settings(spark)

    def copy(numbers: Iterator[int]) -> Iterator[tuple[int, list[str]]]:
        said: list[str] = []
        for number in numbers:
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder, f"part-{number}")
                made.write_bytes(b"x" * number)
                storage.store_files([made], storage.join(config.root, "kept"), settings)
                assert storage.fetch_folder(
                    storage.join(config.root, "kept"), made.parent, settings
                )
            with storage.RemoteFiles(settings, f"rank {number}", said.append) as remote:
                sizes = [p.stat().st_size for p in remote.fetch([p.url for p in parts], "samples")]
            yield sum(sizes), said

    for size, said in spark.sparkContext.parallelize([1, 2], 2).mapPartitions(copy).collect():
        log.info("storing: %d bytes: %s", size, said[0])
    kept = files.list(storage.join(config.root, "kept"))
    log.info("storing: kept %s", [(f.name, f.size) for f in kept])
    log.info("storing: open %s", publish_report(spark, invent(), config))


def invent_movielens() -> dict[str, list[str]]:
    """Lines of MovieLens' files: 30 users rate 40 movies each."""
    ratings = [
        f"{user},{movie},{(user * movie) % 10 / 2 + 0.5},{900_000_000 + 1000 * movie + user}"
        for user in range(1, 31)
        for movie in range(1, 41)
    ]
    return {
        "ratings.csv": ["userId,movieId,rating,timestamp", *ratings],
        "movies.csv": [
            "movieId,title,genres",
            *(f"{movie},Movie {movie} (1990),Drama|Crime" for movie in range(1, 41)),
        ],
        "links.csv": ["movieId,imdbId,tmdbId", *(f"{m},{m:07d},{m}" for m in range(1, 41))],
    }


if __name__ == "__main__":
    submit(run, "storing")
