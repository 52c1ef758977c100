import datetime

import pytest

from mmdin.metrics import RANKING_METRICS
from mmdin.recommendation.console import format_list, format_ranking


def metric_rows(method: str, name: str, users: int) -> list[dict[str, object]]:
    return [
        {
            "method": method,
            "slice": name,
            "users": users,
            "top": 7,
            "metric": metric.name,
            "mean": 0.25,
            "lower": 0.2,
            "upper": 0.3,
        }
        for metric in RANKING_METRICS
    ]


def difference(other: str, lower: float | None, verdict: str) -> dict[str, object]:
    upper = None if lower is None else lower + 0.02
    values = {"difference": 0.01, "lower": lower, "upper": upper, "verdict": verdict}
    return {"slice": "all", "method": "combined", "other": other, "metric": "ndcg", **values}


def test_every_method_and_slice_is_shown_with_its_verdict() -> None:
    rows = [
        row
        for name, users in (("all", 1200), ("known", 1000))
        for method in ("als", "combined")
        for row in metric_rows(method, name, users)
    ]
    differences = [difference("als", 0.005, "better"), difference("popularity", -0.01, "open")]
    lines = format_ranking(rows, [*differences, difference("network", None, "open")]).splitlines()
    assert "NDCG@7" in lines[0]
    assert [line.split("(")[1].split(")")[0] for line in lines if "NDCG@7  " in line] == [
        "1,200",
        "1,000",
    ]
    assert sum(line.startswith("combined") for line in lines) == 2
    assert all("0.2000..0.3000" in line for line in lines if line.startswith("als"))
    endings = ["combined is better", "not significantly different", "interval not known"]
    assert [line.endswith(end) for line, end in zip(lines[-3:], endings, strict=True)] == [True] * 3


@pytest.mark.parametrize("has_reasons", [True, False])
def test_a_list_has_titles_scores_and_reasons(has_reasons: bool) -> None:
    as_of = datetime.datetime(2018, 9, 24, 14, 27, 30)
    numbers = {"score": 0.8254, "candidate_score": 0.3, "as_of": as_of}
    listed = [{"rank": rank, "movie_id": 10 * rank, **numbers} for rank in (1, 2)]
    reasons = [{"rank": 2, "liked_movie_id": 30, "weight": -0.257}] if has_reasons else []
    titles = {10: "Heat", 20: "Alien", 30: "Brazil"}
    head, names, first, second = format_list(5, listed, reasons, titles).splitlines()
    assert head == "recommended to user 5 as of 2018-09-24 14:27:30"
    assert ("attention" in names) == has_reasons
    assert first.split() == ["1", "Heat", "0.825", "0.300"]
    assert second.split()[:4] == ["2", "Alien", "0.825", "0.300"]
    assert second.endswith("Brazil -0.257") == has_reasons
