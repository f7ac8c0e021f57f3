"""When a question comes back: FSRS-6 as py-fsrs has it, counted in the learner's days, with a fuzz that can be repeated.

py-fsrs measures time in spans of 24 hours, draws its fuzz from the process-wide `random`, accepts impossible values, and takes
several times as long as its formulas (kb/memory.py), which matters when a log is folded. What is here gives the same to the last
bit for midnights of the learner's days without fuzz; a test sees to it.
Leaves out optimising the parameters, and storing anything.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from kb.errors import SchedulingError
from kb.memory import DEFAULT_PARAMETERS, LOWER_BOUNDS, UPPER_BOUNDS, Memory
from kb.rating import Rating

__all__ = ["DEFAULT_PARAMETERS", "Card", "Rating", "Review", "Scheduler", "State", "checked_rating", "fuzzed"]

MIN_RETENTION, MAX_RETENTION = 0.7, 0.99
MAX_INTERVAL_DAYS = 36500
MAX_MOVED = 14  # days; beyond this, the days of a range are not compared with one another
FOLD_VERSION = 1  # raised when the same log and settings give other cards

# (from day, to day, share of the interval in that span): the widths py-fsrs uses
FUZZ_SPANS = ((2.5, 7.0, 0.15), (7.0, 20.0, 0.1), (20.0, float("inf"), 0.05))


class State(StrEnum):
    """Where a card stands: on its first steps, at intervals of days, or on the steps after a lapse."""

    LEARNING = "learning"
    REVIEW = "review"
    RELEARNING = "relearning"


STEPS = {
    State.LEARNING: (timedelta(minutes=1), timedelta(minutes=10)),
    State.RELEARNING: (timedelta(minutes=10),),
}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Review:
    """One rating as the log holds it.

    `reviewed_at` is what the clock said and `day` the learner's day it fell on. `ordered_at` gives the order of the fold:
    `reviewed_at`, or just after the review before it where the clock had been set back. `spread`, from 0 to below 1, is the
    place of its interval in the range that it may have; None leaves that to a hash. `known` says that the learner took the
    question as known already, which counts as Easy, and was not asked.
    """

    rating: Rating
    reviewed_at: datetime
    day: date
    ordered_at: datetime
    revision: int = 1
    spread: float | None = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """What the reviews of one question add up to.

    Either `due_at` is set, for a step of minutes, or `due_on`, the learner's day on which it comes back.
    `stability` is in days, `difficulty` from 1 to 10; `rating` and `revision` are those of the last review.
    """

    question: str
    state: State
    step: int | None
    stability: float
    difficulty: float
    due_at: datetime | None
    due_on: date | None
    last_review: datetime
    last_day: date
    ordered_at: datetime
    first_day: date
    reviews: int
    lapses: int
    rating: Rating
    revision: int


class Outcome(NamedTuple):
    """A review that could be given, and the card after it."""

    review: Review
    card: Card


class Scheduler:
    """FSRS-6 with one learner's parameters and desired retention, the chance of recall at which a question comes back."""

    def __init__(self, desired_retention: float = 0.9, parameters: Sequence[float] = DEFAULT_PARAMETERS) -> None:
        if not MIN_RETENTION <= desired_retention <= MAX_RETENTION:
            raise SchedulingError(
                f"desired_retention: expected {MIN_RETENTION} to {MAX_RETENTION}; found {desired_retention}."
            )
        self.memory = Memory(checked_parameters(parameters))
        self._desired_retention = desired_retention

    @property
    def signature(self) -> str:
        """A text that changes whenever the same log would give other cards."""
        steps = {
            f"{state}_steps": [int(step.total_seconds()) for step in STEPS[state]]
            for state in (State.LEARNING, State.RELEARNING)
        }
        return json.dumps(
            {
                "fold": FOLD_VERSION,
                "parameters": self.memory.parameters,
                "desired_retention": self._desired_retention,
                "maximum_interval": MAX_INTERVAL_DAYS,
                "enable_fuzzing": False,
                **steps,
            },
            sort_keys=True,
        )

    def review(self, question: str, card: Card | None, review: Review) -> Card:
        """The card after this review; `card` is None before the first.

        A review from before the last one, as a clock set back makes it, counts as one of the same day, and the next
        interval starts from the corrected clock.
        """
        return _card(question, card, review, self._answered(card, review, checked_rating(review.rating)))

    def outcomes(
        self, question: str, card: Card | None, review: Review, load: Callable[[date], float]
    ) -> Iterator[Outcome]:
        """What this review would lead to, for one rating after the other.

        An interval of days is put on that day of its range on which the least comes back, but never before that of a worse
        rating. What comes back on a day is weighed with the days until then, as days far ahead are emptier only because less
        was put there yet; among equals the one nearest to where the hash would put it is taken.
        """
        for after, spread in self._placed(question, card, review, load):
            rated = replace(review, rating=after.rating, spread=spread)
            yield Outcome(rated, _card(question, card, rated, after))

    def outcome(self, question: str, card: Card | None, review: Review, load: Callable[[date], float]) -> Outcome:
        """The one of the outcomes that has the rating of this review."""
        rating = checked_rating(review.rating)
        placed = self._placed(question, card, review, load)
        after, spread = next(each for each in placed if each[0].rating is rating)
        rated = review if spread == review.spread else replace(review, spread=spread)
        return Outcome(rated, _card(question, card, rated, after))

    def _placed(
        self, question: str, card: Card | None, review: Review, load: Callable[[date], float]
    ) -> Iterator[tuple["_Answered", float | None]]:
        """What each rating would do, and the place of the interval in its range."""
        earliest = 0
        count = 0 if card is None else card.reviews
        for rating in Rating:
            after, spread = self._answered(card, review, rating), None
            if after.wait >= _DAY:
                low, high = _fuzz_range(after.wait.days)
                hashed = fuzzed(after.wait.days, question, count)
                first = min(max(low, earliest, hashed - MAX_MOVED), high)
                allowed = range(first, max(first, min(high, hashed + MAX_MOVED)) + 1)
                earliest = min(
                    allowed, key=lambda days: (days * load(review.day + timedelta(days)), abs(days - hashed))
                )
                if high > low:
                    spread = (earliest - low + 0.5) / (high - low + 1)
            yield after, spread

    def _answered(self, card: Card | None, review: Review, rating: Rating) -> "_Answered":
        """What this rating does to the memory, the steps and the interval."""
        if card is None:
            stability, difficulty = self.memory.first(rating)
            state, step = State.LEARNING, 0
        else:
            days = max((review.day - card.last_day).days, 0)
            stability, difficulty = self.memory.after(card.stability, card.difficulty, days, rating)
            state, step = card.state, card.step or 0
        if state is State.REVIEW and rating is Rating.Again:
            state, step = State.RELEARNING, 0
        elif rating is Rating.Again:
            step = 0
        elif rating is Rating.Good:
            step += 1
        if state is State.REVIEW or rating is Rating.Easy or step >= len(STEPS[state]):
            wait = timedelta(days=self._interval(stability))
            return _Answered(rating, State.REVIEW, None, stability, difficulty, wait)
        steps = STEPS[state]
        wait = steps[step]
        if rating is Rating.Hard and step == 0:
            wait = wait * 1.5 if len(steps) == 1 else (wait + steps[1]) / 2
        return _Answered(rating, state, step, stability, difficulty, wait)

    def _interval(self, stability: float) -> int:
        """The days until the chance of recall has fallen to what is desired."""
        days = self.memory.interval(stability, self._desired_retention)
        return min(max(round(days), 1), MAX_INTERVAL_DAYS)

    def fold(self, question: str, reviews: Iterable[Review]) -> Card | None:
        """The card that these reviews, in the order of the fold, add up to; None without any."""
        card: Card | None = None
        for each in reviews:
            card = self.review(question, card, each)
        return card

    def lasts(self, card: Card) -> float:
        """After how many days the chance of recall falls to the desired retention."""
        return self.memory.interval(card.stability, self._desired_retention)

    def retrievability(self, card: Card, today: date) -> float:
        """The chance, 0 to 1, that the answer is recalled on this day."""
        return self.memory.recall(card.stability, max((today - card.last_day).days, 0))


