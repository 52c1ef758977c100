"""Builds samples, describes pairs and scores them in a session of Spark Connect, and prints scores.

Run by test_connect.py as a process: a process has sessions of one kind.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "features"))

from invented_ratings import invent  # noqa: E402

from mmdin.config import Config, Networks, Samples  # noqa: E402
from mmdin.errors import ClusterError  # noqa: E402
from mmdin.features.fitted import read_fitted  # noqa: E402
from mmdin.features.samples import write_samples  # noqa: E402
from mmdin.features.states import gather_knowledge, states_at  # noqa: E402
from mmdin.fingerprints import sample_versions  # noqa: E402
from mmdin.inputs import INPUTS  # noqa: E402
from mmdin.models import build_network  # noqa: E402
from mmdin.models.checkpoint import save_network  # noqa: E402
from mmdin.prediction.pairs import describe_pairs  # noqa: E402
from mmdin.schemas import RATINGS, SAMPLES  # noqa: E402
from mmdin.scoring.networks import TrainedRun, add_network_scores, network_scores  # noqa: E402
from mmdin.storage import local_folder  # noqa: E402
from mmdin.submission.commands import read_properties  # noqa: E402
from mmdin.training.driver.train import train_networks  # noqa: E402
from mmdin.variants import plan_variants  # noqa: E402


def main(root: str) -> None:
    """Print the scores of samples, and of the same pairs as job predict describes them."""
    builder = SparkSession.builder.remote("local[2]")
    for name, value in read_properties(PROJECT / "conf" / "spark" / "local.conf").items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    options = Samples(files=2, buckets=4, folds=3, with_posters_only=False)
    config = Config(name="test", root=root, samples=options)
    tables = invent().write(spark, root)
    write_samples(tables, config)
    trained = TrainedRun("run", "mmdin", f"{root}/network")
    keras.utils.set_random_seed(5)
    network = build_network(
        "mmdin", Networks(embedding_size=4, width=8, blocks=1), {i.vocabulary: 99 for i in INPUTS}
    )
    for weight in network.trainable_weights:
        weight.assign(np.random.default_rng(1).normal(0, 0.1, weight.shape))
    Path(trained.checkpoint).mkdir()
    save_network(local_folder(trained.checkpoint), network)

    keys = ("user_id", "movie_id")
    rows = tables.read(SAMPLES).where("split = 'test'")
    pairs = rows.select(*keys, F.unix_timestamp("rated_at").alias("seconds"))
    fitted = read_fitted(tables, sample_versions(tables))
    knowledge = gather_knowledge(tables, tables.read(RATINGS), options, config.seed, fitted)
    described = describe_pairs(pairs, states_at(knowledge, pairs, pairs))
    (score,) = network_scores([trained])
    found = [
        {
            f"{r['user_id']} {r['movie_id']}": r["score"]
            for r in add_network_scores(taken, [trained], 8, keys)
            .select(*keys, score["score"].alias("score"))
            .collect()
        }
        for taken in (rows, described)
    ]
    try:
        train_networks(spark, plan_variants(config))
    except ClusterError as error:
        print(json.dumps({"samples": found[0], "pairs": found[1], "training": str(error)}))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
