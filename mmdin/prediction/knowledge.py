"""What is known now, described as a trained network's samples are."""

from collections.abc import Mapping

from pyspark.sql import DataFrame

from mmdin.config import Config, Samples
from mmdin.features.fitted import read_fitted
from mmdin.features.states import Knowledge, gather_knowledge
from mmdin.fingerprints import sample_versions
from mmdin.finished_runs import FinishedRun
from mmdin.ingest.added import merge_ratings, read_added_ratings
from mmdin.schemas import RATINGS
from mmdin.tables import Tables


def read_knowledge(run: FinishedRun, config: Config) -> Knowledge:
    """The ratings of the root and of predict.ratings, with what the run's samples were fitted to.

    Args:
        run: the trained network.
        config: of the job.

    Raises:
        InputDataError: if ratings of predict.ratings cannot be used.
        TableError: if a table is missing.
    """
    given = run.settings["samples"]
    samples = Samples(**{key: given[key] for key in Samples.model_fields if key in given})
    return _gather(run.tables, config, samples, run.settings["seed"], run.table_versions)


def read_newest_knowledge(tables: Tables, config: Config) -> Knowledge:
    """The same, for the newest samples of a configuration."""
    return _gather(tables, config, config.samples, config.seed, sample_versions(tables))


def _gather(
    tables: Tables, config: Config, samples: Samples, seed: int, versions: Mapping[str, int]
) -> Knowledge:
    ratings = read_ratings(tables, config)
    return gather_knowledge(tables, ratings, samples, seed, read_fitted(tables, versions))


def read_ratings(tables: Tables, config: Config) -> DataFrame:
    """Table ratings, and the ratings of predict.ratings."""
    ratings = tables.read(RATINGS)
    folder = config.predict.ratings
    if not folder:
        return ratings
    added = read_added_ratings(tables, config.input, folder, "predict.ratings")
    return merge_ratings(ratings, added)
