"""Every table: its name, its columns with a comment on each, who writes it and what a row is.

To add a table: declare it here, in the place at which the pipeline writes it. mmdin.tables reads
and writes tables, and checks their columns.
"""

from dataclasses import dataclass
from typing import Literal

from pyspark.sql import types as t

from mmdin import inputs, metrics

Scope = Literal["root", "shared", "samples"]
"""root: one table under each root. shared: several pipelines can read one root's: see input.tables.
samples: one root can hold several, with a name behind the table's: see samples.name."""

_LONG, _INT, _DOUBLE, _STRING = t.LongType(), t.IntegerType(), t.DoubleType(), t.StringType()
_TIME, _BYTES = t.TimestampType(), t.BinaryType()

Column = tuple[str, t.DataType, str]
"""Name, type and comment."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table.

    Attributes:
        name: its plain name.
        schema: its columns, each with a comment.
        job: the job that writes it.
        row: one sentence: "A row is ...".
        scope: how many there can be, and for whom: see Scope.
        found_by: the column by which rows are looked up or replaced: Delta keeps statistics of
            this one alone.
    """

    name: str
    schema: t.StructType
    job: str
    row: str
    scope: Scope
    found_by: str

    @property
    def columns(self) -> list[str]:
        """The columns' names, in order."""
        return list(self.schema.names)


def _table(
    name: str, job: str, row: str, *columns: Column, scope: Scope = "root", found_by: str = ""
) -> Table:
    fields = [t.StructField(n, d, True, {"comment": c}) for n, d, c in columns]
    return Table(name, t.StructType(fields), job, row, scope, found_by or columns[0][0])


_USER = ("user_id", _LONG, "MovieLens userId")
_MOVIE = ("movie_id", _LONG, "MovieLens movieId")
_RATING = ("rating", _DOUBLE, "stars, 0.5 to 5 in halves")
_RATED_AT = ("rated_at", _TIME, "moment of the rating, UTC, to the second")
_HALF_STARS = ("half_stars", _INT, "the rating in half stars, 1 to 10")
_LABEL = ("label", _INT, "1 if rating >= samples.positive_rating, else 0")
_RUN = ("run_id", _STRING, "row of runs; for a predictor, its name")
_MODEL = ("model", _STRING, "network or predictor")
_VARIANT = ("variant", _STRING, "what is compared: a model, or a model under a change")
_PROTOCOL = ("protocol", _STRING, "samples.protocol")
_METRIC = ("metric", _STRING, "a column of metrics")
_SCORE = ("score", _DOUBLE, "predicted probability that the label is 1")
_SCORED_ROW = (_RUN, _MODEL, _USER, _MOVIE, _RATED_AT, _RATING, _LABEL, _SCORE)


TRUE_PROBABILITIES = _table(
    "true_probabilities",
    "make_demo_data",
    "A row is a rating of the invented world, with the probability that it was drawn from.",
    _USER,
    _MOVIE,
    ("probability", _DOUBLE, "planted probability that the rating is positive"),
    ("movie_quality", _DOUBLE, "the movie's part of the log-odds"),
    ("user_mean", _DOUBLE, "the user's part of the log-odds"),
    ("genre_taste", _DOUBLE, "user x genre part of the log-odds"),
    ("recent_interest", _DOUBLE, "part of the log-odds from likeness to the movies liked last"),
    ("poster_taste", _DOUBLE, "user x poster part of the log-odds"),
    scope="shared",
)

RATINGS = _table(
    "ratings",
    "ingest_ratings",
    "A row is a rating of a movie by a user.",
    _USER,
    _MOVIE,
    _RATING,
    _RATED_AT,
    scope="shared",
)

MOVIES = _table(
    "movies",
    "ingest_ratings",
    "A row is a movie.",
    _MOVIE,
    ("title", _STRING, "title without the year"),
    ("release_year", _INT, "year in brackets at the title's end; null if none can be right"),
    ("genres", t.ArrayType(_STRING), "genres in MovieLens' order; empty if none is listed"),
    scope="shared",
)

