"""Packages as Anki writes them, with answers given by its own scheduler; and small ones made by hand, to be broken."""

import json
import sqlite3
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from anki.collection import (
    Collection,
    ExportAnkiPackageOptions,
    ImportAnkiPackageOptions,
    ImportAnkiPackageRequest,
)
from anki.notes import Note

FORMATS = ("new.apkg", "legacy.apkg", "new.colpkg", "legacy.colpkg")


@contextmanager
def collection(folder: Path) -> Iterator[Collection]:
    """A new and empty collection of Anki."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(Collection(str(folder / "collection.anki2"))) as opened:
        yield opened


def take_in(opened: Collection, package: Path) -> None:
    """Imports a package as Anki does."""
    options = ImportAnkiPackageOptions(with_scheduling=True)
    opened.import_anki_package(ImportAnkiPackageRequest(package_path=str(package), options=options))


def add_note(
    opened: Collection, kind: str, fields: Mapping[str, str], deck: str = "Default", tags: tuple[str, ...] = ()
) -> Note:
    """A note that was just added."""
    notetype = opened.models.by_name(kind)
    assert notetype is not None
    note = opened.new_note(notetype)
    for name, value in fields.items():
        note[name] = value
    note.tags = list(tags)
    deck_id = opened.decks.id(deck)
    assert deck_id is not None
    opened.add_note(note, deck_id)
    return note


def answer(opened: Collection, note: Note, rating: int, place: int = 0, days_ago: int = 0) -> int:
    """The id of the row that Anki's scheduler wrote for this answer, moved back by whole days."""
    card = note.cards()[place]
    card.start_timer()
    card.timer_started = time.time() - 7
    opened.sched.answerCard(card, rating)
    (row,) = opened.db.first("SELECT max(id) FROM revlog")
    moved = row - days_ago * 86_400_000
    opened.db.execute("UPDATE revlog SET id = ? WHERE id = ?", moved, row)
    return int(moved)


def written(opened: Collection, path: Path) -> Path:
    """The package of this name, in the format that its name says; a whole collection closes what was open."""
    legacy = path.name.startswith("legacy")
    if path.suffix == ".colpkg":
        opened.export_collection_package(str(path), include_media=True, legacy=legacy)
        opened.reopen()
        return path
    options = ExportAnkiPackageOptions(with_scheduling=True, with_deck_configs=True, with_media=True, legacy=legacy)
    opened.export_anki_package(out_path=str(path), options=options, limit=None)
    return path


def made(path: Path, change: str = "", name: str = "collection.anki2", **parts: bytes) -> Path:
    """A package of schema 11 with one answered note of ours, after this change to its collection."""
    database = path.with_suffix(".db")
    database.unlink(missing_ok=True)
    connection = sqlite3.connect(database)
    fields = [{"name": field, "ord": place} for place, field in enumerate(("Front", "Back"))]
    template = {"name": "Card 1", "ord": 0, "qfmt": "{{Front}}", "afmt": "{{FrontSide}}<hr id=answer>{{Back}}"}
    models = {"7": {"name": "Basic", "type": 0, "flds": fields, "tmpls": [template]}}
    connection.executescript(
        "CREATE TABLE col (id, ver, conf, models, decks);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, guid, mid, tags, flds);"
        "CREATE TABLE cards (id INTEGER PRIMARY KEY, nid, did, odid, ord);"
        "CREATE TABLE revlog (id INTEGER PRIMARY KEY, cid, ease, time, type);"
    )
    connection.execute(
        "INSERT INTO col VALUES (1, 11, ?, ?, ?)", ['{"schedVer": 2}', json.dumps(models), '{"1": {"name": "Default"}}']
    )
    title = "Why are attention scores divided by \\(\\sqrt{d_k}\\)?"
    connection.execute("INSERT INTO notes VALUES (1, 'guid', 7, '', ?)", [f"{title}\x1fVariance."])
    connection.execute("INSERT INTO cards VALUES (1, 1, 1, 0, 0)")
    connection.execute("INSERT INTO revlog VALUES (1700000000000, 1, 3, 5000, 1)")
    connection.executescript(change)
    connection.commit()
    connection.close()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(database, name)
        for part, content in {"media": b"{}", **parts}.items():
            archive.writestr(part, content)
    return path
