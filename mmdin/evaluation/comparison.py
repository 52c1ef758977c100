"""The table of variants that people read on the console."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmdin.config import Samples
from mmdin.metrics import (
    MAIN_METRICS,
    MAIN_SLICES,
    METRICS,
    METRICS_BY_NAME,
    explain_undefined,
)
from mmdin.predictors import BEST_POSSIBLE, kind_of_model

Rows = Sequence[Mapping[str, Any]]


def format_comparison(intervals: Rows, runs: Rows, samples: Samples) -> str:
    """The variants as text: naive predictors on top, networks, the best possible below.

    Heads the table with the protocols, the rows and the label's rule.

    Args:
        intervals: columns of METRIC_INTERVALS, of all test rows, in the order to be shown.
        runs: columns of METRICS.
        samples: the configuration's section, for the label's rule.
    """
    variants = list(dict.fromkeys(r["variant"] for r in intervals))
    rows_of = {v: {r["metric"]: r for r in intervals if r["variant"] == v} for v in variants}
    width = max(14, *(len(v) + 2 for v in variants))
    titles = [METRICS[0].title, "95 % interval", *(metric.title for metric in METRICS[1:])]
    lines = [*_describe(runs, samples), "", _line("variant", titles, width)]
    rule, previous = "-" * len(lines[-1]), ""
    for variant in variants:
        first = rows_of[variant][METRICS[0].name]
        part = kind_of_model(first["model"])
        if part != previous:
            lines.append(rule)
        previous = part
        means = [_number(rows_of[variant][metric.name]["mean"]) for metric in METRICS]
        lines.append(_line(variant, [means[0], _interval(first), *means[1:]], width))
    return "\n".join([*lines, "", _footnote(intervals, runs)])


def format_slices(intervals: Rows) -> str:
    """ROC AUC and GAUC of the variants by new and known users and movies, as text.

    Args:
        intervals: columns of METRIC_INTERVALS, in the order to be shown.
    """
    variants = list(dict.fromkeys(r["variant"] for r in intervals))
    width = max(14, *(len(v) + 2 for v in variants))
    columns = {}
    for title, place in MAIN_SLICES.items():
        here = [r for r in intervals if (r["dimension"], r["slice"]) == place]
        if here:
            columns[f"{title} ({max(r['rows'] for r in here):,} rows)"] = {
                (r["variant"], r["metric"]): r["mean"] for r in here
            }
    names = [METRICS_BY_NAME[metric].title for metric in MAIN_METRICS]
    across = max([26, *(len(title) + 4 for title in columns)])
    lines = [
        " " * width + "".join(f"{title:>{across}}" for title in columns),
        f"{'variant':<{width}}" + _pair(names, across) * len(columns),
    ]
    lines.append("-" * len(lines[-1]))
    for variant in variants:
        cells = [[_number(of.get((variant, m))) for m in MAIN_METRICS] for of in columns.values()]
        lines.append(f"{variant:<{width}}" + "".join(_pair(pair, across) for pair in cells))
    return "\n".join([*lines, "", "New users and movies have no training row."])


def format_differences(differences: Rows, variants: Sequence[str]) -> str:
    """How much higher the last network's ROC AUC is than each other variant's, one line each.

    Args:
        differences: columns of DIFFERENCES, of ROC AUC.
        variants: in the order to be shown.
    """
    reference = "mmdin" if "mmdin" in variants else variants[-1]
    by_other = {d["other"]: d for d in differences if d["variant"] == reference}
    width = max((len(v) for v in by_other), default=0)
    lines = [f"ROC AUC of {reference} less that of"]
    for other in (v for v in variants if v in by_other):
        d = by_other[other]
        verdict = _verdict(d, reference)
        bounds = "-" if d["lower"] is None else f"[{d['lower']:+.4f}, {d['upper']:+.4f}]"
        lines.append(f"  {other:<{width}}  {_signed(d['difference'])}  {bounds:<18}  {verdict}")
    return "\n".join(lines)


def format_effects(effects: Rows, variants: Sequence[str]) -> str:
    """What each variant has found of the planted effects, as text.

    Args:
        effects: columns of PLANTED_EFFECTS, of one run for each variant.
        variants: in the order to be shown.
    """
    names = list(dict.fromkeys(e["effect"] for e in effects))
    found = {(e["variant"], e["effect"]): _found(e) for e in effects}
    width = max(14, *(len(v) + 2 for v in variants))
    lines = [f"{'variant':<{width}}" + "".join(f"{name:>18}" for name in names)]
    lines.append("-" * len(lines[-1]))
    for variant in variants:
        cells = [found.get((variant, name), "-") for name in names]
        lines.append(f"{variant:<{width}}" + "".join(f"{cell:>18}" for cell in cells))
    notes = (
        "Share of each planted effect that the scores contain, and the ROC AUC that they would "
        "gain from being told it.",
        f"For {BEST_POSSIBLE}, the ROC AUC that it loses without the effect. First seed only.",
    )
    return "\n".join([*lines, "", *notes])


def _found(effect: Mapping[str, Any]) -> str:
    if effect["model"] == BEST_POSSIBLE:
        return _signed(None if effect["worth"] is None else -effect["worth"])
    return f"{effect['learned']:.2f}  {_signed(effect['missing'])}"


def _verdict(difference: Mapping[str, Any], reference: str) -> str:
    if difference["lower"] is None:
        return "not known"
    if difference["verdict"] == "open":
        return "not significantly different"
    return f"{reference} is {difference['verdict']}"


def _describe(runs: Rows, samples: Samples) -> list[str]:
    lines = []
    for protocol in dict.fromkeys(r["protocol"] for r in runs):
        first = next(r for r in runs if r["protocol"] == protocol)
        lines.append(
            f"protocol {protocol}; {first['rows']:,} test rows of {first['users']:,} users, "
            f"{first['positives'] / first['rows']:.4f} of them positive "
            f"(rating >= {samples.positive_rating:g})"
        )
    return lines


def _footnote(intervals: Rows, runs: Rows) -> str:
    seeds = max(r["seeds"] for r in intervals)
    lines = [
        f"Means over {seeds} training seeds; the interval is over users."
        if seeds > 1
        else "One training seed; the interval is over users, and leaves out what another "
        "seed would change.",
        "F1, precision and recall are at threshold 0.5; starred ones at the threshold that is best "
        "for F1 on validation rows.",
        *explain_undefined(runs),
    ]
    if any(r["protocol"] == "leaky" for r in runs):
        lines.append(
            "LEAKY: statistics were taken over all rows, test rows included. These numbers are "
            "only for comparison with published ones; a system in use does not reach them."
        )
    return "\n".join(lines)


def _line(name: str, cells: list[str], width: int) -> str:
    first, interval, *others = cells
    return f"{name:<{width}}{first:>9}{interval:>18}" + "".join(f"{c:>11}" for c in others)


def _pair(cells: Sequence[str], width: int) -> str:
    return "".join(f"{cell:>10}" for cell in cells).rjust(width)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"


def _interval(row: Mapping[str, Any]) -> str:
    return "-" if row["lower"] is None else f"{row['lower']:.4f}..{row['upper']:.4f}"
