"""Towards the interviews ahead: what the plan is told of the learner's cards, and the order of questions it gives.

Leaves out the plan itself, which is kb/planning, and what comes after the last interview (kb/choosing.py).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from kb.cards import Trace
from kb.planning import Interview, Subject, ahead, ranked
from kb.rating import Rating

if TYPE_CHECKING:
    from kb.choosing import Course, Desk


def interviews_ahead(desk: "Desk", course: "Course") -> tuple[Interview, ...]:
    """The interviews of today and later that cover a question of the bank, the nearest first."""
    topics = [topic for topic in course.topics if course.slugs(topic)]
    interviews = desk.settings.all_interviews
    return ahead((each for each in interviews if any(map(each.covers, topics))), desk.today)


def subjects(
    desk: "Desk",
    course: "Course",
    interviews: Sequence[Interview],
    traces: Mapping[str, Trace],
    anew: Collection[str],
) -> list[Subject]:
    """The questions that these interviews cover, in the order of teaching; none that was put aside, and `anew` as unseen."""
    covered = {topic for topic in course.topics if any(each.covers(topic) for each in interviews)}
    left_out, today = desk.log.suspended(), desk.today.toordinal()
    found = []
    for slug in course.order:
        topic = course.questions[slug].topic
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
                    first_today=trace.first_day == today,
                )
            )
    return found


def in_order(
    desk: "Desk", course: "Course", interviews: Sequence[Interview], covered: Sequence[Subject], per_day: int
) -> Iterator[str]:
    """The questions worth an answer now, those that add most first, and each unseen one after the unseen it requires.

    A new question may follow as soon as what it requires was seen: to wait until that is known could take all the days left.
    """
    order = ranked(covered, interviews, desk.today, per_day, desk.scheduler.memory)
    unseen = {subject.question for subject in order if subject.last_day is None}
    given: set[str] = set()

    def after_requirements(slug: str) -> Iterator[str]:
        if slug not in given:
            given.add(slug)
            for required in course.requirements(slug) if slug in unseen else ():
                if required.slug in unseen:
                    yield from after_requirements(required.slug)
            yield slug

    for subject in order:
        yield from after_requirements(subject.question)
