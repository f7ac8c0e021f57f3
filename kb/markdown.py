"""Reads the Markdown body of a question, in one language, into a `Text`; every problem knows its line.

The blocks come from markdown-it's token stream, the parts keep their Markdown as written. Leaves out what depends on
the kind of question or on the other language (`kb.bank`, `kb.translation`).
"""

import difflib
import itertools
import re
import textwrap
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from kb import links
from kb.errors import QuestionError
from kb.inline import Link, Segment, segments
from kb.problems import Report, shown
from kb.questions import Choice, DemoLink, Text

HEADINGS = ("Choices", "Predict", "Answer", "Key points", "Pitfalls")
LONGEST_TITLE = 200

_BLOCKS = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin).disable(["inline", "text_join"])
_NOWHERE = "under no heading of ours"
_TASK = re.compile(r"\[([ xX])\]\s+(?=\S)")


@dataclass(frozen=True)
class BodyLink:
    """A link of the body with its line and the part it stands in: "title", "stem" or a heading."""

    text: str
    target: str
    line: int
    part: str


@dataclass(frozen=True)
class Body:
    """The text of a file and where its parts stand; `headings` and `choice_lines` map to lines, in file order."""

    text: Text
    title_line: int
    headings: dict[str, int]
    choice_lines: tuple[int, ...]
    links: tuple[BodyLink, ...]


def read_body(markdown: str, report: Report, first_line: int = 1) -> Body:
    """The body of a question file that begins at `first_line`; what is wrong in it is reported."""
    unix = markdown.replace("\r\n", "\n").replace("\r", "\n")  # markdown-it takes a lone one for the end of a line too
    return _Reader(unix, report, first_line).read()


