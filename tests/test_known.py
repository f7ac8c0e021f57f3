"""What the learner knows already: folded like Easy, no answer of the day, taken back by undo; and older databases."""

import csv
import io
import sqlite3
from contextlib import closing

import pytest
from cli_runner import SLUG, Kb
from small_bank import NOON, bank_of, question, quick_folder
from studying import BANK, DAY, MINUTE, answer, asked, learn
from test_doctor import damage

from kb import doctor, history, study
from kb.backups import copies
from kb.exchange import reviews
from kb.rating import Rating
from kb.restoring import restore
from kb.scheduling import State
from kb.store import APPLICATION_ID, SCHEMA_VERSION, Store


def test_what_is_known_comes_back_when_the_interval_of_easy_is_over(store):
    easy = study.preview(BANK, store, "a", NOON)[Rating.Easy]
    known = study.know(BANK, store, "a", NOON)
    assert (known.due, known.rating, known.state) == (easy.due, Rating.Easy, State.REVIEW)
    assert "a" not in study.due(BANK, store, known.due - MINUTE).next
    assert study.due(BANK, store, known.due).due == 1


def test_what_is_known_is_no_answer_of_the_day_and_takes_no_place_of_a_new_question(store):
    study.set_setting(store, "new_per_day", 2, NOON)
    for slug in "abc":
        study.know(BANK, store, slug, NOON)
    assert study.due(BANK, store, NOON).next == ("d", "e")
    progress = study.progress(BANK, store, NOON)
    assert (progress.reviews, progress.streak_days, progress.retention) == (0, 0, None)
    assert {count for _, count in progress.last_days} == {0}
    assert progress.topics[0].seen == 3
    assert progress.topics[0].mastery == pytest.approx(0.5)


def test_with_an_interview_ahead_it_takes_no_answer_of_the_plan(store):
    study.set_setting(store, "interview_date", NOON.date() + 2 * DAY, NOON)
    study.set_setting(store, "answers_per_day", 3, NOON)
    before = study.plan(BANK, store, NOON)
    for slug in before.next:
        study.know(BANK, store, slug, NOON)
    after = study.plan(BANK, store, NOON)
    assert (after.answered, len(after.next)) == (0, 3)
    assert after.interviews[0].unseen == 3
    assert set(after.next).isdisjoint(before.next)


def test_what_requires_it_can_be_asked(store):
    bank = bank_of(question("first"), question("second", requires=("first",)))
    assert asked(bank, store, skip=("first",)) is None
    study.know(bank, store, "first", NOON)
    assert asked(bank, store) == "second"


def test_twice_on_one_day_is_once(store):
    first = study.know(BANK, store, "a", NOON)
    second = study.know(BANK, store, "a", NOON + MINUTE)
    assert (second.review_id, second.duplicate, second.due) == (first.review_id, True, first.due)
    assert not study.know(BANK, store, "a", NOON + DAY).duplicate


def test_undo_takes_it_back_and_it_can_be_known_anew(store):
    answer(store, "b")
    known = study.know(BANK, store, "a", NOON)
    assert study.undo(store, NOON) == study.Undone(known.review_id, "a")
    assert study.due(BANK, store, NOON).new == 5
    again = study.know(BANK, store, "a", NOON)
    assert (again.duplicate, again.due) == (False, known.due)
    assert [study.undo(store, NOON).question for _ in range(2)] == ["a", "b"]


def test_the_check_of_what_was_known_counts_as_a_recall(store):
    known = study.know(BANK, store, "a", NOON)
    answer(store, "a", Rating.Again, known.due)
    progress = study.progress(BANK, store, known.due)
    assert (progress.reviews, progress.retention) == (1, 0.0)


def test_doctor_finds_it_sound_and_the_database_takes_it_only_as_easy(store):
    study.know(BANK, store, "a", NOON)
    learn(store, "b")
    report = doctor.examine(BANK, store, NOON)
    assert (report.sound, report.answers) == (True, 1)
    with closing(sqlite3.connect(store.path)) as connection, pytest.raises(sqlite3.IntegrityError, match="rated Easy"):
        connection.execute(
            "INSERT INTO reviews (id, kind, rating, question, revision, reviewed_at, ordered_at, day, origin)"
            " SELECT 'x', 'known', 3, question, revision, reviewed_at, ordered_at, day, origin FROM reviews"
        )
    damage(store, "UPDATE reviews SET rating = 3 WHERE kind = 'known'")
    assert doctor.examine(BANK, store, NOON).counts["impossible_ratings"] == 1


