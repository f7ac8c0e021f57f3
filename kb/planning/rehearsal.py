"""The days before the interviews played through once, for one learner: what is answered on each day, and what is recalled then.

On each day the questions of lowest recall are answered, those of a near interview first, which is quicker to play than the
daily choice and does about as well.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate, islice
from math import ceil, sqrt
from typing import NamedTuple

from kb.planning.choice import FIRST_RATINGS, Effort, Interview, Learner, Subject
from kb.rating import Rating

MAX_ROUNDS = 60  # a rehearsal of more days than this takes several of them in one round
FIRST_SHARES = tuple(zip(FIRST_RATINGS, accumulate(FIRST_RATINGS.values()), strict=True))  # each with all before it
SPREAD = tuple(sqrt(prime) % 1 for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53))


class _Alike(NamedTuple):
    """The places of the subjects that the same interviews cover, which end in so many days."""

    ends: tuple[int, ...]
    unseen: deque[int]
    seen: list[int]


def luck(place: int, answers: int) -> float:
    """A number from 0 to 1 that is the same each time, and as good as drawn for each subject and each of its answers.

    Over the subjects the numbers for one answer fill the unit interval evenly, and those for two answers the unit square, as
    the roots of different primes are no rational multiples of each other (Kronecker's sequence).
    """
    return (place + 0.5) * SPREAD[answers % len(SPREAD)] % 1


class Rehearsal:
    """The subjects as the days go by, which are counted from today; a subject is named by its place."""

    def __init__(
        self, subjects: Sequence[Subject], interviews: Sequence[Interview], today: date, learner: Learner
    ) -> None:
        self._memory, self._strength = learner
        self._ends = [(interview.date - today).days for interview in interviews]
        self._stability = [learner.strength * subject.stability for subject in subjects]
        self._difficulty = [subject.difficulty for subject in subjects]
        self._seen = [subject.last_day is not None for subject in subjects]
        self._last = [0 if each.last_day is None else min((each.last_day - today).days, 0) for each in subjects]
        self._answers = [0] * len(subjects)
        by_ends: dict[tuple[int, ...], _Alike] = {}
        by_topic: dict[str, _Alike] = {}
        self._alike = []
        for place, subject in enumerate(subjects):
            if subject.topic not in by_topic:
                covering = zip(self._ends, interviews, strict=True)
                ends = tuple(end for end, interview in covering if interview.covers(subject.topic))
                by_topic[subject.topic] = by_ends.setdefault(ends, _Alike(ends, deque(), []))
            alike = by_topic[subject.topic]
            self._alike.append(alike)
            (alike.seen if self._seen[place] else alike.unseen).append(place)
        self._groups = tuple(by_ends.values())

    def play(self, effort: Effort) -> Iterator[list[float]]:
        """The recall of each subject on one interview's day after the other."""
        round_days = max(ceil(self._ends[-1] / MAX_ROUNDS), 1)
        day = 0
        for end in self._ends:
            until = max(end, 1)  # answers on the day itself count only when it is today
            while day < until:
                days = min(round_days, until - day) if day else 1
                for place in self._weakest(effort.per_day * days if day else effort.left, day):
                    self._answer(place, day)
                day += days
            yield [self._recall(place, until) for place in range(len(self._seen))]

    def _recall(self, place: int, day: int) -> float:
        """The chance of recall on this day; 0 when it was never answered."""
        return self._memory.recall(self._stability[place], day - self._last[place]) if self._seen[place] else 0.0

    def _weakest(self, count: int, day: int) -> list[int]:
        """So many subjects by which most is lost on this day, shared out over the days to each interview that covers them."""
        found: list[tuple[float, int]] = []
        for alike in self._groups:
            urgency = sum(1 / max(end - day, 1) for end in alike.ends if day <= end)
            if count and urgency:
                weak = list(islice(alike.unseen, count))
                weak += self._weakest_seen(alike.seen, count - len(weak), day)
                found += ((urgency * (self._recall(place, day) - 1), place) for place in weak)
        return [place for _, place in sorted(found)[:count]]

    def _weakest_seen(self, places: Sequence[int], count: int, day: int) -> list[int]:
        """So many of these by recall, the lowest ones; none that was answered on this day.

        Recall falls with the days waited in units of the stability, which is quicker to compute.
        """
        if count == 0:
            return []
        last, stability = self._last, self._stability
        waited = [(day - last[place]) / stability[place] for place in places]
        least = sorted(waited)[-count] if count < len(waited) else 0.0
        weak = [place for place, units in zip(places, waited, strict=True) if units > least]
        if least:
            equal = sorted(place for place, units in zip(places, waited, strict=True) if units == least)
            weak += equal[: count - len(weak)]
        return weak

    def _answer(self, place: int, day: int) -> None:
        """Answers the question on this day; what rating it gets follows from its place and the number of its answers."""
        memory = self._memory
        drawn = luck(place, self._answers[place])
        if not self._seen[place]:
            rating = next((rating for rating, share in FIRST_SHARES if drawn < share), Rating.Easy)
            stability, difficulty = memory.first(rating)
            stability *= self._strength
            self._seen[place] = True
            alike = self._alike[place]
            alike.seen.append(alike.unseen.popleft())  # unseen ones are answered in their order
        else:
            waited, stability, difficulty = day - self._last[place], self._stability[place], self._difficulty[place]
            rating = Rating.Good if drawn < memory.recall(stability, waited) else Rating.Again
            stability, difficulty = memory.after(stability, difficulty, waited, rating)
        self._stability[place], self._difficulty[place] = stability, difficulty
        self._last[place] = day
        self._answers[place] += 1