class _Reader:
    def __init__(self, markdown: str, report: Report, first_line: int) -> None:
        self.markdown = markdown
        self.lines = markdown.split("\n")
        self.report = report
        self.first_line = first_line
        self.title_line = first_line
        self.headings: dict[str, int] = {}
        self.html_lines: set[int] = set()

    def read(self) -> Body:
        environment: dict[str, object] = {}
        tokens = _BLOCKS.parse(self.markdown, environment)
        self._refuse_blocks(tokens, environment)
        parts = self._parts(tokens)
        choices, choice_lines = self._choices(parts)
        found = self._links()
        text = Text(
            title=self._title(parts),
            stem=self._source(parts.get("stem", [])),
            choices=choices,
            predict=self._source(parts.get("Predict", [])),
            answer=self._source(parts.get("Answer", [])),
            key_points=self._bullets(parts, "Key points"),
            pitfalls=self._bullets(parts, "Pitfalls"),
            links=tuple(figure for link in found if (figure := self._figure(link))),
            references=tuple(other for link in found if (other := links.reference(link.target, link.line))),
        )
        return Body(text, self.title_line, self.headings, choice_lines, found)

    def _line(self, token: Token) -> int:
        return self.first_line + (token.map[0] if token.map else 0)

    def _refuse_blocks(self, tokens: Sequence[Token], environment: dict[str, object]) -> None:
        for token in tokens:
            if token.type == "html_block":
                self._refuse_html(self._line(token), token.content.strip().split("\n")[0])
                self.html_lines |= set(range(self._line(token), self.first_line + (token.map or [0, 0])[1]))
            elif token.type == "code_block":
                fix = "put ``` before and after it, or take the indentation away."
                self.report.add(self._line(token), "text", "code between ``` lines", "code set off by four spaces", fix)
        definitions = environment.get("references")
        for definition in definitions.values() if isinstance(definitions, dict) else ():
            fix = f"write the target where the link stands: `{links.DEMO_FORM}`."
            line = self.first_line + definition["map"][0]
            self.report.add(line, "link", "[text](target) in the text itself", "a link definition", fix)

    def _refuse_html(self, line: int, source: str) -> None:
        fix = "write it in Markdown, or put it between backticks."
        self.report.add(line, "text", "Markdown without raw HTML", shown(source), fix)

    def _parts(self, tokens: Sequence[Token]) -> dict[str, list[Token]]:
        """The tokens under each heading, "stem" for those under the title; "title" has the inline token of the title."""
        parts: dict[str, list[Token]] = {}
        part = ""
        for position, token in enumerate(tokens):
            if token.type == "heading_open":
                part = self._heading(token, tokens[position + 1], part, parts)
            elif not part:
                found = shown(self.lines[token.map[0] if token.map else 0].strip())
                self.report.add(
                    self._line(token), "title", "'# ' and the question first", found, "begin with the title."
                )
                part = _NOWHERE
            elif token.type != "heading_close" and tokens[position - 1].type != "heading_open":
                parts.setdefault(part, []).append(token)
        if not part:
            self.report.add(
                self.first_line, "title", "'# ' and the question", "nothing", "write `# ` and the question."
            )
        return parts

    def _heading(self, token: Token, inline: Token, part: str, parts: dict[str, list[Token]]) -> str:
        """The part that a heading begins; one that is too deep stays in the part it stands in."""
        line, name = self._line(token), inline.content
        if token.tag == "h1" and "title" not in parts and not self.headings:
            self.title_line = line
            parts["title"] = [inline]
            return "stem"
        if token.tag != "h2" or token.level or name not in HEADINGS:
            near = difflib.get_close_matches(name, HEADINGS, n=1)
            fix = f"write `## {near[0]}`." if near else "make it a sentence of the text."
            found = shown(self.lines[line - self.first_line].strip())
            self.report.add(line, "heading", f"one of {_in_words()} after '## '", found, fix)
            if not near or near[0] in self.headings:
                return part if token.tag not in ("h1", "h2") else _NOWHERE
            name = near[0]
        if name in self.headings:
            found = f"it again, first on line {self.headings[name]}"
            self.report.add(line, "heading", f"'## {name}' once", found, "put both parts under one heading.")
            return _NOWHERE
        above = next(reversed(self.headings), None)
        if above is not None and HEADINGS.index(above) > HEADINGS.index(name):
            found = f"'## {name}' after '## {above}'"
            self.report.add(line, "heading", f"the order {_in_words()}", found, f"move `## {above}` further down.")
        self.headings[name] = line
        return name

    def _title(self, parts: dict[str, list[Token]]) -> str:
        if "title" not in parts:
            return ""
        title = parts["title"][0].content
        expected = f"1 to {LONGEST_TITLE} characters after '# '"
        if not title:
            self.report.add(self.title_line, "title", expected, "none", "write the question there.")
        elif len(title) > LONGEST_TITLE:
            fix = "move the details into the text under the title."
            self.report.add(self.title_line, "title", expected, str(len(title)), fix)
        return title

    def _source(self, tokens: Sequence[Token]) -> str:
        """The Markdown that these tokens were read from."""
        spans = [token.map for token in tokens if token.map]
        return "\n".join(self.lines[spans[0][0] : max(end for _, end in spans)]).strip() if spans else ""

    def _items(self, tokens: Sequence[Token], heading: str, mark: str) -> list[list[Token]]:
        """The tokens of each item of the one bullet list that a part consists of."""
        top = [token for token in tokens if token.level == 0 and token.nesting >= 0]
        if [token.type for token in top] != ["bullet_list_open"]:
            stray = next((token for token in top if token.type != "bullet_list_open"), None) or (
                top[1] if top else None
            )
            line = self._line(stray) if stray else self.headings[heading]
            found = shown(self.lines[line - self.first_line].strip()) if stray else "nothing"
            self.report.add(line, heading, "one bullet list", found, f"begin each item of the one list with `{mark}`.")
        items: list[list[Token]] = []
        for token in tokens:
            if token.type == "list_item_open" and token.level == 1:
                items.append([token])
            elif items and token.level > 1:
                items[-1].append(token)
        return items

    def _item(self, item: Sequence[Token]) -> tuple[str, str]:
        """The first paragraph of a list item on one line, and the Markdown of what follows it."""
        if len(item) < 3 or item[1].type != "paragraph_open" or not item[0].map or not item[1].map:
            return "", ""
        rest = textwrap.dedent("\n".join(self.lines[item[1].map[1] : item[0].map[1]])).strip()
        return " ".join(line.strip() for line in item[2].content.split("\n")), rest

    def _choices(self, parts: dict[str, list[Token]]) -> tuple[tuple[Choice, ...], tuple[int, ...]]:
        if "Choices" not in self.headings:
            return (), ()
        choices, lines = [], []
        for item in self._items(parts.get("Choices", []), "Choices", "- [ ] "):
            text, why = self._item(item)
            mark = _TASK.match(text)
            if mark is None:
                fix = "begin the item with `- [ ] `, or with `- [x] ` where it is right."
                self.report.add(self._line(item[0]), "Choices", "'[ ] ' or '[x] ' and a text", shown(text), fix)
            else:
                choices.append(Choice(text[mark.end() :], mark[1] != " ", why))
                lines.append(self._line(item[0]))
        return tuple(choices), tuple(lines)

    def _bullets(self, parts: dict[str, list[Token]], heading: str) -> tuple[str, ...]:
        if heading not in self.headings:
            return ()
        bullets = []
        for item in self._items(parts.get(heading, []), heading, "- "):
            text, rest = self._item(item)
            if not text:
                self.report.add(
                    self._line(item[0]), heading, "text in each item", "none", "write it, or remove the item."
                )
            bullets.append(f"{text}\n\n{rest}" if rest else text)
        return tuple(bullets)

    def _links(self) -> tuple[BodyLink, ...]:
        """The links of the body; what its paragraphs must not hold is reported on the way."""
        starts = list(itertools.accumulate((len(line) + 1 for line in self.lines), initial=0))
        places = sorted((line, name) for name, line in self.headings.items())
        found = []
        for segment in segments(self.markdown):
            line = self.first_line + bisect_right(starts, segment.start) - 1
            if not isinstance(segment, Link):
                self._refuse_segment(segment, line)
                continue
            above = [name for start, name in places if start <= line]
            part = "title" if line == self.title_line else above[-1] if above else "stem"
            found.append(BodyLink(segment.text, segment.target, line, part))
            if not (
                links.parameter(segment.target) or links.reference(segment.target) or links.is_demo(segment.target)
            ):
                expected = "a target that begins with demo:, param: or question:"
                fix = "name pages of the web under `sources`; write `\\[` where brackets are no link."
                self.report.add(line, "link", expected, shown(segment.target), fix)
        return tuple(found)

    def _refuse_segment(self, segment: Segment, line: int) -> None:
        source = self.markdown[segment.start : segment.end]
        match segment.kind:
            case "unclosed" if "$" not in source[:2]:
                fix = "end it with a line like the one that opens it."
                self.report.add(line, "text", "every block of code to be closed", "one that is not", fix)
            case "unclosed" if source == "$":
                fix = "close the formula, or write a dollar sign as `\\$`."
                self.report.add(line, "formula", "every `$` closed in its paragraph", "one that is not", fix)
            case "unclosed":
                found = shown(self.lines[line - self.first_line])
                fix = "put `$$` on a line of its own before and after the formula."
                self.report.add(line, "formula", "`$$` alone on its line, twice", found, fix)
            case "image":
                self.report.add(line, "text", "no images", shown(source), "let a demo draw the figure.")
            case "html" if line not in self.html_lines:
                self._refuse_html(line, source)
            case "math":
                formula = re.sub(r"\\.", "", source, flags=re.DOTALL)
                if formula.count("{") != formula.count("}"):
                    fix = "close each brace; write `\\{` for one that is shown."
                    self.report.add(line, "formula", "as many { as }", shown(source), fix)
                elif not source.strip("$ \n"):
                    self.report.add(line, "formula", "something between the dollars", "nothing", "write the formula.")

    def _figure(self, link: BodyLink) -> DemoLink | None:
        if not links.is_demo(link.target):
            return None
        try:
            return links.demo_link(link.text, link.target, link.line)
        except QuestionError as error:
            self.report.add_error(link.line, "link", error, f"write `{links.DEMO_FORM}`.")
            return None


def _in_words() -> str:
    return ", ".join(HEADINGS)
