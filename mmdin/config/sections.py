"""The sections of the configuration and their keys, each documented below its field.

Paths are relative to the folder that the job is started in, and can begin with ~, the home folder.
"""

import codecs
import datetime
import math
import os.path
import re
import typing
from collections.abc import Mapping
from typing import Any, Literal

import pydantic
from pydantic import Field

from mmdin.config.yaml_core import write_yaml
from mmdin.networks import NETWORKS, check_model_name
from mmdin.storage.urls import check_url, is_local, local_path

ModelName = typing.Annotated[str, pydantic.AfterValidator(check_model_name)]
MODEL_NAMES: tuple[ModelName, ...] = tuple(NETWORKS)

Protocol = Literal["point_in_time", "random", "leaky"]
Predictor = Literal["factorisation", "lightgbm", "ensemble", "stack"]
Part = Literal["all", "prepare", "train", "evaluate"]

_MOST = 2**31 - 1
"""The JVM's largest int: Spark, TensorFlow and columns of the tables hold counts in one."""

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
"""Names of configurations: parts of paths that mean the same everywhere."""

Fraction = typing.Annotated[float, Field(gt=0, lt=1)]
PositiveInt = typing.Annotated[int, Field(ge=1, le=_MOST)]
Width = typing.Annotated[int, Field(ge=1, le=65_536)]
Id = typing.Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
NonNegative = typing.Annotated[float, Field(ge=0)]
VariantName = typing.Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$")]
Widths = typing.Annotated[tuple[Width, ...], Field(min_length=1)]

_ASCII = '\n\r,;|\t"0aZ'
_UTF_16 = ("utf-16", "utf-16-le", "utf-16-be")


def _check_files_within(names: str) -> str:
    if names.startswith(("/", "~")) or ".." in names.split("/") or "://" in names:
        raise ValueError("must name files within input.movielens, such as ratings-*.csv")
    return names.strip("/")


def _check_encoding(name: str) -> str:
    """The codec's own name."""
    try:
        codec = codecs.lookup(name).name.removesuffix("-sig") if name else ""
        if not name or codec in _UTF_16 or _ASCII.encode(codec) == _ASCII.encode():
            return codec
    except (LookupError, UnicodeError):
        pass
    raise ValueError(
        f"must be utf-8, {', '.join(_UTF_16)}, or an encoding that contains ASCII, such as latin-1 "
        "or cp1252"
    )


FilesWithin = typing.Annotated[str, pydantic.AfterValidator(_check_files_within)]
EncodingName = typing.Annotated[str, pydantic.AfterValidator(_check_encoding)]


