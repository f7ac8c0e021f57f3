"""Promise: with the plan, simulated learners recall at least as much on the day of the interview as with any usual schedule.

Each learner has 300 questions and gives the same number of answers a day whichever schedule asks them; ratings are drawn from the
learner's own memory, with the same luck under each. Three schedules stand against the plan, all with py-fsrs at a desired
retention of 0.9, an answer taking 40 seconds, and answers that nothing is due for spent on reviews ahead of time:

- due first: steps, then reviews that are due, the least likely to be recalled first, then new questions;
- new first: on each day first its even share of the questions not seen yet, then as above;
- capped: new first, and no interval reaches beyond the last day before the interview.

Each of them has the steps of 1 and 10 minutes that py-fsrs and Anki begin with, or no steps, as some prefer with FSRS.
Learners are of six kinds, of which the plan assumes only the first; `Learner` says how each remembers. The recall on the day is
the mean over the questions of the learner's true chance, 0 for an unseen one. Intervals are of 95 %, over seeds. Promised are:
the plan behind no schedule beyond the interval in any setting; ahead of due first with its usual steps by 25 points at 7 days
and 18 at 14; ahead of new first, with steps or without, beyond the interval at 14 and 21 days.
"""

import heapq
import math
import random
import statistics
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import fsrs

sys.path[0] = str(Path(__file__).parents[1])  # run as a file, this module would hide packages of the same name

from kb.memory import Memory  # noqa: E402
from kb.planning import Effort, Interview, Subject, ranked  # noqa: E402
from kb.planning.forecast import Estimate, outlooks  # noqa: E402
from kb.rating import Rating  # noqa: E402
from kb.scheduling import Card, Review, Scheduler, State  # noqa: E402

SETTINGS = ((7, 60), (14, 50), (21, 40), (60, 40))  # days, answers a day
KINDS = ("as assumed", "skips days", "steeper", "exponential", "half-life", "needs steps")
PLAN, DUE_FIRST, NEW_FIRST, CAPPED, NO_STEPS = "plan", "due first", "new first", "capped", ", no steps"
SEEDS = range(1000, 1020)  # not those on which the constants of the plan were chosen
T_95 = 2.093  # Student's t for 20 seeds
AHEAD_OF_DUE_FIRST = {7: 25.0, 14: 18.0}
AHEAD_OF_NEW_FIRST = (14, 21)
QUESTIONS = tuple(f"q{index}" for index in range(300))
START = date(2026, 3, 2)
ANSWER = timedelta(seconds=40)

# Source of these shares: the defaults of the simulator of fsrs-rs, src/simulation.rs
FIRST = (0.24, 0.094, 0.495, 0.171)
RECALLED = (0.224, 0.631, 0.145)  # Hard, Good, Easy
STEP = {  # the next rating on the same day, after Again, Hard, and Good or Easy
    State.LEARNING: (
        (0.3686, 0.0628, 0.5108, 0.0577),
        (0.0442, 0.4553, 0.4457, 0.0549),
        (0.0519, 0.047, 0.8462, 0.055),
    ),
    State.RELEARNING: (
        (0.2157, 0.0643, 0.6595, 0.0604),
        (0.05, 0.4638, 0.4475, 0.0387),
        (0.1057, 0.1434, 0.7266, 0.0244),
    ),
}


