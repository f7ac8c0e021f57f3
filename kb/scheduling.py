"""When a question comes back: FSRS-6 through py-fsrs, counted in the learner's days, with a fuzz that can be repeated.

py-fsrs measures time in spans of 24 hours, draws its fuzz from the process-wide `random` and accepts impossible values.
Here it is given midnights of the learner's days, its fuzz is off, and every value is checked first.
Leaves out optimising the parameters, and storing anything.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import fsrs

from kb.errors import SchedulingError
from kb.memory import Memory
from kb.rating import Rating

__all__ = ["Card", "Rating", "Review", "Scheduler", "State", "checked_rating", "fuzzed"]

MIN_RETENTION, MAX_RETENTION = 0.7, 0.99
MAX_INTERVAL_DAYS = 36500
FOLD_VERSION = 1  # raised when the same log and settings give other cards

# (from day, to day, share of the interval in that span): the widths py-fsrs uses
FUZZ_SPANS = ((2.5, 7.0, 0.15), (7.0, 20.0, 0.1), (20.0, float("inf"), 0.05))


class State(StrEnum):
    """Where a card stands: on its first steps, at intervals of days, or on the steps after a lapse."""

    LEARNING = "learning"
    REVIEW = "review"
    RELEARNING = "relearning"


_TO_FSRS = {
    State.LEARNING: fsrs.State.Learning,
    State.REVIEW: fsrs.State.Review,
    State.RELEARNING: fsrs.State.Relearning,
}
_FROM_FSRS = {theirs: ours for ours, theirs in _TO_FSRS.items()}


@dataclass(frozen=True, slots=True)
class Review:
    """One rating as the log holds it.

    `reviewed_at` is what the clock said and `day` the learner's day it fell on. `ordered_at` gives the order of the fold:
    `reviewed_at`, or just after the review before it where the clock had been set back.
    """

    rating: Rating
    reviewed_at: datetime
    day: date
    ordered_at: datetime
    revision: int = 1


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


class Scheduler:
    """FSRS-6 with one learner's desired retention: the chance of recall at which a question comes back."""

    def __init__(self, desired_retention: float = 0.9) -> None:
        if not MIN_RETENTION <= desired_retention <= MAX_RETENTION:
            raise SchedulingError(
                f"desired_retention: expected {MIN_RETENTION} to {MAX_RETENTION}; found {desired_retention}."
            )
        self._fsrs = fsrs.Scheduler(
            desired_retention=desired_retention, maximum_interval=MAX_INTERVAL_DAYS, enable_fuzzing=False
        )
        self.memory = Memory(self._fsrs.parameters)

    @property
    def signature(self) -> str:
        """A text that changes whenever the same log would give other cards."""
        return json.dumps({"fold": FOLD_VERSION, **self._fsrs.to_dict()}, sort_keys=True)

    def review(self, question: str, card: Card | None, review: Review) -> Card:
        """The card after this review; `card` is None before the first.

        A review from before the last one, as a clock set back makes it, counts as one of the same day, and the next
        interval starts from the corrected clock.
        """
        rating = checked_rating(review.rating)
        day = _midnight(review.day if card is None else max(review.day, card.last_day))
        after, _ = self._fsrs.review_card(_fsrs_card(card, day), fsrs.Rating(rating), day)
        if after.stability is None or after.difficulty is None:
            raise AssertionError("py-fsrs left a reviewed card without a memory state")
        interval = after.due - day
        count = 0 if card is None else card.reviews
        in_days = interval >= timedelta(days=1)
        return Card(
            question=question,
            state=_FROM_FSRS[after.state],
            step=after.step,
            stability=after.stability,
            difficulty=after.difficulty,
            due_at=None if in_days else review.reviewed_at + interval,
            due_on=review.day + timedelta(days=fuzzed(interval.days, question, count)) if in_days else None,
            last_review=review.reviewed_at,
            last_day=review.day,
            ordered_at=review.ordered_at,
            first_day=review.day if card is None else card.first_day,
            reviews=count + 1,
            lapses=(0 if card is None else card.lapses)
            + (card is not None and card.state is State.REVIEW and rating is Rating.Again),
            rating=rating,
            revision=review.revision,
        )

    def fold(self, question: str, reviews: Iterable[Review]) -> Card | None:
        """The card that these reviews, in the order of the fold, add up to; None without any."""
        card: Card | None = None
        for each in reviews:
            card = self.review(question, card, each)
        return card

    def ratings(self, question: str, card: Card | None, review: Review) -> dict[Rating, Card]:
        """The card after this review, for each rating it could have."""
        return {rating: self.review(question, card, replace(review, rating=rating)) for rating in Rating}

    def retrievability(self, card: Card, today: date) -> float:
        """The chance, 0 to 1, that the answer is recalled on this day."""
        day = _midnight(max(today, card.last_day))
        return float(self._fsrs.get_card_retrievability(_fsrs_card(card, day), day))


def checked_rating(rating: int) -> Rating:
    """The rating with this number.

    Raises: SchedulingError for anything but 1, 2, 3 and 4, True and 3.0 included.
    """
    if isinstance(rating, int) and not isinstance(rating, bool) and 1 <= rating <= 4:
        return Rating(rating)
    raise SchedulingError(f"rating: expected Again (1), Hard (2), Good (3) or Easy (4); found {rating!r}.")


def fuzzed(days: int, question: str, reviews: int) -> int:
    """The interval moved a little, so that questions learned together do not stay together.

    The same question at the same review count is moved by the same share of the range, whatever the rating; and as both
    ends of the range grow with the interval, a better rating never comes back sooner.
    """
    low, high = _fuzz_range(days)
    digest = hashlib.blake2b(f"{question}:{reviews}".encode(), digest_size=8).digest()
    return low + int.from_bytes(digest) * (high - low + 1) // 2**64


def _fuzz_range(days: int) -> tuple[int, int]:
    """The shortest and the longest interval in days that may stand for this one; below 3 days only itself."""
    if days < FUZZ_SPANS[0][0]:
        return days, days
    width = 1.0 + sum(share * max(min(days, end) - start, 0.0) for start, end, share in FUZZ_SPANS)
    high = min(round(days + width), MAX_INTERVAL_DAYS)
    return min(max(2, round(days - width)), high), high


def _fsrs_card(card: Card | None, day: datetime) -> fsrs.Card:
    """The card in py-fsrs's own form; with an id, as making one up costs it a sleep."""
    if card is None:
        return fsrs.Card(card_id=0, due=day)
    return fsrs.Card(
        card_id=0,
        state=_TO_FSRS[card.state],
        step=card.step,
        stability=card.stability,
        difficulty=card.difficulty,
        due=day,
        last_review=_midnight(card.last_day),
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