class Section(pydantic.BaseModel):
    """Base of every part of the configuration: frozen, no unknown keys, fields documented."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _as_people_write_it(cls, value: Any, info: pydantic.ValidationInfo) -> Any:
        return _fit(value, cls.model_fields[str(info.field_name)].annotation)


def _fit(value: Any, annotation: Any) -> Any:
    """The value as its field takes it: an empty section has its defaults, one value is a list.

    Raises:
        ValueError: if the value is of another kind, which Pydantic would convert (true to 1), or
            would refuse in words that do not help.
    """
    kind, kinds = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if value is None and type(None) not in kinds:
        if kind in (dict, Mapping) or (isinstance(kind, type) and issubclass(kind, Section)):
            return {}
        raise ValueError("has no value: give it one, or remove the key (in YAML, ~ is no value)")
    if isinstance(value, bool) and bool not in (kind, *kinds) and {int, float} & {kind, *kinds}:
        raise ValueError("should be a number")
    if kind is str and isinstance(value, bool | int | float):
        raise ValueError("should be text: put it in quotes")
    if kind is tuple:
        values = [value] if isinstance(value, bool | int | float | str) else value
        return [_fit(v, kinds[0]) for v in values] if isinstance(values, list) else values
    return value


def _expand_home(path: str) -> str:
    """The path, with the home folder for ~ or ~user at its beginning."""
    check_url(path)
    expanded = os.path.expanduser(path)  # noqa: PTH111  Path would drop the slashes of a URL
    if expanded.startswith("~"):
        raise ValueError(
            f"there is no home folder {path.partition('/')[0]}: write ./{path} for a folder of "
            "that name"
        )
    return expanded


Folder = typing.Annotated[str, pydantic.AfterValidator(_expand_home)]


class RatingScale(Section):
    """The scale of the ratings that are read. Tables hold stars, 0.5 to 5 in halves.

    The lowest value becomes 0.5 stars, the highest 5, and those between them the nearest half star.
    A scale of stars that ends at 5, such as 1 to 5, is kept.
    """

    minimum: float = 0.5
    """The lowest value."""
    maximum: float = 5
    """The highest value."""
    step: float = Field(0.5, gt=0)
    """Distance between neighbouring values."""

    @pydantic.model_validator(mode="after")
    def _whole_number_of_steps(self) -> "RatingScale":
        steps = (self.maximum - self.minimum) / self.step
        if steps < 0.5 or abs(steps - round(steps)) > 1e-6:
            raise ValueError(
                f"from minimum ({self.minimum:g}) to maximum ({self.maximum:g}) must be a whole "
                f"number of steps ({self.step:g})"
            )
        return self

    @property
    def steps(self) -> int:
        """Number of steps from the lowest value to the highest."""
        return round((self.maximum - self.minimum) / self.step)

    @property
    def is_stars(self) -> bool:
        """Whether the values are stars already: up to 5, in halves or whole."""
        return (
            self.maximum == 5 and self.minimum >= 0.5 and self.minimum % 0.5 == self.step % 0.5 == 0
        )


class Input(Section):
    """Where the raw data is, and how it is written."""

    movielens: Folder = ""
    """Folder that holds ratings.csv, movies.csv and links.csv."""
    ratings_files: FilesWithin = ""
    """Which files of the folder hold ratings: a file, a folder of part files, or a pattern such as
    ratings-*.csv. If empty, ratings.csv, or the name that input.format gives it; also compressed
    (.gz, .bz2), as a folder of part files, or as ratings.parquet."""
    movies_files: FilesWithin = ""
    """The same for movies.csv."""
    links_files: FilesWithin = ""
    """The same for links.csv, which may be absent."""
    format: Literal["movielens", "ml-10m", "ml-1m", "ml-100k"] = "movielens"
    """How files without a header are laid out. movielens: they are refused. ml-10m, ml-1m: fields
    separated by ::, in ratings.dat and movies.dat. ml-100k: fields separated by tabs in u.data, by
    | in u.item."""
    encoding: EncodingName = ""
    """Encoding of text files that have no byte-order mark, such as utf-16 or cp1252. If empty,
    UTF-8; for ml-1m and ml-100k, latin-1."""
    rating_scale: RatingScale = RatingScale()
    """The scale of the ratings."""
    max_rejected_share: float = Field(0.05, ge=0, le=1)
    """Ingestion is refused if more than this share of a file's rows cannot be used."""
    posters: Folder = ""
    """Folder of images named by movie id, such as 1.jpg."""
    tables: Folder = ""
    """Root of another pipeline whose ratings, movies, posters and true probabilities are used
    unchanged; if empty, the two folders above are ingested."""