def test_an_impossible_place_in_the_range_is_a_fault(store):
    learn(store, "a")
    damage(store, "UPDATE reviews SET spread = 1.5")
    assert doctor.examine(BANK, store, NOON).counts["unreadable_reviews"] == 1


def test_the_export_tells_it_from_an_answer(store):
    study.know(BANK, store, "a", NOON)
    answer(store, "b", Rating.Hard, NOON + MINUTE)
    file = io.StringIO()
    assert reviews.write_csv(store, file) == 2
    found = [(row["question"], row["kind"], row["rating"]) for row in csv.DictReader(io.StringIO(file.getvalue()))]
    assert found == [("a", "known", "easy"), ("b", "review", "hard")]


def test_a_backup_keeps_it_and_counts_the_answers_alone(store):
    study.know(BANK, store, "a", NOON)
    answer(store, "b")
    copy = store.back_up_by_hand(NOON)
    assert {each.answers for each in copies(store.path) if each.path == copy} == {1}
    answer(store, "c")
    assert restore(store, copy, NOON).answers == 1
    assert study.due(BANK, store, NOON).next == ("c", "d", "e", "f", "b")


def test_the_command_says_when_the_check_comes_and_undo_takes_it_back(kb: Kb) -> None:
    known = kb("know", SLUG, "--json").json
    assert set(known) == {"question", "rating", "review_id", "due", "stability", "difficulty", "state", "leech"}
    assert (known["question"], known["rating"], known["state"]) == (SLUG, "easy", "review")
    assert kb("know", SLUG).out.startswith(f"{SLUG}: known already; a check comes 2")
    assert kb("undo", "--json").json == {"question": SLUG, "review_id": known["review_id"]}


# A database as version 1 of the schema made it

VERSION_1 = """
    CREATE TABLE reviews (
        id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, target TEXT, question TEXT NOT NULL, revision INTEGER NOT NULL,
        rating INTEGER, reviewed_at TEXT NOT NULL CHECK (length(reviewed_at) = 32),
        ordered_at TEXT NOT NULL CHECK (length(ordered_at) = 32), day TEXT NOT NULL CHECK (length(day) = 10),
        duration_ms INTEGER, answer TEXT, params TEXT, prediction TEXT, correct INTEGER, device TEXT, seed INTEGER,
        origin TEXT NOT NULL,
        CHECK (kind <> 'review' OR (rating IS NOT NULL AND rating IN (1, 2, 3, 4))),
        CHECK (kind <> 'undo' OR target IS NOT NULL));
    CREATE INDEX reviews_question ON reviews (question, ordered_at, id);
    CREATE INDEX reviews_day ON reviews (day);
    CREATE INDEX reviews_origin ON reviews (origin);
    CREATE INDEX reviews_target ON reviews (target) WHERE target IS NOT NULL;
    CREATE TABLE events (
        id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, question TEXT, name TEXT, value TEXT,
        at TEXT NOT NULL CHECK (length(at) = 32), ordered_at TEXT NOT NULL CHECK (length(ordered_at) = 32),
        origin TEXT NOT NULL);
    CREATE INDEX events_kind ON events (kind, ordered_at, id);
    CREATE INDEX events_question ON events (question) WHERE question IS NOT NULL;
    CREATE VIEW answers AS SELECT * FROM reviews AS review
    WHERE kind = 'review' AND NOT EXISTS (SELECT 1 FROM reviews AS undo WHERE undo.kind = 'undo' AND undo.target = review.id);
    CREATE TABLE cards (
        question TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, step INTEGER, stability REAL NOT NULL,
        difficulty REAL NOT NULL, due_at TEXT, due_day INTEGER, last_review TEXT NOT NULL, last_day INTEGER NOT NULL,
        ordered_at TEXT NOT NULL, first_day INTEGER NOT NULL, reviews INTEGER NOT NULL, lapses INTEGER NOT NULL,
        rating INTEGER NOT NULL, revision INTEGER NOT NULL, CHECK ((due_at IS NULL) <> (due_day IS NULL))) WITHOUT ROWID;
    CREATE INDEX cards_due_at ON cards (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX cards_due_day ON cards (due_day, last_day, stability) WHERE due_day IS NOT NULL;
    CREATE INDEX cards_first_day ON cards (first_day);
    CREATE INDEX cards_last_day ON cards (last_day);
    CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT, applied_at TEXT, PRIMARY KEY (migration_set, name));
    INSERT INTO _sqlite_migrations VALUES ('livecards', 'm001_create_tables', '2026-01-01 00:00:00+00:00');
    INSERT INTO meta VALUES ('origin', '0123456789abcdef0123456789abcdef');
"""


