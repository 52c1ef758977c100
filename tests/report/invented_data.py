"""Data of an invented experiment, with difficult cases to choose from."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from mmdin import metrics
from mmdin.predictors import BEST_POSSIBLE, NAIVE
from mmdin.report.report_data import ReportData
from mmdin.schemas import (
    ATTENTION_WEIGHTS,
    CALIBRATION,
    EPOCHS,
    PLANTED_EFFECTS,
    RANKING_DIFFERENCES,
    RANKING_METRICS,
    REASONS,
    RECOMMENDATIONS,
)

METRICS = [metric.name for metric in metrics.METRICS]
SLICES = {
    "all": ["all"],
    "user": ["known", "new"],
    "movie": ["known"],
    "genre": ["Drama", "Action", "unknown"],
    "movie popularity": ["0 (cold)", "101 or more", "21 to 100", "1 to 20"],
    "release decade": ["1990s", "1980s"],
    "poster": ["with"],
}
CASES: dict[str, dict[str, Any]] = {
    "two networks": {},
    "one class": {"one_class": True},
    "one seed, nothing else": {
        "seeds": (1,), "attention": False, "epochs": False, "best_possible": False,
        "ranking": False,
    },
    "no posters": {"posters": False, "seeds": (1,)},
    "protocols": {
        "networks": ("mmdin", "din"), "protocols": ("point_in_time", "random", "leaky"),
    },
    "many": {
        "networks": [f"network_with_a_long_name_{n}" for n in range(10)], "seeds": (1, 2),
        "others": ("factorisation", "lightgbm", "ensemble", "stack"),
    },
    "one variant": {
        "networks": ["din"], "seeds": (1,), "naive": False, "best_possible": False,
    },
    "no network": {"networks": []},
}  # fmt: skip
"""Arguments of `invent`: what a report must be able to show."""

INPUT_COUNTS = pd.DataFrame(
    [
        ("links.csv", "noted", "there is no such file", 0),
        ("movies.csv", "kept", None, 30),
        ("ratings.csv", "kept", None, 1197),
        ("ratings.csv", "rejected", "wrong number of fields", 3),
    ],
    columns=["file", "outcome", "reason", "rows"],
)

TITLE = "<script>alert('Tom & \"Jerry\"')</script> $5 $x_1$"


def invent(
    networks: Sequence[str] = ("neural_cf", "mmdin"),
    seeds: Sequence[int] = (1, 2),
    protocols: Sequence[str] = ("point_in_time",),
    *,
    naive: bool = True,
    others: Sequence[str] = (),
    best_possible: bool = True,
    one_class: bool = False,
    attention: bool = True,
    epochs: bool = True,
    posters: bool = True,
    ranking: bool = True,
) -> ReportData:
    """Invent data. Networks are variants of model mmdin with these names, under each protocol.

    Others are predictors that a configuration can name.
    """
    generator = np.random.default_rng(3)
    experiments = _experiments(networks, seeds, protocols, naive, others, best_possible)
    variants = experiments.drop_duplicates("variant")
    intervals = _intervals(generator, variants, seeds, one_class)
    weights = _attention(variants) if attention else pd.DataFrame(columns=ATTENTION_WEIGHTS.columns)
    trained = experiments[experiments["seed"].notna()]
    shown = {*weights["movie_id"], *weights["history_movie_id"]}
    titled = shown | ({100, 101, 102, 110} if ranking and len(trained) else set())
    undefined = dict.fromkeys(("roc_auc", "gauc"), np.nan) if one_class else {}
    return ReportData(
        experiments=experiments,
        input_counts=INPUT_COUNTS,
        split_counts=_counts(protocols),
        metrics=experiments.assign(
            rows=400,
            positives=400 if one_class else 220,
            users=40,
            rows_digest=1,
            best_threshold=0.4,
            calibration_error=generator.random(len(experiments)) / 10,
            **{m: generator.random(len(experiments)) for m in METRICS} | undefined,
        ),
        metric_intervals=intervals,
        differences=_differences(variants, intervals),
        calibration=_calibration(generator, variants),
        sampled_scores=_scores(generator, variants, one_class),
        planted_effects=_planted(variants if best_possible else variants[:0]),
        runs=_runs(trained),
        epochs=_epochs(generator, trained, one_class)
        if epochs
        else pd.DataFrame(columns=EPOCHS.columns),
        attention_weights=weights,
        ranking_metrics=_ranking_metrics(generator, trained if ranking else trained[:0]),
        ranking_differences=_ranking_differences(trained if ranking else trained[:0]),
        recommendations=_recommendations(trained if ranking else trained[:0]),
        reasons=_reasons(trained if ranking else trained[:0]),
        posters={m: _poster(generator) for m in sorted(shown)[1:]} if posters else {},
        titles={m: TITLE if m == 100 else f"Movie {m}" for m in sorted(titled)[:-1]},
    )


def invent_sizes(sizes: Mapping[str, int]) -> ReportData:
    """Invent sets of samples under one protocol, with these numbers of training rows by name."""
    data = invent(["mmdin"], protocols=list(sizes), best_possible=False)
    counts = data.split_counts.assign(protocol="random")
    first = next(iter(sizes))
    counts.loc[counts["split"] == "train", "rows"] = [
        sizes[s or first] for s in counts.loc[counts["split"] == "train", "samples"]
    ]
    under_one = {
        name: getattr(data, name).assign(protocol="random")
        for name in ("experiments", "metric_intervals", "metrics", "runs")
    }
    return replace(data, split_counts=counts, **under_one)


def _experiments(
    networks: Sequence[str],
    seeds: Sequence[int],
    protocols: Sequence[str],
    naive: bool,
    others: Sequence[str],
    best_possible: bool,
) -> pd.DataFrame:
    rows = []
    for protocol in protocols:
        samples = "" if protocol == protocols[0] else protocol
        under = f" ({protocol})" if len(protocols) > 1 else ""
        chosen = [(n, "mmdin", list(seeds)) for n in networks]
        chosen = [(n, n, [None]) for n in NAIVE if naive] + chosen
        chosen += [(n, n, [None]) for n in others]
        chosen += [(BEST_POSSIBLE, BEST_POSSIBLE, [None])] if best_possible else []
        for name, model, model_seeds in chosen:
            for seed in model_seeds:
                run_id = f"{name}{under}-{seed}"
                rows.append((name + under, "", model, seed, samples, protocol, run_id))
    columns = ["variant", "changes", "model", "seed", "samples", "protocol", "run_id"]
    experiments = pd.DataFrame(rows, columns=columns).astype({"seed": "float64"})
    return experiments.assign(place=range(len(experiments)))


def _counts(protocols: Sequence[str]) -> pd.DataFrame:
    rows = []
    for protocol in protocols:
        for n, split in enumerate(("test", "train", "validation")):
            rows.append(
                {
                    "samples": "" if protocol == protocols[0] else protocol,
                    "protocol": protocol, "split": split, "rows": 400 + n, "positives": 220,
                    "users": 40, "movies": 30, "cold_users": 3, "cold_movies": 2,
                    "first_rated_at": pd.Timestamp("2010-01-01"),
                    "last_rated_at": pd.Timestamp("2012-01-01"),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _intervals(
    generator: np.random.Generator, variants: pd.DataFrame, seeds: Sequence[int], one_class: bool
) -> pd.DataFrame:
    rows = []
    for entry in variants.itertuples():
        for dimension, slices in SLICES.items():
            for name in slices:
                for metric in METRICS:
                    undefined = one_class and metric in ("roc_auc", "gauc")
                    mean = np.nan if undefined else 0.4 + generator.random() / 2
                    single = len(seeds) == 1 or np.isnan(entry.seed)
                    rows.append(
                        {
                            "variant": entry.variant, "model": entry.model,
                            "protocol": entry.protocol, "dimension": dimension, "slice": name,
                            "rows": 400 if name == "all" else 60, "positives": 30, "users": 20,
                            "movies": 10, "seeds": 1 if single else len(seeds), "metric": metric,
                            "mean": mean, "stddev": np.nan if single else 0.01,
                            "lower": mean - 0.02, "upper": mean + 0.03,
                        }
                    )  # fmt: skip
    return pd.DataFrame(rows)


def _differences(variants: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    overall = intervals[intervals["dimension"] == "all"]
    means = overall.set_index(["variant", "metric"])["mean"]
    rows = []
    for one in variants.itertuples():
        for other in variants.itertuples():
            if one.variant == other.variant or one.protocol != other.protocol:
                continue
            for metric in METRICS:
                value = means[(one.variant, metric)] - means[(other.variant, metric)]
                low, high = value - 0.08, value + 0.08
                verdict = "better" if low > 0 else "worse" if high < 0 else "open"
                if metric == "log_loss":
                    verdict = {"better": "worse", "worse": "better"}.get(verdict, verdict)
                rows.append((one.variant, other.variant, metric, value, low, high, verdict))
    columns = ["variant", "other", "metric", "difference", "lower", "upper", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _calibration(generator: np.random.Generator, variants: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (v.run_id, v.variant, v.model, *place, n, 40, (n + 0.5) / 10, generator.random())
        for v in variants.itertuples()
        for place in (("all", "all"), ("user", "known"), ("user", "new"))
        for n in range(10)
    ]
    return pd.DataFrame(rows, columns=CALIBRATION.columns)


def _scores(
    generator: np.random.Generator, variants: pd.DataFrame, one_class: bool
) -> pd.DataFrame:
    labels = np.ones(300, int) if one_class else (generator.random(300) < 0.55).astype(int)
    frames = []
    for v in variants.itertuples():
        scores = np.clip(generator.normal(0.45 + 0.1 * labels, 0.15), 0, 1).round(2)
        if v.model == "constant":
            scores = np.full(len(labels), 0.55)
        frames.append(
            pd.DataFrame(
                {
                    "run_id": v.run_id, "variant": v.variant, "model": v.model,
                    "row": range(len(labels)), "label": labels, "score": scores,
                }
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def _planted(variants: pd.DataFrame) -> pd.DataFrame:
    """Effects by ascending worth, as tables need not be in the order to be shown."""
    rows = [
        (v.run_id, v.variant, v.model, effect, 400, worth, 0.5, worth / 2, worth / 3, worth)
        for worth, effect in ((0.01, "recent_interest"), (0.05, "genre_taste"))
        for v in variants[::-1].itertuples()
    ]
    return pd.DataFrame(rows, columns=PLANTED_EFFECTS.columns)


def _runs(trained: pd.DataFrame) -> pd.DataFrame:
    columns = ["run_id", "model", "protocol", "seed", "best_epoch", "ranks", "global_batch"]
    columns += ["parameters", "packages", "revision", "started_at", "ended_at", "configuration"]
    rows = [
        (
            r.run_id, r.model, r.protocol, int(r.seed), 2, 2, 512, 34000,
            {"numpy": "1.26.4"}, "abc+changes",
            pd.Timestamp("2020-01-01 10:00"), pd.Timestamp("2020-01-01 10:05"),
            "training:\n  epochs: 20\n  patience: 1\n",
        )
        for r in trained.itertuples()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _epochs(generator: np.random.Generator, trained: pd.DataFrame, one_class: bool) -> pd.DataFrame:
    rows = [
        (r.run_id, epoch, 1e-3, *generator.random(3), 1000.0, 2.0)
        for r in trained.itertuples()
        for epoch in (1, 2, 3)
    ]
    epochs = pd.DataFrame(rows, columns=EPOCHS.columns)
    return epochs.assign(validation_roc_auc=np.nan) if one_class else epochs


def _attention(variants: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for v in variants[variants["seed"].notna()].itertuples():
        for user in (7, 8):
            for position in range(1, 6):
                at = pd.Timestamp("2012-01-01")
                case = (v.run_id, v.model, user, 100 + user - 7, at, user - 7, 0.6)
                rows.append((*case, position, 110 + position, (position - 3) * 0.17))
    return pd.DataFrame(rows, columns=ATTENTION_WEIGHTS.columns)


def _ranking_metrics(generator: np.random.Generator, trained: pd.DataFrame) -> pd.DataFrame:
    """Metrics of lists of the first trained run, whose users are all new under slice new."""
    rows = []
    for run_id in trained["run_id"][:1]:
        for method in metrics.RANKING_METHODS:
            for name in ("all", "new"):
                for metric in metrics.RANKING_METRICS:
                    mean = generator.random()
                    bounds = (mean / 2, mean * 2) if metric.name != "coverage" else (np.nan, np.nan)
                    counts = (40, 30, 10, 0.2)
                    rows.append((run_id, method, name, *counts, metric.name, mean, *bounds))
    rows = rows[::-1]
    return pd.DataFrame(rows, columns=RANKING_METRICS.columns)


def _ranking_differences(trained: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (run_id, method, other, "all", metric.name, 0.01 * place, *bounds, verdict)
        for run_id in trained["run_id"][:1]
        for method in metrics.RANKING_METHODS
        for place, (other, bounds, verdict) in enumerate(
            (
                ("popularity", (0.1, 0.2), "better"),
                ("als", (-0.1, 0.1), "open"),
                ("network", (np.nan, np.nan), "open"),
            )
        )
        for metric in metrics.RANKING_METRICS[:6]
        if method != other
    ]
    return pd.DataFrame(rows, columns=RANKING_DIFFERENCES.columns)


def _recommendations(trained: pd.DataFrame) -> pd.DataFrame:
    at = pd.Timestamp("2012-01-01")
    rows = [
        (run_id, 7, rank, 100 + rank - 1, 0.9 - 0.1 * rank, 0.5, at)
        for run_id in trained["run_id"][:1]
        for rank in (1, 2, 3)
    ]
    return pd.DataFrame(rows, columns=RECOMMENDATIONS.columns)


def _reasons(trained: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (run_id, 7, 2, 101, place, liked, 0.4 / place)
        for run_id in trained["run_id"][:1]
        for place, liked in ((1, 110), (2, 100))
    ]
    return pd.DataFrame(rows, columns=REASONS.columns)


def _poster(generator: np.random.Generator) -> bytes:
    file = io.BytesIO()
    pixels = generator.integers(0, 255, (30, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, format="JPEG")
    return file.getvalue()
