from pathlib import Path

import keras
import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Networks, Scoring
from mmdin.errors import TableError
from mmdin.inputs import INPUTS
from mmdin.models import build_network
from mmdin.models.checkpoint import save_network
from mmdin.schemas import ATTENTION_WEIGHTS, PREDICTIONS, SAMPLES
from mmdin.scoring.attention import choose_rows, weigh_history
from mmdin.scoring.networks import score_with_network
from mmdin.storage import local_folder

SIZES = {i.vocabulary: 6 for i in INPUTS}


@pytest.fixture
def samples(spark: SparkSession) -> DataFrame:
    generator = np.random.default_rng(4)
    encoded = {i.column for i in INPUTS}
    rows = []
    for n in range(57):
        given = {"user_id": n, "movie_id": n % 5, "label": n % 2, "split": "test", "rating": 4.0}
        values = {c: int(generator.integers(0, 6)) for c in encoded}
        rows.append(tuple({**values, **given}.get(c) for c in SAMPLES.columns))
    return spark.createDataFrame(rows, SAMPLES.schema).repartition(3)


def test_scores_are_the_networks_own_whatever_the_batches(
    spark: SparkSession, samples: DataFrame, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(2)
    network = build_network("mmdin", Networks(embedding_size=4), SIZES)
    save_network(local_folder(tmp_path / "run"), network)
    scored = score_with_network(samples, "run-1", "mmdin", str(tmp_path / "run"), batch_size=8)
    assert set(scored.columns) == {*PREDICTIONS.columns, "split"}
    found = {r["user_id"]: r["score"] for r in scored.collect()}
    columns = [i.column for i in network.inputs_taken]
    rows = samples.select("user_id", *(F.col(c) for c in columns)).collect()
    indices = np.array([[r[c] for c in columns] for r in rows], np.int32)
    logits = np.asarray(network(indices), np.float64)
    expected = {r["user_id"]: 1 / (1 + np.exp(-x)) for r, x in zip(rows, logits, strict=True)}
    assert found.keys() == expected.keys()
    for user, score in expected.items():
        assert found[user] == pytest.approx(score, abs=1e-5)


def test_a_folder_without_a_network_is_named(samples: DataFrame, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"lacks network\.json, best\.weights\.h5; train again"):
        score_with_network(samples, "run-1", "mmdin", str(tmp_path), batch_size=8)


def test_attention_weights_are_the_networks_own(
    spark: SparkSession, samples: DataFrame, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(2)
    network = build_network("din", Networks(embedding_size=4), SIZES)
    save_network(local_folder(tmp_path / "run"), network)
    praised = {f"history_movie_{p}": F.lit(100 + p).cast("long") for p in range(1, 6)}
    full = samples.withColumns(praised)
    scoring = Scoring(attention_users=(3, 9))
    chosen = choose_rows(full.unionByName(samples), scoring, seed=1)
    rows = weigh_history(chosen, "run-1", "din", str(tmp_path / "run")).collect()
    assert {(r["user_id"], r["position"]) for r in rows} == {
        (u, p) for u in (3, 9) for p in range(1, 6)
    }
    assert set(rows[0].asDict()) == set(ATTENTION_WEIGHTS.columns)
    columns = [i.column for i in network.inputs_taken]
    for user in (3, 9):
        row = full.where(F.col("user_id") == user).select(*columns).collect()[0]
        expected = np.asarray(network.attention_weights(np.array([list(row)], np.int32)))[0]
        own = sorted((r for r in rows if r["user_id"] == user), key=lambda r: r["position"])
        np.testing.assert_allclose([r["weight"] for r in own], expected, atol=1e-6)
        assert [r["history_movie_id"] for r in own] == [101, 102, 103, 104, 105]


def test_users_are_chosen_alike_each_time(samples: DataFrame) -> None:
    full = samples.withColumn("history_movie_5", F.lit(1).cast("long"))
    chosen = [r["user_id"] for r in choose_rows(full, Scoring(), seed=1).collect()]
    assert len(set(chosen)) == 4
    again = choose_rows(full.repartition(5), Scoring(), seed=1).collect()
    assert sorted(chosen) == sorted(r["user_id"] for r in again)
    assert choose_rows(samples, Scoring(), seed=1).count() == 0