def made_by_version_1(store: Store) -> list[list[tuple]]:
    """The rows of a database of version 1 with three answers, one of them taken back, a setting and a suspension."""
    at = [f"2026-02-0{day}T12:00:00.000000+00:00" for day in range(1, 6)]
    store.path.unlink()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.executescript(VERSION_1)
        columns = "id, kind, target, question, revision, rating, reviewed_at, ordered_at, day, answer, origin"
        places = ", ".join("?" * 11)
        connection.executemany(
            f"INSERT INTO reviews ({columns}) VALUES ({places})",
            [
                ("r1", "review", None, "a", 1, 4, at[0], at[0], at[0][:10], "[0]", "here"),
                ("r2", "review", None, "b", 1, 3, at[1], at[1], at[1][:10], None, "here"),
                ("r3", "review", None, "a", 1, 1, at[2], at[2], at[2][:10], None, "there"),
                ("u3", "undo", "r3", "a", 1, None, at[3], at[3], at[3][:10], None, "there"),
            ],
        )
        connection.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, 'here')",
            [
                ("e1", "setting", None, "timezone", '"UTC"', at[0], at[0]),
                ("e2", "suspend", "c", None, None, at[4], at[4]),
            ],
        )
        for table in ("reviews", "events"):
            for change in ("UPDATE", "DELETE"):
                connection.execute(
                    f"CREATE TRIGGER {table}_refuse_{change.lower()} BEFORE {change} ON {table}"
                    f" BEGIN SELECT RAISE(ABORT, '{table} are only ever added'); END"
                )
            connection.execute(
                f"CREATE TRIGGER {table}_keep_the_first BEFORE INSERT ON {table}"
                f" WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) BEGIN SELECT RAISE(IGNORE); END"
            )
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
        return [connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in ("reviews", "events")]


def test_a_database_of_version_1_is_brought_up_to_date_in_place_and_loses_nothing(store):
    reviews_before, events_before = made_by_version_1(store)
    assert study.due(BANK, store, NOON).next == ("b", "a", "d", "e", "f")
    assert study.progress(BANK, store, NOON).reviews == 2
    assert history.answers(BANK, store, "a", NOON)[0].rating is Rating.Easy
    with store.reading() as transaction:
        raw = transaction.log.raw
        assert [row[:-1] for row in raw("SELECT * FROM reviews ORDER BY id")] == reviews_before
        assert list(raw("SELECT spread FROM reviews")) == [(None,)] * 4
        assert list(raw("SELECT * FROM events ORDER BY id")) == events_before
        assert list(raw("PRAGMA user_version")) == [(SCHEMA_VERSION,)]
    known = study.know(BANK, store, "d", NOON)
    assert known.state is State.REVIEW
    assert doctor.examine(BANK, store, NOON).sound


def test_a_database_of_version_1_can_be_merged_and_is_left_as_it_is(store):
    made_by_version_1(store)
    with quick_folder() as folder:
        other = folder / "other.db"
        other.write_bytes(store.path.read_bytes())
        before = other.read_bytes()
        study.know(BANK, store, "e", NOON)
        from kb.merging import merge

        here = Store(folder / "here.db")
        assert merge(here, other, NOON) == 6
        assert other.read_bytes() == before
        assert merge(here, store.path, NOON) == 1
        assert study.progress(BANK, here, NOON).reviews == 2
