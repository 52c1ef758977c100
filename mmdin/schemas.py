"""Every table's schema, with a comment on every column. mmdin.tables checks them on write."""

from pyspark.sql import types as t

from mmdin import inputs

_LONG, _INT, _DOUBLE, _STRING = t.LongType(), t.IntegerType(), t.DoubleType(), t.StringType()
_TIME, _BYTES = t.TimestampType(), t.BinaryType()


def _schema(*columns: tuple[str, t.DataType, str]) -> t.StructType:
    return t.StructType([t.StructField(n, d, True, {"comment": c}) for n, d, c in columns])


_USER = ("user_id", _LONG, "MovieLens userId")
_MOVIE = ("movie_id", _LONG, "MovieLens movieId")
_RATING = ("rating", _DOUBLE, "stars, 0.5 to 5 in halves")
_RATED_AT = ("rated_at", _TIME, "moment of the rating, UTC, to the second")
_HALF_STARS = ("half_stars", _INT, "the rating in half stars, 1 to 10")
_LABEL = ("label", _INT, "1 where rating >= samples.positive_rating, else 0")
_RUN = ("run_id", _STRING, "row of runs; for a naive predictor, its name")
_MODEL = ("model", _STRING, "network or naive predictor")

RATINGS = _schema(_USER, _MOVIE, _RATING, _RATED_AT)

MOVIES = _schema(
    _MOVIE,
    ("title", _STRING, "title without the year"),
    ("release_year", _INT, "year in brackets at the title's end; null where there is none"),
    ("genres", t.ArrayType(_STRING), "genres in MovieLens' order; empty where none is listed"),
)

LINKS = _schema(
    _MOVIE,
    ("imdb_id", _STRING, "identifier at IMDb, digits with leading zeros"),
    ("tmdb_id", _LONG, "identifier at TMDB; null where unknown"),
)

REJECTED_ROWS = _schema(
    ("file", _STRING, "name of the file that the row stands in"),
    ("line", _STRING, "the line as read"),
    ("reason", _STRING, "why it was set aside"),
)

POSTERS = _schema(
    ("movie_id", _LONG, "movieId that the file is named by; null where the name is no number"),
    ("file", _STRING, "file name within the folder"),
    ("status", _STRING, "ok, or why the image cannot be used"),
    ("format", _STRING, "image format as Pillow names it; null where unreadable"),
    ("width", _INT, "pixels, as a viewer shows the image (EXIF rotation applied)"),
    ("height", _INT, "pixels, as a viewer shows the image"),
    ("sha256", _STRING, "hexadecimal digest of the bytes"),
    ("bytes", _BYTES, "the file's content; null where it was not read for its size"),
)

POSTER_FEATURES = _schema(
    _MOVIE,
    *(
        (f, _DOUBLE, f"{f.replace('_', ' ')} over pixels; channels in 0..1, hue in turns 0..1")
        for f in inputs.POSTER_FEATURES
    ),
)

TRUE_PROBABILITIES = _schema(
    _USER,
    _MOVIE,
    ("probability", _DOUBLE, "planted probability that the rating is positive"),
    ("movie_quality", _DOUBLE, "the movie's part of the log-odds"),
    ("user_mean", _DOUBLE, "the user's part of the log-odds"),
    ("genre_taste", _DOUBLE, "user x genre part of the log-odds"),
    ("recent_interest", _DOUBLE, "part of the log-odds from likeness to the last praised movies"),
    ("poster_taste", _DOUBLE, "user x poster part of the log-odds"),
)

SAMPLE_VALUES = (
    ("genres", _STRING, "genres, joined by |"),
    ("release_year", _INT, "the movie's release year"),
    ("movie_rating_count", _LONG, "ratings of the movie that this row may know"),
    ("movie_rating_mean", _DOUBLE, "their mean, stars; null where there is none"),
    ("movie_rating_stddev", _DOUBLE, "their population standard deviation, stars"),
    ("user_rating_count", _LONG, "ratings by the user that this row may know"),
    ("user_rating_mean", _DOUBLE, "their mean, stars; null where there is none"),
    ("user_release_year_mean", _DOUBLE, "mean release year of those movies"),
    ("user_release_year_stddev", _DOUBLE, "population standard deviation of those years"),
    ("hour_of_day", _INT, "hour of rated_at, UTC, 0 to 23"),
    ("day_of_week", _INT, "day of rated_at, UTC, 1 (Sunday) to 7"),
    *(
        (inputs.history_movie(p), _LONG, f"movie_id praised {p} before this rating; null if none")
        for p in range(1, inputs.HISTORY_LENGTH + 1)
    ),
    *((f, _DOUBLE, f"the poster's {f.replace('_', ' ')}") for f in inputs.POSTER_FEATURES),
    *(
        (s, _DOUBLE, f"{s.replace('_', ' ')} over posters of movies this row may know")
        for s in inputs.USER_POSTER_STATISTICS
    ),
)

