"""The cards of one open database: the fold of its log, kept in a table so that finding what is due is an index lookup."""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from math import inf
from operator import itemgetter
from typing import Any, NamedTuple

from kb.connections import Remembered
from kb.log import Log, text_of
from kb.rating import Rating
from kb.scheduling import Card, Scheduler, State

COLUMNS = (
    "question, state, step, stability, difficulty, due_at, due_day, last_review, last_day, ordered_at, first_day, reviews,"
    " lapses, rating, revision"
)
PUT = (  # first_day stays, and with it the page of its index
    f"INSERT INTO cards ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(',')))}) ON CONFLICT (question) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split(", ") if name not in ("question", "first_day"))
)

MAX_LOAD = 200  # on a day with so many questions it does not matter where one more goes


class Trace(NamedTuple):
    """What a plan needs of a card, quick to read; `stepping` says that it is on steps of minutes."""

    question: str
    stability: float
    difficulty: float
    first_day: int
    last_day: int
    rating: int
    stepping: int


class Cards:
    """Reads and writes through the connection of a log, inside the same transaction."""

    def __init__(self, connection: sqlite3.Connection, log: Log, remembered: Remembered | None = None) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._log = log
        self._remembered = Remembered() if remembered is None else remembered
        self._got: dict[str, Card | None] = {}

    def signature(self) -> str | None:
        """What the cards were folded with: the scheduler and the renames. None before the first fold."""
        return self._log.meta("signature")

    def make_stale(self) -> None:
        """Has the cards made anew before they are next used."""
        self._log.set_meta("signature", "")

    def rebuild(self, scheduler: Scheduler, signature: str, aliases: Mapping[str, str]) -> int:
        """Makes every card anew from the log, and returns how many there are."""
        self._remembered.clear()
        self._execute("DELETE FROM cards")
        self._log.set_aliases(aliases)
        self._log.set_meta("signature", signature)
        renamed = {*aliases.keys(), *aliases.values()}
        cards = (
            scheduler.fold(question, (review for _, review in group))
            for question, group in groupby(self._log.all_reviews(), key=itemgetter(0))
            if question not in renamed
        )
        self._connection.executemany(PUT, (_row(card) for card in cards if card is not None))
        for question in set(aliases.values()):
            self.refold(question, scheduler)
        return int(self._execute("SELECT count(*) FROM cards").fetchone()[0])

    def refold(self, question: str, scheduler: Scheduler) -> Card | None:
        """Makes the card of one question anew; None when no review of it stands."""
        self._remembered.clear()
        self._execute("DELETE FROM cards WHERE question = ?", [question])
        former = [old for old, new in self._log.aliases().items() if new == question]
        card = scheduler.fold(question, self._log.reviews([question, *former]))
        if card is not None:
            self.put(card)
        return card

    def put(self, card: Card) -> None:
        """Stores the card in the place of the one it follows."""
        self._execute(PUT, _row(card))
        self._remembered.changes += 1
        self._remember(card)

    def get(self, question: str) -> Card | None:
        """The card of this question; None when it was never answered."""
        row = self._execute(f"SELECT {COLUMNS} FROM cards WHERE question = ?", [question]).fetchone()
        card = self._got[question] = None if row is None else _card(row)
        return card

    def all(self) -> Iterator[Card]:
        """Every card, also of questions that the bank no longer has."""
        return map(_card, self._execute(f"SELECT {COLUMNS} FROM cards ORDER BY question"))

    def last_ratings(self) -> dict[str, Rating]:
        """The last rating of every card."""
        return self._remembered.get("ratings", self._last_ratings)

    def _last_ratings(self) -> dict[str, Rating]:
        return {question: Rating(rating) for question, rating in self._execute("SELECT question, rating FROM cards")}

    def traces(self) -> dict[str, Trace]:
        """The memory of every question."""
        rows = self._execute(
            "SELECT question, stability, difficulty, first_day, last_day, rating, due_at IS NOT NULL FROM cards"
        )
        return {row[0]: Trace._make(row) for row in rows}

    def learning(self, after: datetime | None, until: datetime) -> Iterator[str]:
        """The questions whose step of minutes runs out later than `after` and by `until`, the earliest first."""
        return self._questions(
            "SELECT question FROM cards WHERE due_at > ? AND due_at <= ? ORDER BY due_at, question",
            "" if after is None else text_of(after),
            text_of(until),
        )

    def due(self, today: date) -> Iterator[str]:
        """The questions whose interval of days is over, the one least likely to be recalled first.

        The chance of recall falls with the time since the last review in units of the stability, so that orders them.
        """

        def read() -> tuple[int, OrderedDict[str, None]]:
            questions = self._questions(
                "SELECT question FROM cards WHERE due_day <= ?1 ORDER BY (?1 - last_day) / stability DESC, question",
                today.toordinal(),
            )
            return today.toordinal(), OrderedDict.fromkeys(questions)

        day, questions = self._remembered.get("due", read)
        if day != today.toordinal():
            self._remembered.drop("due")
            _, questions = self._remembered.get("due", read)
        return iter(questions)

    def from_the_future(self, today: date) -> Iterator[str]:
        """The questions last answered more than a day ahead of today, while the clock was wrong."""
        return self._questions(
            "SELECT question FROM cards WHERE last_day > ? ORDER BY last_day, question", today.toordinal() + 1
        )

    def answered_on(self, day: date) -> set[str]:
        """The questions last answered on this day."""
        return set(self._questions("SELECT question FROM cards WHERE last_day = ?", day.toordinal()))

    def introduced(self, day: date) -> set[str]:
        """The questions answered for the first time on this day."""
        return set(self._questions("SELECT question FROM cards WHERE first_day = ?", day.toordinal()))

    def load(self, day: date) -> float:
        """How many questions come back on this day; infinity where there are more than it matters to count."""
        loads: dict[date, float] = self._remembered.get("loads", dict)
        if day not in loads:
            row = self._execute(
                "SELECT count(*) FROM (SELECT 1 FROM cards WHERE due_day = ? LIMIT ?)", [day.toordinal(), MAX_LOAD]
            ).fetchone()
            loads[day] = row[0] if row[0] < MAX_LOAD else inf
        return loads[day]

    def _remember(self, card: Card) -> None:
        """Brings what is remembered up to this card, which was just stored."""
        remembered, question = self._remembered, card.question
        if question not in self._got:
            remembered.drop("loads")
        elif (loads := remembered.known("loads")) is not None:
            before = self._got.pop(question)
            for day, change in ((None if before is None else before.due_on, -1), (card.due_on, 1)):
                if day in loads:
                    loads[day] += change
                    if loads[day] >= MAX_LOAD:  # how many there are beyond the limit is not known
                        del loads[day]
        if (given_away := remembered.known("given_away")) is not None:
            if given_away[0] == card.last_day:
                given_away[1].add(question)
            else:  # with the clock set back it may have been answered on that day before
                remembered.drop("given_away")
        if (ratings := remembered.known("ratings")) is not None:
            ratings[question] = card.rating
        if (due := remembered.known("due")) is not None:
            day, questions = due
            questions.pop(question, None)
            if card.due_on is not None and card.due_on.toordinal() <= day:
                remembered.drop("due")
        if (unseen := remembered.known("unseen")) is not None:
            unseen.pop(question, None)
        if question in (remembered.known("changed") or ()):
            remembered.drop("changed", "changed slugs")

    def _questions(self, statement: str, *values: Any) -> Iterator[str]:
        return (question for (question,) in self._execute(statement, values))


