"""The append-only log of one open database: answers, their withdrawals, and events such as settings.

Leaves out the cards that are its fold (kb/cards.py), and transactions and faults (kb/store.py).
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from kb.connections import Remembered
from kb.errors import UsageError
from kb.rating import Rating
from kb.scheduling import Review

REVIEW_COLUMNS = (
    "id, kind, target, question, revision, rating, reviewed_at, ordered_at, day, duration_ms, answer, params, prediction,"
    " correct, device, seed, origin, spread"
)
TIMED_ANSWERS, MIN_TIMED_ANSWERS = 200, 20  # how many answers tell the pace of the learner
FOLDED_COLUMNS = "rating, reviewed_at, day, ordered_at, revision, spread, kind = 'known'"
BURIED_WITHIN = timedelta(days=2)  # no learner's day begins earlier in UTC, wherever the learner is
EVENT_COLUMNS = "id, kind, question, name, value, at, ordered_at, origin"


@dataclass(frozen=True)
class Stored:
    """A review found in the log by its id."""

    question: str
    rating: Rating
    undone: bool


class Mark(NamedTuple):
    """The last thing the learner decided about a question: which of the kinds asked for, and what goes with it."""

    kind: str
    name: str | None
    value: Any


@dataclass(frozen=True)
class Details:
    """What the log keeps of an answer beside its rating; `answer`, `params` and `prediction` are JSON."""

    duration_ms: int | None = None
    answer: str | None = None
    params: str | None = None
    prediction: str | None = None
    correct: bool | None = None
    device: str | None = None
    seed: int | None = None


class Log:
    """Reads and appends through one connection, inside the transaction that kb/store.py opened on it."""

    def __init__(self, connection: sqlite3.Connection, remembered: Remembered | None = None) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._remembered = Remembered() if remembered is None else remembered

    def find(self, review_id: str) -> Stored | None:
        """The review with this id."""
        row = self._execute(
            "SELECT question, rating, EXISTS (SELECT 1 FROM reviews WHERE target = :id) FROM reviews"
            " WHERE id = :id AND kind = 'review'",
            {"id": review_id},
        ).fetchone()
        return None if row is None else Stored(row[0], Rating(row[1]), bool(row[2]))

    def reviews(self, questions: Iterable[str]) -> Iterator[Review]:
        """The reviews of these questions that stand, in the order of the fold."""
        names = list(questions)
        places = ", ".join("?" * len(names))
        rows = self._execute(
            f"SELECT {FOLDED_COLUMNS} FROM answers WHERE question IN ({places}) ORDER BY ordered_at, id",
            names,
        )
        return (review_of(*row) for row in rows)

    def all_reviews(self) -> Iterator[tuple[str, Review]]:
        """Every review that stands and its question, question by question, each in the order of the fold."""
        rows = self._execute(f"SELECT question, {FOLDED_COLUMNS} FROM answers ORDER BY question, ordered_at, id")
        return ((question, review_of(*row)) for question, *row in rows)

    def add_review(
        self, review_id: str, question: str, review: Review, details: Details, origin: str | None = None
    ) -> None:
        """Appends a review; `origin` names another program that it was given in."""
        self._insert(
            "reviews",
            id=review_id,
            kind="known" if review.known else "review",
            question=question,
            revision=review.revision,
            rating=int(review.rating),
            reviewed_at=text_of(review.reviewed_at),
            ordered_at=text_of(review.ordered_at),
            day=review.day.isoformat(),
            spread=review.spread,
            **vars(details),
            **({} if origin is None else {"origin": origin}),
        )
        self._remembered.changes += 1
        if origin is None:
            self._remembered.put("last answer", (review_id, question))
        self._remembered.drop(("known", review.day))

    def add_undo(self, review_id: str, at: datetime, day: date) -> None:
        """Appends the withdrawal of this review."""
        self._remembered.clear()
        question, revision = self._execute(
            "SELECT question, revision FROM reviews WHERE id = ?", [review_id]
        ).fetchone()
        self._insert(
            "reviews",
            id=uuid.uuid4().hex,
            kind="undo",
            target=review_id,
            question=question,
            revision=revision,
            reviewed_at=text_of(at),
            ordered_at=text_of(at),
            day=day.isoformat(),
        )

    def last_answer(self) -> tuple[str, str] | None:
        """The id and the question of the last review that was given here and stands, or of what was known already."""

        def read() -> tuple[str, str] | None:
            row: tuple[str, str] | None = self._execute(
                "SELECT id, question FROM reviews AS review WHERE origin = ? AND kind <> 'undo' AND NOT EXISTS"
                " (SELECT 1 FROM reviews AS undo WHERE undo.target = review.id) ORDER BY rowid DESC LIMIT 1",
                [self.meta("origin")],
            ).fetchone()
            return row

        return self._remembered.get("last answer", read)

    def answers_by_day(self, since: date) -> dict[date, int]:
        """How many answers each of the learner's days has, from this one on."""
        rows = self._execute(
            "SELECT day, count(*) FROM answers WHERE kind = 'review' AND day >= ? GROUP BY day", [since.isoformat()]
        )
        return {date.fromisoformat(day): count for day, count in rows}

    def seconds_per_answer(self) -> float | None:
        """The median time of the last answers that were timed; None while there are too few of them."""
        rows = self._execute(
            "SELECT duration_ms FROM reviews WHERE duration_ms IS NOT NULL ORDER BY rowid DESC LIMIT ?", [TIMED_ANSWERS]
        )
        times = sorted(duration_ms for (duration_ms,) in rows)
        return times[len(times) // 2] / 1000 if len(times) >= MIN_TIMED_ANSWERS else None

    def last_day(self, until: date) -> date | None:
        """The last of the learner's days up to this one on which an answer was given."""
        row = self._execute(
            "SELECT day FROM answers WHERE kind = 'review' AND day <= ? ORDER BY day DESC LIMIT 1", [until.isoformat()]
        ).fetchone()
        return None if row is None else date.fromisoformat(row[0])

    def first_answers(self, since: date, until: date) -> dict[tuple[str, date], Rating]:
        """The first answer to each question on each of the learner's days in this span."""
        rows = self._execute(
            "SELECT question, day, rating FROM answers WHERE kind = 'review' AND day BETWEEN ? AND ?"
            " ORDER BY day, ordered_at, id",
            [since.isoformat(), until.isoformat()],
        )
        aliases = self.aliases()
        first: dict[tuple[str, date], Rating] = {}
        for question, day, rating in rows:
            first.setdefault((aliases.get(question, question), date.fromisoformat(day)), Rating(rating))
        return first

    def last_known(self, questions: Iterable[str], day: date) -> str | None:
        """The id of the last review of these questions, if on this day it was taken as known already."""
        names = list(questions)
        row = self._execute(
            f"SELECT id, kind, day FROM answers WHERE question IN ({', '.join('?' * len(names))})"
            " ORDER BY ordered_at DESC, id DESC LIMIT 1",
            names,
        ).fetchone()
        return row[0] if row is not None and row[1:] == ("known", day.isoformat()) else None

    def known_on(self, day: date) -> set[str]:
        """The questions that the learner took as known already on this day."""

        def read() -> set[str]:
            rows = self._execute("SELECT question FROM answers WHERE kind = 'known' AND day = ?", [day.isoformat()])
            aliases = self.aliases()
            return {aliases.get(question, question) for (question,) in rows}

        return self._remembered.get(("known", day), read)

    def count_known(self) -> int:
        """How often a question was taken as known already."""
        return int(self._execute("SELECT count(*) FROM answers WHERE kind = 'known'").fetchone()[0])

    def add_event(
        self, kind: str, at: datetime, *, question: str | None = None, name: str | None = None, value: Any = None
    ) -> None:
        """Appends an event; it comes after all earlier ones, also where the clock was set back."""
        self._remembered.clear()
        (last,) = self._execute("SELECT max(ordered_at) FROM events").fetchone()
        ordered_at = after(at, None if last is None else datetime.fromisoformat(last))
        self._insert(
            "events",
            id=uuid.uuid4().hex,
            kind=kind,
            question=question,
            name=name,
            value=to_json(name or kind, value),
            at=text_of(at),
            ordered_at=text_of(ordered_at),
        )

    def settings(self) -> dict[str, Any]:
        """The value last given to each setting."""
        rows = self._execute("SELECT name, value FROM events WHERE kind = 'setting' ORDER BY ordered_at, id")
        return {name: None if value is None else json.loads(value) for name, value in rows}

    def last_marks(self, *kinds: str, since: datetime | None = None) -> dict[str, Mark]:
        """The last event of these kinds about each question, among those since this time where one is given."""
        rows = self._execute(
            f"SELECT question, kind, name, value FROM events WHERE kind IN ({', '.join('?' * len(kinds))})"
            " AND ordered_at >= ? AND question IS NOT NULL ORDER BY ordered_at, id",
            [*kinds, "" if since is None else text_of(since)],
        )
        aliases = self.aliases()
        return {
            aliases.get(question, question): Mark(kind, name, json.loads(value or "null"))
            for question, kind, name, value in rows
        }

    def suspended(self) -> set[str]:
        """The questions that the learner put aside."""

        def read() -> set[str]:
            last = self.last_marks("suspend", "unsuspend")
            return {question for question, mark in last.items() if mark.kind == "suspend"}

        return self._remembered.get("suspended", read)

    def buried(self, today: date) -> set[str]:
        """The questions that the learner put off until tomorrow."""

        def read() -> set[str]:
            since = datetime(today.year, today.month, today.day, tzinfo=UTC) - BURIED_WITHIN
            last = self.last_marks("bury", "unbury", since=since)
            return {question for question, mark in last.items() if mark == ("bury", None, today.isoformat())}

        return self._remembered.get(("buried", today), read)

    def demo_days(self) -> Iterator[tuple[str, date]]:
        """Each demo and each of the learner's days on which it was run."""
        rows = self._execute("SELECT DISTINCT name, value FROM events WHERE kind = 'demo_run' ORDER BY name, value")
        return ((name, date.fromisoformat(json.loads(value))) for name, value in rows)

    def merge(self, other: "Log") -> int:
        """Adds the rows of another log that are not here yet, and returns how many there were."""
        self._remembered.clear()
        before = self._connection.total_changes
        for table, columns in (("reviews", REVIEW_COLUMNS), ("events", EVENT_COLUMNS)):
            places = ", ".join("?" * len(columns.split(",")))
            self._connection.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({places})",
                other._execute(f"SELECT {columns} FROM {table} ORDER BY rowid"),
            )
        return self._connection.total_changes - before

    def raw(self, statement: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """What this statement selects, as it is stored: for looking for faults, and for statistics."""
        return iter(self._execute(statement, values))

    def execute_schema(self, statement: str) -> None:
        """Makes or drops a trigger, a view or an index; the rows stay as they are."""
        self._execute(statement)

    def names(self, questions: Iterable[str]) -> set[str]:
        """Those of the given questions that the log speaks of."""
        return {
            question
            for question in questions
            for table in ("reviews", "events")
            if self._execute(f"SELECT 1 FROM {table} WHERE question = ? LIMIT 1", [question]).fetchone()
        }

    def aliases(self) -> dict[str, str]:
        """The present slug of each question that was renamed since the log spoke of it."""
        return dict(json.loads(self.meta("aliases") or "{}"))

    def set_aliases(self, aliases: Mapping[str, str]) -> None:
        """Notes which questions were renamed, and to what."""
        self.set_meta("aliases", json.dumps(aliases, sort_keys=True))

    def meta(self, key: str) -> str | None:
        """What this database notes about itself under this key."""

        def read() -> str | None:
            row = self._execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
            return None if row is None else str(row[0])

        return self._remembered.get(("meta", key), read)

    def set_meta(self, key: str, value: str) -> None:
        """Notes this value in the place of the one before."""
        self._remembered.clear()
        self._execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", [key, value])

    def _insert(self, table: str, **values: Any) -> None:
        """Appends a row, which originates here unless it names another origin."""
        values.setdefault("origin", self.meta("origin"))
        places = ", ".join(f":{column}" for column in values)
        self._execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", values)


def review_of(
    rating: int, reviewed_at: str, day: str, ordered_at: str, revision: int, spread: float | None, known: int
) -> Review:
    """The columns of a row as the scheduler takes them."""
    return Review(
        rating=Rating(rating),
        reviewed_at=datetime.fromisoformat(reviewed_at),
        day=date.fromisoformat(day),
        ordered_at=datetime.fromisoformat(ordered_at),
        revision=revision,
        spread=spread,
        known=bool(known),
    )


def after(at: datetime, last: datetime | None) -> datetime:
    """This time, or where it is not later than the last one, the microsecond after that."""
    return at if last is None or at > last else last + timedelta(microseconds=1)


def text_of(at: datetime) -> str:
    """The time as the database holds it: UTC, always 32 characters."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def to_json(what: str, value: Any) -> str | None:
    """The value as JSON, None as None.

    Raises: UsageError for a value that JSON cannot hold, NaN and the infinities included.
    """
    if value is None:
        return None
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()  # half a character, as a terminal of another encoding gives it, cannot be stored
        return text
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what}: expected a value that JSON can hold; found {value!r} ({error}).") from None