LINKS = _table(
    "links",
    "ingest_ratings",
    "A row is a movie, with its identifiers elsewhere.",
    _MOVIE,
    ("imdb_id", _STRING, "identifier at IMDb, digits with leading zeros"),
    ("tmdb_id", _LONG, "identifier at TMDB; null if unknown"),
    scope="shared",
)

REJECTED_ROWS = _table(
    "rejected_rows",
    "ingest_ratings",
    "A row is a line of an input file that could not be used.",
    ("file", _STRING, "name of the file that holds the line"),
    ("line", _STRING, "the line as read"),
    ("reason", _STRING, "why it was rejected"),
    scope="shared",
)

INPUT_COUNTS = _table(
    "input_counts",
    "ingest_ratings",
    "A row is what became of rows of an input file.",
    ("file", _STRING, "name of the file that holds the rows"),
    ("outcome", _STRING, "kept, rejected, or noted: kept, but with something missing"),
    ("reason", _STRING, "why they were rejected, or what is missing; null if kept"),
    ("rows", _LONG, "number of rows"),
    scope="shared",
)

POSTERS = _table(
    "posters",
    "ingest_posters",
    "A row is a file in the folder of posters.",
    ("movie_id", _LONG, "movieId that the file is named by; null if the name is no number"),
    ("file", _STRING, "file name within the folder"),
    ("status", _STRING, "ok, or why the image cannot be used"),
    ("format", _STRING, "image format as Pillow names it; null if unreadable"),
    ("width", _INT, "pixels, as a viewer shows the image (EXIF rotation applied)"),
    ("height", _INT, "pixels, as a viewer shows the image"),
    ("sha256", _STRING, "hexadecimal digest of the bytes"),
    ("bytes", _BYTES, "the file's content; null if the file was too large to read"),
    scope="shared",
)

POSTER_FEATURES = _table(
    "poster_features",
    "ingest_posters",
    "A row is a movie with a usable poster.",
    _MOVIE,
    *(
        (f, _DOUBLE, f"{f.replace('_', ' ')} over pixels; channels in 0..1, hue in turns 0..1")
        for f in inputs.POSTER_FEATURES
    ),
    scope="shared",
)

SAMPLE_VALUES = (
    ("genres", _STRING, "genres, joined by |"),
    ("release_year", _INT, "the movie's release year"),
    ("movie_rating_count", _LONG, "ratings of the movie known at the moment of this row"),
    ("movie_rating_mean", _DOUBLE, "their mean, stars; null if there is none"),
    ("movie_rating_stddev", _DOUBLE, "their population standard deviation, stars"),
    ("user_rating_count", _LONG, "ratings by the user known at the moment of this row"),
    ("user_rating_mean", _DOUBLE, "their mean, stars; null if there is none"),
    *((n.column, _DOUBLE, n.meaning) for n in inputs.NUMBERS),
    ("user_release_year_mean", _DOUBLE, "mean release year of those movies"),
    ("user_release_year_stddev", _DOUBLE, "population standard deviation of those years"),
    ("hour_of_day", _INT, "hour of rated_at, UTC, 0 to 23"),
    ("day_of_week", _INT, "day of rated_at, UTC, 1 (Sunday) to 7"),
    *(
        (inputs.history_movie(p), _LONG, f"movie_id liked {p} before this rating; null if none")
        for p in range(1, inputs.HISTORY_LENGTH + 1)
    ),
    *((f, _DOUBLE, f"the poster's {f.replace('_', ' ')}") for f in inputs.POSTER_FEATURES),
    *(
        (s, _DOUBLE, f"{meaning} over posters of movies this row may know")
        for s, meaning in inputs.USER_POSTER_MEANINGS.items()
    ),
)
"""Readable columns of samples, from which its encoded ones are computed."""

SAMPLES = _table(
    "samples",
    "build_samples",
    "A row is a rating in scope, with what is known at its moment.",
    _USER,
    _MOVIE,
    _RATING,
    _RATED_AT,
    _LABEL,
    _HALF_STARS,
    ("split", _STRING, "train, validation or test"),
    *SAMPLE_VALUES,
    *((i.column, _INT, f"{i.meaning}, encoded; 0 is missing or unseen") for i in inputs.INPUTS),
    scope="samples",
)