class World(Section):
    """The invented world that make_demo_data writes.

    Strengths are standard deviations in log-odds of a positive rating.
    """

    users: PositiveInt = 700
    """Users who rate."""
    movies: int = Field(1000, ge=100, le=200_000)
    """Movies that can be rated."""
    ratings: int = Field(100_000, ge=1000, le=25_000_000)
    """Approximate number of ratings; at least 20 a user, at most a quarter of users x movies."""
    movie_quality: NonNegative = 0.6
    """How much movies differ in quality, for everyone alike."""
    user_mean: NonNegative = 0.6
    """How much users differ in their mean rating."""
    genre_taste: NonNegative = 0.4
    """How much a user's taste differs between genres."""
    recent_interest: NonNegative = 1.3
    """How much similarity to the last liked movies raises the odds."""
    poster_taste: NonNegative = 1.0
    """How much a user's taste differs between poster colours and sharpness."""
    bad_rows: bool = True
    """Whether to add a few invalid rows and posters."""

    @pydantic.model_validator(mode="after")
    def _ratings_fit_users_and_movies(self) -> "World":
        fewest, most = 20 * self.users, self.users * self.movies // 4
        if not fewest <= self.ratings <= most:
            raise ValueError(
                f"ratings ({self.ratings}) must be between {fewest} and {most}, from 20 a user to "
                "a quarter of users x movies: change users, movies or ratings"
            )
        return self


class Download(Section):
    """What download_movielens fetches."""

    release: Literal["ml-latest-small", "ml-25m", "ml-32m"] = "ml-latest-small"
    """Name of the MovieLens release."""
    url: str = Field("https://files.grouplens.org/datasets/movielens", pattern="^https?://")
    """The publisher's folder that holds <release>.zip and its MD5 checksum."""
    folder: Folder = "data"
    """Folder to unpack it in, as <folder>/<release>/."""


class Posters(Section):
    """Limits on poster images."""

    max_pixels: PositiveInt = 25_000_000
    """Images of more pixels are not decoded."""
    max_bytes: PositiveInt = 20_000_000
    """Larger files are not read."""


class Samples(Section):
    """Labels, splits and features."""

    protocol: Protocol = "point_in_time"
    """point_in_time: features from strictly earlier ratings, split by time. random: split by a
    seeded hash, statistics out of fold. leaky: statistics over all rows, only for comparison with
    published numbers."""
    positive_rating: float = Field(3.5, ge=0.5, le=5)
    """Ratings of at least this many stars are positive."""
    max_movie_id: typing.Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None
    """Keep only ratings of movies with ids up to this; null keeps all."""
    with_posters_only: bool = True
    """Keep only ratings of movies that have poster features."""
    min_user_ratings: int = Field(1, ge=1, le=2**31 - 1)
    """Keep only ratings by users with at least this many, of those that the keys above keep."""
    user_fraction: float = Field(1.0, gt=0, le=1)
    """Share of users whose ratings are kept, chosen by a seeded hash: for learning curves. Those
    whom a smaller share keeps, a larger one keeps too."""
    test_fraction: Fraction = 0.2
    """Share of rows to test on."""
    validation_fraction: Fraction = 0.1
    """Share of rows for early stopping and for choosing thresholds."""
    folds: int = Field(5, ge=2, le=100)
    """Folds of the training rows for out-of-fold statistics (protocol random)."""
    buckets: int = Field(20, ge=2, le=1000)
    """Number of buckets for a numeric feature, by quantiles of the training rows."""
    shuffle_posters: bool = False
    """Whether every movie gets another movie's poster: the control for the effect of posters."""
    name: str = Field("", pattern=r"^[A-Za-z0-9_]*$")
    """Name of these samples if one root holds several, as in an experiment; part of the table's
    path."""
    files: int = Field(8, ge=1, le=10_000)
    """Parquet files per split. They are divided among the ranks, so at least one per rank."""

    @pydantic.model_validator(mode="after")
    def _some_rows_left_to_train(self) -> "Samples":
        if self.test_fraction + self.validation_fraction >= 1:
            raise ValueError(
                "test_fraction and validation_fraction together must leave rows to train on: "
                f"{self.test_fraction} + {self.validation_fraction} >= 1"
            )
        return self


