"""The append-only log of one open database: answers, their withdrawals, and events such as settings.

Leaves out the cards that are its fold (kb/cards.py), and transactions and faults (kb/store.py).
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from kb.errors import UsageError
from kb.rating import Rating
from kb.scheduling import Review

REVIEW_COLUMNS = (
    "id, kind, target, question, revision, rating, reviewed_at, ordered_at, day, duration_ms, answer, params, prediction,"
    " correct, device, seed, origin"
)
TIMED_ANSWERS, MIN_TIMED_ANSWERS = 200, 20  # how many answers tell the pace of the learner
EVENT_COLUMNS = "id, kind, question, name, value, at, ordered_at, origin"


@dataclass(frozen=True)
class Stored:
    """A review found in the log by its id."""

    question: str
    rating: Rating
    undone: bool


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

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute

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
            "SELECT rating, reviewed_at, day, ordered_at, revision FROM answers"
            f" WHERE question IN ({places}) ORDER BY ordered_at, id",
            names,
        )
        return (review_of(*row) for row in rows)

    def all_reviews(self) -> Iterator[tuple[str, Review]]:
        """Every review that stands and its question, question by question, each in the order of the fold."""
        rows = self._execute(
            "SELECT question, rating, reviewed_at, day, ordered_at, revision FROM answers ORDER BY question, ordered_at, id"
        )
        return ((question, review_of(*row)) for question, *row in rows)

    def add_review(self, review_id: str, question: str, review: Review, details: Details) -> None:
        """Appends a review."""
        self._insert(
            "reviews",
            id=review_id,
            kind="review",
            question=question,
            revision=review.revision,
            rating=int(review.rating),
            reviewed_at=text_of(review.reviewed_at),
            ordered_at=text_of(review.ordered_at),
            day=review.day.isoformat(),
            **vars(details),
        )

    def add_undo(self, review_id: str, at: datetime, day: date) -> None:
        """Appends the withdrawal of this review."""
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
        """The id and the question of the last review that was given here and stands."""
        row: tuple[str, str] | None = self._execute(
            "SELECT id, question FROM reviews AS review WHERE origin = ? AND kind = 'review' AND NOT EXISTS"
            " (SELECT 1 FROM reviews AS undo WHERE undo.target = review.id) ORDER BY rowid DESC LIMIT 1",
            [self.meta("origin")],
        ).fetchone()
        return row

    def answers_by_day(self, since: date) -> dict[date, int]:
        """How many answers each of the learner's days has, from this one on."""
        rows = self._execute("SELECT day, count(*) FROM answers WHERE day >= ? GROUP BY day", [since.isoformat()])
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
            "SELECT day FROM answers WHERE day <= ? ORDER BY day DESC LIMIT 1", [until.isoformat()]
        ).fetchone()
        return None if row is None else date.fromisoformat(row[0])

    def first_answers(self, since: date, until: date) -> dict[tuple[str, date], Rating]:
        """The first answer to each question on each of the learner's days in this span."""
        rows = self._execute(
            "SELECT question, day, rating FROM answers WHERE day BETWEEN ? AND ? ORDER BY day, ordered_at, id",
            [since.isoformat(), until.isoformat()],
        )
        aliases = self.aliases()
        first: dict[tuple[str, date], Rating] = {}
        for question, day, rating in rows:
            first.setdefault((aliases.get(question, question), date.fromisoformat(day)), Rating(rating))
        return first

    def add_event(
        self, kind: str, at: datetime, *, question: str | None = None, name: str | None = None, value: Any = None
    ) -> None:
        """Appends an event; it comes after all earlier ones, also where the clock was set back."""
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

    def suspended(self) -> set[str]:
        """The questions that the learner put aside."""
        rows = self._execute(
            "SELECT question, kind FROM events WHERE kind IN ('suspend', 'unsuspend') ORDER BY ordered_at, id"
        )
        aliases = self.aliases()
        last = {aliases.get(question, question): kind for question, kind in rows}
        return {question for question, kind in last.items() if kind == "suspend"}

    def merge(self, other: "Log") -> int:
        """Adds the rows of another log that are not here yet, and returns how many there were."""
        before = self._connection.total_changes
        for table, columns in (("reviews", REVIEW_COLUMNS), ("events", EVENT_COLUMNS)):
            places = ", ".join("?" * len(columns.split(",")))
            self._connection.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({places})",
                other._execute(f"SELECT {columns} FROM {table} ORDER BY rowid"),
            )
        return self._connection.total_changes - before

    def raw(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """What this statement selects, as it is stored: for looking for faults."""
        return iter(self._execute(statement))

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
        row = self._execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Notes this value in the place of the one before."""
        self._execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", [key, value])

    def _insert(self, table: str, **values: Any) -> None:
        """Appends a row that originates here."""
        values["origin"] = self.meta("origin")
        places = ", ".join(f":{column}" for column in values)
        self._execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", values)


def review_of(rating: int, reviewed_at: str, day: str, ordered_at: str, revision: int) -> Review:
    """The columns of a row as the scheduler takes them."""
    return Review(
        rating=Rating(rating),
        reviewed_at=datetime.fromisoformat(reviewed_at),
        day=date.fromisoformat(day),
        ordered_at=datetime.fromisoformat(ordered_at),
        revision=revision,
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
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what}: expected a value that JSON can hold; found {value!r} ({error}).") from None
