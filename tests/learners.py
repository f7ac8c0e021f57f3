"""Simulated learners whose memory is FSRS with parameters that the scheduler need not have, and the log they leave."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import exp

from kb.log import Details
from kb.memory import Memory
from kb.rating import Rating
from kb.scheduling import DEFAULT_PARAMETERS, Card, Review, Scheduler
from kb.store import Store

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
NEW_PER_DAY = 10
# shares of ratings; source: the defaults of the simulator of fsrs-rs, src/simulation.rs
FIRST = (0.24, 0.094, 0.495, 0.171)
RECALLED = (0.224, 0.631, 0.145)  # Hard, Good, Easy
AGAIN_TODAY = (0.2, 0.06, 0.68, 0.06)


def steeper(parameters: Sequence[float] = DEFAULT_PARAMETERS) -> tuple[float, ...]:
    """A learner who forgets faster than the parameters say, the more so the longer the wait."""
    return (*parameters[:8], parameters[8] - 0.6, *parameters[9:20], 0.5)


def drawn(seed: int) -> tuple[float, ...]:
    """The parameters of one learner, spread around the defaults."""
    luck, w = random.Random(seed), list(DEFAULT_PARAMETERS)
    level = luck.gauss(0, 0.5)
    w[:4] = sorted(days * exp(level + luck.gauss(0, 0.2)) for days in w[:4])
    w[4] += luck.gauss(0, 0.4)
    w[8] += luck.gauss(0, 0.3)
    for place, spread in ((10, 0.2), (11, 0.3), (17, 0.5), (20, 0.4)):
        w[place] *= exp(luck.gauss(0, spread))
    return (*w[:20], min(max(w[20], 0.1), 0.8))


def answers(parameters: Sequence[float], count: int, seed: int = 0) -> Iterator[tuple[str, Review]]:
    """So many answers of this learner, who answers everything that is due on its day and ten new questions."""
    luck, memory, scheduler = random.Random(seed), Memory(parameters), Scheduler()
    known: dict[str, tuple[float, float]] = {}
    cards: dict[str, Card] = {}
    given = 0
    for day in range(count):
        at = START + timedelta(days=day)
        due = [name for name, card in cards.items() if card.due_at or card.due_on <= at.date()]
        for name in (*due, *(f"q{day * NEW_PER_DAY + place}" for place in range(NEW_PER_DAY))):
            for _ in range(6):
                card = cards.get(name)
                waited = 0 if card is None else (at.date() - card.last_day).days
                if card is None:
                    rating = _pick(FIRST, luck)
                elif waited == 0:
                    rating = _pick(AGAIN_TODAY, luck)
                else:
                    chance = memory.recall(known[name][0], waited)
                    rating = _pick((1 - chance, *(chance * share for share in RECALLED)), luck)
                known[name] = memory.first(rating) if card is None else memory.after(*known[name], waited, rating)
                at += timedelta(seconds=1)
                review = Review(rating, at, at.date(), at)
                cards[name] = scheduler.review(name, card, review)
                yield name, review
                given += 1
                if given == count:
                    return
                if cards[name].due_on:
                    break


def write(store: Store, reviews: Iterator[tuple[str, Review]]) -> None:
    """Puts these answers into the log."""
    with store.writing() as transaction:
        for number, (name, review) in enumerate(reviews):
            transaction.log.add_review(f"review-{number}", name, review, Details())


def _pick(shares: Sequence[float], luck: random.Random) -> Rating:
    return luck.choices(list(Rating), shares)[0]