class Networks(Section):
    """Sizes of the networks. Settings of parts that MMDIN shares with baselines hold for both."""

    embedding_size: int = Field(32, ge=1, le=4096)
    """Length of an embedding vector."""
    hidden_units: Widths = (128, 64)
    """Widths of the baselines' dense layers."""
    attention_units: Widths = (32,)
    """Widths of the dense layers that compute the attention weight of a liked movie."""
    width: Width = 128
    """Width of MMDIN's dense layer and of its residual blocks."""
    heads: int = Field(2, ge=1, le=1000)
    """MMDIN's parallel stacks of residual blocks."""
    blocks: int = Field(2, ge=1, le=1000)
    """Residual blocks in each stack."""
    dropout: float = Field(0.3, ge=0, lt=1)
    """Share of a dense layer's inputs dropped in training, in NeuralCF, EmbeddingMLP and DeepFM."""
    interest_dropout: float = Field(0.5, ge=0, lt=1)
    """The same in DIN and MMDIN. High, for small data sets; their factorisation has no dropout."""
    identity_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of training rows whose user is hidden, and share of rows whose movie is, so that the
    network learns to score users and movies that it has not seen."""
    posters: bool = True
    """Whether MMDIN uses posters."""
    poster_dropout: float = Field(0.2, ge=0, lt=1)
    """Share of training rows whose posters are hidden from MMDIN, so that it does not depend on
    them."""
    genres: bool = True
    """Whether networks use genres."""
    biases: bool = True
    """Whether networks other than NeuralCF add the biases of movies and users to the logit. They
    are what is known of users whom training never saw. The paper's networks do not."""
    attention: Literal["outer", "concatenation", "mean"] = "outer"
    """How MMDIN weighs a liked movie h for the candidate c. outer: from h, c and their outer
    product. concatenation: from h and c. mean: all equally."""
    attention_by: Literal["genres", "movies"] = "genres"
    """What h and c are to MMDIN's attention. genres: the embeddings of their genres; the sum of the
    weights is added to the logit. movies: the embeddings of the movies and their genres, as in the
    paper."""
    trunk: Literal["residual", "plain"] = "residual"
    """Whether MMDIN ends in heads of residual blocks, or in as many plain dense layers as one head
    has."""
    factorization: bool = True
    """Whether the logit of DIN and MMDIN is the sum of the dense layers' output and a matrix
    factorisation: user and movie biases and the inner product of their embeddings. The paper's
    networks have no factorisation."""


