"""Scores that combine those of networks and predictors: ensembles of seeds, and the stack."""

import functools
import logging
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from mmdin.config import Config
from mmdin.hashing import hashed_share
from mmdin.predictors import COMBINED, FITTED, NAIVE, ensemble_run_id, naive_run_id
from mmdin.scoring.fitting import require_both_labels
from mmdin.scoring.logistic import Plane, fit_plane, log_odds, logistic
from mmdin.scoring.scored import KEPT, list_scores, one_score, with_scores

log = logging.getLogger(__name__)

MAX_ROWS_FITTED = 200_000
"""About how many validation rows the stack is fitted on; if there are more, a seeded hash chooses.
"""

Members = Mapping[str, Sequence[str]]
"""What is combined, by name: the run_ids of a variant's seeds, or the one of a predictor."""


def add_combined(
    parts: list[DataFrame],
    trained: Mapping[tuple[str, int], Row],
    validation_rows: int,
    config: Config,
) -> list[DataFrame]:
    """The scores of a set of samples, and those of its configured ensembles and stack.

    Args:
        parts: scores by all networks and other predictors.
        trained: rows of runs by label and seed.
        validation_rows: their number.
        config: of the samples.

    Returns:
        The parts; persisted if there is something to combine.

    Raises:
        TableError: validation rows are of one class.
    """
    wanted, samples_name = config.scoring.predictors, config.samples.name
    if not set(COMBINED) & set(wanted):
        return parts
    # Fitting the stack and writing the scores would each score with all networks.
    scored = functools.reduce(DataFrame.unionByName, parts).persist(StorageLevel.MEMORY_AND_DISK)
    members: dict[str, list[str]] = {}
    for (label, _), run in trained.items():
        members.setdefault(label, []).append(run["run_id"])
    combined = ensemble_scores(members) if "ensemble" in wanted else []
    for name in (*NAIVE, *FITTED):
        if name in wanted or (name in NAIVE and name != "constant"):
            members[name] = [naive_run_id(name, samples_name)]
    logits = add_logits(scored, members)
    if "stack" in wanted:
        plane = fit_stack(logits, members, validation_rows, config.seed)
        combined.append(stack_score(naive_run_id("stack", samples_name), plane))
    return [scored, with_scores(logits, combined)]


def add_logits(scored: DataFrame, members: Members) -> DataFrame:
    """One row per sample, with the columns KEPT and a column per member, which logit_of names.

    It has the mean over the member's runs of the log-odds of their scores.

    Args:
        scored: see mmdin.scoring.scored; every run has scored the same rows.
        members: what is combined.
    """
    logit = log_odds(F.col("score"))

    def of_run(run_id: str) -> Column:
        return F.max(F.when(F.col("run_id") == run_id, logit))

    # Summed in one order, because the last digits of a sum depend on it.
    means = [sum(map(of_run, runs[1:]), of_run(runs[0])) / len(runs) for runs in members.values()]
    wanted = [run_id for runs in members.values() for run_id in runs]
    named = [mean.alias(logit_of(n)) for n, mean in enumerate(means)]
    rows = list_scores(scored).where(F.col("run_id").isin(wanted))
    return rows.groupBy(*KEPT).agg(*named)


def logit_of(member: int) -> str:
    """Column of add_logits of the member with this number."""
    return f"logit_{member}"


def ensemble_scores(members: Members) -> list[Column]:
    """The scores by the mean logits of members with several runs, of rows of add_logits."""
    return [
        one_score(ensemble_run_id(runs), "ensemble", logistic(F.col(logit_of(n))))
        for n, runs in enumerate(members.values())
        if len(runs) > 1
    ]


def fit_stack(logits: DataFrame, members: Members, validation_rows: int, seed: int) -> Plane:
    """Fit the stack on validation rows, on the driver.

    Args:
        logits: of add_logits.
        members: the same.
        validation_rows: their number.
        seed: of the choice of rows, if there are many.

    Raises:
        TableError: validation rows are of one class.
    """
    rows = logits.where(F.col("split") == "validation")
    if validation_rows > MAX_ROWS_FITTED:
        share = MAX_ROWS_FITTED / validation_rows
        rows = rows.where(hashed_share(seed, "stack") < share)
    columns = list(map(logit_of, range(len(members))))
    table = rows.select("user_id", "movie_id", "label", *columns).toArrow()
    table = table.sort_by([("user_id", "ascending"), ("movie_id", "ascending")])
    labels = table["label"].to_numpy()
    require_both_labels("stack", labels)
    numbers = np.stack([table[column].to_numpy() for column in columns])
    plane = fit_plane(numbers, labels.astype(np.float64))
    log.info(
        "score: stack, fitted on %s validation rows: %s", f"{len(labels):,}", _show(members, plane)
    )
    return plane


def stack_score(run_id: str, plane: Plane) -> Column:
    """The score by the stack, of rows of add_logits."""
    terms = (F.lit(slope) * F.col(logit_of(n)) for n, slope in enumerate(plane.slopes))
    return one_score(run_id, "stack", logistic(sum(terms, F.lit(plane.intercept))))


def _show(members: Iterable[str], plane: Plane) -> str:
    return ", ".join(f"{n} {slope:+.3f}" for n, slope in zip(members, plane.slopes, strict=True))
