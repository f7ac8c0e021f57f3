"""The parameters of FSRS-6 that predict one learner's recalls best: a fit by Fisher scoring, pulled towards the defaults.

What is minimised is the log loss of all recalls plus half the squared distance from the defaults, each parameter counted in
its spread among learners. That is logistic regression with a prior, so the way there is that of Gauss and Newton: each round
moves every parameter by a hundredth of a percent, predicts all recalls anew, and from these slopes solves for the best step.
Two to five rounds are enough.

Why not the optimiser of py-fsrs: it gives the defaults back under 512 recalls, and beyond that takes five steps for each 512
that move no parameter by more than 0.04, whatever its size; so a stability of 8 days cannot become 20, and one of 0.06 is
thrown about. `benchmarks/optimising.py` has both beside each other.
"""

from collections.abc import Callable, Sequence
from math import exp, log
from operator import mul
from typing import NamedTuple

from fsrs.scheduler import LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS

from kb.memory import Memory
from kb.predicting import History, chances, loss, recalled
from kb.scheduling import DEFAULT_PARAMETERS

STABILITIES = 4  # the first parameters are days, and vary by factors
# How much each parameter varies among learners. Source: fsrs-rs, PARAMS_STDDEV in src/training.rs; for the stabilities
# after the first answer, which that fits beforehand, a factor of e.
SPREAD = (1.0,) * STABILITIES + (
    (0.57, 0.28, 0.6, 0.12, 0.39, 0.18, 0.33, 0.3, 0.09, 0.16, 0.57, 0.25, 1.03, 0.31, 0.32, 0.14, 0.27)
)
PULL = 5.0  # of the defaults; of 1, 3, 10 and 30, those around it predict simulated learners best from 1,000 to 10,000 answers
NUDGE = 1e-4  # of the spread
MAX_ROUNDS = 12
ENOUGH = 0.01  # a round that lowers the objective by less is the last


class _Point(NamedTuple):
    """A place in the search: scaled parameters, the chances they give, and the objective."""

    scaled: list[float]
    chances: list[float]
    objective: float


def fit(
    found: Sequence[History],
    start: Sequence[float] = DEFAULT_PARAMETERS,
    working: Callable[[], None] = lambda: None,
) -> tuple[float, ...]:
    """The fitted parameters, within the bounds of FSRS-6; `working` is called now and then."""
    came = recalled(found)
    low, middle, high = map(_scaled, (LOWER_BOUNDS_PARAMETERS, DEFAULT_PARAMETERS, UPPER_BOUNDS_PARAMETERS))

    def at(scaled: list[float]) -> _Point:
        working()
        given = chances(Memory(_parameters(scaled)), found)
        distance = sum((value - default) ** 2 for value, default in zip(scaled, middle, strict=True))
        return _Point(scaled, given, sum(map(loss, given, came)) + PULL * distance / 2)

    point = at(_scaled(start))
    damping = 0.0
    for _ in range(MAX_ROUNDS):
        slopes = []
        for place, value in enumerate(point.scaled):
            nudge = NUDGE if value + NUDGE <= high[place] else -NUDGE
            nudged = at([*point.scaled[:place], value + nudge, *point.scaled[place + 1 :]])
            slopes.append([(new - old) / nudge for new, old in zip(nudged.chances, point.chances, strict=True)])
        weighted = [
            [slope / (chance * (1 - chance)) for slope, chance in zip(row, point.chances, strict=True)]
            for row in slopes
        ]
        missed = [chance - success for chance, success in zip(point.chances, came, strict=True)]
        downhill = [
            PULL * (default - value) - _dot(row, missed)
            for row, value, default in zip(weighted, point.scaled, middle, strict=True)
        ]
        information = [[_dot(row, other) for other in slopes[: place + 1]] for place, row in enumerate(weighted)]
        free = [
            place
            for place, value in enumerate(point.scaled)
            if (downhill[place] > 0 and value < high[place]) or (downhill[place] < 0 and value > low[place])
        ]
        while True:
            moved = list(point.scaled)
            for place, step in zip(free, _solved(information, downhill, free, PULL + damping), strict=True):
                moved[place] = min(max(moved[place] + step, low[place]), high[place])
            further = at(moved)
            if further.objective < point.objective or damping > 1e6:
                break
            damping = 8 * max(damping, 1.0)
        gained = point.objective - further.objective
        point = further if gained > 0 else point
        damping /= 64
        if gained < ENOUGH:
            break
    return _parameters(point.scaled)


def _solved(
    information: Sequence[Sequence[float]], wanted: Sequence[float], free: Sequence[int], diagonal: float
) -> list[float]:
    """The step of the free parameters: the solution of (information + diagonal) step = wanted, by Cholesky."""
    root: list[list[float]] = []
    half: list[float] = []
    for row, place in enumerate(free):
        line: list[float] = []
        for column in range(row + 1):
            value = information[place][free[column]] + diagonal * (row == column)
            value -= (
                sum(line[each] * root[column][each] for each in range(column)) if column < row else _dot(line, line)
            )
            line.append(value / root[column][column] if column < row else value**0.5)
        root.append(line)
        half.append((wanted[place] - _dot(line[:row], half)) / line[row])
    step = [0.0] * len(free)
    for row in reversed(range(len(free))):
        step[row] = (half[row] - sum(root[below][row] * step[below] for below in range(row + 1, len(free)))) / root[
            row
        ][row]
    return step


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(map(mul, one, other))


def _scaled(parameters: Sequence[float]) -> list[float]:
    """The parameters in units of their spread, the stabilities by their logarithm."""
    return [
        (log(value) if place < STABILITIES else value) / spread
        for place, (value, spread) in enumerate(zip(parameters, SPREAD, strict=True))
    ]


def _parameters(scaled: Sequence[float]) -> tuple[float, ...]:
    """The parameters again, none beyond its bound by a hair."""
    values = (
        exp(value * spread) if place < STABILITIES else value * spread
        for place, (value, spread) in enumerate(zip(scaled, SPREAD, strict=True))
    )
    bounds = zip(values, LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS, strict=True)
    return tuple(float(min(max(value, low), high)) for value, low, high in bounds)
