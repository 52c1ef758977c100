"""What a network's scores have to be seen beside: naive predictors, and the planted truth."""

import logging

from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.errors import TableError

log = logging.getLogger(__name__)

_KEPT = ("user_id", "movie_id", "rated_at", "rating", "label", "split")


def score_naively(samples: DataFrame) -> DataFrame:
    """Validation and test rows by three predictors: columns of PREDICTIONS, and split.

    - constant: the share of positives among training rows.
    - movie_mean: the mean of the movie's ratings that the row may know.
    - mean_of_means: the mean of that and of the user's mean.

    A mean that is not known is taken to be the training rows' mean rating. Means, in stars, are
    made probabilities by a logistic regression of the label on them over the training rows, which
    keeps their order; run_id and model are the predictor's name.
    """
    training = samples.where(F.col("split") == "train")
    average = training.agg(F.avg("label").alias("label"), F.avg("rating").alias("rating")).first()
    assert average is not None
    movie = F.coalesce("movie_rating_mean", F.lit(average["rating"]))
    user = F.coalesce("user_rating_mean", F.lit(average["rating"]))
    scored = samples.where(F.col("split").isin("validation", "test"))
    constant = _name(scored.withColumn("score", F.lit(average["label"])), "constant")
    return constant.unionByName(_score_by_mean(samples, movie, "movie_mean")).unionByName(
        _score_by_mean(samples, (movie + user) / 2, "mean_of_means")
    )


def score_best_possible(samples: DataFrame, true_probabilities: DataFrame) -> DataFrame:
    """Validation and test rows by their planted probabilities: no model can rank better.

    samples: of an invented world; true_probabilities: user_id, movie_id, probability. Raises
    TableError where a row has no planted probability.
    """
    planted = true_probabilities.select("user_id", "movie_id", F.col("probability").alias("score"))
    scored = samples.where(F.col("split").isin("validation", "test"))
    joined = scored.join(planted, on=["user_id", "movie_id"], how="left")
    unknown = joined.where(F.col("score").isNull()).count()
    if unknown:
        raise TableError(
            f"true_probabilities lacks {unknown} rows of samples: the samples are of another "
            "world; run make_demo_data and the pipeline again, or remove true_probabilities"
        )
    return _name(joined, "best_possible")


def _score_by_mean(samples: DataFrame, mean: Column, name: str) -> DataFrame:
    assembler = VectorAssembler(inputCols=["mean"], outputCol="features")
    described = assembler.transform(
        samples.select(*_KEPT, mean.alias("mean")).withColumn(
            "label", F.col("label").cast("double")
        )
    )
    regression = LogisticRegression(standardization=True, tol=1e-9, maxIter=200)
    fitted = regression.fit(described.where(F.col("split") == "train"))
    slope = fitted.coefficients[0]
    if slope <= 0:
        raise TableError(
            f"among training rows a higher {name} goes with fewer positives (slope {slope:.3f}): "
            "there are too few of them, or samples.positive_rating splits them badly"
        )
    log.info("score: %s has a slope of %.3f log-odds per star", name, slope)
    scored = fitted.transform(described.where(F.col("split").isin("validation", "test")))
    probability = vector_to_array(F.col("probability"))[1]
    labelled = scored.withColumn("score", probability).withColumn(
        "label", F.col("label").cast("int")
    )
    return _name(labelled, name)


def _name(scored: DataFrame, name: str) -> DataFrame:
    return scored.select(F.lit(name).alias("run_id"), F.lit(name).alias("model"), *_KEPT, "score")
