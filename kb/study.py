"""What both shells do with the learner's progress: choose a question, record the answer, tell how it goes."""

import random
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kb import clock
from kb.bank import Bank
from kb.choosing import Desk, Fold, Group, anew, changed, course_of, queue, reading, writing
from kb.errors import SchedulingError, UsageError
from kb.log import Details, after, to_json
from kb.progress import Progress, TopicProgress, progress_at
from kb.questions import NumericQuestion, Question
from kb.rating import Rating
from kb.scheduling import Card, Review, State, checked_rating
from kb.settings import Settings, checked_setting, read_settings
from kb.store import Store
from kb.towards import interviews_ahead, subjects

if TYPE_CHECKING:
    from kb.planning.forecast import Outlook

__all__ = [
    "Attempt",
    "Due",
    "Plan",
    "Preview",
    "Progress",
    "Rating",
    "Reviewed",
    "TopicProgress",
    "Undone",
    "due",
    "next_attempt",
    "plan",
    "preview",
    "progress",
    "rebuild",
    "set_setting",
    "settings",
    "start_attempt",
    "submit",
    "undo",
]


@dataclass(frozen=True)
class Attempt:
    """A question put to the learner once; its id makes a second submission harmless.

    `order` is the order in which the choices are shown: positions in `Text.choices`. `changed` says that the meaning
    of the answer changed since the learner's last review of it.
    """

    attempt_id: str
    question_id: str
    revision: int
    seed: int
    params: Mapping[str, Any]
    order: tuple[int, ...]
    shown_at: datetime
    changed: bool = False


@dataclass(frozen=True)
class Due:
    """What can be studied now: `next` lists `learning` + `due` + `new` questions in the order they will be asked.

    `learning` counts steps of minutes that have run out or do so within the learn-ahead limit, `new` what the daily
    limit still allows.
    """

    due: int
    new: int
    learning: int
    next: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The way to the interviews ahead, the nearest first; none of them where no date is set or all are past.

    `next` lists what is left for today, in the order it will be asked, `new` of it seen for the first time; `answered` counts
    the answers of today. `answers_per_day` follows from the minutes a day where the learner set those.
    """

    today: date
    answers_per_day: int
    seconds_per_answer: float
    answered: int
    next: tuple[str, ...]
    new: int
    interviews: "tuple[Outlook, ...]"


@dataclass(frozen=True)
class Preview:
    """When a question would come back after a rating; `interval` is in minutes, or in whole days of the learner."""

    due: datetime
    interval: timedelta


@dataclass(frozen=True)
class Reviewed:
    """A stored answer and the card after it; `duplicate` says that this attempt had been stored before."""

    question: str
    rating: Rating
    review_id: str
    due: datetime
    stability: float
    difficulty: float
    state: State
    duplicate: bool


@dataclass(frozen=True)
class Undone:
    """The review that was taken back."""

    review_id: str
    question: str


def start_attempt(
    question: Question, now: datetime, *, seed: int | None = None, attempt_id: str | None = None
) -> Attempt:
    """An attempt at this question; the seed, below 2**63, gives its parameters and the order of its choices."""
    seed = random.SystemRandom().randrange(2**32) if seed is None else _checked_seed(seed)
    order = list(range(len(question.text("en").choices)))
    source = random.Random(seed)
    for last in range(len(order) - 1, 0, -1):  # not shuffle(): only random() promises the same sequence for ever
        other = int(source.random() * (last + 1))
        order[last], order[other] = order[other], order[last]
    return Attempt(
        attempt_id=uuid.uuid4().hex if attempt_id is None else attempt_id,
        question_id=question.slug,
        revision=question.revision,
        seed=seed,
        params=question.draw(seed) if isinstance(question, NumericQuestion) else {},
        order=tuple(order),
        shown_at=clock.utc(now),
    )


def next_attempt(
    bank: Bank, store: Store, now: datetime, *, topics: Collection[str] = (), skip: Collection[str] = ()
) -> Attempt | None:
    """An attempt at the question to ask now, or None when there is nothing left to study.

    Steps of minutes first, then reviews with the lowest chance of recall, then new questions whose `requires` are known,
    then steps that run out soon. The question answered last comes again only when there is no other. With `topics`, only
    theirs, whatever other topics they require.
    """
    with reading(bank, store, now) as desk:
        course = course_of(bank)
        found = next(queue(desk, course, topics, skip), None)
        if found is None:
            return None
        slug, _ = found
        return replace(start_attempt(bank.questions[slug], now), changed=slug in changed(desk, course))


def due(bank: Bank, store: Store, now: datetime) -> Due:
    """What can be studied now."""
    with reading(bank, store, now) as desk:
        queued = list(queue(desk, course_of(bank)))
    counts = Counter(group for _, group in queued)
    return Due(
        due=counts[Group.REVIEW],
        new=counts[Group.NEW],
        learning=counts[Group.LEARNING],
        next=tuple(slug for slug, _ in queued),
    )


def plan(bank: Bank, store: Store, now: datetime) -> Plan:
    """What to answer today, and what to expect of each interview ahead."""
    from kb.planning.forecast import outlooks  # only here, as most commands never look so far

    with reading(bank, store, now) as desk:
        course = course_of(bank)
        interviews, effort = interviews_ahead(desk, course), desk.effort()
        covered = subjects(desk, course, interviews, desk.cards.traces(), anew(desk, course))
        queued = list(queue(desk, course))
        return Plan(
            today=desk.today,
            answers_per_day=effort.per_day,
            seconds_per_answer=desk.seconds_per_answer(),
            answered=effort.done,
            next=tuple(slug for slug, _ in queued),
            new=sum(group is Group.NEW for _, group in queued),
            interviews=outlooks(covered, interviews, desk.today, effort, desk.scheduler.memory),
        )


def preview(bank: Bank, store: Store, question_id: str, now: datetime) -> dict[Rating, Preview]:
    """When the question would come back, for each rating given now."""
    question = bank.question(question_id)
    with reading(bank, store, now) as desk:
        card = desk.cards.get(question.slug)
        cards = desk.scheduler.ratings(question.slug, card, _review(desk, card, Rating.Good, question.revision))
        return {rating: Preview(desk.due(card), desk.interval(card)) for rating, card in cards.items()}


def submit(
    bank: Bank,
    store: Store,
    attempt: Attempt,
    rating: Rating,
    now: datetime,
    *,
    answer: Any = None,
    correct: bool | None = None,
    prediction: Any = None,
    duration_s: float | None = None,
    device: str | None = None,
) -> Reviewed:
    """The stored answer; it is on the disk when this returns. The same attempt again returns what was stored first."""
    rating = checked_rating(rating)
    # a file that broke while its question was on the screen does not cost the answer
    slug = attempt.question_id if attempt.question_id in bank.broken else bank.question(attempt.question_id).slug
    details = Details(
        duration_ms=_milliseconds(duration_s),
        answer=to_json("answer", answer),
        params=to_json("params", dict(attempt.params) or None),
        prediction=to_json("prediction", prediction),
        correct=correct,
        device=device,
        seed=_checked_seed(attempt.seed),
    )
    with writing(bank, store, now) as desk:
        stored = desk.log.find(attempt.attempt_id)
        card = desk.cards.get(slug)
        if stored is None:
            review = _review(desk, card, rating, attempt.revision)
            desk.log.add_review(attempt.attempt_id, slug, review, details)
            card = desk.scheduler.review(slug, card, review)
            desk.cards.put(card)
        elif desk.present_slug(stored.question) != slug:
            raise UsageError(f"attempt {attempt.attempt_id}: it was an attempt at {stored.question}; found {slug}.")
        elif stored.undone or card is None:
            raise UsageError(f"attempt {attempt.attempt_id}: it was undone; start a new one.")
        reviewed = Reviewed(
            question=slug,
            rating=rating if stored is None else stored.rating,
            review_id=attempt.attempt_id,
            due=desk.due(card),
            stability=card.stability,
            difficulty=card.difficulty,
            state=card.state,
            duplicate=stored is not None,
        )
    store.back_up(desk.today)
    return reviewed


def undo(store: Store, now: datetime) -> Undone | None:
    """The learner's last review, taken back by appending to the log; None when there is none."""
    with writing(None, store, now) as desk:
        last = desk.log.last_answer()
        if last is None:
            return None
        review_id, question = last
        desk.log.add_undo(review_id, desk.now, desk.today)
        slug = desk.present_slug(question)
        desk.cards.refold(slug, desk.scheduler)
    return Undone(review_id, slug)


