"""The sections of the configuration and their keys, each documented below its field.

Paths are relative to the folder that the job is started in.
"""

import re
import typing
from typing import Any, Literal

import pydantic
import yaml
from pydantic import Field

from mmdin.networks import NETWORKS, check_model_name
from mmdin.storage.urls import is_local, local_path

ModelName = typing.Annotated[str, pydantic.AfterValidator(check_model_name)]
MODEL_NAMES: tuple[ModelName, ...] = tuple(NETWORKS)

Protocol = Literal["point_in_time", "random", "leaky"]
Part = Literal["all", "prepare", "train", "evaluate"]

Fraction = typing.Annotated[float, Field(gt=0, lt=1)]
PositiveInt = typing.Annotated[int, Field(ge=1)]
NonNegative = typing.Annotated[float, Field(ge=0)]
VariantName = typing.Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$")]
Widths = typing.Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


class Section(pydantic.BaseModel):
    """Base of every part of the configuration: frozen, no unknown keys, fields documented."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Input(Section):
    """Where the raw data lies."""

    movielens: str = ""
    """Folder that holds ratings.csv, movies.csv and links.csv."""
    posters: str = ""
    """Folder of images named by movie id, such as 1.jpg."""
    tables: str = ""
    """Root of another pipeline whose ratings, movies, posters and true probabilities are used
    as they are; empty ingests the two folders above."""


class World(Section):
    """The invented world that make_demo_data writes. Strengths are standard deviations in
    log-odds of a positive rating."""

    users: PositiveInt = 700
    """Users who rate."""
    movies: int = Field(1000, ge=100, le=200_000)
    """Movies that can be rated."""
    ratings: int = Field(100_000, ge=20_000, le=25_000_000)
    """Ratings, about; at least 20 a user, and at most a quarter of all users x movies."""
    movie_quality: NonNegative = 0.6
    """How much movies differ for everyone."""
    user_mean: NonNegative = 0.6
    """How much users differ over all movies."""
    genre_taste: NonNegative = 0.4
    """How much a user's liking differs between genres."""
    recent_interest: NonNegative = 1.3
    """How much likeness to the last praised movies raises the liking."""
    poster_taste: NonNegative = 1.0
    """How much a user's liking differs between poster colours and sharpness."""
    bad_rows: bool = True
    """Whether to put a few rows and posters that cannot be right among the good ones."""

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
    """The publisher's folder that holds <release>.zip and its MD5."""
    folder: str = "data"
    """Where to unpack it: <folder>/<release>/."""


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
    seeded hash, statistics out of fold. leaky: statistics over all rows, only to stand beside
    published numbers."""
    positive_rating: float = Field(3.5, ge=0.5, le=5)
    """Ratings of at least so many stars are positive."""
    max_movie_id: PositiveInt | None = None
    """Keep ratings of movies with ids up to this; null keeps all."""
    with_posters_only: bool = True
    """Keep ratings of movies that have poster features."""
    test_fraction: Fraction = 0.2
    """Share of rows that are tested on."""
    validation_fraction: Fraction = 0.1
    """Share of rows that early stopping and thresholds look at."""
    folds: int = Field(5, ge=2, le=100)
    """Folds of the training rows for out-of-fold statistics (protocol random)."""
    buckets: int = Field(20, ge=2, le=1000)
    """Buckets that a number is cut into, by quantiles of the training rows."""
    shuffle_posters: bool = False
    """Whether every movie gets another movie's poster: the control for what posters tell."""
    name: str = Field("", pattern=r"^[A-Za-z0-9_]*$")
    """Name of these samples where one root holds several, as in an experiment; part of the
    table's path."""
    files: PositiveInt = 8
    """Parquet files per split: ranks share them out, so at least as many as ranks."""

    @pydantic.model_validator(mode="after")
    def _some_rows_left_to_train(self) -> "Samples":
        if self.test_fraction + self.validation_fraction >= 1:
            raise ValueError(
                "test_fraction and validation_fraction together must leave rows to train on: "
                f"{self.test_fraction} + {self.validation_fraction} >= 1"
            )
        return self


