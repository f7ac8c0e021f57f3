"""What the learner's answers say of each question, of each point of the syllabus and of each week.

Leaves out choosing what to study (kb/choosing.py), the totals (`study.progress`) and the share recalled by topic
(kb/retention.py).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Any

from kb.bank import Bank
from kb.choosing import Desk, Group, course_of, queue, reading
from kb.log import FOLDED_COLUMNS, review_of
from kb.own import OWN_TOPIC
from kb.rating import Rating
from kb.retention import recalls
from kb.scheduling import Review
from kb.store import Store

WEEKS = 8
LONGEST_S = 600.0  # an answer counts for this much at most, as a page is left open now and then


class Standing(StrEnum):
    """Where the learner stands with a question."""

    NEW = "new"
    FAILED = "failed"
    DUE = "due"
    KNOWN = "known"


@dataclass(frozen=True)
class Memory:
    """The learner's memory of one question; `recall` is the chance of recalling it now, 0 after Again.

    `standings` may hold both FAILED (the last rating was Again) and DUE.
    """

    question: str
    standings: frozenset[Standing]
    reviews: int = 0
    lapses: int = 0
    difficulty: float = 0.0
    recall: float = 0.0
    due: datetime | None = None


@dataclass(frozen=True)
class PointMastery:
    """A point of the syllabus: `mastery` is the mean recall of the questions that cover it, `seen` how many were answered."""

    point: str
    questions: int
    seen: int
    mastery: float


@dataclass(frozen=True)
class TopicMastery:
    """A topic of the syllabus with its points; `mastery` is the mean over them, `unseen` counts those never answered."""

    topic: str
    mastery: float
    unseen: int
    points: tuple[PointMastery, ...]


@dataclass(frozen=True)
class Week:
    """Seven of the learner's days from `first`: how many recalls were tried, and how many succeeded."""

    first: date
    recalls: int
    recalled: int


@dataclass(frozen=True)
class Given:
    """One answer with what was said: `answer` as `kb.grading.logged_answer` gives it, `params` those drawn from `seed`,
    `prediction` the number and the confidence before it.
    """

    review: Review
    answer: Any
    params: Mapping[str, Any]
    prediction: Any
    correct: bool | None
    duration_s: float | None
    review_id: str
    seed: int | None


@dataclass(frozen=True)
class TimeSpent:
    """Seconds from seeing a question to answering it, what is read afterwards not counted, and at most 10 minutes each.

    `by_day` has each of the learner's days, today last; `by_topic` those with an answer that was timed, in the order of
    teaching. `median_s` is that of one answer, None without any.
    """

    by_day: tuple[tuple[date, float], ...]
    by_topic: dict[str, float]
    median_s: float | None


def memories(bank: Bank, store: Store, now: datetime) -> dict[str, Memory]:
    """The memory of every question of the bank, in teaching order."""
    with reading(bank, store, now) as desk:
        course = course_of(bank)
        cards = {card.question: card for card in desk.cards.all()}
        due = {slug for slug, group in queue(desk, course) if group is not Group.NEW}
        found: dict[str, Memory] = {}
        for slug in course.order:
            card = cards.get(slug)
            if card is None:
                found[slug] = Memory(slug, frozenset({Standing.NEW}))
                continue
            failed = card.rating is Rating.Again
            standings = {Standing.FAILED} if failed else set()
            standings |= {Standing.DUE} if slug in due else set()
            found[slug] = Memory(
                question=slug,
                standings=frozenset(standings or {Standing.KNOWN}),
                reviews=card.reviews,
                lapses=card.lapses,
                difficulty=card.difficulty,
                recall=0.0 if failed else desk.scheduler.retrievability(card, desk.today),
                due=desk.due(card),
            )
        return found


def answers(bank: Bank, store: Store, slug: str, now: datetime) -> tuple[Review, ...]:
    """The learner's answers to this question, the latest first."""
    with reading(bank, store, now) as desk:
        return tuple(desk.log.reviews(_names(desk, slug)))[::-1]


def given(bank: Bank, store: Store, slug: str, now: datetime) -> tuple[Given, ...]:
    """The learner's answers to this question with what was said, the latest first.

    Raises: UnknownQuestionError for a question that the bank does not have.
    """
    slug = bank.question(slug).slug
    with reading(bank, store, now) as desk:
        names = _names(desk, slug)
        rows = desk.log.raw(
            f"SELECT id, answer, params, prediction, correct, duration_ms, seed, {FOLDED_COLUMNS}"
            f" FROM answers WHERE question IN ({', '.join('?' * len(names))}) ORDER BY ordered_at DESC, id DESC",
            *names,
        )
        return tuple(_given(*row) for row in rows)


