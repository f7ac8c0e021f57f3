"""The memory model of FSRS-6 in plain arithmetic: what waiting and answering do to recall, stability and difficulty.

A plan asks these formulas thousands of times for one choice, which is too often for py-fsrs with its cards and dates; the
tests hold both equal. Leaves out states, steps and intervals, which are kb/scheduling.py.
Source: FSRS-6, https://github.com/open-spaced-repetition/awesome-fsrs/wiki/The-Algorithm
"""

from collections.abc import Sequence
from math import e, log

from kb.rating import Rating

DEFAULT_PARAMETERS = (
    0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796,
    1.4835, 0.0614, 0.2629, 1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
)  # fmt: skip
LOWER_BOUNDS = (*(0.001,) * 4, 1.0, *(0.001,) * 3, 0.0, 0.0, *(0.001,) * 4, 0.0, 0.0, 1.0, *(0.0,) * 3, 0.1)
UPPER_BOUNDS = (
    *(100.0,) * 4, 10.0, 4.0, 4.0, 0.75, 4.5, 0.8, 3.5, 5.0, 0.25, 0.9, 4.0, 1.0, 6.0, 2.0, 2.0, 0.8, 0.8
)  # fmt: skip
MIN_STABILITY = 0.001
MIN_DECAY, MAX_DECAY = 0.1, 0.8  # the bounds of FSRS-6, here and below
MAX_GROWTH = 4.5  # of the logarithm


class Memory:
    """How one learner remembers: the 21 parameters of FSRS-6.

    Stability is in days, difficulty from 1 to 10, and days are whole days of the learner since the last answer.
    """

    def __init__(self, parameters: Sequence[float]) -> None:
        self.parameters = w = tuple(parameters)
        self._decay = w[20]
        self._factor = 0.9 ** (-1 / w[20]) - 1
        self._growth = e ** w[8]
        self._easiest = w[4] - e ** (w[5] * 3) + 1  # unclamped difficulty of a first answer rated Easy
        self._short_loss = e ** (w[17] * w[18])

    def varied(self, decay: float, growth: float) -> "Memory":
        """A memory whose decay and whose growth of stability at each recall are these multiples, within FSRS-6's bounds."""
        w = list(self.parameters)
        w[8] = min(max(w[8] + log(growth), 0.0), MAX_GROWTH)
        w[20] = min(max(w[20] * decay, MIN_DECAY), MAX_DECAY)
        return Memory(w)

    def recall(self, stability: float, days: float) -> float:
        """The chance of recall this many days after the last answer."""
        return float((1 + self._factor * days / stability) ** -self._decay)

    def interval(self, stability: float, retention: float) -> float:
        """After how many days the chance of recall is this one."""
        return float(stability / self._factor * (retention ** (-1 / self._decay) - 1))

    def first(self, rating: Rating) -> tuple[float, float]:
        """Stability and difficulty after the first answer."""
        w = self.parameters
        difficulty = w[4] - e ** (w[5] * (rating - 1)) + 1
        return max(w[rating - 1], MIN_STABILITY), min(max(difficulty, 1.0), 10.0)

    def after(self, stability: float, difficulty: float, days: float, rating: Rating) -> tuple[float, float]:
        """Stability and difficulty after an answer this many days after the one before."""
        if days < 1:
            changed = self._same_day(stability, rating)
        elif rating is Rating.Again:
            changed = self._forgotten(stability, difficulty, self.recall(stability, days))
        else:
            changed = self._recalled(stability, difficulty, self.recall(stability, days), rating)
        return max(changed, MIN_STABILITY), self._difficulty(difficulty, rating)

    def _same_day(self, stability: float, rating: Rating) -> float:
        w = self.parameters
        growth = e ** (w[17] * (rating - 3 + w[18])) * stability ** -w[19]
        return float(stability * (growth if rating is Rating.Again else max(growth, 1.0)))

    def _recalled(self, stability: float, difficulty: float, recall: float, rating: Rating) -> float:
        w = self.parameters
        bonus = w[15] if rating is Rating.Hard else w[16] if rating is Rating.Easy else 1.0
        growth = self._growth * (11 - difficulty) * stability ** -w[9] * (e ** ((1 - recall) * w[10]) - 1) * bonus
        return float(stability * (1 + growth))

    def _forgotten(self, stability: float, difficulty: float, recall: float) -> float:
        w = self.parameters
        left = w[11] * difficulty ** -w[12] * ((stability + 1) ** w[13] - 1) * e ** ((1 - recall) * w[14])
        return float(min(left, stability / self._short_loss))

    def _difficulty(self, difficulty: float, rating: Rating) -> float:
        w = self.parameters
        moved = difficulty + (10 - difficulty) * -(w[6] * (rating - 3)) / 9
        return min(max(w[7] * self._easiest + (1 - w[7]) * moved, 1.0), 10.0)
