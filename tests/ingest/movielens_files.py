"""Small folders of MovieLens files, as tests write and ingest them."""

from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from mmdin.config import Config, Input
from mmdin.ingest.delimited import read_rows
from mmdin.ingest.formats import InputFile
from mmdin.ingest.sources import find_source
from mmdin.storage import files_at
from mmdin.tables import Tables
from mmdin.variants import plan_variants
from spark_jobs import ingest_ratings

MOVIES = [
    "movieId,title,genres",
    "1,Toy Story (1995),Adventure|Animation",
    '2,"American President, The (1995) ",Comedy',
    '3,"Say ""Hello"", World (Bonjour) (2001)",(no genres listed)',
    "4,Babylon 5,Sci-Fi",
    "5,Fawlty Towers (1975-1979),Comedy",
    "6,Big Bang Theory (2007-),Comedy",
    "7,2001: A Space Odyssey (1968),Drama|Sci-Fi",
]
LINKS = ["movieId,imdbId,tmdbId", "1,0114709,862", "2,0112346,"]
GOOD_RATINGS = [
    "userId,movieId,rating,timestamp",
    "1,2,3.5,1112486027",
    "1,1,4,999999999",
    "2,7,0.5,1000000000",
]


def write(folder: Path, ending: str = "\n", mark: bytes = b"", **files: list[str]) -> Path:
    """Write movies.csv, links.csv and ratings.csv: good ones, or the given lines."""
    folder.mkdir(exist_ok=True)
    for name, lines in {"movies": MOVIES, "links": LINKS, "ratings": GOOD_RATINGS, **files}.items():
        text = "".join(line + ending for line in lines)
        (folder / f"{name}.csv").write_bytes(mark + text.encode())
    return folder


def ingest(spark: SparkSession, folder: Path | str, root: Path, **settings: Any) -> Tables:
    """Run the job with the settings of section input."""
    given = Input(movielens=str(folder), **settings)
    config = Config(name="t", root=str(root), input=given)
    ingest_ratings.run(spark, plan_variants(config))
    return Tables(spark, config.root)


def rows_of(spark: SparkSession, folder: Path, file: InputFile, **settings: Any) -> DataFrame:
    """The rows of one kind of file, as they are read."""
    given = Input(movielens=str(folder), **settings)
    return read_rows(spark, find_source(files_at(spark, str(folder)), given, file))
