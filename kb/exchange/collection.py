"""Reads the collection of an Anki package: note types, decks, notes, and the reviews of chosen cards.

Schema 11 keeps note types, decks and settings as JSON in one row; from schema 14 on they are tables of their own.
Leaves out what becomes of them (`anki_drafts`, `anki_reviews`).
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kb.errors import UsageError
from kb.exchange.package import Package, damaged, protobuf

OLDEST_SCHEMA, NEWEST_SCHEMA = 11, 18
MAX_NOTES = 100_000
_TABLES = ("col", "notes", "cards", "revlog")
_CLOZE = 1


@dataclass(frozen=True)
class Template:
    """How a note type asks: the HTML of both sides, with `{{Field}}` where the note's own goes."""

    name: str
    front: str
    back: str


@dataclass(frozen=True)
class NoteType:
    """The fields of its notes, and a template for each card; a cloze type has one template for any number of cards."""

    name: str
    fields: tuple[str, ...]
    templates: tuple[Template, ...]
    cloze: bool


@dataclass(frozen=True)
class AnkiCard:
    """A card of a note: `place` is its template, or the number of its deletion less 1."""

    card_id: int
    place: int
    deck: str


@dataclass(frozen=True)
class AnkiNote:
    """A note with the HTML of each field; `cards` in the order of their places."""

    note_id: int
    guid: str
    kind: NoteType
    values: Mapping[str, str]
    tags: tuple[str, ...]
    cards: tuple[AnkiCard, ...] = field(default=())


@dataclass(frozen=True)
class Answered:
    """A row of the log of reviews: `ease` and `kind` are numbers as Anki keeps them, the time is in milliseconds."""

    row_id: int
    card_id: int
    ease: int
    kind: int
    duration_ms: int


