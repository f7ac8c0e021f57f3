"""How well the learner knows what they know: how sure they were before the answer, against whether they were right.

Leaves out how well the scheduler predicts, which is kb/predicting.py.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from kb.bank import Bank
from kb.choosing import reading
from kb.store import Store

# What the three words are taken to promise. A guess is better than a blind choice, which is right in 1 of 4 questions with four
# options, 1 of 3 claims and next to no question for a number, as it is made after the impossible was put aside. Whoever is
# certain still slips now and then, and a promise of 1 would make a single slip count as much as chance can give.
STATED = {"guess": 0.4, "likely": 0.7, "certain": 0.95}
MIN_ANSWERS = 20
Z_95 = 1.96


@dataclass(frozen=True)
class Bin:
    """The answers given with one confidence: `expected` is the chance it promises, `right` how many were right."""

    confidence: str
    expected: float
    count: int
    right: int

    @property
    def share(self) -> float | None:
        """The share that was right; None without an answer."""
        return self.right / self.count if self.count else None

    @property
    def interval(self) -> tuple[float, float]:
        """Where the learner's true share of right answers lies, in 19 cases of 20 (Wilson); 0 to 1 without an answer."""
        if not self.count:
            return 0.0, 1.0
        share, spread = self.right / self.count, Z_95**2 / self.count
        middle = share + spread / 2
        width = sqrt(share * (1 - share) * spread + spread**2 / 4)
        return max((middle - width) / (1 + spread), 0.0), min((middle + width) / (1 + spread), 1.0)


@dataclass(frozen=True)
class Calibration:
    """The curve from guesses to certainty over `answers` with a confidence, and the Brier score of all of them.

    `brier` is the mean squared difference between the chance that was promised and what came: 0 is perfect, `always_same`
    is what the same chance each time gives at best; both None under 20 answers. `predictions` counts predicted figures
    that were compared with a demo, `close` those within their tolerance.
    """

    bins: tuple[Bin, ...]
    answers: int
    brier: float | None
    always_same: float | None = None
    predictions: int = 0
    close: int = 0


def calibration(bank: Bank, store: Store, now: datetime) -> Calibration:
    """The calibration of all of the learner's answers that stand."""
    with reading(bank, store, now) as desk:
        rows = desk.log.raw(
            "SELECT json_extract(prediction, '$.confidence'), correct, json_extract(prediction, '$.close'), count(*)"
            " FROM answers WHERE json_valid(prediction) GROUP BY 1, 2, 3"
        )
        given: Counter[str] = Counter()
        right: Counter[str] = Counter()
        compared: Counter[bool] = Counter()
        for confidence, correct, close, count in rows:
            if confidence in STATED and correct is not None:
                given[confidence] += count
                right[confidence] += count * correct
            if close is not None:
                compared[bool(close)] += count
    bins = tuple(Bin(name, expected, given[name], right[name]) for name, expected in STATED.items())
    return _calibration(bins, compared[True] + compared[False], compared[True])


def _calibration(bins: tuple[Bin, ...], predictions: int, close: int) -> Calibration:
    answers, right = sum(each.count for each in bins), sum(each.right for each in bins)
    if answers < MIN_ANSWERS:
        return Calibration(bins, answers, None, None, predictions, close)
    squares = sum(each.right * (1 - each.expected) ** 2 + (each.count - each.right) * each.expected**2 for each in bins)
    share = right / answers
    return Calibration(bins, answers, squares / answers, share * (1 - share), predictions, close)