VOCABULARIES = _table(
    "vocabularies",
    "build_samples",
    "A row is a key of a vocabulary, with its index.",
    ("vocabulary", _STRING, "index space: user, movie or genre"),
    ("key", _STRING, "the value as text"),
    ("index", _INT, "1 for the most frequent in training rows; 0 is never used"),
    ("rows", _LONG, "training rows that hold it"),
    scope="samples",
)

BUCKET_EDGES = _table(
    "bucket_edges",
    "build_samples",
    "A row is a bucket of a number.",
    ("value", _STRING, "column of samples that is cut into buckets"),
    ("bucket", _INT, "1 for the lowest; 0 means missing and is not listed"),
    ("lower", _DOUBLE, "smallest value in the bucket; -Infinity for the first"),
    ("upper", _DOUBLE, "values are below this; Infinity for the last"),
    scope="samples",
)

MOVIE_SIMILARITIES = _table(
    "movie_similarities",
    "build_samples",
    "A row is a pair of movies that users of training rows rated both, or a movie with itself.",
    ("movie_index", _INT, "index of the one in vocabulary movie"),
    ("other_index", _INT, "index of the other, which is not smaller"),
    ("users", _INT, "users who rated both"),
    ("products", t.FloatType(), "sum over them of the products of their deviations, stars squared"),
    ("similarity", _DOUBLE, "shrunken mean of these products over the variance; 0 if negative"),
    scope="samples",
)

RUNS = _table(
    "runs",
    "train",
    "A row is a training run: one network with one seed.",
    ("run_id", _STRING, "key: model, protocol, start and a digest of configuration and data"),
    _MODEL,
    ("status", _STRING, "running, finished or failed"),
    ("reason", _STRING, "why it failed; null otherwise"),
    ("protocol", _STRING, "samples.protocol"),
    ("configuration", _STRING, "the whole resolved configuration, YAML"),
    ("table_versions", t.MapType(_STRING, _LONG), "Delta version read of each table"),
    ("rows", t.MapType(_STRING, _LONG), "rows of each split"),
    ("fingerprint", _STRING, "digest of model, seed, configuration and data"),
    ("code", _STRING, "digest of the code that training runs"),
    ("seed", _LONG, "seed of weights and row order"),
    ("ranks", _INT, "Horovod ranks"),
    ("global_batch", _INT, "rows per step over all ranks"),
    ("parameters", _LONG, "trainable numbers of the network"),
    ("packages", t.MapType(_STRING, _STRING), "versions of the packages that matter"),
    ("revision", _STRING, "code revision; with +changes if files differ from it"),
    ("started_at", _TIME, "UTC"),
    ("ended_at", _TIME, "UTC; null while running"),
    (
        "resumed_after",
        t.ArrayType(_INT),
        "epochs after which training was started again; 0 is before the first had ended",
    ),
    ("best_epoch", _INT, "epoch whose weights were saved, from 1"),
    ("metrics", t.MapType(_STRING, _DOUBLE), "the best epoch's losses and validation ROC AUC"),
    ("checkpoint", _STRING, "folder of the weights"),
)

EPOCHS = _table(
    "epochs",
    "train",
    "A row is an epoch of a training run.",
    ("run_id", _STRING, "row of runs"),
    ("epoch", _INT, "from 1"),
    ("learning_rate", _DOUBLE, "of the optimizer, after scaling over ranks"),
    ("train_loss", _DOUBLE, "mean log loss over training rows, dropout on, without L2"),
    ("validation_loss", _DOUBLE, "mean log loss over validation rows"),
    (
        "validation_roc_auc",
        _DOUBLE,
        "exact, over all validation rows of all ranks; null if they are of one class",
    ),
    ("rows_per_second", _DOUBLE, "training rows of all ranks by wall time"),
    ("seconds", _DOUBLE, "training and validation"),
)

PREDICTIONS = _table(
    "predictions",
    "score",
    "A row is the score of a test row by a run or a predictor.",
    *_SCORED_ROW,
)

VALIDATION_PREDICTIONS = _table(
    "validation_predictions",
    "score",
    "A row is the score of a validation row by a run or a predictor.",
    *_SCORED_ROW,
)