class Networks(Section):
    """Sizes of the networks. The baselines share what they have in common with MMDIN."""

    embedding_size: PositiveInt = 32
    """Numbers per embedding."""
    hidden_units: Widths = (128, 64)
    """Widths of the baselines' dense layers."""
    attention_units: Widths = (32,)
    """Widths of the dense layers that weigh a praised movie against the candidate."""
    width: PositiveInt = 128
    """Width of MMDIN's dense layer and of its residual blocks."""
    heads: PositiveInt = 2
    """MMDIN's parallel stacks of residual blocks."""
    blocks: PositiveInt = 2
    """Residual blocks in each stack."""
    dropout: float = Field(0.3, ge=0, lt=1)
    """Share of a dense layer's inputs dropped in training, in NeuralCF, EmbeddingMLP and DeepFM."""
    interest_dropout: float = Field(0.5, ge=0, lt=1)
    """The same in DIN and MMDIN; on little data, high: their factorisation is not dropped."""
    identity_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of training rows whose user is hidden, and share of rows whose movie is, so that the
    network learns to score users and movies that it has not seen."""
    posters: bool = True
    """Whether MMDIN sees posters."""
    poster_dropout: float = Field(0.2, ge=0, lt=1)
    """Share of training rows whose posters MMDIN does not see, so that it can do without."""
    genres: bool = True
    """Whether networks see genres."""
    attention: Literal["outer", "concatenation", "mean"] = "outer"
    """How MMDIN weighs a praised movie h against the candidate c: from h, c and their outer
    product, from h and c alone, or all alike."""
    trunk: Literal["residual", "plain"] = "residual"
    """Whether MMDIN ends in heads of residual blocks, or in plain dense layers, as many as in
    one head."""
    factorization: bool = True
    """Whether the logit of DIN and MMDIN holds a matrix factorisation, that is user and movie
    biases and the inner product of their embeddings, beside the dense layers; the paper's have
    none."""


class Training(Section):
    """How the networks are trained."""

    models: tuple[ModelName, ...] = Field(MODEL_NAMES, min_length=1)
    """Networks to train, in this order; `all` means every one."""
    seeds: tuple[PositiveInt, ...] = Field((1,), min_length=1)
    """Seeds of weights and row order; every network is trained once with each. (The split has the
    configuration's own seed: it stays the same.)"""
    ranks: PositiveInt = 2
    """Horovod ranks; each is a Spark task."""
    batch_size: PositiveInt = 4500
    """Rows per step and rank."""
    epochs: PositiveInt = 20
    """Passes over the training rows at most."""
    patience: PositiveInt = 4
    """Epochs without a better validation ROC AUC after which training stops."""
    learning_rate: float = Field(1e-3, gt=0)
    """Adam's step size for one rank."""
    learning_rate_scaling: Literal["none", "sqrt", "linear"] = "sqrt"
    """How the learning rate grows with the number of ranks."""
    factor_learning_rate: float = Field(0.05, gt=0)
    """Step size of the factorisation's users and movies, per row that looks one up."""
    factor_l2: NonNegative = 0.06
    """Weight of half their squared embeddings in the objective, per row that looks them up."""
    poster_l2: NonNegative = 3000.0
    """How many rows' worth of half the squared vector that a poster adds to its movie's the
    objective over all training rows holds. It closes the poster branch where posters say nothing,
    and fades as rows grow in number, since posters' embeddings are shared by all rows."""
    dense_l2: NonNegative = 1e-3
    """Weight of the squared weights of dense layers in the objective."""
    ordinal_stars: tuple[typing.Annotated[float, Field(ge=1, le=5)], ...] = (2.5, 4.5)
    """Stars of which training also asks whether a rating reaches them, so that it learns from how
    good and how bad a rating is; empty learns from the label alone, as the paper does."""
    ordinal_weight: float = Field(0.5, gt=0)
    """Weight of each of these questions, that of the label's being 1."""
    start_timeout: PositiveInt = 300
    """Seconds to wait until Spark has a task slot for every rank, and for their tasks to start."""
    step_timeout: PositiveInt = 900
    """Seconds without a step after which a rank takes it that another hangs, and training ends;
    longer than the slowest start of a network or reading of a file."""
    exchange_cycle: float = Field(1.0, gt=0)
    """Milliseconds between a rank's looks whether all have something to sum (Horovod's cycle time).
    Each takes some 0.06 ms of a core, and a step waits for one: about a fiftieth of a step is best.
    """
    restarts: int = Field(3, ge=0)
    """How often training starts again, from the last epoch, after a rank or executor is lost."""
    resume: str = ""
    """Run of table runs that must be gone on with; without it, those that were stopped are gone on
    with where configuration, samples and code are the same."""
    shuffle_rows: PositiveInt = 200_000
    """Rows that are shuffled together in memory, per rank; files are shuffled besides."""
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """What dense layers compute in; bfloat16 pays on GPUs that have units for it. Weights, the
    embedding table, logits and scoring are float32 either way."""
    xla: bool = False
    """Whether XLA compiles the step; on CPUs it was slower than TensorFlow's own kernels."""

    @pydantic.field_validator("models", mode="before")
    @classmethod
    def _spell_out(cls, models: Any) -> Any:
        if models == "all" or models == ["all"]:
            return MODEL_NAMES
        return [models] if isinstance(models, str) else models

    @pydantic.field_validator("models", "seeds", "ordinal_stars")
    @classmethod
    def _nothing_twice(cls, given: tuple[Any, ...], info: pydantic.ValidationInfo) -> Any:
        if len(set(given)) < len(given):
            raise ValueError(
                f"one of {info.field_name} is named twice: {', '.join(str(g) for g in given)}"
            )
        return given


class Scoring(Section):
    """How test rows are scored."""

    batch_size: PositiveInt = 8192
    """Rows that a network scores at once."""
    attention_users: tuple[int, ...] = ()
    """Users for whom the report shows what attention looks at; empty takes four by chance."""


class Tables(Section):
    """Where else the tables are known."""

    database: str = Field("", pattern=r"^[A-Za-z0-9_]*$")
    """Database of Spark's catalog in which the tables get their plain names, such as
    mmdin.predictions, beside their places under the root; empty registers none."""


class Experiment(Section):
    """What is compared."""

    question: str = "How well does each model tell which movies a user will rate highly?"
    """What the experiment asks, in one sentence; heads the report."""
    variants: dict[VariantName, dict[str, Any]] = {}
    """What each variant changes of this configuration, as keys such as networks.heads; empty
    compares training.models as they are."""


class Config(Section):
    """The whole configuration of a job."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    """Name of the configuration, by default that of its file."""
    root: str = ""
    """Folder that everything is written under: tables/, checkpoints/, logs/, report/. A path, or
    a URL such as hdfs://host/folder or s3a://bucket/folder. By default build/<name>."""
    seed: PositiveInt = 1
    """Seed of the invented world, of the split and its folds, and of what is sampled to show."""
    part: Part = "all"
    """What pipeline and experiment run: all, or only what prepares samples, what trains, or what
    scores, evaluates and reports, so that each can have a cluster's resources of its own."""
    input: Input = Input()
    world: World = World()
    download: Download = Download()
    posters: Posters = Posters()
    samples: Samples = Samples()
    networks: Networks = Networks()
    training: Training = Training()
    scoring: Scoring = Scoring()
    tables: Tables = Tables()
    experiment: Experiment = Experiment()

    @pydantic.field_validator("root")
    @classmethod
    def _root_reads_the_same_everywhere(cls, root: str) -> str:
        if is_local(root):
            return str(local_path(root)) if root else ""
        # Spark encodes other characters, Hadoop takes some for patterns, and Python does neither.
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

    def to_yaml(self) -> str:
        """The resolved configuration, every key with its value, as YAML."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