class Training(Section):
    """How the networks are trained."""

    models: tuple[ModelName, ...] = Field(MODEL_NAMES, min_length=1)
    """Networks to train, in this order; `all` means every one."""
    seeds: tuple[PositiveInt, ...] = Field((1,), min_length=1)
    """Seeds of weights and row order; every network is trained once with each. The split does not
    change: it depends on `seed` of the configuration."""
    ranks: int = Field(2, ge=1, le=1000)
    """Horovod ranks; each is a Spark task."""
    batch_size: int = Field(4500, ge=1, le=2_000_000)
    """Rows per step and rank."""
    epochs: PositiveInt = 100
    """Maximum number of passes over the training rows. It bounds the time: early stopping should
    end every run before it. The report names runs that it cut off."""
    patience: PositiveInt = 4
    """Training stops after this many epochs without a better validation ROC AUC."""
    averaging: float = Field(0.2, ge=0, le=1)
    """What is validated and saved is the mean of the weights over about this last share of the
    steps so far. If 0, it is the weights after the last step, as in the paper."""
    learning_rate: float = Field(1e-3, gt=0)
    """Learning rate of Adam with one rank."""
    learning_rate_scaling: Literal["none", "sqrt", "linear"] = "sqrt"
    """How the learning rate grows with the number of ranks."""
    factor_learning_rate: float = Field(0.05, gt=0)
    """Learning rate of the factorisation's user and movie embeddings, per row that looks one up."""
    factor_l2: NonNegative = 0.06
    """L2 penalty of these embeddings: weight in the loss of half their squared norm, per row that
    looks one up."""
    poster_l2: NonNegative = 3000.0
    """L2 penalty of the vector that a poster adds to its movie: weight of half its squared norm in
    the loss summed over all training rows. It keeps the poster branch near zero if posters carry no
    information. Its effect falls as the number of rows grows."""
    attention_l2: NonNegative = 150.0
    """L2 penalty of the dense layers of MMDIN's attention by genres: weight of their squared
    weights in the loss summed over all training rows. Its effect falls as the number of rows
    grows."""
    dense_l2: NonNegative = 1e-3
    """L2 penalty of dense layers: weight of their squared weights in the loss. With more than
    150,000 training rows, its effect falls as their number grows."""
    ordinal_stars: tuple[typing.Annotated[float, Field(ge=1, le=5)], ...] = (2.5, 4.5)
    """Further thresholds in stars. Training also predicts whether a rating reaches each of them, so
    that it learns from the whole rating; if empty, it learns from the label alone, as in the
    paper."""
    ordinal_weight: float = Field(0.5, gt=0)
    """Weight in the loss of each of these thresholds; the label has weight 1."""
    start_timeout: PositiveInt = 300
    """Seconds to wait for a task slot for every rank, and for the ranks' tasks to start."""
    step_timeout: PositiveInt = 900
    """A rank ends the training after this many seconds without a step, because another rank must
    be hanging. Must be longer than the slowest start of a network or read of a file."""
    horovod_cycle_ms: float = Field(1.0, gt=0)
    """Horovod's cycle time: milliseconds between checks whether all ranks have something to sum.
    Each check takes about 0.06 ms of a core, and a step waits for one: best is a fiftieth of a
    step."""
    restarts: int = Field(3, ge=0, le=_MOST)
    """How often training restarts from the last epoch after a rank or executor is lost."""
    resume: str = ""
    """run_id, in table runs, of the run that must be resumed. If empty, stopped runs are resumed if
    their configuration, samples and code are unchanged."""
    shuffle_rows: PositiveInt = 200_000
    """Rows per rank that are shuffled together in memory; the order of files is shuffled too."""
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """Precision of the dense layers; bfloat16 is faster on GPUs that support it. Weights, the
    embedding table, logits and scoring are always float32."""
    xla: bool | Literal["auto"] = "auto"
    """Whether XLA compiles the training step. auto: on CPUs, if the fewest epochs that early
    stopping allows read 300,000 rows or more, of which the faster steps save the seconds that
    compilation takes."""

    @pydantic.field_validator("models", mode="before")
    @classmethod
    def _spell_out(cls, models: Any) -> Any:
        if models == "all" or models == ["all"]:
            return MODEL_NAMES
        return [models] if isinstance(models, str) else models

    @pydantic.field_validator("models", "seeds", "ordinal_stars")
    @classmethod
    def _nothing_twice(cls, values: tuple[Any, ...], info: pydantic.ValidationInfo) -> Any:
        if len(set(values)) < len(values):
            raise ValueError(
                f"one of {info.field_name} is listed twice: {', '.join(str(v) for v in values)}"
            )
        return values


class Scoring(Section):
    """How test rows are scored."""

    batch_size: int = Field(8192, ge=1, le=2_000_000)
    """Rows per batch."""
    predictors: tuple[Predictor, ...] = ()
    """Predictors to compare with, further to the naive ones. factorisation, a matrix factorisation
    of stars, and lightgbm, gradient boosted trees, which needs the package, are fitted on the
    driver. ensemble is the mean of the logits of each network's seeds. stack is a logistic
    regression over the logits of all networks and predictors, fitted on validation rows."""
    max_fitted_rows: PositiveInt = 1_000_000
    """Most samples for factorisation and lightgbm. A million take some 2 GB of the driver's
    Python."""
    attention_users: tuple[Id, ...] = ()
    """Users whose attention weights the report shows; if empty, four chosen at random."""

    @pydantic.field_validator("predictors")
    @classmethod
    def _nothing_twice(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(values)) < len(values):
            raise ValueError(f"a predictor is listed twice: {', '.join(values)}")
        return values