def _card(row: tuple[Any, ...]) -> Card:
    """The row of COLUMNS as a card."""
    question, state, step, stability, difficulty, due_at, due_day, last_review, last_day, ordered_at, *rest = row
    first_day, reviews, lapses, rating, revision = rest
    return Card(
        question=question,
        state=State(state),
        step=step,
        stability=stability,
        difficulty=difficulty,
        due_at=None if due_at is None else datetime.fromisoformat(due_at),
        due_on=None if due_day is None else date.fromordinal(due_day),
        last_review=datetime.fromisoformat(last_review),
        last_day=date.fromordinal(last_day),
        ordered_at=datetime.fromisoformat(ordered_at),
        first_day=date.fromordinal(first_day),
        reviews=reviews,
        lapses=lapses,
        rating=Rating(rating),
        revision=revision,
    )


def _row(card: Card) -> tuple[Any, ...]:
    """The card as a row of COLUMNS."""
    return (
        card.question,
        card.state.value,
        card.step,
        card.stability,
        card.difficulty,
        None if card.due_at is None else text_of(card.due_at),
        None if card.due_on is None else card.due_on.toordinal(),
        text_of(card.last_review),
        card.last_day.toordinal(),
        text_of(card.ordered_at),
        card.first_day.toordinal(),
        card.reviews,
        card.lapses,
        int(card.rating),
        card.revision,
    )
