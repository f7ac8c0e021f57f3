"""The tables of the learner's database, as steps that are only ever added to.

Each step is a function `mNNN_...`; a database made by an earlier version runs the ones it lacks. After adding one, raise
`SCHEMA_VERSION` in kb/store.py. Importing this module imports sqlite_utils, which is slow: the store does so only when
the database is behind.
"""

import uuid
from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("livecards")

LOG_TABLES = (
    # An answer (kind review, with a rating) or its withdrawal (kind undo, with the id of the review as target).
    # The id is that of the attempt, so that sending it twice stores it once. Times are UTC with microseconds, all of
    # one length, so that their order as text is their order in time. day is the learner's day at the time of the answer;
    # it is stored, so that moving to another time zone later does not move the past.
    """
    CREATE TABLE reviews (
        id TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        target TEXT,
        question TEXT NOT NULL,
        revision INTEGER NOT NULL,
        rating INTEGER,
        reviewed_at TEXT NOT NULL CHECK (length(reviewed_at) = 32),
        ordered_at TEXT NOT NULL CHECK (length(ordered_at) = 32),
        day TEXT NOT NULL CHECK (length(day) = 10),
        duration_ms INTEGER,
        answer TEXT,
        params TEXT,
        prediction TEXT,
        correct INTEGER,
        device TEXT,
        seed INTEGER,
        origin TEXT NOT NULL,
        CHECK (kind <> 'review' OR (rating IS NOT NULL AND rating IN (1, 2, 3, 4))),
        CHECK (kind <> 'undo' OR target IS NOT NULL)
    )
    """,
    "CREATE INDEX reviews_question ON reviews (question, ordered_at, id)",
    "CREATE INDEX reviews_day ON reviews (day)",
    "CREATE INDEX reviews_origin ON reviews (origin)",  # with the rowid: what was answered here last
    "CREATE INDEX reviews_target ON reviews (target) WHERE target IS NOT NULL",
    # What else the learner decides: a setting, a suspension, a flag, a note. The last one of a kind and name counts.
    """
    CREATE TABLE events (
        id TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        question TEXT,
        name TEXT,
        value TEXT,
        at TEXT NOT NULL CHECK (length(at) = 32),
        ordered_at TEXT NOT NULL CHECK (length(ordered_at) = 32),
        origin TEXT NOT NULL
    )
    """,
    "CREATE INDEX events_kind ON events (kind, ordered_at, id)",
    "CREATE INDEX events_question ON events (question) WHERE question IS NOT NULL",
)

# `answers` is the reviews that stand: those that no undo withdraws.
ANSWERS_VIEW = """
    CREATE VIEW answers AS SELECT * FROM reviews AS review
    WHERE kind = 'review' AND NOT EXISTS (SELECT 1 FROM reviews AS undo WHERE undo.kind = 'undo' AND undo.target = review.id)
"""

# The same, with what the learner knew already before it was asked.
ANSWERS_AND_KNOWN_VIEW = ANSWERS_VIEW.replace("kind = 'review' AND", "kind IN ('review', 'known') AND", 1)

# The fold of `answers`, made anew whenever scheduler or settings change. Days are counted from 0001-01-01 as
# date.toordinal does. due_at is set during steps of minutes, due_day otherwise.
FOLD_TABLES = (
    """
    CREATE TABLE cards (
        question TEXT NOT NULL PRIMARY KEY,
        state TEXT NOT NULL,
        step INTEGER,
        stability REAL NOT NULL,
        difficulty REAL NOT NULL,
        due_at TEXT,
        due_day INTEGER,
        last_review TEXT NOT NULL,
        last_day INTEGER NOT NULL,
        ordered_at TEXT NOT NULL,
        first_day INTEGER NOT NULL,
        reviews INTEGER NOT NULL,
        lapses INTEGER NOT NULL,
        rating INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        CHECK ((due_at IS NULL) <> (due_day IS NULL))
    ) WITHOUT ROWID
    """,
    "CREATE INDEX cards_due_at ON cards (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX cards_due_day ON cards (due_day, last_day, stability) WHERE due_day IS NOT NULL",
    "CREATE INDEX cards_first_day ON cards (first_day)",
    "CREATE INDEX cards_last_day ON cards (last_day)",
)

META_TABLE = "CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


@migrations()
def m001_create_tables(db: "Database") -> None:
    """The append-only log, its fold, and the random name of this database as the origin of its rows."""
    for statement in (*LOG_TABLES, ANSWERS_VIEW, *FOLD_TABLES, META_TABLE):
        db.execute(statement)
    for table in ("reviews", "events"):
        for change in ("UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER {table}_refuse_{change.lower()} BEFORE {change} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} are only ever added'); END"
            )
        # without this, INSERT OR REPLACE would delete the stored row and no trigger would see it
        db.execute(
            f"CREATE TRIGGER {table}_keep_the_first BEFORE INSERT ON {table}"
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) BEGIN SELECT RAISE(IGNORE); END"
        )
    db.execute("INSERT INTO meta (key, value) VALUES ('origin', ?)", [uuid.uuid4().hex])


@migrations()
def m002_known_and_spread(db: "Database") -> None:
    """What the learner knew already, as a review of kind known, and the place of an interval in the range it may have."""
    db.execute("ALTER TABLE reviews ADD COLUMN spread REAL CHECK (spread >= 0 AND spread < 1)")
    db.execute("DROP VIEW answers")
    db.execute(ANSWERS_AND_KNOWN_VIEW)
    db.execute("CREATE INDEX reviews_known ON reviews (day) WHERE kind = 'known'")
    db.execute(
        "CREATE TRIGGER reviews_known_are_easy BEFORE INSERT ON reviews WHEN NEW.kind = 'known' AND NEW.rating IS NOT 4"
        " BEGIN SELECT RAISE(ABORT, 'what is known already is rated Easy'); END"
    )
