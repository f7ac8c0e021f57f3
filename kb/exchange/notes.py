"""Reads a page of questions and answers, as people keep them, into drafts: question files of the bank's format.

A question is a heading, a bold or numbered line, or an item of a list that ends in a question mark; a heading that is a name
makes a draft of the text under it. Nothing is dropped: every line is in a draft, or in `unplaced`. Leaves out judging: what the
bank requires and the page does not have (points covered, key points) is for the author to add.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kb.exchange.drafts import Slugs, draft_file, placed, short_title, staging
from kb.exchange.notes_text import BLOCKS, Found, Line, for_bank, joined, readable
from kb.front_matter import split
from kb.plaintext import plain
from kb.questions import Text

_LONGEST_QUESTION = 5  # lines

_NUMBERING = re.compile(
    r"(?:\d+(?:\.\d+)+\s+|\d+(?:\.\d+)*[.)、．]\s*|(?:Q(?:uestion)?|问题?|第)\s*\d*\s*[题问]?\s*[:：.、)]\s*)+",
    re.IGNORECASE,
)
_QUESTION = re.compile(r".*[?？][*_\s\"”’»」』]*(?:[(（][^()（）]*[)）])?[*_\s.。]*", re.DOTALL)
_BOLD = re.compile(r"(?:\*\*|__)(.+?)(?:\*\*|__)\s*(.*)")
_ITEM = re.compile(r"(\s*(?:[-+*]|\d{1,9}[.)]))( +|$)")
_SILENT = ("", "<aside>", "</aside>")  # a quotation stands for these
_LISTS = ("bullet_list_open", "ordered_list_open")
_PARAGRAPH, _ITEM_LEVEL = 7, 0  # where a bold question and an item of a list stand among headings of 1 to 6


@dataclass(frozen=True)
class Draft:
    """A question file in the making; `first` and `last` are the lines of the page that it comes from."""

    slug: str
    text: Text
    markdown: str
    first: int
    last: int


class Reason(StrEnum):
    """Why lines of a page are in no draft, or a picture is only named there."""

    PICTURE = "picture"
    FRONT_MATTER = "front matter"
    BEFORE = "before the first question or heading"
    NO_TEXT = "heading without text"
    OUTSIDE = "outside every question"


@dataclass(frozen=True)
class Unplaced:
    """Lines of the page that no draft has, or a picture that it could not take along."""

    first: int
    last: int
    reason: Reason
    text: str


@dataclass(frozen=True)
class Notes:
    """What a page holds."""

    drafts: tuple[Draft, ...]
    unplaced: tuple[Unplaced, ...]


@dataclass(eq=False)
class _Entry:
    """A question, or a heading that is a name, with the text under it; `above` are the names it stands under."""

    title: str
    level: int
    question: bool
    title_lines: list[Line]
    above: tuple["_Entry", ...] = ()
    body: list[Line] = field(default_factory=list)
    follow_ups: list["_Entry"] = field(default_factory=list)
    slug: str = ""


def read_notes(page: str, name: str, taken: Collection[str] = ()) -> Notes:
    """The drafts that the page makes, none of them under a slug that is taken; `name` is what drafts call the page."""
    return _Reader(page, name, taken).read()


def write_drafts(notes: Notes, folder: Path) -> tuple[Path, ...]:
    """The files that were written. A draft that is there already as it is stays; one that was changed is never written over.

    Raises: UsageError where the folder cannot be written; nothing is written then.
    """
    with staging(folder) as staged:
        files = [staged / f"{draft.slug}.md" for draft in notes.drafts]
        for file, draft in zip(files, notes.drafts, strict=True):
            file.write_text(draft.markdown, encoding="utf-8")
        with placed(files, staged, folder) as written:
            return written


class _Reader:
    def __init__(self, page: str, name: str, taken: Collection[str]) -> None:
        self._name = name
        self._page = page
        self._slugs = Slugs(taken)
        self._entries: list[_Entry] = []
        self._reasons: dict[int, Reason | None] = {}  # why a line is in no draft; None for one that says nothing

    def read(self) -> Notes:
        front = split(self._page)
        first = front[2] if front else 1
        self._reasons |= dict.fromkeys(range(1, first), Reason.FRONT_MATTER)
        self._share([line for line in readable(self._page) if line.number >= first], [], ())
        kept = [entry for entry in self._entries if entry.question or joined(entry.body).strip()]
        for entry in kept:
            entry.slug = self._slug(entry)
        drafts, unplaced, placed = [], [], set[int]()
        for entry in kept:
            draft, pictures = self._draft(entry)
            drafts.append(draft)
            for part in (entry, *entry.above):
                placed |= {line.number for line in part.title_lines}
            placed |= {line.number for line in entry.body}
            unplaced += [
                Unplaced(found.line, found.line, Reason.PICTURE, found.target or found.title) for found in pictures
            ]
        unplaced += self._rest(placed)
        return Notes(tuple(drafts), tuple(sorted(unplaced, key=lambda each: each.first)))

    def _share(self, lines: Sequence[Line], base: list[_Entry], above: tuple[_Entry, ...]) -> None:
        """Shares the lines out among entries; `base` holds the item of a list that they stand in, if any."""
        stack = list(base)
        tokens = BLOCKS.parse(joined(lines))
        for place, token in enumerate(tokens):
            if token.level or token.map is None or token.nesting < 0:
                continue
            block = list(lines[token.map[0] : token.map[1]])
            if token.type == "heading_open" and token.markup != "-":
                self._heading(int(token.tag[1]), tokens[place + 1].content, block, stack, above)
            elif token.type in ("paragraph_open", "heading_open"):
                if token.type == "heading_open":  # a rule right under a paragraph
                    self._reasons[block.pop().number] = None
                self._paragraph(block, stack, above)
            elif token.type in _LISTS:
                self._list(block, token.type == "ordered_list_open", stack, above)
            elif token.type == "hr":
                self._reasons |= {line.number: None for line in block}
            else:
                self._keep(block, stack)

    def _heading(
        self, level: int, content: str, block: list[Line], stack: list[_Entry], above: tuple[_Entry, ...]
    ) -> None:
        while stack and stack[-1].level >= level:
            stack.pop()
        question = _is_question(content)
        if not question and _in_answer(stack):
            self._keep([Line(block[0].number, f"# {' '.join(content.split())}")], stack)
        elif content.strip():
            self._open(_Entry(bare_title(content), level, question, block), stack, above)
        else:
            self._reasons |= {line.number: None for line in block}

    def _paragraph(self, block: list[Line], stack: list[_Entry], above: tuple[_Entry, ...]) -> None:
        asked = _asked(block)
        marked = _BOLD.fullmatch(block[0].text.strip()) or _NUMBERING.match(block[0].text.strip())
        if asked is None or not marked:
            self._keep(block, stack)
            return
        while stack and stack[-1].level >= _PARAGRAPH:
            stack.pop()
        self._open(_Entry(asked[0], _PARAGRAPH, True, asked[1]), stack, above)
        self._keep(asked[2], stack)

    def _list(self, block: list[Line], ordered: bool, stack: list[_Entry], above: tuple[_Entry, ...]) -> None:
        if not _asks(block, ordered, stack):
            self._keep(block, stack)
            return
        for item in _items(block):
            content = _content(item)
            own = _own_question(content, ordered, stack)
            if own is None and _in_answer(stack):
                self._keep(item, stack)
                continue
            title, title_lines, rest = own or (bare_title(content[0].text), content[:1], content[1:])
            entry = _Entry(title, _ITEM_LEVEL, own is not None, title_lines)
            self._open(entry, list(stack), above)
            self._share(rest, [entry], entry.above)

    def _open(self, entry: _Entry, stack: list[_Entry], above: tuple[_Entry, ...]) -> None:
        """Adds an entry under those of the stack."""
        entry.above = (*above, *(each for each in stack if not each.question and each not in above))
        parent = next((each for each in reversed(stack) if each.question), None)
        if parent is not None and entry.question:
            parent.follow_ups.append(entry)
        stack.append(entry)
        self._entries.append(entry)

    def _keep(self, block: Sequence[Line], stack: list[_Entry]) -> None:
        """Adds a block to the entry it stands under."""
        if not stack:
            self._reasons |= {line.number: Reason.BEFORE for line in block}
        elif block:
            body = stack[-1].body
            body += [Line(block[0].number, ""), *block] if body else block

    def _slug(self, entry: _Entry) -> str:
        return self._slugs.free(entry.title, f"line-{entry.title_lines[0].number}")

    def _draft(self, entry: _Entry) -> tuple[Draft, list[Found]]:
        """The draft of an entry, and the pictures it could not take along."""
        number = entry.title_lines[0].number
        title, links, pictures = for_bank([Line(number, entry.title)])
        if not entry.question and entry.above and entry.above[-1].level > 1:
            title = f"{for_bank([Line(number, entry.above[-1].title)])[0]}: {title}"
        title, stem = short_title(title)
        answer, more_links, more_pictures = for_bank(entry.body)
        lines = [line.number for line in (*entry.title_lines, *entry.body)]
        sources = {link.target: plain(link.title) or link.target for link in (*links, *more_links)}
        text = Text(title=title, stem=stem, answer=answer)
        markdown = draft_file(
            text,
            comment=f"{self._name}, lines {min(lines)} to {max(lines)}",
            tags=[name for each in entry.above if (name := plain(each.title))],
            follow_ups=[each.slug for each in entry.follow_ups],
            sources=tuple(sources.items()),
        )
        return Draft(entry.slug, text, markdown, min(lines), max(lines)), [*pictures, *more_pictures]

    def _rest(self, placed: set[int]) -> list[Unplaced]:
        """The lines that no draft has, those that follow one another for the same reason together."""
        titles = {line.number for entry in self._entries for line in entry.title_lines}
        rest: list[Unplaced] = []
        for number, row in enumerate(self._page.split("\n"), 1):
            reason = self._reasons.get(number, Reason.NO_TEXT if number in titles else Reason.OUTSIDE)
            if number in placed or row.strip() in _SILENT or reason is None:
                continue
            if rest and rest[-1].last == number - 1 and rest[-1].reason == reason:
                rest[-1] = Unplaced(rest[-1].first, number, reason, rest[-1].text)
            else:
                rest.append(Unplaced(number, number, reason, row.strip()))
        return rest


def _in_answer(stack: Sequence[_Entry]) -> bool:
    return any(entry.question for entry in stack)


def _is_question(text: str) -> bool:
    return _QUESTION.fullmatch(text.strip()) is not None


def bare_title(text: str) -> str:
    """The text without its number and the marks around all of it."""
    text = " ".join(text.split())
    while (shorter := _NUMBERING.sub("", text, count=1) if _NUMBERING.match(text) else text.strip()) != text or (
        (bold := _BOLD.fullmatch(text)) and not bold[2] and (shorter := bold[1])
    ):
        text = shorter
    return text


def _asked(block: Sequence[Line]) -> tuple[str, list[Line], list[Line]] | None:
    """The question that a paragraph asks first: its title, the lines of that, and the lines left; None where it asks none."""
    first = block[0].text.strip() if block else ""
    bold = _BOLD.fullmatch(_NUMBERING.sub("", first, count=1) if _NUMBERING.match(first) else first)
    if bold and _is_question(bold[1]):
        after = [Line(block[0].number, bold[2])] if bold[2] else []
        return bare_title(bold[1]), list(block[:1]), [*after, *block[1:]]
    for end in range(1, min(len(block), _LONGEST_QUESTION) + 1):
        if not block[end - 1].text.strip():
            return None
        if _is_question(" ".join(line.text for line in block[:end])):
            return bare_title(" ".join(line.text for line in block[:end])), list(block[:end]), list(block[end:])
    return None


def _items(block: Sequence[Line]) -> list[list[Line]]:
    """The lines of each item of a list."""
    tokens = BLOCKS.parse(joined(block))
    places = [token.map for token in tokens if token.type == "list_item_open" and token.level == 1 and token.map]
    return [list(block[start:end]) for start, end in places]


def _content(item: Sequence[Line]) -> list[Line]:
    """The lines of an item without its mark and the indentation that goes with it."""
    mark = _ITEM.match(item[0].text)
    if mark is None:
        return list(item)
    width = len(mark[1]) + (len(mark[2]) if 1 <= len(mark[2]) <= 4 else 1)
    rest = [Line(line.number, re.sub(f"^ {{0,{width}}}", "", line.text)) for line in item[1:]]
    left = min((len(line.text) - len(line.text.lstrip()) for line in rest if line.text.strip()), default=0)
    more = min(left, 3)  # four would be code
    return [
        Line(item[0].number, item[0].text[width:]),
        *(Line(line.number, line.text[more:] if line.text.strip() else "") for line in rest),
    ]


def _own_question(
    content: Sequence[Line], ordered: bool, stack: Sequence[_Entry]
) -> tuple[str, list[Line], list[Line]] | None:
    """What `_asked` finds in an item that is a question of its own; within an answer only one with an answer of its own is."""
    asked = _asked(content)
    if asked is None or not _in_answer(stack):
        return asked
    nested = ordered and stack[-1].level == _ITEM_LEVEL
    return asked if nested or joined(asked[2]).strip() else None


def _asks(block: Sequence[Line], ordered: bool, stack: Sequence[_Entry]) -> bool:
    """Whether a list holds questions, at any depth."""
    for item in _items(block):
        content = _content(item)
        if _own_question(content, ordered, stack):
            return True
        for token in BLOCKS.parse(joined(content)) if not _in_answer(stack) else ():
            if token.type in _LISTS and not token.level and token.map:
                inner = content[token.map[0] : token.map[1]]
                if _asks(inner, token.type == "ordered_list_open", stack):
                    return True
    return False