class Learner:
    """One simulated learner: true memories that no schedule sees, and the ratings that follow from them.

    as assumed: FSRS-6 with parameters drawn around the defaults, questions of different ease, and own shares of first ratings.
    skips days: the same, and a quarter of the days is missed without notice.
    steeper: a decay of 0.5 instead of about 0.15, and stability grows about half as fast.
    exponential: recall falls as 0.9 to the power of days over stability.
    half-life: exponential, and a recall multiplies stability by 2.2 however long the wait was; forgetting leaves 0.4 of it,
    at least 0.3 days.
    needs steps: what was not recalled counts half until it is recalled once, be it on the same day.
    """

    def __init__(self, kind: str, seed: int, defaults: tuple[float, ...]) -> None:
        source = random.Random(f"{kind} {seed}")
        self.kind = kind
        self._memory = Memory(_drawn(defaults, kind, source))
        self._first = _shares([source.gammavariate(12 * share, 1.0) for share in FIRST])
        self._ease = {question: math.exp(source.gauss(0, 0.3)) for question in QUESTIONS}
        self._luck = {question: [source.random() for _ in range(50)] for question in QUESTIONS}
        self._absent = [kind == "skips days" and source.random() < 0.25 for _ in range(SETTINGS[-1][0])]
        self.forget()

    def forget(self) -> None:
        """Begins anew, with the same luck."""
        self._known: dict[str, tuple[float, float, int, Rating]] = {}  # stability, difficulty, last day, last rating
        self._answers = dict.fromkeys(QUESTIONS, 0)

    def studies(self, day: int) -> bool:
        """Whether the learner is there on this day."""
        return not self._absent[day]

    def recall(self, question: str, day: int) -> float:
        """The true chance of recall on this day; 0 for what was never seen."""
        if question not in self._known:
            return 0.0
        stability, _, last, rating = self._known[question]
        days = day - last
        exponential = self.kind in ("exponential", "half-life")
        chance = 0.9 ** (days / stability) if exponential else self._memory.recall(stability, days)
        return chance / 2 if self.kind == "needs steps" and rating is Rating.Again else chance

    def answer(self, question: str, day: int, state: State) -> Rating:
        """The rating of an answer on this day, after which the memory is another."""
        luck = self._luck[question][min(self._answers[question], 49)]
        self._answers[question] += 1
        if question not in self._known:
            rating = _pick(self._first, luck)
            stability, difficulty = self._memory.first(rating)
            self._known[question] = (stability * self._ease[question], difficulty, day, rating)
            return rating
        stability, difficulty, last, before = self._known[question]
        if day == last:
            table = STEP[State.RELEARNING if state is State.RELEARNING else State.LEARNING]
            rating = _pick(table[min(before, 3) - 1], luck)
        else:
            chance = self.recall(question, day)
            rating = _pick((1 - chance, *(chance * share for share in RECALLED)), luck)
        if self.kind == "half-life":
            same_day, again = day == last, rating is Rating.Again
            stability = max(stability * ((1.0 if again else 1.1) if same_day else 0.4 if again else 2.2), 0.3)
        else:
            stability, difficulty = self._memory.after(stability, difficulty, day - last, rating)
        self._known[question] = (stability, difficulty, day, rating)
        return rating


def _drawn(defaults: tuple[float, ...], kind: str, source: random.Random) -> list[float]:
    """The parameters of one learner."""
    w = list(defaults)
    level = source.gauss(0, 0.5)
    w[:4] = sorted(days * math.exp(level + source.gauss(0, 0.2)) for days in w[:4])
    w[4] += source.gauss(0, 0.4)
    w[8] += source.gauss(0, 0.3)
    for place, spread in ((10, 0.2), (11, 0.3), (17, 0.5), (20, 0.4)):
        w[place] *= math.exp(source.gauss(0, spread))
    if kind == "steeper":
        w[8] -= 0.6
        w[20] = 0.5
    w[20] = min(max(w[20], 0.1), 0.8)
    return w


def _shares(weights: list[float]) -> tuple[float, ...]:
    return tuple(weight / sum(weights) for weight in weights)


def _pick(shares: tuple[float, ...], luck: float) -> Rating:
    for rating, share in zip(Rating, shares, strict=True):
        luck -= share
        if luck < 0:
            return rating
    return Rating.Easy


class WithoutSteps(Scheduler):
    """A scheduler whose first interval is one of days already."""

    def __init__(self) -> None:
        super().__init__()
        self._fsrs = fsrs.Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


