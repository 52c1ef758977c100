"""download_movielens: a MovieLens release, checked and unpacked under download.folder."""

from pyspark.sql import SparkSession

from mmdin.ingest.download import download_release
from mmdin.session import submit
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Download <download.url>/<download.release>.zip, check it and unpack it.

    Runs on the driver and does nothing if the release is already there.
    """
    download_release(plan.config.download)


if __name__ == "__main__":
    submit(run, "download_movielens")
