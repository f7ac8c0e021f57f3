"""What the day of an interview will bring: expected recall with its uncertainty, what stays unseen, and what else to choose.

The parameters of FSRS are averages, so the days ahead are played through for three learners: as they say, forgetting faster and
growing slower, and the other way round (`rehearsal`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt

from kb.memory import Memory
from kb.planning.choice import Effort, Interview, Subject, learners_around
from kb.planning.rehearsal import Rehearsal

LEARNERS = ((1.0, 1.0, 1.0), (0.35, 3.0, 0.35), (2.5, 0.65, 2.0))  # as in `learners_around`, the one as they say first
FOUR_IN_FIVE = 1.2816  # standard deviations to both sides of the mean that hold four cases of five


@dataclass(frozen=True)
class Estimate:
    """An expected share of questions recalled; in four cases of five the share itself lies from `low` to `high`.

    Two variances add up: each question is recalled or not by chance (Bernoulli), and the parameters of FSRS may not fit the
    learner (the variance of the mean over the learners). What ratings the coming answers get is played through once for
    each learner and not counted as a third.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class TopicOutlook:
    """One topic on the day: `unseen` now, `left_unseen` then; recall with the plan, and if no more answers are given."""

    topic: str
    questions: int
    unseen: int
    left_unseen: int
    recall: Estimate
    if_stopped: Estimate


@dataclass(frozen=True)
class Choice:
    """What so many answers a day lead to."""

    answers_per_day: int
    left_unseen: int
    recall: Estimate


@dataclass(frozen=True)
class Outlook:
    """One interview: what its day will bring with the plan, and if no more answers are given.

    `answers_possible` are those before the interview; `answers_needed` show each unseen question once: its own, and those
    of the interviews before it. `choices` begins with the present answers a day and goes on with as many as leave nothing
    unseen, and as many as answer every question once and the unseen ones twice. `leave_out` names topics without which
    nothing stays unseen: the last ones in the order of teaching, none where it would be all.
    """

    interview: Interview
    days: int
    questions: int
    unseen: int
    answers_possible: int
    answers_needed: int
    left_unseen: int
    recall: Estimate
    if_stopped: Estimate
    topics: tuple[TopicOutlook, ...]
    choices: tuple[Choice, ...]
    leave_out: tuple[str, ...]


def outlooks(
    subjects: Sequence[Subject], interviews: Sequence[Interview], today: date, effort: Effort, memory: Memory
) -> tuple[Outlook, ...]:
    """What to expect of each of these interviews, which lie ahead, the nearest first."""
    rehearsals = _Rehearsals(subjects, interviews, today, memory)
    return tuple(_outlook(rehearsals, place, effort) for place in range(len(interviews)))


def _outlook(rehearsals: "_Rehearsals", which: int, effort: Effort) -> Outlook:
    subjects, interview, days = rehearsals.subjects, rehearsals.interviews[which], rehearsals.ends[which]
    covered = [place for place, subject in enumerate(subjects) if interview.covers(subject.topic)]
    planned, stopped = rehearsals.recalls(effort)[which], rehearsals.recalls(Effort(0))[which]
    topics = tuple(
        _topic(topic, [place for place in covered if subjects[place].topic == topic], subjects, planned, stopped)
        for topic in dict.fromkeys(subjects[place].topic for place in covered)
    )
    unseen = sum(topic.unseen for topic in topics)
    left_unseen = sum(topic.left_unseen for topic in topics)
    until_then = rehearsals.interviews[: which + 1]
    needed = sum(
        subject.last_day is None and any(each.covers(subject.topic) for each in until_then) for subject in subjects
    )
    efforts = {effort.per_day}
    if left_unseen:
        efforts.add(effort.enough(needed, days))
    if days > 1:
        efforts.add(effort.enough(needed + len(covered), days))
    choices = []
    for per_day in sorted(each for each in efforts if each >= effort.per_day):
        recalls = rehearsals.recalls(Effort(per_day, effort.done))[which]
        choices.append(Choice(per_day, _left_unseen(recalls, covered), _estimate(recalls, covered)))
    return Outlook(
        interview=interview,
        days=days,
        questions=len(covered),
        unseen=unseen,
        answers_possible=effort.until(days),
        answers_needed=needed,
        left_unseen=left_unseen,
        recall=_estimate(planned, covered),
        if_stopped=_estimate(stopped, covered),
        topics=topics,
        choices=tuple(choices),
        leave_out=_leave_out(topics, left_unseen),
    )


Recalls = Sequence[Sequence[float]]  # for each learner, the recall of each subject; 0 where it was never answered


def _topic(
    topic: str, places: Sequence[int], subjects: Sequence[Subject], planned: Recalls, stopped: Recalls
) -> TopicOutlook:
    return TopicOutlook(
        topic=topic,
        questions=len(places),
        unseen=sum(subjects[place].last_day is None for place in places),
        left_unseen=_left_unseen(planned, places),
        recall=_estimate(planned, places),
        if_stopped=_estimate(stopped, places),
    )


def _leave_out(topics: Sequence[TopicOutlook], left_unseen: int) -> tuple[str, ...]:
    out: list[TopicOutlook] = []
    for topic in reversed(topics):
        if sum(each.unseen for each in out) < left_unseen:
            out.append(topic)
    for topic in tuple(out):
        if sum(each.unseen for each in out) - topic.unseen >= left_unseen:
            out.remove(topic)
    return () if len(out) == len(topics) else tuple(topic.topic for topic in reversed(out))


def _left_unseen(recalls: Recalls, places: Sequence[int]) -> int:
    return sum(recalls[0][place] == 0 for place in places)


def _estimate(recalls: Recalls, places: Sequence[int]) -> Estimate:
    """The share of these subjects that is recalled."""
    if not places:
        return Estimate(0.0, 0.0, 0.0)
    means = [sum(each[place] for place in places) / len(places) for each in recalls]
    mean = sum(means) / len(means)
    of_parameters = sum((each - mean) ** 2 for each in means) / len(means)
    of_chance = sum(each[place] * (1 - each[place]) for each in recalls for place in places) / len(means)
    spread = FOUR_IN_FIVE * sqrt(of_parameters + of_chance / len(places) ** 2)
    return Estimate(mean, max(mean - spread, 0.0), min(mean + spread, 1.0))


class _Rehearsals:
    """The days ahead played through, once for each learner and each effort that is asked about."""

    def __init__(
        self, subjects: Sequence[Subject], interviews: Sequence[Interview], today: date, memory: Memory
    ) -> None:
        self.subjects = subjects
        self.interviews = interviews
        self.ends = [(interview.date - today).days for interview in interviews]
        self._today = today
        self._learners = learners_around(memory, LEARNERS)
        self._known: dict[Effort, list[Recalls]] = {}

    def recalls(self, effort: Effort) -> list[Recalls]:
        """What is recalled on the day of each interview."""
        if effort not in self._known:
            rehearsals = (Rehearsal(self.subjects, self.interviews, self._today, each) for each in self._learners)
            by_interview = zip(*(each.play(effort) for each in rehearsals), strict=True)
            self._known[effort] = [list(recalls) for recalls in by_interview]
        return self._known[effort]
