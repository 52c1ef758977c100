"""Metrics of every run at once, exact, without moving scores to the driver."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.errors import TableError
from mmdin.evaluation.ranking import rank_scores

_EPSILON = 2.0**-52
"""Scores nearer than this to 0 or 1 count as this near in the log loss, as in scikit-learn."""


def compute_metrics(predictions: DataFrame, validation: DataFrame) -> DataFrame:
    """One row per run: the columns of METRICS, less protocol.

    Thresholds are chosen on validation rows (the largest F1; the highest of equals) and judged on
    the test rows. A metric that is undefined, such as ROC AUC with one class, is null.

    Args:
        predictions, validation: columns of PREDICTIONS, of test and of validation rows.

    Raises TableError where a score is missing or outside 0..1, naming the run.
    """
    for rows in (predictions, validation):
        refuse_bad_scores(rows)
    keys = ["run_id", "model"]
    thresholds = find_best_thresholds(validation)
    with_threshold = predictions.join(F.broadcast(thresholds), on="run_id", how="left")
    return (
        with_threshold.groupBy(*keys)
        .agg(
            F.count("*").alias("rows"),
            F.sum("label").cast("bigint").alias("positives"),
            F.avg(log_loss(F.col("label"), F.col("score"))).alias("log_loss"),
            *_at_threshold(F.lit(0.5), ("f1", "precision", "recall")),
            F.first("best_threshold").alias("best_threshold"),
            *_at_threshold(F.col("best_threshold"), ("best_f1", "best_precision", "best_recall")),
        )
        .join(rank_metrics(predictions, keys), on=keys, how="inner")
        .join(grouped_roc_auc(predictions), on="run_id", how="left")
    )


def rank_metrics(predictions: DataFrame, keys: Sequence[str], blocks: int = 1024) -> DataFrame:
    """roc_auc and pr_auc per key.

    roc_auc: share of pairs of a positive and a negative in which the positive scores higher, ties
    counting half; null where a class is missing. pr_auc: average precision, the sum over distinct
    scores of the gain in recall times the precision there; null without positives.
    """
    above = F.col("positives_above") + F.col("positives") / 2
    found = F.col("positives_above") + F.col("positives")
    shown = found + F.col("negatives_above") + F.col("negatives")
    return (
        rank_scores(predictions, keys, blocks)
        .groupBy(*keys)
        .agg(
            F.sum("positives").alias("p"),
            F.sum("negatives").alias("n"),
            F.sum(F.col("negatives") * above).alias("pairs"),
            F.sum(F.col("positives") * found / shown).alias("precisions"),
        )
        .select(
            *keys,
            F.try_divide("pairs", F.col("p").cast("double") * F.col("n")).alias("roc_auc"),
            F.try_divide("precisions", "p").alias("pr_auc"),
        )
    )


def grouped_roc_auc(predictions: DataFrame) -> DataFrame:
    """run_id and gauc: the ROC AUC within each user who has both labels, weighted by rows.

    Zhu et al. 2017 (arXiv 1706.06978, section 5.2, there by impressions).
    """
    keys = ["run_id", "user_id"]
    sizes = predictions.groupBy(*keys).agg(F.count("*").alias("rows"))
    per_user = rank_metrics(predictions, keys, blocks=1).join(sizes, on=keys, how="inner")
    both = per_user.where(F.col("roc_auc").isNotNull())
    weighted = F.sum(F.col("roc_auc") * F.col("rows")) / F.sum("rows")
    return both.groupBy("run_id").agg(weighted.alias("gauc"))


def find_best_thresholds(validation: DataFrame) -> DataFrame:
    """run_id and best_threshold: the score at and above which F1 is largest, highest of equals."""
    found = F.col("positives_above") + F.col("positives")
    shown = found + F.col("negatives_above") + F.col("negatives")
    ranked = rank_scores(validation, ["run_id"])
    totals = ranked.groupBy("run_id").agg(F.sum("positives").alias("p"))
    f1 = 2 * found / (shown + F.col("p"))
    return (
        ranked.join(totals, on="run_id", how="inner")
        .groupBy("run_id")
        .agg(F.max(F.struct(f1.alias("f1"), "score"))["score"].alias("best_threshold"))
    )


def log_loss(label: Column, score: Column) -> Column:
    """Negative log-likelihood of a row, in nats."""
    clipped = F.greatest(F.lit(_EPSILON), F.least(F.lit(1 - _EPSILON), score))
    return -F.when(label == 1, F.log(clipped)).otherwise(F.log1p(-clipped))


def refuse_bad_scores(predictions: DataFrame) -> None:
    """Raises TableError naming the runs with scores that are missing or outside 0..1."""
    bad = F.col("score").isNull() | F.isnan("score") | ~F.col("score").between(0, 1)
    counts = predictions.where(bad).groupBy("run_id").count().orderBy("run_id").collect()
    if counts:
        named = ", ".join(f"{c['run_id']} ({c['count']} rows)" for c in counts)
        raise TableError(f"scores that are missing or outside 0..1: {named}; train and score again")


def _at_threshold(threshold: Column, names: tuple[str, str, str]) -> list[Column]:
    # The harmonic mean of precision and recall is 2 TP / (shown + positives); 0 where undefined.
    is_shown = (F.col("score") >= threshold).cast("int")
    found, shown = F.sum(F.col("label") * is_shown), F.sum(is_shown)
    positives = F.sum("label")
    ratios = (F.try_divide(2 * found, shown + positives), F.try_divide(found, shown))
    return [
        F.coalesce(ratio, F.lit(0.0)).alias(name)
        for ratio, name in zip((*ratios, F.try_divide(found, positives)), names, strict=True)
    ]
