"""Markdown as people keep it, made into the Markdown that the bank reads; each line keeps the number it had on the page.

Formulas get dollars, `<aside>` blocks become quotations, raw HTML becomes text, links to the web become
sources, pictures become code.
Leaves out where a question begins, which is `kb.exchange.notes`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from kb.inline import Link, Segment, segments

BLOCKS = MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin, allow_labels=False)

_FENCE = re.compile(r"\s*(?:>\s?)*(?:(?:[-+*]|\d{1,9}[.)])\s+)*(`{3,}(?=[^`]*$)|~{3,})")
_PREFIX = re.compile(r"(\s*(?:>\s*)*)(.*)", re.DOTALL)
_ASIDE, _ASIDE_END = re.compile(r"(\s*)<aside[^>]*>(.*)"), re.compile(r"(.*)</aside>\s*$")
_CALL_OUT = re.compile(r"(\s*(?:>\s?)+)\[!(\w+)\][-+]?(.*)")
_DEFINITION = re.compile(r"^(\s*(?:(?:>|[-+*]|\d{1,9}[.)])\s+)*)(\[[^\]]+\]:\s*\S)")
_OPENERS = {"$$": "$$", r"\[": r"\]"}
_WHOLE = re.compile(r"(?:\$\$|\\\[)(.+?)(?:\$\$|\\\])\s*")
_BETWEEN = (
    re.compile(r"(?<!\\)\$\$(.+?)\$\$"),
    re.compile(r"(?<!\\)\\\[(.+?)\\\]"),
    re.compile(r"(?<!\\)\\\((.+?)\\\)"),
)
_CODE_SPAN = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_SPECIAL = re.compile(
    r"\\(?=[!-/:-@\[-`{-~\s\U0010fff0]|$)|[`*$|]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|\](?=\()|&(?=#?\w+;)|~(?=~|$)"
    r"|^#(?=[#\s]|$)|^>|^=(?==*\s*$)|^[-+](?=[-+\s]|$)"
)
_NUMBER = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_HEADING = re.compile(r"(\s*(?:>\s?)*)#{1,6}\s+(.*?)\s*#*\s*$")


@dataclass(frozen=True)
class Line:
    """One line of text, with the number of the line of the page that it comes from."""

    number: int
    text: str


@dataclass(frozen=True)
class Found:
    """What a link or a picture of the page led to; `line` is where it stands."""

    line: int
    title: str
    target: str


def joined(lines: Sequence[Line]) -> str:
    """The text of the lines."""
    return "\n".join(line.text for line in lines)


def readable(page: str) -> list[Line]:
    """The page with call-outs as quotations and displayed formulas between lines of `$$`."""
    lines = [Line(number, _leading_spaces(text)) for number, text in enumerate(page.split("\n"), 1)]
    return list(_formulas(list(_marked(list(_quoted(lines))))))


def _leading_spaces(text: str) -> str:
    stripped = text.lstrip(" \t")
    return text[: len(text) - len(stripped)].expandtabs(4) + stripped.rstrip()


def _fenced(lines: Sequence[Line]) -> Iterator[tuple[Line, bool]]:
    """Each line and whether it belongs to a fence of code; one that nothing closes is closed at the end."""
    fence = ""
    for line in lines:
        opening = _FENCE.match(line.text)
        if fence:
            yield line, True
            marks = line.text.lstrip(" >")
            if marks.startswith(fence) and not marks.strip(fence[0]):
                fence = ""
        else:
            fence = opening[1] if opening else ""
            yield line, bool(fence)
    if fence and lines:
        yield Line(lines[-1].number, fence), True


def _quoted(lines: list[Line]) -> Iterator[Line]:
    """The lines with each `<aside>` block as a quotation; one that nothing closes stays as it is."""
    marks = {line.number for line, code in _fenced(lines) if not code}
    last = max((place for place, line in enumerate(lines) if _ASIDE_END.match(line.text)), default=-1)
    indent: str | None = None
    for place, line in enumerate(lines):
        opening = _ASIDE.match(line.text) if indent is None and line.number in marks and place <= last else None
        if opening:
            indent = opening[1]
            text = indent + opening[2].lstrip()
        else:
            text = line.text
        if indent is None:
            yield line
            continue
        closing = _ASIDE_END.match(text) if line.number in marks else None
        content = (closing[1] if closing else text).removeprefix(indent)
        edge = not content.strip() and bool(opening or closing)
        yield replace(line, text="" if edge else f"{indent}> {content}".rstrip())
        indent = None if closing else indent
        if closing:
            yield Line(line.number, "")


def _marked(lines: list[Line]) -> Iterator[Line]:
    """The lines with the kinds of call-outs in bold, and definitions of links as text."""
    for line, code in _fenced(lines):
        if code:
            yield line
        elif call_out := _CALL_OUT.match(line.text):
            yield replace(line, text=f"{call_out[1]}**{call_out[2].capitalize()}**{call_out[3]}")
        else:
            yield replace(line, text=_DEFINITION.sub(r"\1\\\2", line.text))


def _formulas(lines: list[Line]) -> Iterator[Line]:
    """The lines with every formula between dollars, and displayed ones between lines of `$$` with empty lines around."""
    code = [(line, inside) for line, inside in _fenced(lines)]
    place = 0
    while place < len(code):
        line, inside = code[place]
        block = None if inside else _display(code, place)
        if block is None:
            text = line.text.replace("$$", r"\$\$") if line.text.lstrip(" >").startswith("$$") else line.text
            yield line if inside else replace(line, text=_inline_formulas(text))
            place += 1
        else:
            yield from block[0]
            place = block[1]


def _display(code: list[tuple[Line, bool]], start: int) -> tuple[list[Line], int] | None:
    """The displayed formula that begins here, and the place after it; None where none does."""
    line = code[start][0]
    match = _PREFIX.match(line.text)
    prefix, text = (match[1], match[2]) if match else ("", "")
    closer = next((closer for opener, closer in _OPENERS.items() if text.startswith(opener)), None)
    if closer is None:
        return None
    if whole := _WHOLE.fullmatch(text):
        return _set_off(prefix, [Line(line.number, whole[1].strip())]), start + 1
    content = [Line(line.number, text[2:].strip())]
    for place in range(start + 1, len(code)):
        inner, inside = code[place]
        text = inner.text.lstrip(" >") if ">" in prefix else inner.text.strip()
        if inside or _HEADING.match(inner.text):
            return None
        if text.endswith(closer):
            content.append(Line(inner.number, text.removesuffix(closer).strip()))
            return _set_off(prefix, content), place + 1
        content.append(Line(inner.number, text))
    return None


def _set_off(prefix: str, content: list[Line]) -> list[Line]:
    first, last = content[0].number, content[-1].number
    inner = [Line(line.number, prefix + line.text) for line in content if line.text]
    edge = prefix.rstrip() if ">" in prefix else ""
    if not inner:
        return [Line(first, f"{prefix}\\$\\$"), Line(last, f"{prefix}\\$\\$")]
    return [Line(first, edge), Line(first, f"{prefix}$$"), *inner, Line(last, f"{prefix}$$"), Line(last, edge)]


def _inline_formulas(text: str) -> str:
    parts, position = [], 0
    for span in _CODE_SPAN.finditer(text):
        parts += [_dollars(text[position : span.start()]), span.group()]
        position = span.end()
    return "".join([*parts, _dollars(text[position:])])


def _dollars(text: str) -> str:
    for pattern in _BETWEEN:
        text = pattern.sub(lambda found: f"${found[1].strip()}$", text)
    return text


def for_bank(lines: Sequence[Line]) -> tuple[str, list[Found], list[Found]]:
    """The lines as Markdown that the bank takes, the addresses they lead to, and the pictures they show."""
    prepared = _tidy(_without_headings(lines))
    text = joined(prepared)
    links: list[Found] = []
    pictures: list[Found] = []
    parts, position = [], 0
    for segment in segments(text):
        number = prepared[text.count("\n", 0, segment.start)].number
        source = text[segment.start : segment.end]
        parts += [text[position : segment.start], _allowed(segment, source, number, links, pictures)]
        position = segment.end
    parts.append(text[position:])
    return _without_indented_code("".join(parts)).strip("\n"), links, pictures


def _allowed(segment: Segment, source: str, number: int, links: list[Found], pictures: list[Found]) -> str:
    """What stands for this stretch of the text in the bank."""
    if isinstance(segment, Link):
        if not segment.target.startswith(("https://", "http://")):
            return f"{segment.text} ({as_code(segment.target)})"
        links.append(Found(number, segment.text, segment.target))
        return segment.text
    if segment.kind == "image":
        alternative, _, target = source.removeprefix("![").removesuffix(")").partition("](")
        pictures.append(Found(number, alternative, target))
        return as_code(source)
    if segment.kind == "html":
        if source.startswith(("<https://", "<http://")):
            links.append(Found(number, source[1:-1], source[1:-1]))
            return source[1:-1]
        return "\\" + source
    if segment.kind == "unclosed" and source.startswith("$"):
        return source.replace("$", r"\$")
    return source


def as_code(text: str) -> str:
    """The text as a span of code, between as many backticks as it needs."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return f"{'`' * (longest + 1)} {text} {'`' * (longest + 1)}" if longest else f"`{text}`"


