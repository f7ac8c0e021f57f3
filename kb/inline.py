"""Finds code, formulas and links in Markdown with their offsets, so that a text can be rewritten without touching the rest.

markdown-it gives no offsets inside a paragraph, hence this scanner. It reads the Markdown that the bank allows: a link is
`[text](target)`, a formula `$...$` or lines between two `$$` lines. Reference links and indented code are left out.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from markdown_it.common.html_re import HTML_TAG_RE

Kind = Literal["code", "math", "link", "image", "html", "unclosed"]

_FENCE = re.compile(r"\s*(?:(?:[-+*]|\d{1,9}[.)])\s+)*(`{3,}(?=[^`]*$)|~{3,})")
_NEW_BLOCK = re.compile(r" {0,3}#{1,6}(?=\s|$)|\s*(?:[-+*]|\d{1,9}[.)])(?=\s)|\s*\|")
_QUOTE = re.compile(r"^ {0,3}(?:> ?)+")
_AUTOLINK = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\s]*|[\w.+-]+@[\w.-]+)>")
_BAR = re.compile(r"(?<!\\)\|")
_BACKTICKS = re.compile(r"`+")
_FORMULA = re.compile(r"(?:\\.|[^\\$])+\$(?!\$)", re.DOTALL)
_SPECIAL = re.compile(r"[\\`$!\[<]")


@dataclass(frozen=True)
class Segment:
    """A stretch of Markdown that is not plain text; `unclosed` is a dollar or a fence of code that nothing closes."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class Link(Segment):
    """`[text](target)` as written, with `start` and `end` around all of it."""

    text: str
    target: str


def segments(markdown: str) -> Iterator[Segment]:
    """Code, formulas, links, images, raw HTML and stray dollars, in order; links are not looked for inside the others."""
    for start, end, kind in _blocks(markdown):
        if kind is None:
            yield from _inline(markdown, start, end)
        else:
            yield Segment(kind, start, end)


def iter_links(markdown: str) -> Iterator[Link]:
    """The links of a text, in order."""
    return (segment for segment in segments(markdown) if isinstance(segment, Link))


def replace_links(markdown: str, replacement: Callable[[Link], str]) -> str:
    """The text with each link replaced by what the function returns for it; everything else stays as it is."""
    if "](" not in markdown:
        return markdown
    parts, position = [], 0
    for link in iter_links(markdown):
        parts += [markdown[position : link.start], replacement(link)]
        position = link.end
    return "".join([*parts, markdown[position:]])


def _blocks(markdown: str) -> Iterator[tuple[int, int, Kind | None]]:
    """Stretches that no code span, formula or link can leave: (start, end, kind), with kind None for inline Markdown."""
    start = offset = 0
    fence: str | None = None  # the marker that closes the open fence, "$$" in a displayed formula
    quoted = False  # whether the paragraph began in a quotation
    for line in markdown.splitlines(keepends=True):
        end = offset + len(line)
        content = _QUOTE.sub("", line)
        stripped = content.strip()
        opening = _FENCE.match(content) if fence is None else None
        if fence is not None:
            if stripped == fence or (fence != "$$" and stripped.startswith(fence) and not stripped.strip(fence[0])):
                yield start, end, "math" if fence == "$$" else "code"
                start, fence = end, None
        elif opening or stripped == "$$":
            yield start, offset, None
            start, fence = offset, opening.group(1) if opening else "$$"
        elif not stripped or _NEW_BLOCK.match(content) or (content != line and not quoted):
            yield start, offset, None
            start, quoted = offset, bool(stripped) and content != line
            if stripped.startswith("|"):
                yield from _cells(markdown, offset, end)
                start = end
            elif stripped.startswith("#"):
                yield start, end, None
                start = end
        offset = end
    yield start, offset, None if fence is None else "unclosed"


def _cells(markdown: str, start: int, end: int) -> Iterator[tuple[int, int, Kind | None]]:
    """The cells of a table row: a bar ends a cell even inside code, unless it is escaped."""
    for bar in _BAR.finditer(markdown, start, end):
        yield start, bar.start(), None
        start = bar.end()
    yield start, end, None


def _inline(markdown: str, start: int, end: int) -> Iterator[Segment]:
    position = start
    while special := _SPECIAL.search(markdown, position, end):
        found, position = _at(markdown, special.start(), end)
        if found is not None:
            yield found


def _at(markdown: str, start: int, end: int) -> tuple[Segment | None, int]:
    """What begins at this special character, if anything, and where to go on."""
    match markdown[start]:
        case "\\":
            return None, start + 2
        case "`":
            return _code(markdown, start, end)
        case "$":
            return _math(markdown, start, end)
        case "!":
            link = _link(markdown, start + 1, end) if markdown.startswith("[", start + 1) else None
            return (Segment("image", start, link.end), link.end) if link else (None, start + 1)
        case "[":
            link = _link(markdown, start, end)
            return (link, link.end) if link else (None, start + 1)
        case _:
            tag = HTML_TAG_RE.match(markdown[start:end]) or _AUTOLINK.match(markdown[start:end])
            return (Segment("html", start, start + tag.end()), start + tag.end()) if tag else (None, start + 1)


def _code(markdown: str, start: int, end: int) -> tuple[Segment | None, int]:
    runs = _BACKTICKS.finditer(markdown, start, end)
    opening = next(runs)
    for closing in runs:
        if len(closing.group()) == len(opening.group()):
            return Segment("code", start, closing.end()), closing.end()
    return None, opening.end()


def _math(markdown: str, start: int, end: int) -> tuple[Segment, int]:
    if markdown.startswith("$$", start):
        return Segment("unclosed", start, start + 2), start + 2
    formula = _FORMULA.match(markdown, start + 1, end)
    segment = Segment("math", start, formula.end()) if formula else Segment("unclosed", start, start + 1)
    return segment, segment.end


def _link(markdown: str, start: int, end: int) -> Link | None:
    """The link whose text opens at `start`; None where the brackets do not make one, or hold a link themselves."""
    close = _closing(markdown, start, end, "[", "]")
    if close is None or not markdown.startswith("(", close + 1):
        return None
    last = _closing(markdown, close + 1, end, "(", ")")
    if last is None or any(isinstance(inner, Link) for inner in _inline(markdown, start + 1, close)):
        return None
    return Link("link", start, last + 1, markdown[start + 1 : close], markdown[close + 2 : last])


def _closing(markdown: str, start: int, end: int, opener: str, closer: str) -> int | None:
    """The offset of the bracket that closes the one at `start`; brackets in code and formulas do not count."""
    depth, position = 0, start
    while position < end:
        character = markdown[position]
        if opener == "[" and character in "`$":
            _, position = _at(markdown, position, end)
            continue
        if character == "\\":
            position += 1
        elif character == opener:
            depth += 1
        elif character == closer:
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return None
