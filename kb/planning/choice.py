"""What to answer now, so that most is recalled on the day of the interview.

An answer is worth what it adds to the expected number of questions recalled on the day. While the day is far, every question
is taken to be answered once more in the last pass before it, the days that one answer to each takes; so an early answer counts
for what it leaves after that, and new questions and reviews are measured alike. An unseen question is not recalled.
In the last pass itself a new question adds more than any review, and yet the later it is seen, the less of it is forgotten; so
new ones come a quarter faster than evenly, which leaves room for a missed day, and what failed is not kept waiting for them.
Nothing is kept from one choice to the next, so a missed day needs no rule of its own.

The parameters of FSRS are averages, and to be wrong about a learner who forgets faster costs more than to be wrong about one
who forgets slower. So two are asked, one as the parameters say and one who forgets much faster, and their mean decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from kb.memory import Memory
from kb.rating import Rating

MIN_WORTH = 0.001  # an answer that adds less than a thousandth of a question is not asked for
PACE = 1.25  # new questions of the last pass, relative to an even share on each day
LEARNERS = ((1.0, 1.0, 1.0), (0.35, 6.0, 1.0))  # as in `learners_around`
# shares among first answers; source: the defaults of the simulator of fsrs-rs, src/simulation.rs
FIRST_RATINGS = {Rating.Again: 0.24, Rating.Hard: 0.094, Rating.Good: 0.495, Rating.Easy: 0.171}
UNSEEN = -1.0  # stands for the days waited since an answer that was never given


@dataclass(frozen=True)
class Interview:
    """A day on which to know these topics; all of them where none is named."""

    date: date
    topics: tuple[str, ...] = ()

    def covers(self, topic: str) -> bool:
        """Whether the interview may ask about this topic."""
        return not self.topics or topic in self.topics


class Subject(NamedTuple):
    """A question as the plan sees it: never answered where `last_day` is None.

    `failed` says that the last rating is Again, `first_today` that it was seen for the first time today.
    """

    question: str
    topic: str
    stability: float = 0.0
    difficulty: float = 0.0
    last_day: date | None = None
    failed: bool = False
    first_today: bool = False


Valued = list[tuple[float, Subject]]  # what an answer adds to the expected number of questions recalled


@dataclass(frozen=True)
class Effort:
    """How many answers the learner gives each day, and has given today."""

    per_day: int
    done: int = 0

    @property
    def left(self) -> int:
        """The answers still to come today."""
        return max(self.per_day - self.done, 0)

    def until(self, days: int) -> int:
        """The answers before an interview in so many days; those of its own day count only when that is today."""
        return self.left + self.per_day * max(days - 1, 0)

    def enough(self, answers: int, days: int) -> int:
        """The fewest answers a day that make so many before an interview in so many days."""
        if answers == 0:
            return 0
        per_day = ceil((answers + self.done) / max(days, 1))
        return per_day if per_day >= self.done or days <= 1 else ceil(answers / (days - 1))


class Learner(NamedTuple):
    """One way in which the learner may remember: a memory, and what multiplies the stability that the scheduler believes."""

    memory: Memory
    strength: float


@lru_cache(maxsize=8)
def learners_around(memory: Memory, factors: tuple[tuple[float, float, float], ...]) -> tuple[Learner, ...]:
    """A learner for each three factors: on the stability, on the decay of recall and on the growth of stability."""
    return tuple(Learner(memory.varied(decay, growth), strength) for strength, decay, growth in factors)


def ahead(interviews: Iterable[Interview], today: date) -> tuple[Interview, ...]:
    """The interviews of today and later, the nearest first, each once."""
    return tuple(sorted({each for each in interviews if each.date >= today}, key=lambda each: (each.date, each.topics)))


def ranked(
    subjects: Sequence[Subject], interviews: Sequence[Interview], today: date, per_day: int, memory: Memory
) -> list[Subject]:
    """The subjects worth an answer now, the one that adds most first; where they add the same, in the order given."""
    return [each for part in valued(subjects, interviews, today, per_day, memory) for _, each in part]


def valued(
    subjects: Sequence[Subject], interviews: Sequence[Interview], today: date, per_day: int, memory: Memory
) -> tuple[Valued, Valued, Valued]:
    """The subjects worth an answer now and what each answer adds, in three parts of which each comes after the one before.

    Within a part, the one that adds most comes first. The second part are new ones that can wait for another day, the third
    what failed today. With several interviews ahead, what an answer adds to each counts. What was answered today rests until
    tomorrow, except that what failed comes once more where nothing else is left.
    """
    aims = [_aim(interview, subjects, today, per_day) for interview in interviews]
    aims_of = {topic: [aim for aim in aims if aim.covers(topic)] for topic in {each.topic for each in subjects}}
    learners = learners_around(memory, LEARNERS)
    order: list[tuple[float, Subject]] = []
    again: list[tuple[float, Subject]] = []
    for subject in subjects:
        waited = UNSEEN if subject.last_day is None else float(max((today - subject.last_day).days, 0))
        if waited or subject.failed:
            known = subject.stability, subject.difficulty, waited
            worth = sum(_worth(learners, *known, aim.days, aim.last_pass) for aim in aims_of[subject.topic])
            if worth >= MIN_WORTH:
                (order if waited else again).append((worth, subject))
    best = _best_first(order)
    held = _held_back((subject for _, subject in best), [aim for aim in aims if not aim.far])
    now = [each for each in best if each[1].question not in held]
    later = [each for each in best if each[1].question in held]
    return now, later, _best_first(again)


class _Aim(NamedTuple):
    """An interview as seen from today: the days until then, those that the last pass takes, and what is new until then."""

    interview: Interview
    days: int
    last_pass: float
    new_today: int

    @property
    def far(self) -> bool:
        """Whether the last pass is still ahead."""
        return _far(self.days, self.last_pass)

    def covers(self, topic: str) -> bool:
        """Whether the interview may ask about this topic."""
        return self.interview.covers(topic)


def _aim(interview: Interview, subjects: Sequence[Subject], today: date, per_day: int) -> _Aim:
    covered = [subject for subject in subjects if interview.covers(subject.topic)]
    days = (interview.date - today).days
    unseen = sum(subject.last_day is None for subject in covered)
    seen_today = sum(subject.first_today for subject in covered)
    new_today = ceil(PACE * (unseen + seen_today) / max(days, 1)) - seen_today
    return _Aim(interview, days, len(covered) / per_day, new_today)


def _far(days: int, last_pass: float) -> bool:
    return days > last_pass + 1


def _best_first(worths: Valued) -> Valued:
    return sorted(worths, key=lambda each: -each[0])


def _held_back(order: Iterable[Subject], near: Iterable[_Aim]) -> set[str]:
    """The unseen ones that can wait for another day: beyond what each near interview that covers them asks of today."""
    left = {aim: aim.new_today for aim in near}
    held = set()
    for subject in order:
        covering = [aim for aim in left if aim.covers(subject.topic)]
        if subject.last_day is None and covering:
            if all(left[aim] <= 0 for aim in covering):
                held.add(subject.question)
            for aim in covering:
                left[aim] -= 1
    return held


@lru_cache(maxsize=2**15)  # questions answered alike share their memory state, so most of a ranking is found here
def _worth(
    learners: tuple[Learner, ...], stability: float, difficulty: float, waited: float, days: int, last_pass: float
) -> float:
    """What an answer now, so long after the last one, adds to the expected recall in so many days."""
    added = 0.0
    for learner in learners:
        own = learner.strength * stability
        for chance, after, harder in _answered(learner, own, difficulty, waited):
            added += chance * _expected(learner, after, harder, 0.0, days, last_pass)
        added -= _expected(learner, own, difficulty, waited, days, last_pass)
    return added / len(learners)


def _expected(
    learner: Learner, stability: float, difficulty: float, waited: float, days: int, last_pass: float
) -> float:
    """The expected recall in so many days, with one more answer in the last pass where that is still ahead."""
    if not _far(days, last_pass):
        return 0.0 if waited == UNSEEN else learner.memory.recall(stability, max(waited + days, 1.0))
    left = max(last_pass / 2, 1.0)  # days from the answer in the last pass to the interview
    after = _answered(learner, stability, difficulty, UNSEEN if waited == UNSEEN else waited + days - left)
    return sum(chance * learner.memory.recall(stability, left) for chance, stability, _ in after)


def _answered(
    learner: Learner, stability: float, difficulty: float, waited: float
) -> tuple[tuple[float, float, float], ...]:
    """What an answer can lead to: its chance, then stability and difficulty. A recall counts as Good."""
    memory = learner.memory
    if waited == UNSEEN:
        first = ((share, memory.first(rating)) for rating, share in FIRST_RATINGS.items())
        return tuple((share, learner.strength * days, hardness) for share, (days, hardness) in first)
    chance = memory.recall(stability, waited)
    recalled = (chance, *memory.after(stability, difficulty, waited, Rating.Good))
    if waited < 1:
        return (recalled,)
    return recalled, (1 - chance, *memory.after(stability, difficulty, waited, Rating.Again))
