"""What may be concluded from the differences, and what may not."""

from dataclasses import dataclass

import pandas as pd

from mmdin.predictors import BEST_POSSIBLE
from mmdin.report.report_data import ReportData
from mmdin.report.selections import kind_of, list_cut_off, list_differences
from mmdin.report.wording import enumerate_names

_SMALL = 1000
"""Slices with fewer test rows are called small."""


@dataclass(frozen=True)
class Claim:
    """A row of differences of ROC AUC in words.

    Attributes:
        variant: what is compared.
        other: what it is compared with.
        verdict: better, worse, or open.
        sentence: that the variant ranks better or worse; if the verdict is open, the difference.
    """

    variant: str
    other: str
    verdict: str
    sentence: str


@dataclass(frozen=True)
class Conclusions:
    """What the differences from one variant, by ROC AUC, allow to conclude.

    Attributes:
        reference: the variant.
        role: its role in the comparison.
        claims: of variants that are significantly different.
        open: of variants that are not significantly different.
        not_compared: variants that were tested on other rows.
    """

    reference: str
    role: str
    claims: list[Claim]
    open: list[Claim]
    not_compared: list[str]


def conclude(data: ReportData) -> list[Conclusions]:
    """Conclusions about every variant, and about networks and predictors without a network.

    Every variant is compared with each reference, and every network with the best such predictor
    of its protocol.
    """
    protocols = data.protocol_of()
    conclusions = [
        _conclude(data, reference, "the reference", data.variants) for reference in data.references
    ]
    for protocol in data.protocols:
        followers = [v for v in data.variants if protocols[v] == protocol]
        naive = [v for v in followers if kind_of(data, v) == "naive"]
        networks = [v for v in followers if kind_of(data, v) in ("network", "combined")]
        if naive and networks:
            best = data.best_of(naive)
            conclusions.append(
                _conclude(data, best, "the best predictor without a network", networks)
            )
    return conclusions


def _conclude(data: ReportData, reference: str, role: str, variants: list[str]) -> Conclusions:
    rows = list_differences(data, reference)
    rows = rows[(rows["metric"] == "roc_auc") & rows["variant"].isin(variants)]
    significant = rows["verdict"].isin(["better", "worse"])
    compared = {reference, *rows["variant"]}
    return Conclusions(
        reference,
        role,
        [_claim(data, row) for _, row in rows[significant].iterrows()],
        [_state_difference(row) for _, row in rows[~significant].iterrows()],
        [v for v in variants if v not in compared],
    )


def _claim(data: ReportData, row: pd.Series) -> Claim:
    variant, other, verdict = row["variant"], row["other"], row["verdict"]
    direction = "higher" if verdict == "better" else "lower"
    bounds = sorted((abs(row["lower"]), abs(row["upper"])))
    sentence = (
        f"{variant} ranks {verdict} than {other}: its ROC AUC is {direction} by "
        f"{abs(row['difference']):.4f} (95 % interval {bounds[0]:.4f} to {bounds[1]:.4f})."
    )
    protocols = data.protocol_of()
    if protocols[variant] != protocols[other]:
        sentence += (
            f" The protocols differ ({protocols[variant]} and {protocols[other]}): the difference "
            "comes from the features, not from the networks."
        )
    if BEST_POSSIBLE in (data.model_of()[variant], data.model_of()[other]):
        sentence += f" {BEST_POSSIBLE} knows the true probabilities of the invented world."
    return Claim(variant, other, verdict, sentence)


def _state_difference(row: pd.Series) -> Claim:
    if pd.isna(row["difference"]):
        difference = "not known"
    elif pd.isna(row["lower"]):
        difference = f"{row['difference']:+.4f}, interval not known"
    else:
        interval = f"{row['lower']:+.4f} to {row['upper']:+.4f}"
        difference = f"{row['difference']:+.4f}, 95 % interval {interval}"
    return Claim(row["variant"], row["other"], "open", f"{row['variant']} ({difference})")


def list_limits(data: ReportData) -> list[str]:
    """What readers may not conclude, a paragraph each."""
    comparisons = int((data.differences["variant"] < data.differences["other"]).sum())
    limits = [
        "The intervals of metrics cover another draw of as many test users, with the same trained "
        "networks. The intervals of differences also cover other training seeds, if there are "
        "several. Both hold for this data set and this split. Other data may differ by more.",
        "There is no correction for multiple comparisons. About one in twenty of the "
        f"{comparisons:,} intervals of differences would miss the true value by chance alone.",
        "Starred metrics use the threshold with the best F1 on validation rows. Points A and B in "
        "the figures are chosen on the test rows that they are shown on, so they look better than "
        "they are.",
        "Users chose what to watch and to rate. Good predictions of these ratings do not show how "
        "users would react to recommendations.",
    ]
    if small := _count_small_slices(data):
        limits.append(
            f"Small slices prove little: {small} of the slices have fewer than {_SMALL:,} test "
            "rows."
        )
    if data.metric_intervals["seeds"].fillna(1).max() <= 1:
        limits.append(
            "Every network was trained with one seed, so the effect of other seeds is not known."
        )
    if "stack" in data.model_of().values():
        limits.append(
            "The stack is fitted on validation rows, which also choose epochs and thresholds. Its "
            " test rows are as unseen as those of the others."
        )
    if cut_off := _describe_cut_off(data):
        limits.append(
            "training.epochs cut off runs before early stopping, and more epochs could have given "
            f"better weights: {enumerate_names(cut_off)}. Raise training.epochs."
        )
    if leaky := [v for v, p in data.protocol_of().items() if p == "leaky"]:
        limits.append(
            f"The scores of {enumerate_names(leaky)} are leaky: statistics were taken over test "
            "rows too. A running system has no such features."
        )
    if BEST_POSSIBLE in data.model_of().values():
        limits.append(
            "The world is invented. What the networks find in it was planted. How they compare on "
            "real ratings is another question."
        )
    return limits


def _describe_cut_off(data: ReportData) -> list[str]:
    variants, runs = data.variant_of(), data.runs.set_index("run_id")
    return [
        f"{variants[run_id]}, seed {runs.loc[run_id, 'seed']} (best epoch "
        f"{runs.loc[run_id, 'best_epoch']} of {epochs})"
        for run_id, epochs in list_cut_off(data).items()
    ]


def _count_small_slices(data: ReportData) -> int:
    rows = data.metric_intervals
    rows = rows[(rows["dimension"] != "all") & (rows["rows"] < _SMALL)]
    return len(rows[["protocol", "dimension", "slice"]].drop_duplicates())