class Collection:
    """An open collection. Raises: UsageError where it is damaged, of a schema that is not known, or too large."""

    def __init__(self, package: Package) -> None:
        self._path = package.path
        self._database = package.database
        with self._reading():
            self._check()
            self.notes_count = self._count("notes")
        if self.notes_count > MAX_NOTES:
            raise UsageError(
                f"{self._path}: expected at most {MAX_NOTES:,} notes in one package; found {self.notes_count:,}."
                " Export fewer decks at a time."
            )

    def notes(self) -> Iterator[AnkiNote]:
        """Every note, by its id.

        Raises: UsageError for one that has no note type, or other fields than that has.
        """
        with self._reading():
            cards = self._database.execute("SELECT nid, id, ord, did, odid FROM cards ORDER BY nid, ord, id")
            card = cards.fetchone()
            for row in self._database.execute("SELECT id, guid, mid, tags, flds FROM notes ORDER BY id"):
                note_id = row[0]
                own = []
                while card is not None and card[0] <= note_id:
                    if card[0] == note_id:
                        own.append(AnkiCard(card[1], card[2], self._decks.get(card[4] or card[3], "")))
                    card = cards.fetchone()
                yield self._note(row, tuple(own))

    def answers(self, cards: Sequence[int]) -> Iterator[Answered]:
        """The reviews of these cards, in the order they were given."""
        with self._reading():
            for start in range(0, len(cards), 500):
                chosen = cards[start : start + 500]
                rows = self._database.execute(
                    f"SELECT id, cid, ease, type, time FROM revlog WHERE cid IN ({', '.join('?' * len(chosen))})"
                    " ORDER BY cid, id",
                    chosen,
                )
                for row in rows:
                    if not all(type(value) is int for value in row):
                        raise UsageError(f"{self._path}: expected whole numbers in each review; found {row!r}.")
                    row_id, card_id, ease, kind, duration_ms = row
                    yield Answered(row_id, card_id, self._button(ease, kind), kind, duration_ms)

    def _button(self, ease: int, kind: int) -> int:
        """The button of today: the first scheduler had no Hard in the steps of learning."""
        return ease + 1 if self._first_scheduler and kind in (0, 2) and ease in (2, 3) else ease

    def _reading(self) -> Any:
        return damaged(self._path)

    def _check(self) -> None:
        """Refuses what is no collection, before anything of it is read."""
        tables = {
            name: (kind, root)
            for name, kind, root in self._database.execute("SELECT name, type, rootpage FROM sqlite_master")
        }
        for name in _TABLES:
            kind, root = tables.get(name, ("", 0))
            if kind != "table" or not root:  # a view or a virtual table could run for ever
                raise UsageError(
                    f"{self._path}: expected a collection of Anki; found a database without its table {name}."
                )
        fault = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if fault != "ok":
            raise sqlite3.DatabaseError(" ".join(str(fault).split())[:100])
        row = self._database.execute("SELECT ver FROM col").fetchone()
        version = row[0] if row else None
        if not isinstance(version, int) or version < OLDEST_SCHEMA:
            raise UsageError(
                f"{self._path}: expected a collection of schema {OLDEST_SCHEMA} to {NEWEST_SCHEMA}; found {version!r}."
                " Open it with a newer Anki and export it again."
            )
        if version > NEWEST_SCHEMA:
            raise UsageError(
                f"{self._path}: expected a collection of schema {OLDEST_SCHEMA} to {NEWEST_SCHEMA}; found {version}, of a newer"
                " Anki. Update Livecards, or export again with 'Support older Anki versions'."
            )
        self._version = version

    def _count(self, table: str) -> int:
        return int(self._database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def _note(self, row: tuple[Any, ...], cards: tuple[AnkiCard, ...]) -> AnkiNote:
        note_id, guid, kind_id, tags, content = row
        kind = self._kinds.get(kind_id)
        if kind is None or not isinstance(content, str):
            raise UsageError(f"{self._path}: note {note_id}: expected a note type and text; found none of them.")
        values = content.split("\x1f")
        if len(values) != len(kind.fields):
            raise UsageError(
                f"{self._path}: note {note_id}: expected the {len(kind.fields)} fields of {kind.name}; found {len(values)}."
            )
        return AnkiNote(
            note_id, str(guid), kind, dict(zip(kind.fields, values, strict=True)), tuple(str(tags).split()), cards
        )

    @cached_property
    def _kinds(self) -> dict[int, NoteType]:
        try:
            return self._kinds_of_tables() if self._version > 14 else self._kinds_of_json()
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise UsageError(f"{self._path}: its note types cannot be read ({error}).") from error

    def _kinds_of_json(self) -> dict[int, NoteType]:
        return {
            int(kind_id): NoteType(
                name=str(kind["name"]),
                fields=tuple(str(each["name"]) for each in sorted(kind["flds"], key=lambda each: int(each["ord"]))),
                templates=tuple(
                    Template(str(each["name"]), str(each["qfmt"]), str(each["afmt"]))
                    for each in sorted(kind["tmpls"], key=lambda each: int(each["ord"]))
                ),
                cloze=kind.get("type") == _CLOZE,
            )
            for kind_id, kind in self._json("models").items()
        }

    def _kinds_of_tables(self) -> dict[int, NoteType]:
        fields: dict[int, list[str]] = {}
        for kind_id, name in self._database.execute("SELECT ntid, name FROM fields ORDER BY ntid, ord"):
            fields.setdefault(kind_id, []).append(name)
        templates: dict[int, list[Template]] = {}
        for kind_id, name, config in self._database.execute(
            "SELECT ntid, name, config FROM templates ORDER BY ntid, ord"
        ):
            sides = {number: side.decode() for number, side in protobuf(config) if number in (1, 2)}
            templates.setdefault(kind_id, []).append(Template(name, sides.get(1, ""), sides.get(2, "")))
        return {
            kind_id: NoteType(name, tuple(fields[kind_id]), tuple(templates.get(kind_id, ())), _is_cloze(config))
            for kind_id, name, config in self._database.execute("SELECT id, name, config FROM notetypes")
        }

    @cached_property
    def _decks(self) -> dict[int, str]:
        """The full names of the decks, `::` between their parts."""
        if self._version > 14:
            named = self._database.execute("SELECT id, name FROM decks").fetchall()
            return {deck_id: str(name).replace("\x1f", "::") for deck_id, name in named}
        try:
            return {int(deck_id): str(deck["name"]) for deck_id, deck in self._json("decks").items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UsageError(f"{self._path}: its decks cannot be read ({error}).") from error

    @cached_property
    def _first_scheduler(self) -> bool:
        """Whether the collection was last used with the scheduler of before 2018."""
        if self._version < 14:
            return bool(self._json("conf").get("schedVer", 1) == 1)
        row = self._database.execute("SELECT val FROM config WHERE KEY = 'schedVer'").fetchone()
        return row is not None and bytes(row[0]) == b"1"

    def _json(self, column: str) -> dict[str, Any]:
        try:
            found = json.loads(self._database.execute(f"SELECT {column} FROM col").fetchone()[0])
        except (ValueError, TypeError, RecursionError) as error:
            raise UsageError(f"{self._path}: {column} of its collection cannot be read ({error}).") from error
        if not isinstance(found, dict):
            raise UsageError(f"{self._path}: {column} of its collection cannot be read: expected a JSON object.")
        return found


def _is_cloze(config: bytes) -> bool:
    """Whether the settings of a note type begin with `kind = 1`, their first field."""
    return config[:2] == b"\x08\x01"
