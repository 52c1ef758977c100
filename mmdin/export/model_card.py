"""The model card as a page of Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from mmdin.export.facts import Facts
from mmdin.metrics import METRICS_BY_NAME

_SHOWN_OF_SLICES = ("roc_auc", "gauc", "log_loss")
"""Metrics of slices that the page shows; the JSON file has all."""


def render_card(facts: Facts) -> str:
    """The page, of the facts of mmdin.export.facts."""
    model = facts["model"]
    sections = {
        f"# {model['network']}: {model['run_id']}": [facts["intended_use"]],
        "## Model": [_list(_describe_model(facts))],
        "## Data": [_list(_describe_data(facts["data"])), *_splits(facts["data"]["splits"])],
        "## Metrics": _metrics(facts["evaluation"]),
        "## Slices": _slices(facts["evaluation"]),
        "## Limits": [_list(facts["limits"])],
        "## Signatures": _signatures(facts["signatures"]),
        "## Versions": [", ".join(f"{k} {v}" for k, v in sorted(facts["versions"].items()))],
    }
    parts = [part for title, texts in sections.items() for part in (title, *texts)]
    return "\n\n".join(parts) + "\n"


def _describe_model(facts: Facts) -> list[str]:
    model = facts["model"]
    return [
        f"{model['parameters']:,} parameters, seed {model['seed']}, epoch {model['best_epoch']}",
        f"trained at {model['trained_at']} UTC, code {model['code_revision']}",
        f"validation ROC AUC {_number(model['validation_roc_auc'])}",
        f"exported at {facts['exported_at']}",
        "the settings of network and training are in model_card.json",
    ]


def _describe_data(data: Facts) -> list[str]:
    rows = ", ".join(f"{count:,} {split}" for split, count in data["rows"].items())
    return [
        f"source: {data['source']} (configuration {data['configuration']})",
        f"licence: {data['licence']}",
        f"protocol: {data['protocol']}",
        f"label: 1 if the rating is {data['positive_rating']:g} stars or more, else 0",
        f"rows: {rows}",
    ]


def _splits(splits: Sequence[Facts]) -> list[str]:
    if not splits:
        return []
    columns = ("split", "rows", "positives", "users", "movies", "first_rated_at", "last_rated_at")
    return [_table(columns, ([_shown(s[c]) for c in columns] for s in splits))]


def _metrics(evaluation: Facts | None) -> list[str]:
    if evaluation is None:
        return ["The run has not been evaluated: job evaluate measures it, then export it again."]
    overall = evaluation["overall"]
    title = (
        f"On {overall[0]['rows']:,} test rows of {overall[0]['users']:,} users. Means over "
        f"{overall[0]['seeds']} training seeds of {evaluation['variant']}, 95 % intervals over "
        "users, and this run's own values."
    )
    own = evaluation["of_this_run"]
    rows = [
        (METRICS_BY_NAME[r["metric"]].title, *_interval(r), _number(own[r["metric"]]))
        for r in overall
    ]
    naive = [(r["variant"], *_interval(r)) for r in evaluation["naive_predictors"]]
    return [
        title,
        _table(("metric", "mean", "95 % interval", "this run"), rows),
        "Predictors without a network, ROC AUC on the same rows:",
        _table(("predictor", "mean", "95 % interval"), naive),
    ]


def _slices(evaluation: Facts | None) -> list[str]:
    if evaluation is None:
        return ["Not measured: see Metrics."]
    rows = [
        (
            *(r["dimension"], r["slice"], f"{r['rows']:,}", METRICS_BY_NAME[r["metric"]].title),
            *_interval(r),
        )
        for r in evaluation["slices"]
        if r["metric"] in _SHOWN_OF_SLICES
    ]
    return [_table(("by", "slice", "rows", "metric", "mean", "95 % interval"), sorted(rows))]


def _signatures(signatures: Facts) -> list[str]:
    missing = signatures["missing"]
    text = (
        "Each input has one value per row. Signature readable, which is also the default, takes "
        f"the readable columns of table samples; missing is {missing['numbers']} for a number, "
        f'{missing["ids"]} for an id and "" for a text. Signature encoded takes the columns that '
        "the network takes. Output `score` is a probability, float64, one per row."
    )
    tables = [
        _table((name, "type"), ((f"`{n}`", t) for n, t in inputs.items()))
        for name, inputs in signatures["inputs"].items()
    ]
    return [text, *tables]


def _interval(row: Facts) -> tuple[str, str]:
    bounds = f"[{_number(row['lower'])}, {_number(row['upper'])}]"
    return _number(row["mean"]), "-" if row["lower"] is None else bounds


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
