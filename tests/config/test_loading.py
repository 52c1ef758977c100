from pathlib import Path

import pytest
import yaml

from mmdin.config import MODEL_NAMES, Config, load_config
from mmdin.errors import ConfigurationError

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text("training:\n  batch_size: 7\n")
    return str(path)


CONFIGURATIONS = [
    *(PROJECT / "conf").glob("*.yaml"),
    *(PROJECT / "conf/experiments").glob("*.yaml"),
]


@pytest.mark.parametrize("path", sorted(CONFIGURATIONS), ids=lambda p: p.name)
def test_configurations_of_the_project_are_valid(path: Path) -> None:
    config = load_config(str(path))
    assert config.name == path.stem
    assert config.root == f"build/{path.stem}"


def test_overrides_win_over_the_file(file: str) -> None:
    config = load_config(file, ["training.ranks=3", "input.movielens=some dir", "root=/x"])
    assert (config.training.batch_size, config.training.ranks) == (7, 3)
    assert (config.input.movielens, config.root) == ("some dir", "/x")


@pytest.mark.parametrize(
    ("root", "read"),
    [
        ("file:///of%20two words", "/of two words"),
        ("hdfs://host:8020/mmdin/", "hdfs://host:8020/mmdin"),
        ("hdfs:///mmdin", "hdfs:///mmdin"),
        ("s3a://a-bucket/x/y=1", "s3a://a-bucket/x/y=1"),
    ],
)
def test_roots_are_paths_or_urls(file: str, root: str, read: str) -> None:
    assert load_config(file, [f"root={root}"]).root == read


@pytest.mark.parametrize("spelled", ["all", "[all]"])
def test_all_means_every_model(file: str, spelled: str) -> None:
    assert load_config(file, [f"training.models={spelled}"]).training.models == MODEL_NAMES


def test_printed_configuration_reads_back_the_same(file: str) -> None:
    config = load_config(file, ["training.models=din"])
    assert Config.model_validate(yaml.safe_load(config.to_yaml())) == config


def test_only_changed_keys_are_shown(file: str) -> None:
    config = load_config(file, ["training.ranks=3", "networks.heads=2", "samples.folds=6"])
    assert yaml.safe_load(config.changes_to_yaml()) == {
        "name": "small",
        "root": "build/small",
        "training": {"batch_size": 7, "ranks": 3},
        "samples": {"folds": 6},
    }


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.rank=2", "unknown key training.rank; did you mean training.ranks?"),
        ("trainig.ranks=2", "unknown key trainig; did you mean training?"),
        ("ranks=2", "unknown key ranks; did you mean training.ranks?"),
        ("tables.xyz=1", "unknown key tables.xyz; the keys of tables are: database"),
        (
            "input.trainset=x",
            "unknown key input.trainset; the keys of input are: movielens, posters, tables",
        ),
        ("xyzzyx=1", "unknown key xyzzyx; the keys are: name, root, seed, part, input, world,"),
        ("training.ranks=two", "training.ranks: Input should be a valid integer"),
        ("training.ranks=0", "greater than or equal to 1, got 0"),
        ("training.models=dinn", "'din' or 'mmdin', got 'dinn'"),
        ("training.models=[din, din]", "is listed twice"),
        ("samples.test_fraction=0.95", "must leave rows to train on"),
        ("training.ranks=9", "samples.files (8) must be at least training.ranks (9)"),
        ("world.ratings=10", "world.ratings"),
        ("input=3", "input"),
        ("training", "write it as section.key=value"),
        ("training.ranks=[", "is not YAML"),
        ("root=s3a://bucket", "a URL must name a folder"),
        ("root=hdfs://host/a b", "letters, digits"),
        ("tables.database=a-b", "tables.database"),
    ],
)
def test_invalid_overrides_are_refused_by_name(file: str, override: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_config(file, [override])
    assert message in str(error.value)


def test_a_file_is_named_with_its_wrong_key(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("training:\n  batchsize: 7\n")
    with pytest.raises(ConfigurationError, match=r"wrong\.yaml: unknown key training\.batchsize"):
        load_config(str(path))


@pytest.mark.parametrize(
    ("text", "message"), [("[1, 2]", "must hold sections"), ("a: [", "is not YAML")]
)
def test_files_that_are_not_a_configuration_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        load_config(str(path))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: cannot be read"):
        load_config("nowhere.yaml")


def test_configuration_is_frozen(file: str) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_config(file).training.ranks = 5  # type: ignore[misc]