def _without_headings(lines: Sequence[Line]) -> list[Line]:
    """The lines with headings as bold lines of their own."""
    prepared: list[Line] = []
    for line, code in _fenced(lines):
        heading = None if code else _HEADING.match(line.text)
        if heading is None:
            prepared.append(line)
            continue
        edge = heading[1].rstrip()
        name = heading[2] if "**" in heading[2] or not heading[2] else f"**{heading[2]}**"
        prepared += [Line(line.number, edge), Line(line.number, heading[1] + name), Line(line.number, edge)]
    return prepared


def _tidy(lines: Sequence[Line]) -> list[Line]:
    """The lines with one empty line where several stand, and none at the edges of a quotation."""
    kept: list[Line] = []
    for line, code in _fenced(lines):
        empty = not code and not line.text.strip(" >")
        if empty and not (kept and kept[-1].text.lstrip().startswith(">")):
            line = replace(line, text="")
        if kept and not line.text.strip() and kept[-1].text.strip() == ">":
            kept[-1] = line
        elif not (empty and kept and kept[-1].text.strip() == line.text.strip()):
            kept.append(line)
    if kept and kept[-1].text.strip() == ">":
        kept.pop()
    return kept


def _without_indented_code(markdown: str) -> str:
    """The text with code between fences where four spaces set it off; a formula that they set off is moved back."""
    rows = markdown.split("\n")
    start = 0
    while (block := _indented_code(rows, start)) is not None:
        start, end = block
        content = [row.removeprefix("    ") for row in rows[start:end]]
        if content[0].strip() == "$$":
            closing = next((place for place, row in enumerate(content[1:], 1) if row.strip() == "$$"), len(content) - 1)
            content = [row.strip() for row in content[: closing + 1]]
            end = start + len(content)
        else:
            content = ["```", *content, "```"]
        rows[start:end] = content
        start += len(content)
    return "\n".join(rows)


def _indented_code(rows: Sequence[str], start: int) -> tuple[int, int] | None:
    """Where the first code set off by four spaces begins and ends, from this row on."""
    if not any(row.startswith("    ") for row in rows[start:]):
        return None
    for token in BLOCKS.parse("\n".join(rows)):
        if token.type == "code_block" and not token.level and token.map and token.map[0] >= start:
            first, end = token.map
            while not rows[end - 1].strip():
                end -= 1
            return first, end
    return None


def escaped(text: str) -> str:
    """A line of plain text as Markdown: every sign that would be a mark behind a backslash."""
    stripped = text.lstrip()
    return " " * (len(text) > len(stripped)) + _NUMBER.sub(_escaped_number, _SPECIAL.sub(_escaped, stripped), count=1)


def _escaped(found: re.Match[str]) -> str:
    """A sign that would be a mark; a backslash in the end by its number, as what follows is not known."""
    return "&#92;" if found[0] == "\\" and found.end() == len(found.string) else f"\\{found[0]}"


def _escaped_number(found: re.Match[str]) -> str:
    """A number at the beginning of a text, which would be that of a list."""
    return f"{found[1]}\\{found[2]}" if found.start() == 0 else found[0]
