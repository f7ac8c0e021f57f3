"""Which question comes next, within the learner's day.

With an interview ahead it is the plan that says so; else steps of minutes, reviews, new questions in teaching order.
"""

import json
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import chain, islice

from kb import clock
from kb.bank import Bank
from kb.errors import UsageError
from kb.planning import Effort
from kb.questions import Question
from kb.rating import Rating
from kb.scheduling import Card, Scheduler
from kb.settings import read_settings
from kb.store import Store, Transaction
from kb.towards import in_order, interviews_ahead, subjects

LEARN_AHEAD = timedelta(minutes=20)
SECONDS_PER_ANSWER = 40.0  # until the learner's own pace is known


class Group(StrEnum):
    """Why a question is asked."""

    LEARNING = "learning"
    REVIEW = "review"
    NEW = "new"


class Course:
    """The bank in the order of teaching: by topic, the easier question first."""

    def __init__(self, bank: Bank) -> None:
        self.questions = bank.questions
        questions = bank.questions.values()
        known = bank.syllabus.topic_ids
        self.topics = (*known, *sorted({each.topic for each in questions}.difference(known)))
        place = {topic: index for index, topic in enumerate(self.topics)}
        ordered = sorted(questions, key=lambda each: (place[each.topic], each.difficulty, each.slug))
        self.order = tuple(each.slug for each in ordered)
        self.aliases = {
            old: each.slug
            for each in reversed(ordered)  # where two questions claim the same former slug, the first has it
            for old in each.formerly
            if old not in bank.questions and old not in bank.broken
        }
        self.revised = tuple(each for each in ordered if each.revision > 1)
        self._by_topic: dict[str, list[str]] = {topic: [] for topic in self.topics}
        for each in ordered:
            self._by_topic[each.topic].append(each.slug)

    def slugs(self, topic: str) -> list[str]:
        """The questions of this topic."""
        return self._by_topic[topic]

    def requirements(self, slug: str) -> list[Question]:
        """What the question requires, as far as it is in the bank."""
        present = (self.aliases.get(each, each) for each in self.questions[slug].requires)
        return [self.questions[each] for each in present if each in self.questions]


_latest: tuple[weakref.ref[Bank], Course] | None = None


def course_of(bank: Bank) -> Course:
    """The course of this bank; kept while the same bank is asked for again, as sorting it takes time."""
    global _latest
    latest = _latest  # another thread may put its own bank there
    if latest is None or latest[0]() is not bank:
        latest = _latest = weakref.ref(bank), Course(bank)
    return latest[1]


class Fold:
    """The cards of one transaction under the present settings and names of questions.

    Without a course, the renames are those that the cards were last folded with.
    """

    def __init__(self, transaction: Transaction, course: Course | None) -> None:
        self.log, self.cards = transaction.log, transaction.cards
        self.settings = read_settings(self.log)
        self.scheduler = _scheduler(self.settings.desired_retention)
        if course is None:
            self.aliases = self.log.aliases()
        else:
            self.aliases = {old: course.aliases[old] for old in self.log.names(course.aliases)}

    def is_current(self) -> bool:
        """Whether the cards were folded with this scheduler and these renames."""
        return self.cards.signature() == self._signature()

    def rebuild(self) -> int:
        """Makes every card anew from the log, and returns how many there are."""
        return self.cards.rebuild(self.scheduler, self._signature(), self.aliases)

    def present_slug(self, question: str) -> str:
        """The slug that the question of this name in the log has now."""
        return self.aliases.get(question, question)

    def _signature(self) -> str:
        return json.dumps([self.scheduler.signature, self.aliases], sort_keys=True)


class Desk(Fold):
    """What one operation works with: the cards, and what the settings say of the present moment."""

    def __init__(self, transaction: Transaction, now: datetime, course: Course | None) -> None:
        super().__init__(transaction, course)
        self.now = clock.utc(now)
        self.days = self.settings.days
        self.today = self.days.day(self.now)

    def last_question(self) -> str | None:
        """The question answered last."""
        last = self.log.last_answer()
        return None if last is None else self.present_slug(last[1])

    def seconds_per_answer(self) -> float:
        """How long an answer takes this learner."""
        return self.log.seconds_per_answer() or SECONDS_PER_ANSWER

    def effort(self) -> Effort:
        """The answers of each day, and those given today."""
        per_day, minutes = self.settings.answers_per_day, self.settings.minutes_per_day
        if minutes is not None:
            per_day = max(round(60 * minutes / self.seconds_per_answer()), 1)
        return Effort(per_day, self.log.answers_by_day(self.today).get(self.today, 0))

    def due(self, card: Card) -> datetime:
        """The instant at which the card comes back."""
        return card.due_at or self.days.start(self.due_day(card))

    def due_day(self, card: Card) -> date:
        """The learner's day on which the card comes back."""
        return card.due_on or self.days.day(card.due_at or self.now)

    def interval(self, card: Card) -> timedelta:
        """The time from now to the card: whole days of the learner, or less than one."""
        return card.due_at - self.now if card.due_at else self.due_day(card) - self.today