def rebuild(bank: Bank, store: Store) -> int:
    """How many cards there are, after making each anew from the log."""
    with store.writing() as transaction:
        return Fold(transaction, course_of(bank)).rebuild()


def settings(store: Store) -> Settings:
    """The learner's settings."""
    with store.reading() as transaction:
        return read_settings(transaction.log)


def set_setting(store: Store, name: str, value: Any, now: datetime) -> None:
    """Stores a setting from now on; text is read as its type, and None brings the default back.

    Raises: UsageError for an unknown name or an impossible value.
    """
    value = checked_setting(name, value)
    with store.writing() as transaction:
        transaction.log.add_event("setting", clock.utc(now), name=name, value=value)


def progress(bank: Bank, store: Store, now: datetime) -> Progress:
    """How it goes, by topic and by day."""
    with reading(bank, store, now) as desk:
        return progress_at(desk, course_of(bank))


def _review(desk: Desk, card: Card | None, rating: Rating, revision: int) -> Review:
    """A review given now, after all others of this card."""
    ordered_at = after(desk.now, None if card is None else card.ordered_at)
    return Review(rating=rating, reviewed_at=desk.now, day=desk.today, ordered_at=ordered_at, revision=revision)


def _milliseconds(duration_s: float | None) -> int | None:
    if duration_s is None:
        return None
    if not 0 <= duration_s < 1e9:
        raise SchedulingError(f"duration_s: expected seconds from 0 on; found {duration_s}.")
    return round(duration_s * 1000)


def _checked_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise UsageError(f"seed: expected a whole number from 0 to 2**63 - 1; found {seed!r}.")
    return seed
