"""Which question comes next, within the learner's day.

With an interview ahead it is the plan that says so; else steps of minutes, reviews, new questions in teaching order.
"""

import json
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import chain, islice

from kb import clock
from kb.bank import Bank, Outline
from kb.errors import UsageError
from kb.planning import Effort
from kb.rating import Rating
from kb.scheduling import Card, Outcome, Review, Scheduler
from kb.settings import read_settings
from kb.siblings import GivenAway
from kb.store import Store, Transaction
from kb.towards import in_order, interviews_ahead, subjects

STEP_UP = 1  # how much harder a new question may be that is asked in the place of one given away
MAX_LOOKED_AT = 512  # questions, for one to ask in the place of a new one given away
PASSED_OVER = 64  # so many at most wait behind others because they were given away today
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
        questions = bank.outlines
        self.outlines = {each.slug: each for each in questions}
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

    def requirements(self, slug: str) -> list[Outline]:
        """What the question requires, as far as it is in the bank."""
        present = (self.aliases.get(each, each) for each in self.outlines[slug].requires)
        return [self.outlines[each] for each in present if each in self.outlines]


_latest: tuple[tuple[weakref.ref[Bank], Course], ...] = ()
MOST_COURSES = 4


def course_of(bank: Bank) -> Course:
    """The course of this bank; kept for the banks asked for last, as sorting it takes time."""
    global _latest
    for known, course in _latest:
        if known() is bank:
            return course
    course = Course(bank)
    _latest = ((weakref.ref(bank), course), *_latest[: MOST_COURSES - 1])
    return course


class Fold:
    """The cards of one transaction under the present settings and names of questions.

    Without a course, the renames are those that the cards were last folded with.
    """

    def __init__(self, transaction: Transaction, course: Course | None) -> None:
        self.log, self.cards, self.remembered = transaction.log, transaction.cards, transaction.remembered
        self.settings = self.remembered.get("settings", lambda: read_settings(self.log))
        self.scheduler = _scheduler(self.settings.desired_retention, self.settings.parameters)
        if course is None:
            self.aliases = self.log.aliases()
        else:
            names, read = course.aliases, self.log.names
            self.aliases = self.remembered.of(course, "aliases", lambda: {old: names[old] for old in read(names)})

    def is_current(self) -> bool:
        """Whether the cards were folded with this scheduler and these renames."""
        current = self.cards.signature(), self.scheduler, self.aliases
        if self.remembered.known("current") != current and self.cards.signature() == self._signature():
            self.remembered.put("current", current)
        return bool(self.remembered.known("current") == current)

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

    def names(self, slug: str) -> list[str]:
        """The names under which the log may speak of this question."""
        return [slug, *(old for old, new in self.aliases.items() if new == slug)]

    def outcomes(self, slug: str, card: Card | None, review: Review) -> Iterator[Outcome]:
        """What this review would lead to, for one rating after the other, the load of the days ahead evened out."""
        return self.scheduler.outcomes(slug, card, review, self.cards.load)

    def outcome(self, slug: str, card: Card | None, review: Review) -> Outcome:
        """The one of them that has the rating of this review."""
        return self.scheduler.outcome(slug, card, review, self.cards.load)

    def introduced(self) -> int:
        """How many questions were asked for the first time today."""
        return len(self.cards.introduced(self.today) - self.log.known_on(self.today))

    def given_away(self, course: Course) -> GivenAway:
        """What the answers of today gave away, for the caller to go on from."""

        def read() -> tuple[date, GivenAway]:
            answered = self.cards.answered_on(self.today) - self.log.known_on(self.today)
            return self.today, GivenAway(course.outlines, answered)

        day, found = self.remembered.of(course, "given_away", read)
        if day != self.today:
            self.remembered.drop("given_away")
            _, found = self.remembered.of(course, "given_away", read)
        return found.copy()

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
    desk: Desk, course: Course, topics: Collection[str] = (), skip: Collection[str] = (), *, beyond: bool = False
) -> Iterator[tuple[str, Group]]:
    """The questions that can be studied now, in the order to ask them, each once.

    With an interview ahead: those that add most to what is recalled on its day, and then those of topics that none ahead
    covers, as many as the answers left for today; with `topics` chosen by the learner, as many as there are.
    Else, and for the other topics: steps of minutes that have run out; questions whose answer changed; reviews, the one
    least likely to be recalled first; new ones as the daily limit allows; steps that run out within the learn-ahead
    limit; then the reviews and the new ones that an answer of today gave away. Only the question that was answered last is
    not the first, where there is another. With `beyond`, the limits of the day do not hold.

    Raises: UsageError for a topic that the bank does not have.
    """
    unknown = sorted(set(topics).difference(course.topics))
    if unknown:
        raise UsageError(f"topic: expected one of {', '.join(course.topics)}; found {', '.join(unknown)}.")
    questions = _queue(desk, course, topics, skip, beyond)
    first = list(islice(questions, 2))
    if first and first[0][0] == desk.last_question():
        first.reverse()
    return chain(first, questions)


def _queue(
    desk: Desk, course: Course, topics: Collection[str], skip: Collection[str], beyond: bool
) -> Iterator[tuple[str, Group]]:
    away = desk.given_away(course)
    for slug, group in _in_order(desk, course, topics, skip, beyond, away):
        away.add(slug)
        yield slug, group


