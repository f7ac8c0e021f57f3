"""Writes the log of reviews as CSV or JSON, one row a review; `kind` is `known` where a question was taken as known already.

Leaves out settings and other events, and reading rows back.
"""

import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, TextIO

from kb.rating import Rating
from kb.store import Store

COLUMNS = (
    "review_id",
    "question",
    "answered_as",
    "revision",
    "rating",
    "reviewed_at",
    "day",
    "duration_s",
    "answer",
    "correct",
    "prediction",
    "params",
    "device",
    "seed",
    "origin",
    "undone",
    "undone_at",
    "kind",
)
_AS_JSON = ("answer", "prediction", "params")  # a text and a number differ, and a list has no other form in a cell

_QUERY = """
    SELECT id, question, kind, revision, rating, reviewed_at, day, duration_ms, answer, correct, prediction, params, device,
        seed, origin,
        (SELECT min(undo.reviewed_at) FROM reviews AS undo WHERE undo.kind = 'undo' AND undo.target = review.id) AS undone_at
    FROM reviews AS review WHERE kind <> 'undo' ORDER BY ordered_at, id
"""


def rows(store: Store) -> Iterator[dict[str, Any]]:
    """Every review in the order it was given, undone ones included; the keys are COLUMNS."""
    with store.reading() as transaction:
        aliases = transaction.log.aliases()
        with closing(sqlite3.connect(store.path)) as connection:
            connection.row_factory = sqlite3.Row
            for review in connection.execute(_QUERY):
                yield _row(review, aliases)


def write_csv(store: Store, file: TextIO) -> int:
    """How many reviews were written, under a line with the names of the columns; an empty cell is what was not noted."""
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    count = 0
    for row in rows(store):
        cells = {name: value for name, value in row.items() if value is not None}
        for name, value in cells.items():
            if name in _AS_JSON:
                cells[name] = json.dumps(value, ensure_ascii=False)
            elif isinstance(value, bool):
                cells[name] = str(value).lower()
        writer.writerow(cells)
        count += 1
    return count


def write_json(store: Store, file: TextIO) -> int:
    """How many reviews were written, as one list with a line for each."""
    count = 0
    file.write("[")
    for row in rows(store):
        file.write((",\n" if count else "\n") + json.dumps(row, ensure_ascii=False, allow_nan=False))
        count += 1
    file.write("\n]\n" if count else "]\n")
    return count


def _row(review: sqlite3.Row, aliases: dict[str, str]) -> dict[str, Any]:
    duration_ms, correct = review["duration_ms"], review["correct"]
    read = {name: None if review[name] is None else json.loads(review[name]) for name in _AS_JSON}
    values = {
        **dict(review),
        **read,
        "review_id": review["id"],
        "question": aliases.get(review["question"], review["question"]),
        "answered_as": review["question"],
        "rating": Rating(review["rating"]).name.lower(),
        "duration_s": None if duration_ms is None else duration_ms / 1000,
        "correct": None if correct is None else bool(correct),
        "undone": review["undone_at"] is not None,
    }
    return {name: values[name] for name in COLUMNS}
