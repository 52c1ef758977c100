"""What job recommend prints: how good the lists are, and one user's."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmdin.metrics import RANKING_METRICS, RANKING_SLICES

Rows = Sequence[Mapping[str, Any]]

NOT_BY_TIME = (
    "Ranking metrics are not computed under protocol {protocol}: its test rows are not later than "
    "its training rows, so that no list could have been made before them. They need "
    "samples.protocol=point_in_time"
)

_SHOWN = {"all": "all users", "known": "users with earlier ratings", "new": "users without"}


def format_ranking(metrics: Rows, differences: Rows) -> str:
    """The metrics of every method by slices of users, and the combined order less the others.

    Args:
        metrics: columns of RANKING_METRICS.
        differences: columns of RANKING_DIFFERENCES.
    """
    top = metrics[0]["top"]
    titles = [f"NDCG@{top}", "95 % interval", *(m.title for m in RANKING_METRICS[1:])]
    lines = []
    for name in RANKING_SLICES:
        rows = [row for row in metrics if row["slice"] == name]
        if not rows:
            continue
        users = f"{_SHOWN[name]} ({rows[0]['users']:,})"
        lines += [_line(users, titles), "-" * 128]
        for method in dict.fromkeys(row["method"] for row in rows):
            by_metric = {row["metric"]: row for row in rows if row["method"] == method}
            means = [_number(by_metric[m.name]["mean"]) for m in RANKING_METRICS]
            lines.append(_line(method, [means[0], _interval(by_metric["ndcg"]), *means[1:]]))
        lines.append("")
    lines.append(f"NDCG@{top} of the combined order less that of")
    for row in differences:
        if (row["slice"], row["method"], row["metric"]) == ("all", "combined", "ndcg"):
            lines.append(_describe_difference(row))
    return "\n".join(lines)


def _describe_difference(row: Mapping[str, Any]) -> str:
    bounds = "-"
    words = "interval not known"
    if row["lower"] is not None:
        bounds = f"[{row['lower']:+.4f}, {row['upper']:+.4f}]"
        is_open = row["verdict"] == "open"
        words = "not significantly different" if is_open else f"combined is {row['verdict']}"
    return f"  {row['other']:<12}{row['difference']:+.4f}  {bounds:<18}  {words}"


def format_list(user_id: int, listed: Rows, reasons: Rows, titles: Mapping[int, str]) -> str:
    """One user's recommendations, with titles, scores and reasons.

    Args:
        user_id: the user.
        listed: columns of RECOMMENDATIONS, of this user, by rank.
        reasons: columns of REASONS, of this user, by rank and place.
        titles: by movie_id.
    """
    width = max(len(titles[row["movie_id"]]) for row in listed)
    head = f"{'rank':>4}  {'movie':<{width}}  {'score':>6}  {'candidate':>9}"
    lines = [
        f"recommended to user {user_id} as of {listed[0]['as_of']:%Y-%m-%d %H:%M:%S}",
        f"{head}  attention is on" if reasons else head,
    ]
    for row in listed:
        liked = [
            f"{titles[r['liked_movie_id']]} {r['weight']:+.3f}"
            for r in reasons
            if r["rank"] == row["rank"]
        ]
        numbers = f"{row['score']:6.3f}  {row['candidate_score']:9.3f}"
        title = titles[row["movie_id"]]
        lines.append(f"{row['rank']:>4}  {title:<{width}}  {numbers}  {'; '.join(liked)}".rstrip())
    return "\n".join(lines)


def _line(name: str, cells: Sequence[str]) -> str:
    first, interval, *others = cells
    return f"{name:<36}{first:>9}{interval:>18}" + "".join(f"{cell:>10}" for cell in others)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(row: Mapping[str, Any]) -> str:
    return "-" if row["lower"] is None else f"{row['lower']:.4f}..{row['upper']:.4f}"