class Export(Section):
    """What job export writes."""

    run: str = ""
    """The run: a run_id of table runs, the name of a variant, or a model. If empty, the best
    finished run by validation ROC AUC on the newest samples."""
    licence: str = ""
    """Terms under which the ratings and posters may be used, for the model card, such as the
    name of a licence or the address of its text."""


def _check_moment(text: str) -> str:
    if text:
        seconds_of(text)
    return text


def seconds_of(moment: str) -> int:
    """The second since 1970, UTC, of a moment: a number of seconds, or a date and time.

    Raises:
        ValueError: it is neither.
    """
    if re.fullmatch(r"[0-9]{1,11}", moment):
        return int(moment)
    try:
        time = datetime.datetime.fromisoformat(moment)
    except ValueError:
        raise ValueError(
            "must be a date and time such as 2015-03-29 or 2015-03-29T09:17:06, UTC unless a zone "
            "follows, or seconds since 1970"
        ) from None
    return math.floor((time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp())


Moment = typing.Annotated[str, pydantic.AfterValidator(_check_moment)]


class Predict(Section):
    """What predict scores. build_states takes ratings and as_of from here too."""

    pairs: Folder = ""
    """The pairs of a user and a movie: a CSV or Parquet file, a folder of such files, a Delta table
    by its folder, or a table of Spark's catalog by its name. Columns user_id, movie_id and,
    optionally, rated_at, the moment as of which the pair is scored."""
    run: str = ""
    """The trained network: a run_id of table runs, a variant or a model, of which the best run is
    taken. If empty, the best by validation ROC AUC of all finished runs on the newest samples."""
    ratings: Folder = ""
    """Folder of further ratings, which training need not have seen, of new users too. It is read as
    input.movielens is, but needs no movies.csv. Of two ratings of a movie by a user the later
    counts."""
    as_of: Moment = ""
    """The moment as of which pairs without rated_at are scored, such as 2015-03-29T09:17:06, UTC:
    earlier ratings are known. If empty, one second after the newest rating."""


class Recommend(Section):
    """What job recommend recommends, and to whom."""

    run: str = ""
    """Which network scores the candidates: a run_id of table runs, or a variant or model, of which
    the best finished run by validation ROC AUC is taken. If empty, the best of all on the newest
    samples."""
    top: int = Field(10, ge=1, le=1000)
    """Length of a user's list. Ranking metrics are of lists of this length."""
    users: tuple[Id, ...] = ()
    """Users to recommend to; if empty, every user who has rated."""
    genres: tuple[str, ...] = ()
    """Recommend only movies of one of these genres; if empty, of all. Ranking metrics are of lists
    from the whole catalogue, as if this and the next two were not set."""
    release_years: tuple[int, ...] = ()
    """First and last release year of recommended movies, as in [1990, 1999]; if empty, all."""
    min_ratings: typing.Annotated[int, Field(ge=0, le=_MOST)] = 0
    """Recommend only movies with at least this many ratings."""
    candidates: int = Field(100, ge=2, le=10_000)
    """Most candidates for a user, which the network scores: by ALS, and a quarter of them the most
    popular."""
    network_weight: float | None = Field(None, ge=0, le=1)
    """Weight of the network's log-odds against the candidate score in the order of the list, both
    standardised among the user's candidates. null chooses it on validation rows, by NDCG."""

    @pydantic.field_validator("release_years")
    @classmethod
    def _first_and_last(cls, years: tuple[int, ...]) -> tuple[int, ...]:
        if years and (len(years) != 2 or years[0] > years[1]):
            raise ValueError("must be the first and the last year, such as [1990, 1999]")
        return years

    @pydantic.model_validator(mode="after")
    def _room_for_the_most_popular(self) -> "Recommend":
        if self.candidates < 2 * self.top:
            raise ValueError(
                f"candidates ({self.candidates}) must be at least twice top ({self.top}), for the "
                "best by ALS and the most popular"
            )
        return self


class Tracking(Section):
    """Logging of training runs to a server."""

    mlflow: str = ""
    """URI of an MLflow server, such as http://localhost:5000; if empty, nothing is logged. Needs
    the extra mlflow."""


class Tables(Section):
    """Registration of the tables in Spark's catalog."""

    database: str = Field("", pattern=r"^([A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?)?$")
    """Database in which the tables are also registered by name, such as mmdin.predictions, or
    catalog and schema, such as main.mmdin; if empty, they are not registered."""


class Experiment(Section):
    """What is compared."""

    question: str = "How well does each model tell which movies a user will rate highly?"
    """The experiment's question in one sentence, shown at the top of the report."""
    variants: dict[VariantName, dict[str, Any]] = {}
    """Keys, such as networks.heads, that each variant sets to other values; if empty, the networks
    of training.models are compared."""

    @pydantic.field_validator("variants", mode="before")
    @classmethod
    def _empty_variants_change_nothing(cls, variants: Any) -> Any:
        if not isinstance(variants, Mapping):
            return variants
        return {n: {} if changes is None else changes for n, changes in variants.items()}


class Config(Section):
    """The complete configuration of a job."""

    name: str = Field(pattern=f"^{NAME}$")
    """Name of the configuration; by default, the name of its file."""
    root: Folder = ""
    """Folder for everything that is written: tables/, checkpoints/, logs/, report/, exports/. A
    path, or a URL such as hdfs://host/folder or s3a://bucket/folder. By default build/<name>."""
    seed: PositiveInt = 1
    """Seed of the invented world, of the split and its folds, and of rows sampled for figures."""
    part: Part = "all"
    """Part of pipeline and experiment to run. prepare: up to the samples. train: training.
    evaluate: scoring, evaluation and report. all: these three. On a cluster each part can have its
    own resources."""
    input: Input = Input()
    world: World = World()
    download: Download = Download()
    posters: Posters = Posters()
    samples: Samples = Samples()
    networks: Networks = Networks()
    training: Training = Training()
    scoring: Scoring = Scoring()
    export: Export = Export()
    tracking: Tracking = Tracking()
    predict: Predict = Predict()
    recommend: Recommend = Recommend()
    tables: Tables = Tables()
    experiment: Experiment = Experiment()

    @pydantic.field_validator("root")
    @classmethod
    def _root_reads_the_same_everywhere(cls, root: str) -> str:
        if is_local(root):
            return str(local_path(root)) if root else ""
        # Spark encodes other characters and Hadoop reads some as patterns; Python does neither.
        if not re.fullmatch(r"[a-z0-9]+://[A-Za-z0-9._~:@-]*(/[A-Za-z0-9._~=@+-]+)+/?", root):
            raise ValueError(
                "a URL must name a folder, such as hdfs://host:8020/mmdin or s3a://bucket/mmdin, "
                "in letters, digits and ._~=@+-"
            )
        return root.rstrip("/")

    @pydantic.model_validator(mode="after")
    def _files_for_every_rank(self) -> "Config":
        if self.samples.files < self.training.ranks:
            raise ValueError(
                f"samples.files ({self.samples.files}) must be at least training.ranks "
                f"({self.training.ranks}), or a rank has nothing to read"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _seeds_for_an_ensemble(self) -> "Config":
        if "ensemble" in self.scoring.predictors and len(self.training.seeds) < 2:
            raise ValueError(
                "scoring.predictors names ensemble, which needs several training.seeds: list more "
                "seeds, or leave it out"
            )
        return self

    def to_yaml(self) -> str:
        """The resolved configuration as YAML: every key with its value."""
        return write_yaml(self.model_dump(mode="json"))

    def changes_to_yaml(self) -> str:
        """The keys whose values differ from the defaults, as YAML."""
        return write_yaml(self.model_dump(mode="json", exclude_defaults=True))
