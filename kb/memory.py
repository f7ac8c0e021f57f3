"""The memory model of FSRS-6 in plain arithmetic: what waiting and answering do to recall, stability and difficulty.

A plan asks these formulas thousands of times for one choice, which is too often for py-fsrs with its cards and dates; the
tests hold both equal. Leaves out states, steps and intervals, which are kb/scheduling.py.
Source: FSRS-6, https://github.com/open-spaced-repetition/awesome-fsrs/wiki/The-Algorithm
"""

from collections.abc import Sequence
from math import exp, log

from kb.rating import Rating

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
        self._growth = exp(w[8])
        self._easiest = w[4] - exp(w[5] * 3) + 1  # unclamped difficulty of a first answer rated Easy
        self._short_loss = exp(w[17] * w[18])

    def varied(self, decay: float, growth: float) -> "Memory":
        """A memory whose decay and whose growth of stability at each recall are these multiples, within FSRS-6's bounds."""
        w = list(self.parameters)
        w[8] = min(max(w[8] + log(growth), 0.0), MAX_GROWTH)
        w[20] = min(max(w[20] * decay, MIN_DECAY), MAX_DECAY)
        return Memory(w)

    def recall(self, stability: float, days: float) -> float:
        """The chance of recall this many days after the last answer."""
        return float((1 + self._factor * days / stability) ** -self._decay)

    def first(self, rating: Rating) -> tuple[float, float]:
        """Stability and difficulty after the first answer."""
        w = self.parameters
        difficulty = w[4] - exp(w[5] * (rating - 1)) + 1
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
        growth = exp(w[17] * (rating - 3 + w[18])) * stability ** -w[19]
        return float(stability * (growth if rating is Rating.Again else max(growth, 1.0)))

    def _recalled(self, stability: float, difficulty: float, recall: float, rating: Rating) -> float:
        w = self.parameters
        bonus = w[15] if rating is Rating.Hard else w[16] if rating is Rating.Easy else 1.0
        growth = self._growth * (11 - difficulty) * stability ** -w[9] * (exp((1 - recall) * w[10]) - 1) * bonus
        return float(stability * (1 + growth))

    def _forgotten(self, stability: float, difficulty: float, recall: float) -> float:
        w = self.parameters
        left = w[11] * difficulty ** -w[12] * ((stability + 1) ** w[13] - 1) * exp((1 - recall) * w[14])
        return float(min(left, stability / self._short_loss))

    def _difficulty(self, difficulty: float, rating: Rating) -> float:
        w = self.parameters
        moved = difficulty - w[6] * (rating - 3) * (10 - difficulty) / 9
        return min(max(w[7] * self._easiest + (1 - w[7]) * moved, 1.0), 10.0)
