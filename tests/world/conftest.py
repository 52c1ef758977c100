"""One small world, drawn once."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mmdin.config import World
from mmdin.world.calibration import calibrate
from mmdin.world.catalogue import Catalogue, draw_catalogue
from mmdin.world.plans import Plan, draw_plan
from mmdin.world.population import Population, draw_population
from mmdin.world.rating_process import Calibration, Outcomes, rate


@dataclass(frozen=True)
class Drawn:
    """A world before it is written."""

    seed: int
    sizes: World
    catalogue: Catalogue
    population: Population
    calibration: Calibration
    plans: list[Plan]
    outcomes: Outcomes


def _draw(sizes: World, seed: int = 3) -> Drawn:
    catalogue = draw_catalogue(sizes.movies, seed)
    population = draw_population(sizes, catalogue, seed)
    calibration = calibrate(sizes, population, catalogue, seed)
    plans = [draw_plan(u, population, catalogue, seed) for u in range(1, sizes.users + 1)]
    outcomes = rate(plans, catalogue, calibration)
    return Drawn(seed, sizes, catalogue, population, calibration, plans, outcomes)


@pytest.fixture(scope="session")
def drawn() -> Drawn:
    return _draw(World())


@pytest.fixture(scope="session")
def draw() -> Callable[..., Drawn]:
    """Draw a world of other sizes or seed."""
    return _draw
