"""What may be concluded from the differences, and what may not."""

from dataclasses import dataclass

import pandas as pd

from mmdin.report.differences import list_differences
from mmdin.report.evidence import Evidence
from mmdin.report.wording import enumerate_names
from mmdin.variants import BEST_POSSIBLE, NAIVE

_SMALL = 1000
"""Test rows below which a slice is called small."""


@dataclass(frozen=True)
class Claim:
    """That a variant ranks better or worse than another, or, where the verdict is open, the mere
    difference: a row of differences of ROC AUC in words."""

    variant: str
    other: str
    verdict: str
    sentence: str


@dataclass(frozen=True)
class Conclusions:
    """What the differences from one variant, by ROC AUC, allow to say.

    role: what it is; claims: of variants told apart from it; open: of those that are not;
    not_compared: variants that were tested on other rows.
    """

    reference: str
    role: str
    claims: list[Claim]
    open: list[Claim]
    not_compared: list[str]


def conclude(evidence: Evidence) -> list[Conclusions]:
    """Against each reference every other variant, and against the best naive predictor of each
    protocol every network."""
    models, protocols = evidence.model_of(), evidence.protocol_of()
    found = [
        _conclude(evidence, reference, "the reference", evidence.variants)
        for reference in evidence.references
    ]
    for protocol in evidence.protocols:
        naive = [v for v in evidence.variants if models[v] in NAIVE and protocols[v] == protocol]
        networks = [v for v in evidence.networks if protocols[v] == protocol]
        if naive and networks:
            best = evidence.best_of(naive)
            found.append(_conclude(evidence, best, "the best naive predictor", networks))
    return found


def _conclude(evidence: Evidence, reference: str, role: str, variants: list[str]) -> Conclusions:
    rows = list_differences(evidence, reference)
    rows = rows[(rows["metric"] == "roc_auc") & rows["variant"].isin(variants)]
    told = rows[rows["verdict"].isin(["better", "worse"])]
    others = rows[~rows["verdict"].isin(["better", "worse"])]
    compared = {reference, *rows["variant"]}
    return Conclusions(
        reference,
        role,
        [_claim(evidence, row) for _, row in told.iterrows()],
        [_difference(row) for _, row in others.iterrows()],
        [v for v in variants if v not in compared],
    )


def _claim(evidence: Evidence, row: pd.Series) -> Claim:
    variant, other, verdict = row["variant"], row["other"], row["verdict"]
    direction = "higher" if verdict == "better" else "lower"
    bounds = sorted((abs(row["lower"]), abs(row["upper"])))
    sentence = (
        f"{variant} ranks {verdict} than {other}: its ROC AUC is {direction} by "
        f"{abs(row['difference']):.4f} (95 % interval {bounds[0]:.4f} to {bounds[1]:.4f})"
    )
    protocols = evidence.protocol_of()
    if protocols[variant] != protocols[other]:
        sentence += (
            f"; the protocols differ ({protocols[variant]} and {protocols[other]}), so this is "
            "about what the rows are told, not about the networks"
        )
    if BEST_POSSIBLE in (evidence.model_of()[variant], evidence.model_of()[other]):
        sentence += f"; {BEST_POSSIBLE} knows the truth of the invented world"
    return Claim(variant, other, verdict, sentence + ".")


def _difference(row: pd.Series) -> Claim:
    if pd.isna(row["difference"]):
        said = "not known"
    elif pd.isna(row["lower"]):
        said = f"{row['difference']:+.4f}, interval not known"
    else:
        said = f"{row['difference']:+.4f}, 95 % interval {row['lower']:+.4f} to {row['upper']:+.4f}"
    return Claim(row["variant"], row["other"], "open", f"{row['variant']} ({said})")


def list_limits(evidence: Evidence) -> list[str]:
    """What readers may not conclude, sentence by sentence."""
    comparisons = int((evidence.differences["variant"] < evidence.differences["other"]).sum())
    limits = [
        "Intervals say what another draw of as many test users would give, with these trained "
        "networks; those of differences also what other training seeds would give, where there "
        "are several. Both are of this one data set and one split of it: other data may differ "
        "by more.",
        f"No correction is made for the number of comparisons: of {comparisons:,} intervals of "
        "differences, about one in twenty would miss the truth by chance alone.",
        "Starred metrics use the threshold that is best for F1 on validation rows; points A and B "
        "in the figures are chosen on the very test rows that they are shown on, which flatters "
        "them.",
        "People chose what to watch and to rate. How well given ratings are predicted does not "
        "say what users would do with recommendations.",
    ]
    if small := _small_slices(evidence):
        limits.append(
            f"Small slices say little: {small} of the slices shown have fewer than {_SMALL:,} test "
            "rows."
        )
    if evidence.metric_intervals["seeds"].fillna(1).max() <= 1:
        limits.append(
            "Every network was trained with one seed: nothing here says how much another seed "
            "would change."
        )
    if leaky := [v for v, p in evidence.protocol_of().items() if p == "leaky"]:
        limits.append(
            f"The scores of {enumerate_names(leaky)} are leaky: statistics were taken over test "
            "rows too. Nobody has such features in use."
        )
    if BEST_POSSIBLE in evidence.model_of().values():
        limits.append(
            "The world is invented: what networks find here was planted, and how they compare on "
            "real ratings is another question."
        )
    return limits


def _small_slices(evidence: Evidence) -> int:
    rows = evidence.metric_intervals
    rows = rows[(rows["dimension"] != "all") & (rows["rows"] < _SMALL)]
    return len(rows[["protocol", "dimension", "slice"]].drop_duplicates())
