"""Scaling of the terms on a pilot of users, to the standard deviations that are configured."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mmdin.config import World
from mmdin.world.catalogue import Catalogue
from mmdin.world.plans import FIXED_TERMS, draw_plan
from mmdin.world.population import Population
from mmdin.world.rating_process import EVEN_CUTS, Calibration, fit_cuts, rate

POSITIVE_SHARE = 0.55
"""Share of ratings of 3.5 stars and more, as in MovieLens."""

_PILOT_USERS = 2000
_ROUNDS = 5


def calibrate(world: World, population: Population, catalogue: Catalogue, seed: int) -> Calibration:
    """Fit the constants of the rating process to a pilot of users.

    Every term is centred and scaled over the pilot's ratings, the base is set so that 0.55 of them
    are positive, and satisfaction is cut into stars. Recent interest depends on outcomes and
    outcomes on it, so these steps are repeated until they settle.
    """
    users = np.unique(np.linspace(1, world.users, min(world.users, _PILOT_USERS)).astype(int))
    plans = [draw_plan(int(user), population, catalogue, seed) for user in users]
    calibration = Calibration(base=0.2, centre={}, factor={}, cuts=EVEN_CUTS)
    for term in FIXED_TERMS:
        values = np.concatenate([p.terms[term] for p in plans])
        calibration = _fit(calibration, term, values, getattr(world, term))
    calibration = _fit(calibration, "recent_interest", np.array([0.0, 1.0]), world.recent_interest)
    for _ in range(_ROUNDS):
        outcomes = rate(plans, catalogue, calibration)
        factor = calibration.factor["recent_interest"]
        if factor > 0:
            raw = outcomes.terms["recent_interest"] / factor + calibration.centre["recent_interest"]
            calibration = _fit(calibration, "recent_interest", raw, world.recent_interest)
        p = outcomes.probability
        step = (POSITIVE_SHARE - p.mean()) / (p * (1 - p)).mean()
        calibration = replace(calibration, base=float(calibration.base + step))
    satisfaction = rate(plans, catalogue, calibration).satisfaction
    return replace(calibration, cuts=fit_cuts(satisfaction))


def _fit(
    calibration: Calibration, term: str, values: NDArray[np.float64], deviation: float
) -> Calibration:
    return replace(
        calibration,
        centre=calibration.centre | {term: float(values.mean())},
        factor=calibration.factor | {term: float(deviation / max(values.std(), 1e-9))},
    )