def _in_order(
    desk: Desk, course: Course, topics: Collection[str], skip: Collection[str], beyond: bool, away: GivenAway
) -> Iterator[tuple[str, Group]]:
    """The questions that can be studied now; each that the caller takes it adds to `away`."""
    taken = desk.log.suspended().union(desk.log.buried(desk.today), skip)

    def asked(slugs: Iterable[str], group: Group) -> Iterator[tuple[str, Group]]:
        for slug in slugs:
            question = course.outlines.get(slug)
            if question and slug not in taken and (not topics or question.topic in topics):
                taken.add(slug)
                yield slug, group

    interviews = interviews_ahead(desk, course)
    if not interviews:
        yield from _long_term(desk, course, topics, skip, beyond, away, asked)
        return

    effort = desk.effort()

    def planned() -> Iterator[tuple[str, Group]]:
        traces = desk.cards.traces()
        covered = subjects(desk, course, interviews, traces, anew(desk, course))
        for slug in in_order(desk, course, interviews, covered, effort.per_day, away):
            trace = traces.get(slug)
            yield from asked([slug], Group.NEW if trace is None else Group.LEARNING if trace.stepping else Group.REVIEW)
        taken.update(subject.question for subject in covered)
        yield from _long_term(desk, course, topics, skip, beyond, away, asked)

    yield from planned() if topics or beyond else islice(planned(), effort.left)


def _long_term(
    desk: Desk,
    course: Course,
    topics: Collection[str],
    skip: Collection[str],
    beyond: bool,
    away: GivenAway,
    asked: Callable[[Iterable[str], Group], Iterator[tuple[str, Group]]],
) -> Iterator[tuple[str, Group]]:
    """The questions in the order that serves the long term."""
    yield from asked(desk.cards.learning(None, desk.now), Group.LEARNING)
    yield from asked(anew(desk, course), Group.REVIEW)
    late: deque[tuple[str, Group]] = deque()
    for each in asked(desk.cards.due(desk.today), Group.REVIEW):
        if each[0] not in away:
            yield each
            continue
        late.append(each)
        if len(late) > PASSED_OVER:
            yield late.popleft()
    new = asked(_new(desk, course, topics, skip, away), Group.NEW)
    if not beyond:
        new = islice(new, max(desk.settings.new_per_day - desk.introduced(), 0))
    for each in new:
        if each[0] in away:  # and so are all others that could be asked now
            late.append(each)
            break
        yield each
    yield from asked(desk.cards.learning(desk.now, desk.now + LEARN_AHEAD), Group.LEARNING)
    yield from late
    yield from new


def anew(desk: Desk, course: Course) -> list[str]:
    """The questions whose reviews say nothing of what is known: the answer changed since, or the clock was wrong then."""
    return [*changed(desk, course), *desk.cards.from_the_future(desk.today)]


def changed(desk: Desk, course: Course) -> list[str]:
    """The questions whose meaning changed since they were last answered."""

    def read() -> dict[str, bool]:
        cards = ((question, desk.cards.get(question.slug)) for question in course.revised)
        return {each.slug: card is not None and card.revision < each.revision for each, card in cards}

    revised = desk.remembered.of(course, "changed", read)
    return desk.remembered.of(course, "changed slugs", lambda: [slug for slug in revised if revised[slug]])


def _new(desk: Desk, course: Course, topics: Collection[str], skip: Collection[str], away: GivenAway) -> Iterator[str]:
    """The questions never answered whose requirements are known or come before them here, in the order of teaching.

    One that was given away comes only when there is no other. A requirement is known when its last rating was not Again. One
    that cannot be asked does not count: it was suspended, has no file, or belongs to a topic that was not chosen.
    """
    ratings, known = desk.cards.last_ratings(), set(desk.log.suspended())
    unseen = iter(desk.remembered.of(course, "unseen", lambda: OrderedDict.fromkeys(_unseen(course, ratings))))
    waiting: list[str] = []

    def ready(slug: str) -> bool:
        return all(
            each.slug in known
            or ratings.get(each.slug, Rating.Again) is not Rating.Again
            or (topics and each.topic not in topics)
            for each in course.requirements(slug)
        )

    def fresh() -> Iterator[str]:
        for slug in unseen:
            waiting.append(slug)
            yield slug

    def could_be_asked() -> Iterator[str]:
        """Those that are ready; after the first of them, not many more are looked at."""
        candidates = chain(tuple(waiting), fresh())
        for slug in candidates:
            if ready(slug):
                yield slug
                break
        yield from filter(ready, islice(candidates, MAX_LOOKED_AT))

    while True:
        ready_now = islice(could_be_asked(), PASSED_OVER)
        slug = next(ready_now, "")
        if not slug:
            return
        if slug in away:
            hardest = course.outlines[slug].difficulty + STEP_UP
            free = (each for each in ready_now if each not in away and course.outlines[each].difficulty <= hardest)
            slug = next(free, slug)
        waiting.remove(slug)
        if slug not in skip:
            known.add(slug)
        yield slug


def _unseen(course: Course, seen: Collection[str]) -> Iterator[str]:
    return (slug for slug in course.order if slug not in seen)


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
def _scheduler(desired_retention: float, parameters: tuple[float, ...]) -> Scheduler:
    return Scheduler(desired_retention, parameters)
