"""What the learner's answers say of each question, of each point of the syllabus and of each week.

Leaves out choosing what to study (kb/choosing.py) and the totals (`study.progress`).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from kb.bank import Bank
from kb.choosing import Group, course_of, queue, reading
from kb.rating import Rating
from kb.scheduling import Review
from kb.store import Store

WEEKS = 8


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
        former = [old for old, new in desk.aliases.items() if new == slug]
        return tuple(desk.log.reviews([slug, *former]))[::-1]


def syllabus_mastery(bank: Bank, remembered: Mapping[str, Memory]) -> tuple[TopicMastery, ...]:
    """Every topic of the syllabus with its points, in teaching order."""
    covering: dict[str, list[Memory]] = defaultdict(list)
    for slug, memory in remembered.items():
        for point in bank.questions[slug].covers:
            covering[point].append(memory)
    topics = []
    for topic in bank.syllabus.topics:
        points = tuple(_point(point.id, covering[point.id]) for point in topic.points)
        mastery = sum(point.mastery for point in points) / len(points) if points else 0.0
        topics.append(TopicMastery(topic.id, mastery, sum(point.seen == 0 for point in points), points))
    return tuple(topics)


def hardest(remembered: Mapping[str, Memory], limit: int = 10) -> tuple[Memory, ...]:
    """The questions that slipped most often, then those that FSRS rates most difficult; none that always went well."""
    slipped = [memory for memory in remembered.values() if memory.lapses or Standing.FAILED in memory.standings]
    return tuple(sorted(slipped, key=lambda memory: (-memory.lapses, -memory.difficulty, memory.question))[:limit])


def weekly_recall(bank: Bank, store: Store, now: datetime) -> tuple[Week, ...]:
    """The last eight weeks, the present one last.

    A recall is the first answer of a day to a question first seen on an earlier day; it succeeded unless rated Again.
    """
    with reading(bank, store, now) as desk:
        first = desk.today - timedelta(days=7 * WEEKS - 1)
        seen_on = {card.question: card.first_day for card in desk.cards.all()}
        tried: dict[int, list[bool]] = defaultdict(list)
        for (slug, day), rating in desk.log.first_answers(first, desk.today).items():
            if slug in seen_on and seen_on[slug] < day:
                tried[(day - first).days // 7].append(rating is not Rating.Again)
        return tuple(
            Week(first + timedelta(days=7 * week), len(tried[week]), sum(tried[week])) for week in range(WEEKS)
        )


def _point(point: str, covering: list[Memory]) -> PointMastery:
    mastery = sum(memory.recall for memory in covering) / len(covering) if covering else 0.0
    return PointMastery(point, len(covering), sum(memory.reviews > 0 for memory in covering), mastery)