ATTENTION_WEIGHTS = _table(
    "attention_weights",
    "score",
    "A row is one liked movie of a test row, with the weight that attention gives it.",
    _RUN,
    _MODEL,
    _USER,
    _MOVIE,
    _RATED_AT,
    _LABEL,
    _SCORE,
    ("position", _INT, "1 for the movie liked last"),
    ("history_movie_id", _LONG, "the liked movie"),
    ("weight", _DOUBLE, "what its embedding is multiplied by, of any sign"),
)

EXPERIMENTS = _table(
    "experiments",
    "evaluate",
    "A row is a run or a predictor that is compared.",
    _VARIANT,
    ("changes", _STRING, "what the variant changes of the configuration, YAML"),
    _MODEL,
    ("seed", _LONG, "training seed; null for predictors"),
    ("samples", _STRING, "samples.name of the rows that it is trained and tested on"),
    _PROTOCOL,
    ("run_id", _STRING, "row of runs; for a predictor, its name"),
    ("place", _INT, "order in which variants are shown, from 0"),
)

SPLIT_COUNTS = _table(
    "split_counts",
    "evaluate",
    "A row is one split of a set of samples.",
    ("samples", _STRING, "samples.name; empty if there is one set of samples"),
    _PROTOCOL,
    ("split", _STRING, "train, validation or test"),
    ("rows", _LONG, "samples"),
    ("positives", _LONG, "samples with label 1"),
    ("users", _LONG, "users"),
    ("movies", _LONG, "movies"),
    ("cold_users", _LONG, "users without a training row"),
    ("cold_movies", _LONG, "movies without a training row"),
    ("first_rated_at", _TIME, "earliest rating"),
    ("last_rated_at", _TIME, "latest rating"),
)

METRICS = _table(
    "metrics",
    "evaluate",
    "A row is a run or a predictor, measured on all test rows.",
    _RUN,
    _VARIANT,
    _MODEL,
    ("seed", _LONG, "training seed; null for predictors"),
    _PROTOCOL,
    ("rows", _LONG, "test rows scored"),
    ("positives", _LONG, "test rows with label 1"),
    ("users", _LONG, "users with test rows"),
    ("rows_digest", _LONG, "digest of the test rows' keys and labels; runs with equal ones pair"),
    *((m.name, _DOUBLE, m.comment) for m in metrics.METRICS),
    (
        "best_threshold",
        _DOUBLE,
        "threshold with the largest F1 on validation rows; null if none is positive",
    ),
    ("calibration_error", _DOUBLE, "rows-weighted mean of |mean score - positive share| per bin"),
)

METRIC_INTERVALS = _table(
    "metric_intervals",
    "evaluate",
    "A row is one metric of a variant on one slice of the test rows.",
    _VARIANT,
    _MODEL,
    _PROTOCOL,
    ("dimension", _STRING, "what rows are sliced by; all for every test row"),
    ("slice", _STRING, "which rows"),
    ("rows", _LONG, "test rows in the slice"),
    ("positives", _LONG, "of them with label 1"),
    ("users", _LONG, "users in the slice"),
    ("movies", _LONG, "movies in the slice"),
    ("seeds", _INT, "training seeds that the mean is over"),
    _METRIC,
    ("mean", _DOUBLE, "over seeds; null if undefined"),
    ("stddev", _DOUBLE, "sample standard deviation over seeds; null with one seed"),
    ("lower", _DOUBLE, "lower end of the 95 % interval over users"),
    ("upper", _DOUBLE, "upper end of the 95 % interval over users"),
)

DIFFERENCES = _table(
    "differences",
    "evaluate",
    "A row is one metric of a variant less that of another.",
    _VARIANT,
    ("other", _STRING, "the variant that it is compared with, on the same rows"),
    _METRIC,
    ("difference", _DOUBLE, "variant's mean over seeds less the other's"),
    ("lower", _DOUBLE, "lower end of its 95 % interval, over users and seeds"),
    ("upper", _DOUBLE, "upper end of its 95 % interval, over users and seeds"),
    ("verdict", _STRING, "better, worse, or open if the interval contains zero"),
)

