"""A note of Anki as a draft: what the front of its first card shows is the question, the rest of it the answer.

A cloze is one draft, its deletions the key points. Nothing is dropped: what a draft cannot hold is in `LeftOut`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from kb.exchange.anki_cards import shown
from kb.exchange.collection import AnkiNote
from kb.exchange.drafts import Slugs, draft_file, short_title
from kb.exchange.from_html import FromHtml, from_html
from kb.exchange.notes import bare_title
from kb.exchange.notes_text import escaped
from kb.plaintext import plain
from kb.questions import Text

_BLOCK = re.compile(r"```|~~~|\$\$|[-+*] |[>|#]|\d{1,9}[.)]\s")
_DEFAULT_DECK = "Default"


class LeftOutKind(StrEnum):
    """Why something of a package is in no draft."""

    EMPTY = "a note without text"
    CARD = "a further card of a note"
    PROGRAM = "a program or style within a field"
    MEDIUM = "a picture or sound that the package does not have"


@dataclass(frozen=True)
class LeftOut:
    """Something of a note that no draft has."""

    note_id: int
    kind: LeftOutKind
    text: str


@dataclass(frozen=True)
class AnkiDraft:
    """A draft with the names of the media it shows; `title` is Markdown."""

    note_id: int
    slug: str
    title: str
    markdown: str
    media: tuple[str, ...]
    answered: bool


def draft_of(note: AnkiNote, package: str, slugs: Slugs) -> tuple[AnkiDraft | None, tuple[LeftOut, ...]]:
    """The draft of a note under a free slug, and what it leaves out; `package` is what it calls its origin."""
    card = shown(note)
    front, back = from_html(card.front), from_html(card.back)
    unseen = {name: from_html(value) for name, value in card.unseen.items()}
    if not front.markdown and unseen:
        front = unseen.pop(next(iter(unseen)))
    elif not front.markdown:
        front, back = back, FromHtml("")
    if not front.markdown:
        return None, (LeftOut(note.note_id, LeftOutKind.EMPTY, note.kind.name),)
    title, stem = _title_and_stem(front.markdown)
    labelled = (f"**{escaped(name)}**\n\n{each.markdown}" for name, each in unseen.items() if each.markdown)
    answer = "\n\n".join(filter(None, (back.markdown, *labelled)))
    points = (from_html(deletion).markdown for deletion in card.deletions)
    text = Text(title, stem, answer=answer, key_points=tuple(point for point in points if point and "\n" not in point))
    parts = (front, back, *unseen.values())
    deck = note.cards[0].deck if note.cards else ""
    slug = slugs.free(title, f"note-{note.note_id}")
    markdown = draft_file(
        text,
        comment=f"{package}, note {note.note_id} of the type {note.kind.name}, deck {deck}",
        tags=[tag for tag in (*deck.split("::"), *note.tags) if tag.strip() and tag != _DEFAULT_DECK],
        follow_ups=(),
        sources=[(url, name or url) for part in parts for name, url in part.links],
    )
    media = tuple(dict.fromkeys(unquote(name) for part in parts for name in part.media))
    left_out = [LeftOut(note.note_id, LeftOutKind.PROGRAM, program) for part in parts for program in part.scripts]
    if not note.kind.cloze:
        further = [each.name for each in note.kind.templates[1:]]
        left_out += [LeftOut(note.note_id, LeftOutKind.CARD, f"{note.kind.name}: {name}") for name in further]
    return AnkiDraft(note.note_id, slug, title, markdown, media, bool(answer)), tuple(left_out)


def _title_and_stem(markdown: str) -> tuple[str, str]:
    """The first paragraph as the title and the rest; where another block comes first, the beginning of its text and all of it."""
    first, _, rest = markdown.partition("\n\n")
    if "\n" in first or _BLOCK.match(first):
        return escaped(plain(markdown)[:80]).strip() or "…", markdown
    title, all_of_it = short_title(bare_title(first) or first)
    return title, "\n\n".join(filter(None, (all_of_it, rest)))