SAMPLES = _schema(
    _USER,
    _MOVIE,
    _RATING,
    _RATED_AT,
    _LABEL,
    _HALF_STARS,
    ("split", _STRING, "train, validation or test"),
    *SAMPLE_VALUES,
    *((i.column, _INT, f"{i.meaning}, encoded; 0 is missing or unseen") for i in inputs.INPUTS),
)

VOCABULARIES = _schema(
    ("vocabulary", _STRING, "index space: user, movie or genre"),
    ("key", _STRING, "the value as text"),
    ("index", _INT, "1 for the most frequent in training rows; 0 is never used"),
    ("rows", _LONG, "training rows that hold it"),
)

BUCKET_EDGES = _schema(
    ("value", _STRING, "column of samples that is cut into buckets"),
    ("bucket", _INT, "1 for the lowest; 0 means missing and is not listed"),
    ("lower", _DOUBLE, "smallest value in the bucket; -Infinity for the first"),
    ("upper", _DOUBLE, "values are below this; Infinity for the last"),
)

RUNS = _schema(
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
    ("revision", _STRING, "code revision; with +changes where files differ from it"),
    ("started_at", _TIME, "UTC"),
    ("ended_at", _TIME, "UTC; null while running"),
    (
        "resumed_after",
        t.ArrayType(_INT),
        "epochs after which training was started again; 0 is before the first had ended",
    ),
    ("best_epoch", _INT, "epoch whose weights were kept, from 1"),
    ("metrics", t.MapType(_STRING, _DOUBLE), "the best epoch's losses and validation ROC AUC"),
    ("checkpoint", _STRING, "folder of the weights"),
)

EPOCHS = _schema(
    ("run_id", _STRING, "row of runs"),
    ("epoch", _INT, "from 1"),
    ("learning_rate", _DOUBLE, "of the optimizer, after scaling over ranks"),
    ("train_loss", _DOUBLE, "mean log loss over training rows, dropout on, without L2"),
    ("validation_loss", _DOUBLE, "mean log loss over validation rows"),
    ("validation_roc_auc", _DOUBLE, "exact, over all validation rows of all ranks"),
    ("rows_per_second", _DOUBLE, "training rows of all ranks by wall time"),
    ("seconds", _DOUBLE, "training and validation"),
)

PREDICTIONS = _schema(
    _RUN,
    _MODEL,
    _USER,
    _MOVIE,
    _RATED_AT,
    _RATING,
    _LABEL,
    ("score", _DOUBLE, "predicted probability that the label is 1"),
)

METRIC_COLUMNS = (
    ("roc_auc", _DOUBLE, "area under the ROC curve, ties by mid-rank; null with one class"),
    ("pr_auc", _DOUBLE, "average precision"),
    ("gauc", _DOUBLE, "ROC AUC within each user who has both labels, weighted by rows"),
    ("log_loss", _DOUBLE, "mean negative log-likelihood, nats"),
    ("f1", _DOUBLE, "at threshold 0.5"),
    ("precision", _DOUBLE, "at threshold 0.5"),
    ("recall", _DOUBLE, "at threshold 0.5"),
    ("best_f1", _DOUBLE, "F1 on test rows at best_threshold"),
    ("best_precision", _DOUBLE, "precision on test rows at best_threshold"),
    ("best_recall", _DOUBLE, "recall on test rows at best_threshold"),
)
"""The metrics that have an interval, in the order in which they are shown."""

_VARIANT = ("variant", _STRING, "what is compared: a model, or a model under a change")
_PROTOCOL = ("protocol", _STRING, "samples.protocol")
_METRIC = ("metric", _STRING, "a column of metrics")

