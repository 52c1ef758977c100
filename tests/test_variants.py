"""Which models and seeds a configuration compares, and which of their runs are found again."""

import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin.config import Config, Training, load_config
from mmdin.errors import ConfigurationError, TableError
from mmdin.fingerprints import fingerprint, sample_identities, trained_runs
from mmdin.networks import CHECKPOINT_FILES
from mmdin.schemas import RUNS, SAMPLE_TABLES
from mmdin.stages import Stage
from mmdin.storage import local_folder
from mmdin.tables import Tables
from mmdin.training.driver.runs import (
    PreviousRuns,
    TrainingData,
    end_runs,
    find_previous_runs,
    start_run,
    upsert_runs,
)
from mmdin.variants import plan_variants
from spark_jobs import evaluate, score

EXPERIMENTS = sorted((Path(__file__).resolve().parents[1] / "conf/experiments").glob("*.yaml"))
VERSIONS = {"samples": 3, "vocabularies": 1, "bucket_edges": 1, "movie_similarities": 1}
IDENTITIES = {name: f"id {version}" for name, version in VERSIONS.items()}


def make_config(root: str = "x", **experiment: object) -> Config:
    values = {"name": "x", "root": root, "training": {"models": ["din", "mmdin"], "seeds": [1, 2]}}
    return Config.model_validate({**values, "experiment": experiment})


def labels(config: Config) -> list[str]:
    return [v.label for v in plan_variants(config).variants]


def test_without_variants_the_models_are_compared() -> None:
    assert labels(make_config()) == ["din", "mmdin"]


def test_labels_name_what_differs() -> None:
    variants = {"plain": {}, "no posters": {"networks.posters": False, "training.models": "mmdin"}}
    assert labels(make_config(variants=variants)) == ["din (plain)", "mmdin (plain)", "no posters"]


def test_variants_that_change_samples_share_them() -> None:
    variants = {
        "plain": {},
        "shuffled posters": {"samples.shuffle_posters": True},
        "both": {"samples.shuffle_posters": True, "networks.heads": 1},
        "one head": {"networks.heads": 1},
    }
    planned = plan_variants(make_config(variants=variants))
    names = [v.config.samples.name for v in planned.variants if v.model == "mmdin"]
    assert names == ["", "shuffled_posters", "shuffled_posters", ""]
    sets = planned.sample_sets()
    assert [s.config.samples.name for s in sets] == ["", "shuffled_posters"]
    assert [s.config.samples.shuffle_posters for s in sets] == [False, True]
    assert [[v.label for v in s.variants] for s in sets] == [
        ["din (plain)", "mmdin (plain)", "din (one head)", "mmdin (one head)"],
        ["din (shuffled posters)", "mmdin (shuffled posters)", "din (both)", "mmdin (both)"],
    ]


def test_variants_whose_names_look_alike_have_their_own_samples() -> None:
    variants = {
        "movies-100": {"samples.max_movie_id": 100},
        "movies 100": {"samples.max_movie_id": 100, "samples.positive_rating": 4.5},
        "movies.100": {"samples.buckets": 7},
        "Movies_100": {"samples": {"folds": 6}},
        "base": {"samples.folds": 7},
    }
    config = make_config(variants=variants)
    samples = config.samples.model_copy(update={"name": "base"})
    planned = plan_variants(config.model_copy(update={"samples": samples})).variants
    names = {v.config.samples.name for v in planned}
    assert len({name.lower() for name in names}) == len(variants)
    assert "movies_100" in names and "base" not in names
    assert all(name.isascii() and name.isidentifier() for name in names)


def test_a_section_of_a_variant_changes_only_the_keys_that_it_has() -> None:
    values = {"networks": {"heads": 4, "blocks": 3, "dropout": 0.1}, "training": {"epochs": 9}}
    changes = {"networks": {"heads": 1}, "training": {"models": "din"}, "networks.width": 5}
    variants = {"experiment": {"variants": {"one head": changes}}}
    config = Config.model_validate({"name": "x", "root": "x", **values, **variants})
    (variant,) = plan_variants(config).variants
    networks = variant.config.networks
    assert (networks.heads, networks.blocks, networks.dropout, networks.width) == (1, 3, 0.1, 5)
    assert variant.config.training.epochs == 9


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"networks.head": 1}, "experiment.variants: bad: unknown key networks.head; did you"),
        ({"networks.heads": 0}, "experiment.variants: bad: networks.heads"),
        ({"seed": 4}, "changes seed; variants may change samples"),
        ({"training.ranks": 1}, "changes training.ranks, which all variants share"),
    ],
)
def test_variants_that_cannot_be_are_refused_by_name(changes: dict, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said.replace(".", r"\.")):
        plan_variants(make_config(variants={"plain": {}, "bad": changes}))


def test_a_file_with_a_wrong_variant_is_refused_when_read(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("experiment:\n  variants:\n    bad: {networks.head: 1}\n")
    with pytest.raises(ConfigurationError, match=r"experiment\.variants: bad: unknown key"):
        load_config(str(path))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda p: p.stem)
