"""Towards the interviews ahead: what the plan is told of the learner's cards, and the order of questions it gives.

Leaves out the plan itself, which is kb/planning, and what comes after the last interview (kb/choosing.py).
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from kb.cards import Trace
from kb.planning import Interview, Subject, ahead, valued
from kb.rating import Rating
from kb.scheduling import Card
from kb.siblings import GivenAway

if TYPE_CHECKING:
    from kb.choosing import Course, Desk

MAX_COMPARED = 64  # so many at most are looked at for one to ask in the place of another
NEARLY = 0.9  # what an answer is worth whose question was given away today, relative to another day


def interviews_ahead(desk: "Desk", course: "Course") -> tuple[Interview, ...]:
    """The interviews of today and later that cover a question of the bank, the nearest first."""
    interviews = desk.settings.all_interviews
    topics = [topic for topic in course.topics if course.slugs(topic)] if interviews else ()
    return ahead((each for each in interviews if any(map(each.covers, topics))), desk.today)


def comes_back(desk: "Desk", course: "Course", card: Card) -> date | None:
    """The day until which this card holds, at most that of the interview ahead; None where no interview after today covers it.

    That is when its recall falls to what the learner desires, tomorrow at the earliest: until the interview it is the plan,
    and neither steps of minutes nor intervals, that decides when a question is asked.
    """
    question = course.questions.get(card.question)
    if question is None:
        return None
    days = [
        each.date for each in desk.settings.all_interviews if each.covers(question.topic) and each.date > desk.today
    ]
    if not days:
        return None
    lasts = max(round(desk.scheduler.lasts(card)), 1)
    return min(card.due_on or desk.today + timedelta(days=lasts), *days)


def subjects(
    desk: "Desk",
    course: "Course",
    interviews: Sequence[Interview],
    traces: Mapping[str, Trace],
    anew: Collection[str],
) -> list[Subject]:
    """The questions that these interviews cover, in the order of teaching; none that was put aside, and `anew` as unseen."""
    covered = {topic for topic in course.topics if any(each.covers(topic) for each in interviews)}
    left_out, known_today = desk.log.suspended(), desk.log.known_on(desk.today)
    today = desk.today.toordinal()
    found = []
    for slug in course.order:
        topic = course.outlines[slug].topic
        if topic not in covered or slug in left_out:
            continue
        trace = None if slug in anew else traces.get(slug)
        if trace is None:
            found.append(Subject(slug, topic))
        else:
            found.append(
                Subject(
                    question=slug,
                    topic=topic,
                    stability=trace.stability,
                    difficulty=trace.difficulty,
                    last_day=date.fromordinal(trace.last_day),
                    failed=trace.rating == Rating.Again,
                    first_today=trace.first_day == today and slug not in known_today,
                )
            )
    return found


def in_order(
    desk: "Desk",
    course: "Course",
    interviews: Sequence[Interview],
    covered: Sequence[Subject],
    per_day: int,
    given_away: GivenAway,
) -> Iterator[str]:
    """The questions worth an answer now, those that add most first, and each unseen one after the unseen it requires.

    A new question may follow as soon as what it requires was seen: to wait until that is known could take all the days left.
    One that is given away by then comes after those that add nearly as much.
    """
    now, later, failed = valued(covered, interviews, desk.today, per_day, desk.scheduler.memory)
    unseen = {subject.question for _, subject in (*now, *later) if subject.last_day is None}
    given: set[str] = set()

    def requirements(slug: str) -> Iterator[str]:
        given.add(slug)
        for required in course.requirements(slug) if slug in unseen else ():
            if required.slug in unseen and required.slug not in given:
                yield from requirements(required.slug)
                yield required.slug

    def swapped(worth: float, subject: Subject) -> tuple[float, Subject]:
        """One of those that can wait for another day, asked in the place of this new one, which then waits; or this one."""
        for place, (other_worth, other) in enumerate(islice(later, MAX_COMPARED)):
            alike = all(each.covers(subject.topic) == each.covers(other.topic) for each in interviews)
            if (
                alike
                and other_worth >= NEARLY * worth
                and other.question not in given
                and other.question not in given_away
            ):
                later[place] = worth, subject
                return other_worth, other
        return worth, subject

    for part in (now, later, failed):
        waiting: deque[tuple[float, str]] = deque()
        for worth, subject in part:
            while waiting and waiting[0][0] >= worth:
                yield waiting.popleft()[1]
            if subject.question in given:
                continue
            if part is now and subject.question in unseen and subject.question in given_away:
                worth, subject = swapped(worth, subject)
            slug = subject.question
            yield from requirements(slug)
            if slug in given_away:
                waiting.append((NEARLY * worth, slug))
            else:
                yield slug
        yield from (slug for _, slug in waiting)