class Usual:
    """The three usual schedules, after the queue of kb/choosing.py."""

    def __init__(self, scheduler: Scheduler, *, new_first: bool = False, capped: bool = False) -> None:
        self.scheduler = scheduler
        self._new_first = new_first
        self._capped = capped

    def questions(self, cards: dict[str, Card], clock: "Clock", interview: Interview, _per_day: int) -> Iterator[str]:
        """What to answer on this day, one after the other; the cards change between them."""
        today, last_day = clock.day, interview.date - timedelta(days=1)
        unseen = [question for question in QUESTIONS if question not in cards]
        share = math.ceil(len(unseen) / (interview.date - today).days) if self._new_first else 0
        reviews = sorted(
            (card for card in cards.values() if card.due_on),
            key=lambda card: self.scheduler.retrievability(card, today),
        )
        due = [card.question for card in reviews if card.due_on <= today or (self._capped and last_day <= today)]
        due_now = set(due)
        early = [card.question for card in reviews if card.question not in due_now]
        steps = [(card.due_at, card.question) for card in cards.values() if card.due_at]
        heapq.heapify(steps)
        waiting = {"new": iter(unseen), "due": iter(due), "early": iter(early)}
        while True:
            question = next(waiting["new"], None) if share > 0 else None
            share -= 1
            if question is None and steps and steps[0][0] <= clock.now:
                question = heapq.heappop(steps)[1]
            question = question or next(waiting["due"], None) or next(waiting["new"], None)
            if question is None and steps:
                question = heapq.heappop(steps)[1]
            question = question or next(waiting["early"], None)
            if question is None:
                return
            yield question
            due_at = cards[question].due_at
            if due_at:
                heapq.heappush(steps, (due_at, question))


