"""How well FSRS predicts what this learner recalls: each answer of a later day against the chance it was given before.

Pure, but for reading the log. Leaves out fitting the parameters (kb/fitting.py) and how well the learner predicts
(kb/calibration.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import log as ln
from math import sqrt
from typing import NamedTuple

from kb.bank import Bank
from kb.choosing import reading
from kb.log import Log
from kb.memory import Memory
from kb.rating import Rating
from kb.scheduling import Review
from kb.store import Store

BINS = 10
SURE = 1e-6  # no chance is taken as nearer to 0 or 1, where one surprise would count without end


class Answered(NamedTuple):
    """One answer to a question, `days` after the one before; `place` is its number in the log, by time.

    `recalled` is None where it says nothing of memory: the first answer, one on the same day, one that was taken as known.
    """

    place: int
    days: int
    rating: Rating
    recalled: bool | None


History = Sequence[Answered]


class Predicted(NamedTuple):
    """The chance that an answer was given before, and whether it was recalled."""

    place: int
    chance: float
    recalled: bool


@dataclass(frozen=True)
class Quality:
    """How well so many recalls were predicted: `recalled` and `expected` are shares.

    `log_loss` is the mean of -ln of the chance given to what came. `calibration_error` is the root mean square over ten bins
    between the share expected and the share recalled; `curve` has both and the number of recalls of each bin.
    """

    recalls: int
    recalled: float
    expected: float
    log_loss: float
    calibration_error: float
    curve: tuple[tuple[float, float, int], ...]


def histories(log: Log) -> list[History]:
    """The answers to each question in the log, with days as the learner's days count them and renamed questions as one."""
    aliases = log.aliases()
    by_question: dict[str, list[Review]] = defaultdict(list)
    for question, review in log.all_reviews():
        by_question[aliases.get(question, question)].append(review)
    for reviews in by_question.values():
        reviews.sort(key=lambda review: review.ordered_at)
    times = sorted(review.ordered_at for reviews in by_question.values() for review in reviews)
    place = {at: number for number, at in enumerate(times)}
    return [
        [_answered(now, before, place[now.ordered_at]) for before, now in pairwise([None, *reviews]) if now is not None]
        for reviews in by_question.values()
    ]


def _answered(review: Review, before: Review | None, place: int) -> Answered:
    days = 0 if before is None else max((review.day - before.day).days, 0)
    says_nothing = days == 0 or review.known
    return Answered(place, days, review.rating, None if says_nothing else review.rating is not Rating.Again)


def recalled(found: Iterable[History]) -> list[bool]:
    """Whether each recall of these histories succeeded, in their order."""
    return [answer.recalled for history in found for answer in history if answer.recalled is not None]


def chances(memory: Memory, found: Iterable[History]) -> list[float]:
    """The chance that the memory gave to each recall of these histories, in their order."""
    given = []
    recall, after = memory.recall, memory.after
    for history in found:
        stability, difficulty = memory.first(history[0].rating)
        for _, days, rating, success in history[1:]:
            if success is not None:
                given.append(min(max(recall(stability, days), SURE), 1 - SURE))
            stability, difficulty = after(stability, difficulty, days, rating)
    return given


def quality_of_schedule(bank: Bank, store: Store, now: datetime) -> Quality | None:
    """How well the present parameters predict all recalls in the log, those they were fitted to included."""
    with reading(bank, store, now) as desk:
        return quality(predicted(desk.scheduler.memory, histories(desk.log)))


def predicted(memory: Memory, found: Sequence[History]) -> Iterator[Predicted]:
    """What the memory predicts of each recall, and what came."""
    tried = (answer for history in found for answer in history if answer.recalled is not None)
    for answer, chance in zip(tried, chances(memory, found), strict=True):
        yield Predicted(answer.place, chance, bool(answer.recalled))


def loss(chance: float, success: bool) -> float:
    """The log loss of one recall."""
    return -ln(chance if success else 1 - chance)


def quality(predictions: Iterable[Predicted]) -> Quality | None:
    """How well these were predicted; None without any."""
    ordered = sorted(predictions, key=lambda each: each.chance)
    count = len(ordered)
    if not count:
        return None
    edges = [count * edge // BINS for edge in range(BINS + 1)]
    bins = [ordered[low:high] for low, high in pairwise(edges) if low < high]
    curve = tuple((*_shares(each), len(each)) for each in bins)
    expected, share = _shares(ordered)
    return Quality(
        recalls=count,
        recalled=share,
        expected=expected,
        log_loss=sum(loss(each.chance, each.recalled) for each in ordered) / count,
        calibration_error=sqrt(sum(size * (promised - came) ** 2 for promised, came, size in curve) / count),
        curve=curve,
    )


def _shares(predictions: Sequence[Predicted]) -> tuple[float, float]:
    """The share that was expected to be recalled, and the share that was."""
    count = len(predictions)
    return sum(each.chance for each in predictions) / count, sum(each.recalled for each in predictions) / count
