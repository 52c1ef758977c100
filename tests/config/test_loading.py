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
            "input.xyzzyx=x",
            "unknown key input.xyzzyx; the keys of input are: movielens, ratings_files,",
        ),
        ("xyzzyx=1", "unknown key xyzzyx; the keys are: name, root, seed, part, input, world,"),
        ("training.ranks=two", "training.ranks: Input should be a valid integer"),
        ("training.ranks=0", "greater than or equal to 1, got 0"),
        ("training.models=dinn", "'din' or 'mmdin', got 'dinn'"),
        ("training.models=[din, din]", "is listed twice"),
        (
            "samples.test_fraction=0.95",
            "small.yaml, --set samples.test_fraction=0.95: samples: test_fraction and "
            "validation_fraction together must leave rows to train on",
        ),
        (
            "training.ranks=9",
            "small.yaml, --set training.ranks=9: samples.files (8) must be at least training.ranks",
        ),
        ("training={ranks: 0}", "--set training={ranks: 0}: training.ranks: Input should be gre"),
        ("training.models=din,mmdin", "got 'din,mmdin'; write a list as [din,mmdin]"),
        (
            "experiment.variants.x.networks.heads=0",
            "--set experiment.variants.x.networks.heads=0: experiment.variants: x: networks.heads:",
        ),
        ("training.seeds=[true]", "training.seeds: should be a number"),
        ("seed=true", "seed: should be a number"),
        ("seed=yes", "seed: Input should be a valid integer"),
        ("seed=15:00", "seed: Input should be a valid integer"),
        ("seed=null", "seed: has no value"),
        ("seed=99999999999999999999", "seed: Input should be less than or equal to 2147483647"),
        ("seed=" + "9" * 5000, "a number of 5000 digits"),
        ("samples.max_movie_id=9223372036854775808", "less than or equal to 9223372036854775807"),
        ("scoring.attention_users=-9223372036854775809", "scoring.attention_users"),
        ("training.ranks =2", "no blanks around =, as in --set training.ranks=2"),
        ("root=~nobody-at-all/x", "there is no home folder ~nobody-at-all"),
        ("name=..", "name: String should match pattern"),
        ("world.ratings=10", "world.ratings"),
        ("input.encoding=latin-99", "input.encoding: must be utf-8, utf-16, utf-16-le,"),
        ("input.encoding=cp037", "an encoding that contains ASCII, such as latin-1 or cp1252"),
        ("input.ratings_files=../x.csv", "must name files within input.movielens"),
        ("input.format=ml-2m", "input.format: Input should be 'movielens', 'ml-10m'"),
        ("input.rating_scale={maximum: 4.7}", "must be a whole number of steps (0.5)"),
        ("input.rating_scale.minimum=6", "must be a whole number of steps"),
        ("input.max_rejected_share=5", "less than or equal to 1"),
        ("input=3", "input"),
        ("input=3", "input is a section, got 3; the keys of input are: movielens"),
        ("training", "write it as section.key=value"),
        ("training.ranks=[", "is not YAML"),
        ("root=s3a://bucket", "a URL must name a folder"),
        ("root=hdfs://host/a b", "letters, digits"),
        ("tables.database=a-b", "tables.database"),
        ("tables.database=a.b.c", "tables.database"),
    ],
)
def test_invalid_overrides_are_refused_by_name(file: str, override: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_config(file, [override])
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("pieces", "right"),
    [
        ("training.models=[din, mmdin]", "--set 'training.models=[din, mmdin]'"),
        ("training.ranks = 2", "--set training.ranks=2"),
        ("training.ranks= 2", "--set training.ranks=2"),
        ("training.ranks =2 seed=3", "--set training.ranks=2"),
        ("input.movielens=a folder of mine seed=3", "--set 'input.movielens=a folder of mine'"),
    ],
)
def test_what_a_shell_took_apart_is_shown_as_it_must_be_written(
    file: str, pieces: str, right: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_config(file, pieces.split())
    assert str(error.value).endswith(f"as in {right}")


def test_text_is_taken_as_it_is_written(file: str) -> None:
    given = {"movielens": "build/run #2", "posters": "010", "tables": " {a: 'b'} "}
    config = load_config(file, [f"input.{key}={text}" for key, text in given.items()])
    assert config.input.model_dump() | given == config.input.model_dump()
    assert load_config(file, ["root=build/a: b"]).root == "build/a: b"
    assert load_config(file, ["name=010"]).name == "010"


def test_numbers_are_decimal(file: str) -> None:
    config = load_config(file, ["seed=010", "training.learning_rate=1e-4", "samples.folds=08"])
    assert (config.seed, config.training.learning_rate, config.samples.folds) == (10, 1e-4, 8)


def test_a_section_changes_only_the_keys_that_it_has(file: str) -> None:
    given = [
        "training={ranks: 1}",
        "networks={heads: 3}",
        "networks.blocks=5",
        "networks={width: 9}",
    ]
    config = load_config(file, [*given, "training=", "training={}"])
    assert (config.training.batch_size, config.training.ranks) == (7, 1)
    assert (config.networks.heads, config.networks.blocks, config.networks.width) == (3, 5, 9)


def test_one_value_is_a_list_of_one(file: str) -> None:
    given = ["training.seeds=5", "training.ordinal_stars=2", "scoring.attention_users=7"]
    config = load_config(file, [*given, "training.models=din", "networks.hidden_units=16"])
    assert (config.training.seeds, config.training.ordinal_stars) == ((5,), (2.0,))
    assert (config.scoring.attention_users, config.networks.hidden_units) == ((7,), (16,))


def test_paths_begin_in_the_home_folder(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of mine")
    keys = ("root", "input.movielens", "input.posters", "input.tables", "download.folder")
    config = load_config(file, [f"{key}=~/a" for key in keys])
    inputs = (config.input.movielens, config.input.posters, config.input.tables)
    assert {config.root, config.download.folder, *inputs} == {"/home/of mine/a"}
    assert load_config(file, ["root=a/~/b"]).root == "a/~/b"


def read(folder: Path, text: str, name: str = "some.yaml", *overrides: str) -> Config:
    path = folder / name
    path.write_text(text)
    return load_config(str(path), overrides)


def test_an_empty_section_or_variant_has_nothing_to_say(tmp_path: Path) -> None:
    text = "training:\n  # epochs: 3\nexperiment:\n  variants:\n    10:\n    b: {seed: 1}\n"
    config = read(tmp_path, text)
    assert config.training == Config(name="x").training
    assert config.experiment.variants == {"10": {}, "b": {"seed": 1}}
    assert read(tmp_path, "experiment:\n  variants:\n").experiment.variants == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "training: {seed: 1}\nseed: 2\ntraining: {ranks: 1}",
            "training is given twice, in lines 1 a",
        ),
        (
            "training:\n  ranks: 1\n  epochs: 2\n  ranks: 2",
            "ranks is given twice, in lines 2 and 4",
        ),
        (
            "experiment: {variants: {a: {networks: {heads: 1}, networks.heads: 2}}}",
            "experiment.variants: a: networks.heads is set twice",
        ),
        ("training: 3", "training is a section, got 3"),
        ("root: ~", "root: has no value: give it one, or remove the key (in YAML, ~ is no value)"),
        ("name: 010", "name: should be text: put it in quotes, got 10"),
        ("seed: on", "seed: Input should be a valid integer"),
        ("experiment: {variants: {a: 5}}", "experiment.variants.a: Input should be a valid dict"),
        ("experiment: {variants: {a: {1: 5}}}", "experiment.variants: a: unknown key 1"),
    ],
)
def test_files_that_do_not_say_what_is_meant_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"some\.yaml: ") as error:
        read(tmp_path, text)
    assert message in str(error.value)


def test_a_file_name_that_is_no_name_needs_one(tmp_path: Path) -> None:
    for name in ("my run.yaml", "größe.yaml", "-x.yaml"):
        with pytest.raises(ConfigurationError, match="rename the file, or set name in it"):
            read(tmp_path, "", name)
    assert read(tmp_path, "name: other", "my run.yaml").root == "build/other"
    assert read(tmp_path, "", "my run.yaml", "name=other").name == "other"


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


def test_an_ensemble_needs_several_seeds(file: str) -> None:
    named = "scoring.predictors=[ensemble, stack]"
    assert load_config(file, [named, "training.seeds=[1, 2]"]).scoring.predictors == (
        "ensemble",
        "stack",
    )
    with pytest.raises(ConfigurationError, match=r"ensemble, which needs several training\.seeds"):
        load_config(file, [named])


def test_a_predictor_is_named_once(file: str) -> None:
    with pytest.raises(ConfigurationError, match="listed twice: stack, stack"):
        load_config(file, ["scoring.predictors=[stack, stack]"])
