"""Packages that no Anki wrote: each fault is one sentence, and nothing is changed by it."""

import contextlib
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from anki_packages import add_note, collection, made, written

from kb.bank import load_bank
from kb.errors import UsageError
from kb.exchange import package
from kb.exchange.anki_cards import shown
from kb.exchange.anki_import import Imported, import_package
from kb.exchange.anki_reviews import Skipped
from kb.exchange.collection import AnkiNote, NoteType, Template
from kb.rating import Rating
from kb.store import Store

BANK = load_bank(Path(__file__).parent / "bank")
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PICTURE = b"\x89PNG\r\n\x1a\n of a mask"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "progress.db")


def brought(store: Store, path: Path, **options: bool) -> Imported:
    return import_package(BANK, store, path, path.parent / "drafts", NOW, taken=BANK.questions, **options)


def refused(store: Store, path: Path) -> str:
    """The sentence that this package is refused with; nothing is changed by it."""
    with pytest.raises(UsageError) as caught:
        brought(store, path)
    assert not store.path.exists()
    assert [each.name for each in path.parent.iterdir() if each.name in ("drafts",) or each.name.startswith(".")] == []
    return str(caught.value).removeprefix(f"{path}: ")


def test_the_first_scheduler_had_no_hard_in_the_steps_of_learning(store: Store, tmp_path: Path) -> None:
    rows = "(1700000100000, 1, 2, 5000, 0), (1700000200000, 1, 3, 5000, 2), (1700000300000, 1, 2, 5000, 1)"
    change = f"UPDATE col SET conf = '{{}}'; INSERT INTO revlog VALUES {rows};"
    brought(store, made(tmp_path / "old.apkg", change))
    with store.reading() as transaction:
        found = [review.rating for review in transaction.log.reviews(["scale-by-root"])]
    assert found == [Rating.Good, Rating.Good, Rating.Easy, Rating.Hard]


def test_a_review_from_before_there_was_anki_is_left_out_and_counted(store: Store, tmp_path: Path) -> None:
    change = "INSERT INTO revlog VALUES (1, 1, 3, 5000, 1), (-5, 1, 3, 5000, 1), (1136073600000, 1, 1, 0, 1);"
    imported = brought(store, made(tmp_path / "old.apkg", change))
    assert (imported.added, imported.skipped) == (2, {Skipped.TOO_EARLY: 2})
    with store.reading() as transaction:
        rows = list(transaction.log.raw("SELECT reviewed_at, duration_ms FROM reviews ORDER BY reviewed_at"))
    assert rows == [("2006-01-01T00:00:00.000000+00:00", None), ("2023-11-14T22:13:20.000000+00:00", 5000)]


def test_a_name_of_a_medium_may_be_written_as_in_an_address(store: Store, tmp_path: Path) -> None:
    change = "UPDATE notes SET flds = '<img src=\"causal%20mask.png\">' || char(31) || 'A mask.';"
    path = made(tmp_path / "media.apkg", change, **{"media": b'{"0": "causal mask.png"}', "0": PICTURE})
    imported = brought(store, path)
    assert [file.name for file in imported.media] == ["causal mask.png"]
    assert imported.media[0].read_bytes() == PICTURE


def test_deletions_within_deletions_are_hidden_and_shown_together() -> None:
    kind = NoteType("Cloze", ("Text",), (Template("Cloze", "{{cloze:Text}}", "{{cloze:Text}}"),), cloze=True)
    card = shown(AnkiNote(1, "guid", kind, {"Text": "{{c1::a {{c2::b::in}} c::out}} {{c1::d}} {{c3::e"}, ()))
    assert card.front == "[out] […] {{c3::e"
    assert card.back == "<b>a <b>b</b> c</b> <b>d</b> {{c3::e"
    assert card.deletions == ("b", "d", "a b c")


FUTURE = int((NOW + timedelta(days=3)).timestamp() * 1000)
BAD_COLLECTIONS = {
    "UPDATE col SET ver = 19;": "expected a collection of schema 11 to 18; found 19, of a newer Anki. Update Livecards, or export"
    " again with 'Support older Anki versions'.",
    "UPDATE col SET ver = 3;": "expected a collection of schema 11 to 18; found 3. Open it"
    " with a newer Anki and export it again.",
    "DELETE FROM col;": "expected a collection of schema 11 to 18; found None. Open it with a newer Anki and export it again.",
    "DROP TABLE revlog;": "expected a collection of Anki; found a database without its table revlog.",
    "ALTER TABLE revlog RENAME TO r; CREATE VIEW revlog AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
    " SELECT id FROM n;": "expected a collection of Anki; found a database without its table revlog.",
    "ALTER TABLE revlog DROP COLUMN ease;": "the collection in it is not a database of Anki, or a damaged one"
    " (no such column: ease).",
    "UPDATE col SET models = 'x';": "models of its collection cannot be read (Expecting value: line 1 column 1 (char 0)).",
    "UPDATE col SET models = '{\"7\": {}}';": "its note types cannot be read ('name').",
    "UPDATE notes SET mid = 8;": "note 1: expected a note type and text; found none of them.",
    "UPDATE notes SET flds = 'one';": "note 1: expected the 2 fields of Basic; found 1.",
    "UPDATE revlog SET ease = 'x';": "expected whole numbers in each review; found (1700000000000, 1, 'x', 1, 5000).",
    "UPDATE revlog SET ease = 5;": "review 1700000000000: expected a rating from 1 to 4; found 5, so nothing was imported.",
    "UPDATE revlog SET ease = -1;": "review 1700000000000: expected a rating from 1 to 4; found -1, so nothing was imported.",
    f"UPDATE revlog SET id = {FUTURE};": f"review {FUTURE}: expected a time that is past; found"
    f" {NOW + timedelta(days=3):%Y-%m-%d %H:%M} UTC, so nothing was imported. See that the clock is right here, or export from"
    " Anki without scheduling, for the questions alone.",
    f"UPDATE revlog SET id = {2**62};": f"review {2**62}: expected a time that is past; found 9999-12-31 23:59 UTC, so nothing"
    " was imported. See that the clock is right here, or export from Anki without scheduling, for the questions alone.",
}


