"""Scores and attention weights in Spark, against the networks' own."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Networks, Scoring
from mmdin.errors import TableError
from mmdin.inputs import INPUTS, NUMBERS
from mmdin.models import build_network
from mmdin.models.checkpoint import save_network
from mmdin.models.network import RatingNetwork
from mmdin.schemas import ATTENTION_WEIGHTS, PREDICTIONS, SAMPLES
from mmdin.scoring import networks
from mmdin.scoring.attention import choose_rows, weigh_history
from mmdin.scoring.networks import (
    ENCODED,
    SentNetwork,
    TrainedRun,
    add_network_scores,
    in_passes,
    network_scores,
    send_network,
)
from mmdin.scoring.scored import list_scores, with_scores
from mmdin.storage import local_folder

SIZES = {i.vocabulary: 6 for i in INPUTS}

Trained = dict[TrainedRun, RatingNetwork]


@pytest.fixture(scope="module")
def samples(spark: SparkSession) -> DataFrame:
    generator = np.random.default_rng(4)
    encoded, numbers = [i.column for i in INPUTS], [n.column for n in NUMBERS]
    rows = []
    for n in range(57):
        given = {"user_id": n, "movie_id": n % 5, "label": n % 2, "split": "test", "rating": 4.0}
        values = {c: int(generator.integers(0, 6)) for c in encoded}
        values |= {c: float(generator.normal()) for c in numbers}
        rows.append(tuple({**values, **given}.get(c) for c in SAMPLES.columns))
    # In one partition, of several batches: each Python worker imports TensorFlow for itself.
    return spark.createDataFrame(rows, SAMPLES.schema).coalesce(1).localCheckpoint()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two networks with attention, that take different inputs, and their checkpoints."""
    keras.utils.set_random_seed(2)
    networks = {}
    for model in ("mmdin", "din"):
        folder = tmp_path_factory.mktemp(model)
        network = build_network(model, Networks(embedding_size=4), SIZES)
        save_network(local_folder(folder), network)
        networks[TrainedRun(f"run-of-{model}", model, str(folder))] = network
    return networks


def test_scores_are_the_networks_own_for_any_batches(samples: DataFrame, trained: Trained) -> None:
    rows = add_network_scores(samples, list(trained), batch_size=8)
    scored = list_scores(with_scores(rows, network_scores(list(trained))))
    assert set(scored.columns) == {*PREDICTIONS.columns, "split"}
    rows = scored.collect()
    assert len(rows) == 57 * len(trained)
    for run, network in trained.items():
        found = {r["user_id"]: r["score"] for r in rows if r["run_id"] == run.run_id}
        assert {r["model"] for r in rows if r["run_id"] == run.run_id} == {run.model}
        taken = samples.collect()
        logits = np.asarray(network(*taken_by(network, taken)), np.float64)
        assert len(found) == len(taken)
        for row, logit in zip(taken, logits, strict=True):
            assert found[row["user_id"]] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-5)


def test_a_network_needs_its_own_columns_alone(samples: DataFrame, tmp_path: Path) -> None:
    network = build_network("neural_cf", Networks(embedding_size=4), SIZES)
    save_network(local_folder(tmp_path), network)
    run = TrainedRun("run", "neural_cf", str(tmp_path))
    rows = samples.select("user_id", "user_index", "movie_index")
    scored = add_network_scores(rows, [run], batch_size=30, kept=("user_id",))
    assert scored.count() == 57
    description = json.loads((tmp_path / "network.json").read_text())
    assert set(description.pop("columns")) == {"user_index", "movie_index"}
    (tmp_path / "network.json").write_text(json.dumps(description))
    assert send_network(samples.sparkSession, str(tmp_path)).columns == ENCODED


def test_a_pass_scores_with_as_many_networks_as_fit(
    spark: SparkSession, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    mmdin, din = trained
    assert in_passes(spark, [mmdin, din, mmdin]) == [[mmdin, din, mmdin]]
    both = networks._bytes_of(spark, mmdin.checkpoint) + networks._bytes_of(spark, din.checkpoint)
    monkeypatch.setattr(networks, "BYTES_AT_ONCE", both)
    assert in_passes(spark, [mmdin, din, mmdin]) == [[mmdin, din], [mmdin]]
    monkeypatch.setattr(networks, "BYTES_AT_ONCE", 1)
    assert in_passes(spark, [mmdin, din]) == [[mmdin], [din]]


def test_a_network_is_built_once_for_scores_and_for_attention(
    spark: SparkSession, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[SentNetwork] = []
    monkeypatch.setattr(networks, "_loaded", {})
    monkeypatch.setattr(networks, "_load", built.append)
    monkeypatch.setattr(networks, "_KEPT_LOADED", 1)
    mmdin, din = (send_network(spark, run.checkpoint) for run in trained)
    networks._load_all([mmdin, din])
    for sent in (mmdin, din):
        networks.load_scorer(sent)
    assert built == [mmdin, din]
    networks._load_all([din])
    networks.load_scorer(mmdin)
    networks.load_scorer(mmdin)
    networks.load_scorer(din)
    assert built == [mmdin, din, mmdin, din]


def taken_by(network: RatingNetwork, rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """The indices and the numbers of rows of samples."""
    indices = [[row[i.column] for i in network.inputs_taken] for row in rows]
    numbers = [[row[n.column] for n in network.numbers_taken] for row in rows]
    return np.array(indices, np.int32), np.array(numbers, np.float32)


def test_a_folder_without_a_network_is_named(samples: DataFrame, tmp_path: Path) -> None:
    run = TrainedRun("run-1", "mmdin", str(tmp_path))
    with pytest.raises(TableError, match=r"lacks network\.json, best\.weights\.h5; train again"):
        add_network_scores(samples, [run], batch_size=8)


def test_attention_weights_are_the_networks_own(samples: DataFrame, trained: Trained) -> None:
    liked = {f"history_movie_{p}": F.lit(100 + p).cast("long") for p in range(1, 6)}
    full = samples.withColumns(liked)
    scoring = Scoring(attention_users=(3, 9))
    chosen = choose_rows(full.unionByName(samples), scoring, seed=1)
    rows = weigh_history(chosen, list(trained)).collect()
    assert set(rows[0].asDict()) == set(ATTENTION_WEIGHTS.columns)
    assert {(r["run_id"], r["model"], r["user_id"], r["position"]) for r in rows} == {
        (run.run_id, run.model, user, position)
        for run in trained
        for user in (3, 9)
        for position in range(1, 6)
    }
    inputs = {r["user_id"]: r for r in full.where("user_id IN (3, 9)").collect()}
    for run, network in trained.items():
        for user, row in inputs.items():
            indices, _ = taken_by(network, [row])
            expected = np.asarray(network.attention_weights(indices))[0]
            weights = [r for r in rows if (r["run_id"], r["user_id"]) == (run.run_id, user)]
            weights.sort(key=lambda r: r["position"])
            np.testing.assert_allclose([r["weight"] for r in weights], expected, atol=1e-6)
            assert [r["history_movie_id"] for r in weights] == [101, 102, 103, 104, 105]


def test_users_are_chosen_alike_each_time(samples: DataFrame) -> None:
    full = samples.withColumn("history_movie_5", F.lit(1).cast("long"))
    chosen = [r["user_id"] for r in choose_rows(full, Scoring(), seed=1).collect()]
    assert len(set(chosen)) == 4
    again = choose_rows(full.repartition(5), Scoring(), seed=1).collect()
    assert sorted(chosen) == sorted(r["user_id"] for r in again)
    assert choose_rows(samples, Scoring(), seed=1).count() == 0