class _Answered(NamedTuple):
    """What one rating does; `wait` is the time until the question comes back, before an interval of days is moved."""

    rating: Rating
    state: State
    step: int | None
    stability: float
    difficulty: float
    wait: timedelta


def _card(question: str, card: Card | None, review: Review, after: _Answered) -> Card:
    """The card after this review."""
    count = 0 if card is None else card.reviews
    in_days = after.wait >= _DAY
    return Card(
        question=question,
        state=after.state,
        step=after.step,
        stability=after.stability,
        difficulty=after.difficulty,
        due_at=None if in_days else review.reviewed_at + after.wait,
        due_on=review.day + timedelta(days=fuzzed(after.wait.days, question, count, review.spread))
        if in_days
        else None,
        last_review=review.reviewed_at,
        last_day=review.day,
        ordered_at=review.ordered_at,
        first_day=review.day if card is None else card.first_day,
        reviews=count + 1,
        lapses=0 if card is None else card.lapses + (card.state is State.REVIEW and after.rating is Rating.Again),
        rating=after.rating,
        revision=review.revision,
    )


def checked_parameters(parameters: Sequence[float]) -> tuple[float, ...]:
    """The parameters of FSRS, w0 to w20, as numbers within the bounds of FSRS.

    Raises: SchedulingError for another number of them, and naming the ones that are impossible.
    """
    if len(parameters) != len(DEFAULT_PARAMETERS):
        raise SchedulingError(f"expected {len(DEFAULT_PARAMETERS)} numbers, w0 to w20; found {len(parameters)}.")
    bounds = zip(parameters, LOWER_BOUNDS, UPPER_BOUNDS, strict=True)
    wrong = [
        f"w{index} from {low:g} to {high:g}, found {value!r}"
        for index, (value, low, high) in enumerate(bounds)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high
    ]
    if wrong:
        raise SchedulingError(f"expected {'; '.join(wrong)}.")
    return tuple(map(float, parameters))


