"""What a card of Anki shows: the templates of a note type filled with a note's fields, and the deletions of a cloze.

Leaves out the styles and programs of templates, and the filters of add-ons: a field is shown as it is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kb.exchange.collection import AnkiNote

_REFERENCE = re.compile(r"\{\{\s*([#^/]?)(.*?)\s*\}\}", re.DOTALL)
_SECTION = re.compile(r"\{\{\s*([#^])\s*([^{}]*?)\s*\}\}((?:(?!\{\{\s*[#^]).)*?)\{\{\s*/\s*\2\s*\}\}", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PROGRAM = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_CLOZE = re.compile(r"\{\{c(\d{1,3})::((?:(?!\{\{c\d{1,3}::).)*?)(?:::((?:(?!\{\{c\d{1,3}::).)*?))?\}\}", re.DOTALL)
_BESIDE_FIELDS = ("Tags", "Type", "Deck", "Subdeck", "Card", "CardFlag", "CardID")
_LONGEST = 2**20


@dataclass(frozen=True)
class Shown:
    """The HTML of the two sides of a note's first card, and the fields that neither of them shows.

    `deletions` are the HTML of what a cloze leaves out on its front.
    """

    front: str
    back: str
    unseen: Mapping[str, str]
    deletions: tuple[str, ...] = ()


def shown(note: AnkiNote) -> Shown:
    """What the note's first card shows; a cloze has all its deletions on that one card."""
    used: set[str] = set()
    template = note.kind.templates[0] if note.kind.templates else None
    front = _filled(template.front, note, used, revealed=False) if template else ""
    back = _filled(_without_front(template.back), note, used, revealed=True) if template else ""
    unseen = {name: value for name, value in note.values.items() if value.strip() and name not in used}
    if not note.kind.cloze:
        return Shown(front, back, unseen)
    deletions = [deletion for value in note.values.values() for deletion in _deletions(value)]
    return Shown(front, back, unseen, tuple(dict.fromkeys(deletions)))


def _without_front(back: str) -> str:
    """The template of the back without what it repeats of the front, and the rule under that."""
    return re.sub(
        r"(?:\{\{\s*FrontSide\s*\}\}\s*)?<hr[^>]*\bid\s*=\s*[\"']?answer\b[^>]*>|\{\{\s*FrontSide\s*\}\}", "", back
    )


def _filled(template: str, note: AnkiNote, used: set[str], revealed: bool) -> str:
    """The template with the note's fields; their names are added to `used`."""
    text = _PROGRAM.sub("", _COMMENT.sub("", template))
    while len(text) < _LONGEST and (section := _SECTION.search(text)):
        there = bool(note.values.get(section[2].strip(), "").strip())
        text = text[: section.start()] + (section[3] if there == (section[1] == "#") else "") + text[section.end() :]

    def value(found: re.Match[str]) -> str:
        *filters, name = (part.strip() for part in found[2].split(":"))
        if found[1] or name in _BESIDE_FIELDS or any(each.startswith("tts") for each in filters):
            return ""
        if name not in note.values or ("type" in filters and not revealed):
            return ""
        used.add(name)
        text = note.values[name]
        return _cloze(text, revealed) if note.kind.cloze else text

    return _REFERENCE.sub(value, text)


def _cloze(text: str, revealed: bool) -> str:
    """The text with its deletions in bold, or with what stands for them."""

    def one(found: re.Match[str]) -> str:
        return f"<b>{found[2]}</b>" if revealed else f"[{found[3] or '…'}]"

    return _repeated(one, text)


def _deletions(text: str) -> list[str]:
    """What the deletions hold, those within others first."""
    found: list[str] = []

    def one(deletion: re.Match[str]) -> str:
        found.append(deletion[2])
        return deletion[2]

    _repeated(one, text)
    return found


def _repeated(one: Callable[[re.Match[str]], str], text: str) -> str:
    """The text with every deletion replaced, those within others first."""
    while (replaced := _CLOZE.sub(one, text)) != text:
        text = replaced
    return text
