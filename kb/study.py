"""What both shells do with the learner's progress: choose a question, record the answer, tell how it goes."""

import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from kb import clock
from kb.attempts import Attempt, checked_seed, start_attempt
from kb.bank import Bank
from kb.choosing import Course, Desk, Fold, Group, anew, changed, course_of, queue, reading, writing
from kb.errors import SchedulingError, UsageError
from kb.log import Details, after, to_json
from kb.marks import is_leech_by, suspend_leech
from kb.progress import Progress, TopicProgress, progress_at
from kb.questions import Question
from kb.rating import Rating
from kb.scheduling import Card, Review, State, checked_rating
from kb.settings import Settings, checked_setting, read_settings
from kb.store import Store
from kb.towards import comes_back, interviews_ahead, subjects

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
    "attempt_at",
    "due",
    "know",
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
    """When a question would come back after a rating; `interval` is in minutes, or in whole days of the learner.

    With an interview ahead the plan decides what is asked; then `planned` is True, and `due` the day until which the answer is
    expected to hold, at most that of the interview.
    """

    due: datetime
    interval: timedelta
    planned: bool = False


@dataclass(frozen=True)
class Reviewed:
    """A stored answer and the card after it; `duplicate` says that this attempt had been stored before.

    `leech` says that with this answer the question slipped so often that it was put aside. `due` and `planned` are those of
    the preview.
    """

    question: str
    rating: Rating
    review_id: str
    due: datetime
    stability: float
    difficulty: float
    state: State
    duplicate: bool
    leech: bool = False
    planned: bool = False


@dataclass(frozen=True)
class Undone:
    """The review that was taken back."""

    review_id: str
    question: str


def next_attempt(
    bank: Bank,
    store: Store,
    now: datetime,
    *,
    topics: Collection[str] = (),
    skip: Collection[str] = (),
    beyond: bool = False,
) -> Attempt | None:
    """An attempt at the question to ask now, or None when there is nothing left to study.

    Steps of minutes first, then reviews with the lowest chance of recall, then new questions whose `requires` are known,
    then steps that run out soon. The question answered last comes again only when there is no other. With `topics`, only
    theirs, whatever other topics they require. With `beyond`, the limits of the day do not hold.
    """
    with reading(bank, store, now) as desk:
        course = course_of(bank)
        found = next(queue(desk, course, topics, skip, beyond=beyond), None)
        if found is None:
            return None
        return _attempt_at(desk, course, bank.questions[found[0]])


def attempt_at(bank: Bank, store: Store, question_id: str, now: datetime) -> Attempt:
    """An attempt at this question, whether it is due or not; like those of `next_attempt`, it tells what changed."""
    with reading(bank, store, now) as desk:
        return _attempt_at(desk, course_of(bank), bank.question(question_id))


def _attempt_at(desk: Desk, course: Course, question: Question) -> Attempt:
    attempt = start_attempt(question, desk.now)
    card = desk.cards.get(question.slug) if question.slug in changed(desk, course) else None
    return attempt if card is None else replace(attempt, changed=True, changes=question.changed_since(card.revision))


def due(
    bank: Bank, store: Store, now: datetime, *, topics: Collection[str] = (), beyond: bool = False, n: int | None = None
) -> Due:
    """What can be studied now, in the words of `next_attempt`: all of it, or of a long queue the first `n` questions."""
    with reading(bank, store, now) as desk:
        queued = list(islice(queue(desk, course_of(bank), topics, beyond=beyond), n))
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
        outcomes = desk.outcomes(question.slug, card, _review(desk, card, Rating.Good, question.revision))
        return {each.review.rating: _when(desk, bank, each.card) for each in outcomes}


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
        seed=checked_seed(attempt.seed),
    )
    with writing(bank, store, now) as desk:
        stored = desk.log.find(attempt.attempt_id)
        before = card = desk.cards.get(slug)
        if stored is None:
            card = _add(
                desk, slug, before, _review(desk, before, rating, attempt.revision), attempt.attempt_id, details
            )
            if before is not None:
                suspend_leech(desk, before, card, attempt.attempt_id)
        elif desk.present_slug(stored.question) != slug:
            raise UsageError(f"attempt {attempt.attempt_id}: it was an attempt at {stored.question}; found {slug}.")
        elif stored.undone or card is None:
            raise UsageError(f"attempt {attempt.attempt_id}: it was undone; start a new one.")
        given = rating if stored is None else stored.rating
        reviewed = _reviewed(desk, bank, card, given, attempt.attempt_id, duplicate=stored is not None)
    store.back_up(desk.today)
    return reviewed


def know(bank: Bank, store: Store, question_id: str, now: datetime) -> Reviewed:
    """Takes the question as known already: it comes back as after Easy, and is no answer of the day; once a day is enough."""
    question = bank.question(question_id)
    slug = question.slug
    with writing(bank, store, now) as desk:
        card = desk.cards.get(slug)
        stored = desk.log.last_known(desk.names(slug), desk.today)
        if stored is None or card is None:
            review = replace(_review(desk, card, Rating.Easy, question.revision), known=True)
            card = _add(desk, slug, card, review, review_id := uuid.uuid4().hex, Details())
            stored_before = False
        else:
            review_id, stored_before = stored, True
        reviewed = _reviewed(desk, bank, card, Rating.Easy, review_id, duplicate=stored_before)
    store.back_up(desk.today)
    return reviewed


def undo(store: Store, now: datetime) -> Undone | None:
    """The learner's last review, or what was taken as known, taken back by appending to the log; None when there is none.

    A question that this review had made a leech is asked again.
    """
    with writing(None, store, now) as desk:
        last = desk.log.last_answer()
        if last is None:
            return None
        review_id, question = last
        desk.log.add_undo(review_id, desk.now, desk.today)
        slug = desk.present_slug(question)
        desk.cards.refold(slug, desk.scheduler)
        if is_leech_by(desk, slug, review_id):
            desk.log.add_event("unsuspend", desk.now, question=slug)
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


def _add(desk: Desk, slug: str, card: Card | None, review: Review, review_id: str, details: Details) -> Card:
    """The card after this review, both stored."""
    outcome = desk.outcome(slug, card, review)
    desk.log.add_review(review_id, slug, outcome.review, details)
    desk.cards.put(outcome.card)
    if review.known:  # its answer was not shown
        desk.remembered.drop("given_away")
    return outcome.card


def _when(desk: Desk, bank: Bank, card: Card) -> Preview:
    """When the question of this card comes back."""
    day = comes_back(desk, course_of(bank), card)
    if day is None:
        return Preview(desk.due(card), desk.interval(card))
    return Preview(desk.days.start(day), day - desk.today, planned=True)


def _reviewed(desk: Desk, bank: Bank, card: Card, rating: Rating, review_id: str, *, duplicate: bool) -> Reviewed:
    when = _when(desk, bank, card)
    return Reviewed(
        question=card.question,
        rating=rating,
        review_id=review_id,
        due=when.due,
        planned=when.planned,
        stability=card.stability,
        difficulty=card.difficulty,
        state=card.state,
        duplicate=duplicate,
        leech=rating is Rating.Again and is_leech_by(desk, card.question, review_id),
    )


def _milliseconds(duration_s: float | None) -> int | None:
    if duration_s is None:
        return None
    if not 0 <= duration_s < 1e9:
        raise SchedulingError(f"duration_s: expected seconds from 0 on; found {duration_s}.")
    return round(duration_s * 1000)
