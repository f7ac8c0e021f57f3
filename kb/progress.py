"""How it goes: the totals by topic and by day, from the log and the cards of one moment."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from kb.choosing import Course, Desk, Group, queue
from kb.rating import Rating
from kb.retention import recalls
from kb.scheduling import Card

FORECAST_DAYS = 14
LAST_DAYS = 30


@dataclass(frozen=True)
class TopicProgress:
    """One topic: `mastery` is the mean chance of recall now over its questions.

    A question that was not seen, or whose last rating is Again, counts as 0.
    """

    topic: str
    questions: int
    seen: int
    due: int
    mastery: float


@dataclass(frozen=True)
class Progress:
    """How it goes.

    `retention` is the share of recalls that succeeded in the last 30 days, None without any: the first answer of a day
    to a question first seen on an earlier day. `streak_days` counts days with an answer up to today, or up to yesterday
    while today has none. `forecast` has today, with everything overdue, and the 13 days after it.
    """

    topics: tuple[TopicProgress, ...]
    reviews: int
    retention: float | None
    streak_days: int
    forecast: tuple[tuple[date, int], ...]
    last_days: tuple[tuple[date, int], ...]


def progress_at(desk: Desk, course: Course) -> Progress:
    """How it goes at the moment of the desk."""
    cards = {card.question: card for card in desk.cards.all()}
    due_now = {slug for slug, group in queue(desk, course) if group is not Group.NEW}
    suspended, buried = desk.log.suspended(), desk.log.buried(desk.today)
    coming = [card for slug, card in cards.items() if slug in course.questions and slug not in suspended]
    tomorrow = desk.today + timedelta(days=1)
    days = Counter(
        desk.today
        if card.question in due_now
        else max(desk.due_day(card), tomorrow if card.question in buried else desk.today)
        for card in coming
    )
    return Progress(
        topics=tuple(_topic(desk, course, topic, cards, due_now) for topic in course.topics),
        reviews=sum(card.reviews for card in cards.values()) - desk.log.count_known(),
        retention=_retention(desk),
        streak_days=_streak(desk),
        forecast=tuple((day, days[day]) for day in _span(desk.today, FORECAST_DAYS)),
        last_days=_last_days(desk),
    )


def _topic(
    desk: Desk, course: Course, topic: str, cards: Mapping[str, Card], due_now: Collection[str]
) -> TopicProgress:
    slugs = course.slugs(topic)
    seen = [cards[slug] for slug in slugs if slug in cards]
    # what was answered Again is not known until it is recalled, though its curve starts anew at 1
    recall = sum(desk.scheduler.retrievability(card, desk.today) for card in seen if card.rating is not Rating.Again)
    return TopicProgress(
        topic=topic,
        questions=len(slugs),
        seen=len(seen),
        due=sum(slug in due_now for slug in slugs),
        mastery=recall / len(slugs) if slugs else 0.0,
    )


def _retention(desk: Desk) -> float | None:
    recalled = [recall.recalled for recall in recalls(desk, desk.today - timedelta(days=LAST_DAYS - 1), desk.today)]
    return sum(recalled) / len(recalled) if recalled else None


def _streak(desk: Desk) -> int:
    day = desk.log.last_day(desk.today)
    if day is None or day < desk.today - timedelta(days=1):
        return 0
    streak = 1
    while desk.log.last_day(day - timedelta(days=1)) == day - timedelta(days=1):
        day -= timedelta(days=1)
        streak += 1
    return streak


def _last_days(desk: Desk) -> tuple[tuple[date, int], ...]:
    first = desk.today - timedelta(days=LAST_DAYS - 1)
    answers = desk.log.answers_by_day(first)
    return tuple((day, answers.get(day, 0)) for day in _span(first, LAST_DAYS))


def _span(first: date, length: int) -> list[date]:
    return [first + timedelta(days=offset) for offset in range(length)]