@pytest.mark.parametrize("change", BAD_COLLECTIONS)
def test_a_collection_that_cannot_be_used_is_one_sentence(store: Store, tmp_path: Path, change: str) -> None:
    assert refused(store, made(tmp_path / "bad.apkg", change)) == BAD_COLLECTIONS[change]


def test_a_file_that_is_no_package_is_one_sentence(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.apkg"
    assert refused(store, path) == "it cannot be read: No such file or directory."
    path.write_bytes(b"")
    assert refused(store, path) == "expected an Anki package (.apkg or .colpkg); found a file that is no zip file."
    path.write_text("front;back", encoding="utf-8")
    assert refused(store, path) == "expected an Anki package (.apkg or .colpkg); found a file that is no zip file."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert refused(store, path) == "expected an Anki package; found a zip file without a collection in it."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("collection.anki2", "SQLite format 3\0 it is not")
    assert refused(store, path) == (
        "the collection in it is not a database of Anki, or a damaged one (file is not a database)."
    )


def test_a_package_that_is_cut_short_is_one_sentence(store: Store, tmp_path: Path) -> None:
    whole = made(tmp_path / "whole.apkg").read_bytes()
    path = tmp_path / "cut.apkg"
    for length in range(4, len(whole), 97):
        path.write_bytes(whole[:length])
        assert refused(store, path) == (
            "expected an Anki package (.apkg or .colpkg); found a zip file that is cut short or damaged."
        )


@pytest.mark.parametrize("name", ["new.apkg", "legacy.apkg"])
def test_a_package_damaged_anywhere_is_a_sentence_or_harmless(store: Store, tmp_path: Path, name: str) -> None:
    with collection(tmp_path / "anki") as anki:
        add_note(anki, "Basic", {"Front": "What is a mask?", "Back": "A matrix."})
        whole = written(anki, tmp_path / name).read_bytes()
    path = tmp_path / "damaged.apkg"
    for place in range(0, len(whole), 211):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with contextlib.suppress(UsageError):  # anything else is a bug
            brought(store, path, dry_run=True)


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "..\\evil", "C:evil", ".."])
def test_a_name_that_leads_elsewhere_is_refused(store: Store, tmp_path: Path, name: str) -> None:
    expected = f"expected plain names of files in an Anki package; found {name!r}, which leads elsewhere."
    listed = json.dumps({"0": name}).encode()
    assert refused(store, made(tmp_path / "listed.apkg", **{"media": listed, "0": PICTURE})) == expected
    if name != "C:evil":
        assert refused(store, made(tmp_path / "held.apkg", **{name: b""})) == expected.replace("\\\\", "\\\\")


def test_what_unpacks_to_more_than_is_read_of_it_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MAX_COLLECTION_BYTES", 2**24)
    path = tmp_path / "bomb.apkg"
    compressor = zstandard.ZstdCompressor().compressobj()
    packed = b"".join(compressor.compress(bytes(2**24)) for _ in range(64)) + compressor.flush()
    assert len(packed) < 2**18
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("collection.anki21b", packed)
    sentence = (
        "collection.anki21b unpacks to more than 16 MiB, the most that is read of it; export fewer decks at a time."
    )
    assert refused(store, path) == sentence
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("collection.anki2", "w") as file:
        for _ in range(4):
            file.write(bytes(2**24))
    assert refused(store, path) == sentence.replace("anki21b", "anki2")


def test_a_deck_of_a_million_notes_is_refused_before_any_is_read(store: Store, tmp_path: Path) -> None:
    change = (
        "INSERT INTO notes WITH RECURSIVE n(id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM n WHERE id < 1000001)"
        " SELECT id, 'g' || id, 7, '', 'a' || char(31) || 'b' FROM n;"
    )
    sentence = "expected at most 100,000 notes in one package; found 1,000,001. Export fewer decks at a time."
    assert refused(store, made(tmp_path / "large.apkg", change)) == sentence