def time_spent(bank: Bank, store: Store, now: datetime, days: int = 30) -> TimeSpent:
    """The time of the answers of the learner's last days, today included."""
    with reading(bank, store, now) as desk:
        course = course_of(bank)
        first = desk.today - timedelta(days=days - 1)
        rows = desk.log.raw(
            "SELECT question, day, duration_ms FROM answers WHERE duration_ms IS NOT NULL AND day BETWEEN ? AND ?",
            first.isoformat(),
            desk.today.isoformat(),
        )
        by_day: Counter[str] = Counter()
        by_topic: Counter[str] = Counter()
        times = []
        for name, day, duration_ms in rows:
            seconds = min(duration_ms / 1000, LONGEST_S)
            times.append(seconds)
            by_day[day] += seconds
            question = course.questions.get(desk.present_slug(name))
            if question is not None:
                by_topic[question.topic] += seconds
        span = (first + timedelta(days=offset) for offset in range(days))
        return TimeSpent(
            by_day=tuple((day, float(by_day[day.isoformat()])) for day in span),
            by_topic={topic: by_topic[topic] for topic in course.topics if topic in by_topic},
            median_s=median(times) if times else None,
        )


def syllabus_mastery(bank: Bank, remembered: Mapping[str, Memory]) -> tuple[TopicMastery, ...]:
    """Every topic of the syllabus with its points, in teaching order; that of the learner's own questions has none."""
    covering: dict[str, list[Memory]] = defaultdict(list)
    for slug, memory in remembered.items():
        for point in bank.questions[slug].covers:
            covering[point].append(memory)
    topics = []
    for topic in bank.syllabus.topics:
        if topic.id == OWN_TOPIC:
            continue
        points = tuple(_point(point.id, covering[point.id]) for point in topic.points)
        mastery = sum(point.mastery for point in points) / len(points) if points else 0.0
        topics.append(TopicMastery(topic.id, mastery, sum(point.seen == 0 for point in points), points))
    return tuple(topics)


def hardest(remembered: Mapping[str, Memory], limit: int = 10) -> tuple[Memory, ...]:
    """The questions that slipped most often, then those that FSRS rates most difficult; none that always went well."""
    slipped = [memory for memory in remembered.values() if memory.lapses or Standing.FAILED in memory.standings]
    return tuple(sorted(slipped, key=lambda memory: (-memory.lapses, -memory.difficulty, memory.question))[:limit])


def weekly_recall(bank: Bank, store: Store, now: datetime) -> tuple[Week, ...]:
    """The last eight weeks, the present one last; what a recall is stands in kb/retention.py."""
    with reading(bank, store, now) as desk:
        first = desk.today - timedelta(days=7 * WEEKS - 1)
        tried: dict[int, list[bool]] = defaultdict(list)
        for recall in recalls(desk, first, desk.today):
            tried[(recall.day - first).days // 7].append(recall.recalled)
        return tuple(
            Week(first + timedelta(days=7 * week), len(tried[week]), sum(tried[week])) for week in range(WEEKS)
        )


def _names(desk: Desk, slug: str) -> list[str]:
    """The question as the log may call it: its present slug and its former ones."""
    return [slug, *(old for old, new in desk.aliases.items() if new == slug)]


def _given(
    review_id: str,
    answer: str | None,
    params: str | None,
    prediction: str | None,
    correct: int | None,
    duration_ms: int | None,
    seed: int | None,
    *review: Any,
) -> Given:
    return Given(
        review=review_of(*review),
        answer=_value(answer),
        params=_value(params) or {},
        prediction=_value(prediction),
        correct=None if correct is None else bool(correct),
        duration_s=None if duration_ms is None else duration_ms / 1000,
        review_id=review_id,
        seed=seed,
    )


def _value(stored: str | None) -> Any:
    return None if stored is None else json.loads(stored)


def _point(point: str, covering: list[Memory]) -> PointMastery:
    mastery = sum(memory.recall for memory in covering) / len(covering) if covering else 0.0
    return PointMastery(point, len(covering), sum(memory.reviews > 0 for memory in covering), mastery)