class Planned:
    """The plan of kb/planning."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def questions(self, cards: dict[str, Card], clock: "Clock", interview: Interview, per_day: int) -> Iterator[str]:
        """What to answer on this day, one after the other; the cards change between them."""
        while order := ranked(subjects(cards, clock.day), [interview], clock.day, per_day, self.scheduler.memory):
            yield from (subject.question for subject in order)  # an answer moves no other question of the same day


class Clock:
    """The time in a simulation; each answer takes 40 seconds."""

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, day: int) -> None:
        """The morning of this day."""
        self.day = START + timedelta(days=day)
        self.now = datetime(self.day.year, self.day.month, self.day.day, 9, tzinfo=UTC)


def subjects(cards: dict[str, Card], today: date) -> list[Subject]:
    """The questions as the plan sees them."""
    found = []
    for question in QUESTIONS:
        card = cards.get(question)
        if card is None:
            found.append(Subject(question, "topic"))
        else:
            failed = card.rating is Rating.Again
            first = card.first_day == today
            found.append(Subject(question, "topic", card.stability, card.difficulty, card.last_day, failed, first))
    return found


class Simulation:
    """One learner under one schedule, from the first day to the interview."""

    def __init__(self, scheduler: Scheduler, learner: Learner, days: int, per_day: int) -> None:
        self.cards: dict[str, Card] = {}
        self._scheduler = scheduler
        self._learner = learner
        self._days = days
        self._per_day = per_day
        self._interview = Interview(START + timedelta(days=days))
        self._learner.forget()

    def run(self, schedule: Usual | Planned, first: int, until: int) -> None:
        """Studies on the days from the first on, before the last."""
        clock = Clock()
        for day in range(first, until):
            if self._learner.studies(day):
                clock.begin(day)
                self._study(schedule.questions(self.cards, clock, self._interview, self._per_day), clock, day)

    def recall(self) -> float:
        """The share of all questions that is recalled at the interview, in percent."""
        return 100 * statistics.fmean(self._learner.recall(question, self._days) for question in QUESTIONS)

    def recalled(self) -> float:
        """The share of all questions that is recalled in an interview that asks each of them once."""
        luck = random.Random(self._days)
        return statistics.fmean(luck.random() < self._learner.recall(each, self._days) for each in QUESTIONS)

    def _study(self, questions: Iterator[str], clock: Clock, day: int) -> None:
        for _, question in zip(range(self._per_day), questions, strict=False):
            card = self.cards.get(question)
            rating = self._learner.answer(question, day, State.LEARNING if card is None else card.state)
            clock.now += ANSWER
            review = Review(rating, clock.now, clock.day, clock.now)
            self.cards[question] = self._scheduler.review(question, card, review)

    def forecast(self, day: int) -> Estimate:
        """The recall at the interview as the plan expects it on the morning of this day."""
        today = START + timedelta(days=day)
        seen = subjects(self.cards, today)
        (outlook,) = outlooks(seen, [self._interview], today, Effort(self._per_day), self._scheduler.memory)
        return outlook.recall


class Results:
    """The recall of every learner under each schedule in one setting, and what the plan had forecast half-way."""

    def __init__(self, scheduler: Scheduler, days: int, per_day: int) -> None:
        schedules: dict[str, Planned | Usual] = {PLAN: Planned(scheduler)}
        for steps, each in (("", scheduler), (NO_STEPS, WithoutSteps())):
            schedules[DUE_FIRST + steps] = Usual(each)
            schedules[NEW_FIRST + steps] = Usual(each, new_first=True)
            schedules[CAPPED + steps] = Usual(each, new_first=True, capped=True)
        self.recalls: dict[str, dict[str, list[float]]] = {name: {kind: [] for kind in KINDS} for name in schedules}
        self.errors: list[float] = []
        self.hits: list[bool] = []
        for kind in KINDS:
            for seed in SEEDS:
                learner = Learner(kind, seed, scheduler.memory.parameters)
                for name, schedule in schedules.items():
                    simulation = Simulation(schedule.scheduler, learner, days, per_day)
                    simulation.run(schedule, 0, days // 2)
                    expected = simulation.forecast(days // 2) if name == PLAN else None
                    simulation.run(schedule, days // 2, days)
                    self.recalls[name][kind].append(simulation.recall())
                    if expected is not None:
                        self.errors.append(100 * expected.mean - simulation.recall())
                        self.hits.append(expected.low <= simulation.recalled() <= expected.high)

    def by_seed(self, name: str, kind: str | None = None) -> list[float]:
        """The recall under this schedule, seed by seed; the mean over the kinds of learner where none is named."""
        recalls = self.recalls[name]
        return recalls[kind] if kind else [statistics.fmean(row) for row in zip(*recalls.values(), strict=True)]

    def lead(self, name: str, kind: str | None = None) -> tuple[float, float]:
        """How many points the plan is ahead of this schedule with the same learners, and half the width of the interval."""
        pairs = zip(self.by_seed(PLAN, kind), self.by_seed(name, kind), strict=True)
        return interval([plan - other for plan, other in pairs])


def interval(values: list[float]) -> tuple[float, float]:
    """The mean and half the width of its confidence interval."""
    return statistics.fmean(values), T_95 * statistics.stdev(values) / math.sqrt(len(values))


def main() -> int:
    """Prints the recalls, and how far the plan is ahead; 0 when every promise is kept."""
    scheduler = Scheduler()
    broken: list[str] = []
    print(
        f"Recall on the day in percent over {len(SEEDS)} seeds; * where the plan is behind with this kind of learner."
    )
    for days, per_day in SETTINGS:
        results = Results(scheduler, days, per_day)
        print(
            f"\n{days} days, {per_day} answers a day".ljust(24)
            + f"{'all':>12}"
            + "".join(f"{kind:>13}" for kind in KINDS)
        )
        for name in results.recalls:
            mean, width = interval(results.by_seed(name))
            row = f"{name:23}{mean:5.1f} ± {width:3.1f} "
            for kind in KINDS:
                lead, width = results.lead(name, kind)
                behind = "*" if lead + width < 0 else " "
                row += f"{statistics.fmean(results.by_seed(name, kind)):12.1f}{behind}"
            if name != PLAN:
                lead, width = results.lead(name)
                row += f"  plan ahead {lead:5.1f} ± {width:.1f}"
                if not _kept(name, days, lead, width):
                    broken.append(f"{name} at {days} days")
            print(row)
        error, spread = statistics.fmean(results.errors), statistics.stdev(results.errors)
        inside = f"{statistics.fmean(results.hits):.0%} of the days inside the interval said to hold 4 in 5"
        print(f"forecast half-way: off by {error:+.1f} on average, ± {spread:.1f} from learner to learner; {inside}")
    print("\nevery promise kept" if not broken else f"\nbroken: {', '.join(broken)}")
    return int(bool(broken))


def _kept(name: str, days: int, lead: float, width: float) -> bool:
    """Whether so much lead keeps the promises about this schedule."""
    if name == DUE_FIRST and lead < AHEAD_OF_DUE_FIRST.get(days, lead):
        return False
    ahead = name.startswith(NEW_FIRST) and days in AHEAD_OF_NEW_FIRST
    return lead > width if ahead else lead + width >= 0


if __name__ == "__main__":
    sys.exit(main())