CALIBRATION = _table(
    "calibration",
    "evaluate",
    "A row is a run, a slice of the test rows and a bin of the run's scores there.",
    _RUN,
    _VARIANT,
    _MODEL,
    ("dimension", _STRING, "what rows are sliced by: all, or user"),
    ("slice", _STRING, "which rows: all, or those of new or of known users"),
    ("bin", _INT, "0 to 9: scores from bin/10 to below (bin + 1)/10; 1.0 is in the last"),
    ("rows", _LONG, "test rows in the bin"),
    ("mean_score", _DOUBLE, "their mean score"),
    ("positive_share", _DOUBLE, "share of them with label 1"),
)

PLANTED_EFFECTS = _table(
    "planted_effects",
    "evaluate",
    "A row is a run and a planted effect of a generated world: what the run has found of it.",
    _RUN,
    _VARIANT,
    _MODEL,
    ("effect", _STRING, "a column of true_probabilities: a part of the log-odds"),
    ("rows", _LONG, "test rows"),
    ("worth", _DOUBLE, "ROC AUC that the best possible score loses without the effect"),
    ("learned", _DOUBLE, "slope of the score's log-odds on the effect, the others held; 1 is all"),
    ("missing", _DOUBLE, "ROC AUC that the run gains if it is told the effect"),
    ("lower", _DOUBLE, "lower end of the 95 % interval of missing, over users"),
    ("upper", _DOUBLE, "upper end of the 95 % interval of missing, over users"),
)

SAMPLED_SCORES = _table(
    "sampled_scores",
    "evaluate",
    "A row is the score of a sampled test row by a run.",
    _RUN,
    _VARIANT,
    _MODEL,
    ("row", _INT, "number of the sampled test row, from 0; the same row in every run"),
    _LABEL,
    _SCORE,
)

_AS_OF = ("as_of", _TIME, "the moment, UTC: ratings of strictly earlier seconds are known")
_ENCODED_BY = ("encoded_by", _STRING, "Delta id and version of the vocabularies that encode it")
_MADE_BY = ("made_by", _STRING, "digest of the code, Delta id and version of known_ratings")
_LIST_OF_RATINGS = t.ArrayType(
    t.StructType(
        [
            t.StructField("movie_index", _INT),
            t.StructField("residual", _DOUBLE),
            t.StructField("deviation", _DOUBLE),
            t.StructField("genre_bits", _LONG),
        ]
    )
)


def _of_side(side: inputs.Side) -> list[Column]:
    """The columns of samples that are known of the user alone, or of the movie alone."""
    encoded = [i for i in inputs.INPUTS if inputs.SIDES.get(i.group) == side]
    numbers = {n.column for n in inputs.NUMBERS if n.side == side}
    values = {i.value for i in encoded} | numbers
    return [
        *(column for column in SAMPLE_VALUES if column[0] in values),
        *((i.column, _INT, f"{i.meaning}, encoded; 0 is missing or unseen") for i in encoded),
    ]


KNOWN_RATINGS = _table(
    "known_ratings",
    "build_states",
    "A row is a rating that the states know, with what it brings to those of its user.",
    _USER,
    _MOVIE,
    _RATING,
    _RATED_AT,
    _LABEL,
    ("residual", _DOUBLE, "stars above the mean and the movie's bias by earlier ratings"),
    scope="samples",
    found_by="rated_at",
)

USER_STATES = _table(
    "user_states",
    "build_states",
    "A row is a user, with what a sample of this user at this moment would know.",
    _USER,
    _AS_OF,
    _ENCODED_BY,
    _MADE_BY,
    *_of_side("user"),
    ("user_residuals", _DOUBLE, "sum of what the ratings are above the mean and movies' biases"),
    ("rated", _LIST_OF_RATINGS, "the last ratings: what each is above the same, and its genres"),
    (
        "poster_taste",
        t.ArrayType(_DOUBLE),
        "poster_bias of any poster: a constant, and a slope for each of its features",
    ),
    scope="samples",
)

MOVIE_STATES = _table(
    "movie_states",
    "build_states",
    "A row is a movie, with what a sample of this movie at this moment would know.",
    _MOVIE,
    _AS_OF,
    _ENCODED_BY,
    _MADE_BY,
    ("genres", _STRING, "genres, joined by |"),
    *_of_side("movie"),
    ("genre_bits", _LONG, "bits of the genres, the most frequent first"),
    scope="samples",
)

