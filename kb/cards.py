"""The cards of one open database: the fold of its log, kept in a table so that finding what is due is an index lookup."""

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from kb.log import Log, text_of
from kb.rating import Rating
from kb.scheduling import Card, Scheduler, State

COLUMNS = (
    "question, state, step, stability, difficulty, due_at, due_day, last_review, last_day, ordered_at, first_day, reviews,"
    " lapses, rating, revision"
)
PUT = f"INSERT OR REPLACE INTO cards ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(',')))})"


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

    def __init__(self, connection: sqlite3.Connection, log: Log) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._log = log

    def signature(self) -> str | None:
        """What the cards were folded with: the scheduler and the renames. None before the first fold."""
        return self._log.meta("signature")

    def make_stale(self) -> None:
        """Has the cards made anew before they are next used."""
        self._log.set_meta("signature", "")

    def rebuild(self, scheduler: Scheduler, signature: str, aliases: Mapping[str, str]) -> int:
        """Makes every card anew from the log, and returns how many there are."""
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
        former = [old for old, new in self._log.aliases().items() if new == question]
        card = scheduler.fold(question, self._log.reviews([question, *former]))
        if card is None:
            self._execute("DELETE FROM cards WHERE question = ?", [question])
        else:
            self.put(card)
        return card

    def put(self, card: Card) -> None:
        """Stores the card in the place of the one it follows."""
        self._execute(PUT, _row(card))

    def get(self, question: str) -> Card | None:
        """The card of this question; None when it was never answered."""
        row = self._execute(f"SELECT {COLUMNS} FROM cards WHERE question = ?", [question]).fetchone()
        return None if row is None else _card(row)

    def all(self) -> Iterator[Card]:
        """Every card, also of questions that the bank no longer has."""
        return map(_card, self._execute(f"SELECT {COLUMNS} FROM cards ORDER BY question"))

    def last_ratings(self) -> dict[str, Rating]:
        """The last rating of every card."""
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
        return self._questions(
            "SELECT question FROM cards WHERE due_day <= ?1 ORDER BY (?1 - last_day) / stability DESC, question",
            today.toordinal(),
        )

    def from_the_future(self, today: date) -> Iterator[str]:
        """The questions last answered more than a day ahead of today, while the clock was wrong."""
        return self._questions(
            "SELECT question FROM cards WHERE last_day > ? ORDER BY last_day, question", today.toordinal() + 1
        )

    def introduced(self, day: date) -> int:
        """How many questions were answered for the first time on this day."""
        return int(self._execute("SELECT count(*) FROM cards WHERE first_day = ?", [day.toordinal()]).fetchone()[0])

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