def queue(
    desk: Desk, course: Course, topics: Collection[str] = (), skip: Collection[str] = ()
) -> Iterator[tuple[str, Group]]:
    """The questions that can be studied now, in the order to ask them, each once.

    With an interview ahead: those that add most to what is recalled on its day, and then those of topics that none ahead
    covers, as many as the answers left for today; with `topics` chosen by the learner, as many as there are.
    Else, and for the other topics: steps of minutes that have run out; questions whose answer changed; reviews, the one
    least likely to be recalled first; new ones as the daily limit allows; steps that run out within the learn-ahead
    limit. Only the question that was answered last is not the first, where there is another.

    Raises: UsageError for a topic that the bank does not have.
    """
    unknown = sorted(set(topics).difference(course.topics))
    if unknown:
        raise UsageError(f"topic: expected one of {', '.join(course.topics)}; found {', '.join(unknown)}.")
    questions = _queue(desk, course, topics, skip)
    first = list(islice(questions, 2))
    if first and first[0][0] == desk.last_question():
        first.reverse()
    return chain(first, questions)


def _queue(desk: Desk, course: Course, topics: Collection[str], skip: Collection[str]) -> Iterator[tuple[str, Group]]:
    taken = desk.log.suspended().union(skip)

    def asked(slugs: Iterable[str], group: Group) -> Iterator[tuple[str, Group]]:
        for slug in slugs:
            question = course.questions.get(slug)
            if question and slug not in taken and (not topics or question.topic in topics):
                taken.add(slug)
                yield slug, group

    interviews = interviews_ahead(desk, course)
    if not interviews:
        yield from _long_term(desk, course, topics, skip, asked)
        return

    effort = desk.effort()

    def planned() -> Iterator[tuple[str, Group]]:
        traces = desk.cards.traces()
        covered = subjects(desk, course, interviews, traces, anew(desk, course))
        for slug in in_order(desk, course, interviews, covered, effort.per_day):
            trace = traces.get(slug)
            yield from asked([slug], Group.NEW if trace is None else Group.LEARNING if trace.stepping else Group.REVIEW)
        taken.update(subject.question for subject in covered)
        yield from _long_term(desk, course, topics, skip, asked)

    yield from planned() if topics else islice(planned(), effort.left)


def _long_term(
    desk: Desk,
    course: Course,
    topics: Collection[str],
    skip: Collection[str],
    asked: Callable[[Iterable[str], Group], Iterator[tuple[str, Group]]],
) -> Iterator[tuple[str, Group]]:
    """The questions in the order that serves the long term."""
    yield from asked(desk.cards.learning(None, desk.now), Group.LEARNING)
    yield from asked(anew(desk, course), Group.REVIEW)
    yield from asked(desk.cards.due(desk.today), Group.REVIEW)
    allowed = desk.settings.new_per_day - desk.cards.introduced(desk.today)
    if allowed > 0:
        yield from islice(asked(_new(desk, course, topics, skip), Group.NEW), allowed)
    yield from asked(desk.cards.learning(desk.now, desk.now + LEARN_AHEAD), Group.LEARNING)


def anew(desk: Desk, course: Course) -> list[str]:
    """The questions whose reviews say nothing of what is known: the answer changed since, or the clock was wrong then."""
    return [*changed(desk, course), *desk.cards.from_the_future(desk.today)]


def changed(desk: Desk, course: Course) -> list[str]:
    """The questions whose meaning changed since they were last answered."""
    cards = ((question, desk.cards.get(question.slug)) for question in course.revised)
    return [question.slug for question, card in cards if card is not None and card.revision < question.revision]


def _new(desk: Desk, course: Course, topics: Collection[str], skip: Collection[str]) -> Iterator[str]:
    """The questions never answered whose requirements are known or come before them here, in the order of teaching.

    A requirement is known when its last rating was not Again. One that cannot be asked does not count: it was suspended,
    has no file, or belongs to a topic that was not chosen.
    """
    ratings = desk.cards.last_ratings()
    known = {slug for slug, rating in ratings.items() if rating is not Rating.Again} | desk.log.suspended()
    waiting = [slug for slug in course.order if slug not in ratings]

    def ready(slug: str) -> bool:
        required = course.requirements(slug)
        return all(each.slug in known or (topics and each.topic not in topics) for each in required)

    while (slug := next(filter(ready, waiting), None)) is not None:
        waiting.remove(slug)
        if slug not in skip:
            known.add(slug)
        yield slug


@contextmanager
def reading(bank: Bank, store: Store, now: datetime) -> Iterator[Desk]:
    """What one reading operation works with; where the cards are stale, they are made anew first."""
    with store.reading() as transaction:
        desk = Desk(transaction, now, course_of(bank))
        if desk.is_current():
            yield desk
            return
    with writing(bank, store, now) as desk:
        yield desk


@contextmanager
def writing(bank: Bank | None, store: Store, now: datetime) -> Iterator[Desk]:
    """What one writing operation works with, its cards fresh; all of it is one transaction."""
    with store.writing() as transaction:
        desk = Desk(transaction, now, None if bank is None else course_of(bank))
        if not desk.is_current():
            desk.rebuild()
        yield desk


@lru_cache
def _scheduler(desired_retention: float) -> Scheduler:
    return Scheduler(desired_retention)