def test_experiments_of_the_project_can_be_planned(path: Path) -> None:
    config = load_config(str(path))
    planned = plan_variants(config).variants
    assert len(planned) >= 5
    assert config.experiment.question.endswith("?")
    runs = {fingerprint(v, s, IDENTITIES) for v in planned for s in v.config.training.seeds}
    different_samples = len({v.config.samples.name for v in planned}) > 1
    assert different_samples or len(runs) == len(planned) * len(config.training.seeds)


def test_a_fingerprint_is_of_what_the_result_depends_on() -> None:
    def of(seed: int = 1, tables: dict[str, str] = IDENTITIES, **section: object) -> str:
        config = Config.model_validate({"name": "x", **section})
        return fingerprint(plan_variants(config).variants[-1], seed, tables)

    same = of()
    assert of(scoring={"batch_size": 3}, experiment={"question": "Why?"}) == same
    assert of(training={"models": ["mmdin"], "seeds": [4, 5]}) == same
    different = [
        of(seed=2),
        of(tables={**IDENTITIES, "samples": "another 3"}),
        of(networks={"heads": 3}),
        of(training={"epochs": 3}),
        of(samples={"buckets": 3}),
    ]
    assert len({same, *different}) == 6


@pytest.mark.parametrize("stage", [score.STAGE, evaluate.STAGE], ids=lambda stage: stage.name)
def test_scores_and_metrics_depend_on_what_decides_their_runs(stage: Stage) -> None:
    assert {"samples", "networks", "experiment.variants"} < set(stage.settings)
    of_training = {key for key in stage.settings if key.startswith("training")}
    without_effect = {"start_timeout", "step_timeout", "horovod_cycle_ms", "restarts", "resume"}
    assert of_training == {f"training.{key}" for key in {*Training.model_fields} - without_effect}


def test_previous_runs_are_found_and_their_end_is_recorded(
    spark: SparkSession, tmp_path: Path
) -> None:
    variants = plan_variants(make_config(str(tmp_path))).variants
    tables = Tables(spark, str(tmp_path))
    for table in SAMPLE_TABLES:
        path = tables.path(table)
        for _ in range(VERSIONS[table.name] + 1):
            rows = spark.createDataFrame([(None,) * len(table.columns)], table.schema)
            rows.write.format("delta").mode("append").save(path)
    data = TrainingData(VERSIONS, sample_identities(tables, VERSIONS), {}, {})
    wanted = [start_run(v, seed, data) for v in variants for seed in (1, 2)]
    assert find_previous_runs(tables, wanted) == PreviousRuns()
    ended, lost, stopped, *others = wanted
    upsert_runs(tables, [ended, lost, stopped])
    save_result(Path(ended.checkpoint))
    save_state(Path(stopped.checkpoint))
    before = tables.version(RUNS)
    previous = find_previous_runs(tables, wanted)
    assert previous.finished == {ended.fingerprint}
    assert {key: run.run_id for key, run in previous.resumable.items()} == {
        stopped.fingerprint: stopped.run_id
    }
    assert [run.run_id for run in previous.unrecorded] == [ended.run_id, lost.run_id]
    assert tables.version(RUNS) == before
    end_runs(tables, previous.unrecorded, reason="stopped before its end")
    previous = find_previous_runs(tables, wanted)
    assert (previous.finished, set(previous.resumable), previous.unrecorded) == (
        {ended.fingerprint},
        {stopped.fingerprint},
        (),
    )
    status = {r["run_id"]: (r["status"], r["reason"]) for r in tables.read(RUNS).collect()}
    assert status[ended.run_id] == ("finished", None)
    assert status[lost.run_id] == ("failed", "stopped before its end")
    assert status[stopped.run_id] == ("running", None)
    with pytest.raises(TableError, match="no finished run of din with seed 2, mmdin with seed 1"):
        trained_runs(tables, variants)
    for run in (lost, stopped, *others):
        save_result(Path(run.checkpoint))
    end_runs(tables, [lost, stopped, *others])
    found = trained_runs(tables, variants)
    assert {key: r["run_id"] for key, r in found.items()} == {
        (run.variant.label, run.seed): run.run_id for run in wanted
    }
    assert tables.read(RUNS).columns == RUNS.columns
    Path(ended.checkpoint, CHECKPOINT_FILES[1]).unlink()
    assert find_previous_runs(tables, wanted).finished == {
        run.fingerprint for run in wanted if run is not ended
    }


def save_state(folder: Path) -> None:
    from mmdin.training.state import TrainingState, write_state

    folder.mkdir(parents=True)
    write_state(local_folder(folder), TrainingState((), 0.0), [])


def save_result(folder: Path) -> None:
    from mmdin.training.assignment import Epoch, TrainingResult, write_result

    folder.mkdir(parents=True, exist_ok=True)
    for name in CHECKPOINT_FILES:
        (folder / name).touch()
    epoch = Epoch(1, 0.001, 0.6, 0.6, 0.7, 1000.0, 1.0)
    now = datetime.datetime.now(datetime.UTC).timestamp()
    write_result(local_folder(folder), TrainingResult([epoch], 1, 10, now, now))