PAIR_SCORES = _table(
    "pair_scores",
    "predict",
    "A row is the score of a given user and movie by a run.",
    ("run_id", _STRING, "row of runs"),
    _USER,
    _MOVIE,
    _AS_OF,
    _SCORE,
    ("user_known", t.BooleanType(), "whether the run was trained on ratings of the user"),
    ("movie_known", t.BooleanType(), "whether the run was trained on ratings of the movie"),
)

REJECTED_PAIRS = _table(
    "rejected_pairs",
    "predict",
    "A row is a row of predict.pairs that could not be used.",
    ("source", _STRING, "predict.pairs: the file, folder or table"),
    ("line", _STRING, "the row as read"),
    ("reason", _STRING, "why it was rejected"),
)

_METHOD = ("method", _STRING, "popularity, als, network, or combined: see docs/how-to/recommend.md")
_USERS_SLICE = ("slice", _STRING, "which users: all, known (with an earlier rating) or new")

RECOMMENDATIONS = _table(
    "recommendations",
    "recommend",
    "A row is a movie recommended to a user.",
    ("run_id", _STRING, "row of runs"),
    _USER,
    ("rank", _INT, "place in the user's list, from 1"),
    _MOVIE,
    ("score", _DOUBLE, "the network's probability that the user would like the movie"),
    ("candidate_score", _DOUBLE, "preference by ALS; for users without likes, share of fans"),
    _AS_OF,
)

REASONS = _table(
    "reasons",
    "recommend",
    "A row is a liked movie to which attention gives much weight for a recommended movie.",
    ("run_id", _STRING, "row of runs"),
    _USER,
    ("rank", _INT, "place of the recommended movie in the user's list"),
    ("movie_id", _LONG, "the recommended movie"),
    ("place", _INT, "1 for the liked movie with the largest weight"),
    ("liked_movie_id", _LONG, "the liked movie"),
    ("weight", _DOUBLE, "what its embedding is multiplied by, of any sign"),
)

RANKING_METRICS = _table(
    "ranking_metrics",
    "recommend",
    "A row is one metric of the lists of a method, for users with a liked test rating.",
    ("run_id", _STRING, "row of runs"),
    _METHOD,
    _USERS_SLICE,
    ("users", _LONG, "users in the slice who liked a movie of a test row"),
    ("movies", _LONG, "movies of the catalogue: in scope, and rated before the test rows"),
    ("top", _INT, "length of the lists"),
    ("network_weight", _DOUBLE, "of the network in the combined order, from 0 to 1"),
    ("metric", _STRING, "ndcg, recall, precision, map, mrr, hit_rate, novelty or coverage"),
    ("mean", _DOUBLE, "over users; null if undefined"),
    ("lower", _DOUBLE, "lower end of the 95 % interval over users; null for coverage"),
    ("upper", _DOUBLE, "upper end of the 95 % interval over users; null for coverage"),
)

RANKING_DIFFERENCES = _table(
    "ranking_differences",
    "recommend",
    "A row is one metric of a method's lists less that of another's, paired on users.",
    ("run_id", _STRING, "row of runs"),
    _METHOD,
    ("other", _STRING, "the method that it is compared with, for the same users"),
    _USERS_SLICE,
    ("metric", _STRING, "ndcg, recall, precision, map, mrr or hit_rate"),
    ("difference", _DOUBLE, "method's mean over users less the other's"),
    ("lower", _DOUBLE, "lower end of its 95 % interval over users"),
    ("upper", _DOUBLE, "upper end of its 95 % interval over users"),
    ("verdict", _STRING, "better, worse, or open if the interval contains zero"),
)

TABLES = tuple(value for value in list(vars().values()) if isinstance(value, Table))
"""Every table declared above, in that order."""

SHARED_TABLES = tuple(table for table in TABLES if table.scope == "shared")
"""Tables that several pipelines can share: see input.tables."""


def written_by(job: str) -> tuple[Table, ...]:
    """The tables that a job writes."""
    return tuple(table for table in TABLES if table.job == job)


SAMPLE_TABLES = written_by("build_samples")
"""What runs are trained on. One root can hold several of each: see samples.name."""
