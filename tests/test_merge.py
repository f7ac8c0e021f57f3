"""Merging real files: a union by the ids of rows, in any order and any number of times; what is no such file changes nothing."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import small_bank
from bad_databases import BAD_FILES, BAD_NAMES, damage
from cli_runner import Kb
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from small_bank import NOON, bank_of, question, quick_folder

from kb import study
from kb.errors import CorruptDatabaseError, UsageError
from kb.merging import merge
from kb.rating import Rating
from kb.store import Store

BANK = bank_of(question("a"), question("b"), question("c"))
NOW = NOON + timedelta(days=2000)

answers = st.tuples(
    st.sampled_from("abc"), st.sampled_from(Rating), st.integers(-3 * 24 * 60, 40 * 24 * 60), st.booleans()
)
histories = st.lists(answers, max_size=8)


@pytest.fixture(scope="module", name="new_store")
def _new_store() -> Iterator[Callable[[], Store]]:
    """Makes stores with nothing in them."""
    with quick_folder() as folder:
        yield partial(small_bank.new_store, folder)


def answer(store: Store, slug: str, rating: Rating = Rating.Good, now: datetime = NOON) -> str:
    attempt = study.start_attempt(BANK.question(slug), now)
    return study.submit(BANK, store, attempt, rating, now).review_id


def play(store: Store, history) -> Store:
    """Answers, some taken back again, some with the clock set back."""
    at = NOON
    for slug, rating, minutes, take_back in history:
        at += timedelta(minutes=minutes)
        answer(store, slug, rating, at)
        if take_back:
            study.undo(store, at)
    if history:
        study.set_setting(store, "new_per_day", len(history), at)
    return store


def union(new_store, *stores: Store) -> Store:
    """A new store into which these were merged, one after the other."""
    into = new_store()
    for store in stores:
        merge(into, store.path, NOW)
    return into


def content(store: Store) -> tuple:
    """The log without the order of its rows, the cards, and what the settings come to."""
    study.rebuild(BANK, store)
    with store.reading() as transaction:
        log = [list(transaction.log.raw(f"SELECT * FROM {table} ORDER BY id")) for table in ("reviews", "events")]
        return log, list(transaction.cards.all()), study.settings(store)


@effort(max_examples=20, deadline=None)
@given(first=histories, second=histories, third=histories)
def test_merging_is_commutative_associative_and_idempotent(new_store, first, second, third):
    a, b, c = (play(new_store(), history) for history in (first, second, third))
    merge(b, a.path, NOW)
    study.undo(b, NOON)  # so that an answer and its withdrawal come from different files
    whole = content(union(new_store, a, b, c))
    assert content(union(new_store, c, b, a)) == whole
    assert content(union(new_store, union(new_store, a, b), c)) == whole
    assert content(union(new_store, a, union(new_store, b, c))) == whole
    assert content(union(new_store, a, a, b, c, b, a)) == whole
    once = union(new_store, a, b, c)
    assert merge(once, once.path, NOW) == 0
    assert content(once) == whole


def test_merging_says_how_much_was_new_and_leaves_every_byte_of_the_other(new_store):
    here, there = new_store(), new_store()
    answer(here, "a")
    answer(there, "b")
    answer(there, "c", Rating.Again)
    before = {path.name: path.read_bytes() for path in there.path.parent.glob("*.db*")}
    assert merge(here, there.path, NOW) == 2
    assert merge(here, there.path, NOW) == 0
    assert {path.name: path.read_bytes() for path in there.path.parent.glob("*.db*")} == before
    assert study.due(BANK, here, NOON).new == 0


def test_a_withdrawal_that_arrives_before_its_answer_holds_once_it_is_here(new_store):
    first, second, here = new_store(), new_store(), new_store()
    review = answer(first, "a")
    merge(second, first.path, NOW)
    with second.writing() as transaction:
        transaction.log.add_undo(review, NOON, NOON.date())
    with closing(sqlite3.connect(second.path)) as connection:
        undo = connection.execute("SELECT * FROM reviews WHERE kind = 'undo'").fetchone()
    with here.writing() as transaction:
        transaction.log._connection.execute(f"INSERT INTO reviews VALUES ({', '.join('?' * len(undo))})", undo)
        transaction.cards.make_stale()
    assert merge(here, first.path, NOW) == 1
    assert content(here)[1] == []


def test_merging_a_file_that_is_open_elsewhere_takes_what_was_committed(new_store):
    here, there = new_store(), new_store()
    answer(there, "a")
    with closing(sqlite3.connect(there.path, isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        assert merge(here, there.path, NOW) == 1


def test_merging_a_file_from_a_folder_that_cannot_be_written(new_store, tmp_path):
    here, there = new_store(), new_store()
    answer(there, "a")
    folder = tmp_path / "read-only"
    folder.mkdir()
    (folder / "theirs.db").write_bytes(there.path.read_bytes())
    folder.chmod(0o555)
    try:
        assert merge(here, folder / "theirs.db", NOW) == 1
    finally:
        folder.chmod(0o755)
    assert [path.name for path in folder.iterdir()] == ["theirs.db"]


@pytest.mark.parametrize(("make", "error", "message"), BAD_FILES, ids=BAD_NAMES)
def test_what_is_no_database_of_ours_is_refused_in_one_sentence_and_nothing_changes(
    new_store, tmp_path, make, error, message
):
    here = new_store()
    answer(here, "a")
    other = tmp_path / "other.db"
    make(other)
    before = here.path.read_bytes()
    theirs = other.read_bytes() if other.is_file() else None
    with pytest.raises(error, match=message) as raised:
        merge(here, other, NOW)
    assert str(raised.value).startswith(f"{other}: ")
    assert here.path.read_bytes() == before
    assert (other.read_bytes() if other.is_file() else None) == theirs


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE reviews SET rating = 7", r"not a database, or a damaged"),
        ("UPDATE reviews SET reviewed_at = 'x'", r"not a database, or a damaged"),
        (
            "UPDATE reviews SET ordered_at = replace(ordered_at, '2026', '2226'),"
            " reviewed_at = replace(reviewed_at, '2026', '2226')",
            r"answers dated in the future \(1\), so nothing was taken from it\.\n    Fix: see what",
        ),
        ("UPDATE reviews SET day = '2226-01-01'", r"answers dated in the future \(1\)"),
        ("UPDATE reviews SET answer = '['", r"answers that cannot be read \(1\)"),
        (
            "INSERT INTO events SELECT 'x', 'setting', NULL, 'new_per_day', '-3', reviewed_at, reviewed_at, 'y' FROM reviews",
            r"events that cannot be read \(1\)",
        ),
        *(
            (
                f"INSERT INTO events SELECT 'x', '{kind}', 'b', 'demo', '{value}', reviewed_at, reviewed_at, 'y' FROM reviews",
                r"events that cannot be read \(1\)",
            )
            for kind, value in (("bury", '"today"'), ("demo_run", "3"), ("note", "[1]"), ("suspend", "true"))
        ),
    ],
)
def test_an_impossible_answer_in_the_other_file_is_one_sentence_and_nothing_changes(new_store, statement, message):
    here, there = new_store(), new_store()
    answer(here, "a")
    answer(there, "b")
    damage(there, statement)
    before = here.path.read_bytes()
    with pytest.raises(CorruptDatabaseError, match=message):
        merge(here, there.path, NOW)
    assert here.path.read_bytes() == before


def test_an_impossible_rating_is_named_where_the_rule_of_the_table_is_gone(new_store):
    here, there = new_store(), new_store()
    answer(there, "b")
    with closing(sqlite3.connect(there.path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '(1, 2, 3, 4)', '(1, 2, 3, 4, 7)') WHERE name = 'reviews'"
        )
        connection.commit()
    damage(there, "UPDATE reviews SET rating = 7")
    with pytest.raises(
        CorruptDatabaseError, match=r"answers with an impossible rating \(1\), so nothing was taken from it"
    ):
        merge(here, there.path, NOW)


def test_the_command_adds_what_is_new(kb: Kb, tmp_path: Path):
    slug = kb("list", "--json").json[0]["id"]
    there = tmp_path / "there.db"
    kb("answer", slug, "--rating", "good", db=there)
    assert kb("merge", str(there)).out == "Entries that were new here: 1\n"
    assert kb("merge", str(there), "--json").json == {"added": 0}
    assert kb("stats", "--json").json["reviews"] == 1
    missing = kb("merge", str(tmp_path / "missing.db"))
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == f"kb: {tmp_path / 'missing.db'}: expected a database of Livecards; found no file.\n"


def test_the_progress_of_another_bank_is_refused_in_one_sentence_and_nothing_changes(new_store):
    here, there = new_store(), new_store()
    answer(here, "a")
    answer(there, "b")
    before = content(here), there.path.read_bytes()
    with pytest.raises(UsageError) as error:
        merge(here, there.path, NOW, bank_of(question("a"), question("c")))
    assert str(error.value) == (
        f"{there.path}: expected answers to questions of this bank; found answers to others alone (1 questions),"
        " so nothing was taken from it.\n    Fix: name the bank that it belongs to with KB_CONTENT or --content."
    )
    assert (content(here), there.path.read_bytes()) == before


@pytest.mark.parametrize(
    "bank",
    [BANK, bank_of(question("a"), broken=frozenset({"b"})), bank_of(question("a"), question("new", formerly=("b",)))],
    ids=["has it", "its file is broken", "has it under another name"],
)
def test_one_question_in_common_makes_it_the_same_bank(new_store, bank):
    here, there = new_store(), new_store()
    answer(there, "b")
    answer(there, "c")
    assert merge(here, there.path, NOW, bank) == 2


def test_a_file_without_answers_is_of_any_bank(new_store):
    here, there = new_store(), new_store()
    study.set_setting(there, "new_per_day", 3, NOON)
    assert merge(here, there.path, NOW, BANK) == 1