METRICS = _schema(
    _RUN,
    _VARIANT,
    _MODEL,
    ("seed", _LONG, "training seed; null for naive predictors"),
    _PROTOCOL,
    ("rows", _LONG, "test rows scored"),
    ("positives", _LONG, "test rows with label 1"),
    ("users", _LONG, "users with test rows"),
    ("rows_digest", _LONG, "digest of the test rows' keys and labels; runs with equal ones pair"),
    *METRIC_COLUMNS,
    ("best_threshold", _DOUBLE, "threshold with the largest F1 on validation rows"),
    ("calibration_error", _DOUBLE, "rows-weighted mean of |mean score - positive share| per bin"),
)

METRIC_INTERVALS = _schema(
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
    ("mean", _DOUBLE, "over seeds; null where undefined"),
    ("stddev", _DOUBLE, "sample standard deviation over seeds; null with one seed"),
    ("lower", _DOUBLE, "lower end of the 95 % interval over users"),
    ("upper", _DOUBLE, "upper end of the 95 % interval over users"),
)

DIFFERENCES = _schema(
    _VARIANT,
    ("other", _STRING, "the variant that it is compared with, on the same rows"),
    _METRIC,
    ("difference", _DOUBLE, "variant's mean over seeds less the other's"),
    ("lower", _DOUBLE, "lower end of its 95 % interval, over users and seeds"),
    ("upper", _DOUBLE, "upper end of its 95 % interval, over users and seeds"),
    ("verdict", _STRING, "better, worse, or open where the interval holds zero"),
)

CALIBRATION = _schema(
    _RUN,
    _VARIANT,
    _MODEL,
    ("bin", _INT, "0 to 9: scores from bin/10 to below (bin + 1)/10; 1.0 is in the last"),
    ("rows", _LONG, "test rows in the bin"),
    ("mean_score", _DOUBLE, "their mean score"),
    ("positive_share", _DOUBLE, "share of them with label 1"),
)

SAMPLED_SCORES = _schema(
    _RUN,
    _VARIANT,
    _MODEL,
    ("row", _INT, "number of the sampled test row, from 0; the same row in every run"),
    _LABEL,
    ("score", _DOUBLE, "predicted probability that the label is 1"),
)

SPLIT_COUNTS = _schema(
    ("samples", _STRING, "samples.name; empty where there is one set of samples"),
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

ATTENTION_WEIGHTS = _schema(
    _RUN,
    _MODEL,
    _USER,
    _MOVIE,
    _RATED_AT,
    _LABEL,
    ("score", _DOUBLE, "predicted probability that the label is 1"),
    ("position", _INT, "1 for the movie praised last"),
    ("history_movie_id", _LONG, "the praised movie"),
    ("weight", _DOUBLE, "what its embedding is multiplied by, of any sign"),
)

EXPERIMENTS = _schema(
    _VARIANT,
    ("changes", _STRING, "what the variant changes of the configuration, YAML"),
    _MODEL,
    ("seed", _LONG, "training seed; null for naive predictors"),
    ("samples", _STRING, "samples.name of the rows that it is trained and tested on"),
    _PROTOCOL,
    ("run_id", _STRING, "row of runs; for a naive predictor, its name"),
    ("place", _INT, "order in which variants are shown, from 0"),
)

STAGES = _schema(
    ("stage", _STRING, "job of the pipeline"),
    ("fingerprint", _STRING, "digest of what the stage read and was configured with"),
    ("finished_at", _TIME, "UTC"),
)

TABLES: dict[str, t.StructType] = {
    "ratings": RATINGS,
    "movies": MOVIES,
    "links": LINKS,
    "rejected_rows": REJECTED_ROWS,
    "posters": POSTERS,
    "poster_features": POSTER_FEATURES,
    "true_probabilities": TRUE_PROBABILITIES,
    "samples": SAMPLES,
    "vocabularies": VOCABULARIES,
    "bucket_edges": BUCKET_EDGES,
    "runs": RUNS,
    "epochs": EPOCHS,
    "predictions": PREDICTIONS,
    "validation_predictions": PREDICTIONS,
    "attention_weights": ATTENTION_WEIGHTS,
    "experiments": EXPERIMENTS,
    "split_counts": SPLIT_COUNTS,
    "metrics": METRICS,
    "metric_intervals": METRIC_INTERVALS,
    "differences": DIFFERENCES,
    "calibration": CALIBRATION,
    "sampled_scores": SAMPLED_SCORES,
    "stages": STAGES,
}
"""Schema of each table by its name, in the order in which the pipeline writes them."""
