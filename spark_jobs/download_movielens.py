"""Download a MovieLens release, check it and unpack it under download.folder."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.ingest.download import download_release
from mmdin.session import submit


def run(spark: SparkSession, config: Config) -> None:
    """Fetch <download.url>/<download.release>.zip, on the driver, unless it is already there."""
    download_release(config.download)


if __name__ == "__main__":
    submit(run, "download_movielens")