def checked_rating(rating: int) -> Rating:
    """The rating with this number.

    Raises: SchedulingError for anything but 1, 2, 3 and 4, True and 3.0 included.
    """
    if isinstance(rating, int) and not isinstance(rating, bool) and 1 <= rating <= 4:
        return Rating(rating)
    raise SchedulingError(f"rating: expected Again (1), Hard (2), Good (3) or Easy (4); found {rating!r}.")


def fuzzed(days: int, question: str, reviews: int, spread: float | None = None) -> int:
    """The interval moved a little, so that questions learned together do not stay together.

    `spread` is the place in the range, from 0 to below 1. Without it, the same question at the same review count is moved by
    the same share of the range, whatever the rating; and as both ends of the range grow with the interval, a better rating
    never comes back sooner.
    """
    low, high = _fuzz_range(days)
    if spread is not None:
        return low + int(spread * (high - low + 1))
    digest = hashlib.blake2b(f"{question}:{reviews}".encode(), digest_size=8).digest()
    return low + int.from_bytes(digest) * (high - low + 1) // 2**64


@lru_cache(maxsize=4096)
def _fuzz_range(days: int) -> tuple[int, int]:
    """The shortest and the longest interval in days that may stand for this one; below 3 days only itself."""
    if days < FUZZ_SPANS[0][0]:
        return days, days
    width = 1.0 + sum(share * max(min(days, end) - start, 0.0) for start, end, share in FUZZ_SPANS)
    high = min(round(days + width), MAX_INTERVAL_DAYS)
    return min(max(2, round(days - width)), high), high
