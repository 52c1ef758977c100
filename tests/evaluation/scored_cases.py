"""Runs' scores that differ in size, ties and balance."""

import numpy as np
import pandas as pd


def make_cases() -> pd.DataFrame:
    """run_id, user_id, label, score of many small runs, a few of them degenerate."""
    generator = np.random.default_rng(8)
    cases = {}
    for n in range(40):
        rows = int(generator.integers(2, 120))
        distinct = int(generator.integers(1, 12)) if n % 2 else 10**6
        scores = generator.integers(0, distinct, rows) / distinct
        labels = (generator.random(rows) < generator.choice([0.1, 0.5, 0.9])).astype(int)
        labels[:2] = (0, 1)
        cases[f"random-{n}"] = (labels, scores)
    cases["constant"] = (np.array([0, 1, 1, 0, 1]), np.full(5, 0.5))
    cases["only positives"] = (np.ones(6, int), generator.random(6))
    cases["only negatives"] = (np.zeros(6, int), generator.random(6))
    cases["one row"] = (np.array([1]), np.array([0.25]))
    cases["perfect"] = (np.array([0, 0, 1, 1]), np.array([0.0, 0.1, 0.9, 1.0]))
    frames = []
    for run_id, (labels, scores) in cases.items():
        users = generator.integers(0, 4, len(labels))
        frames.append(
            pd.DataFrame({"run_id": run_id, "label": labels, "score": scores, "user_id": users})
        )
    return pd.concat(frames, ignore_index=True)


def rate(users: int, seed: int, noise: float = 1.0) -> pd.DataFrame:
    """user_id, label, score of users who differ in mood and in how many ratings they have.

    The rows, and users' moods, are the same for every noise; the score is the better the lower it
    is.
    """
    generator = np.random.default_rng(seed)
    counts = 1 + generator.geometric(0.08, users)
    user_id = np.repeat(np.arange(users), counts)
    mood = np.repeat(generator.normal(0, 0.8, users), counts)
    truth = mood + generator.normal(0, 1, len(user_id))
    label = (truth + generator.logistic(0, 0.7, len(user_id)) > 0).astype(int)
    blurred = truth + np.random.default_rng([seed, int(noise * 10)]).normal(0, noise, len(truth))
    return pd.DataFrame({"user_id": user_id, "label": label, "score": 1 / (1 + np.exp(-blurred))})
