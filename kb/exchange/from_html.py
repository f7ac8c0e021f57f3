"""HTML of a flash card as Markdown of the bank: formulas between dollars, media as code, links apart, no text dropped.

markdownify walks the HTML; what is here makes it exact: every sign that Markdown would take for a mark is escaped, and emphasis
that spans paragraphs is given up. Colours, sizes and comments have no place in the bank and are left out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag
from markdownify import MarkdownConverter

from kb.exchange.notes_text import as_code, escaped, for_bank, readable

_OPEN, _CLOSE = "\U0010fff0", "\U0010fff1"  # around the number of what stands there; no keyboard has them
_MARK, _UNMARK = "\U0010fff2", "\U0010fff3"  # around text between marks, the marks first
_MARKED = re.compile(f"{_MARK}(\\*\\*|\\*|~~)([^{_MARK}{_UNMARK}]*){_UNMARK}")
_OPENING = re.compile(f"^{_MARK}(?:\\*\\*|\\*|~~)")
_HELD = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_CODE = re.compile(r"<(pre|code|kbd|samp|script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_FORMULAS = re.compile(
    r"\\\((?P<inline>.*?)\\\)|\\\[(?P<display>.*?)\\\]"
    r"|\[\$\](?P<old_inline>.*?)\[/\$\]|\[\$\$\](?P<old_display>.*?)\[/\$\$\]"
    r"|\[latex\](?P<latex>.*?)\[/latex\]"
    r"|<anki-mathjax(?P<block>[^>]*)>(?P<editor>.*?)</anki-mathjax>",
    re.IGNORECASE | re.DOTALL,
)
_SOUND = re.compile(r"\[sound:(.*?)\]")
_TAG = re.compile(r"<[^<>]*>")
_SIMPLE = re.compile(r"[A-Za-z0-9+\-−]{1,12}")
_MEDIA_TAGS = ("img", "audio", "video", "source", "embed", "iframe", "object", "track", "input", "image")
_BLOCKS = ["ul", "ol", "pre", "table", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr"]


@dataclass(frozen=True)
class FromHtml:
    """A text in Markdown; `links` are the addresses in it with their texts, `media` the files that it shows or plays.

    `scripts` are the programs and styles that it holds, which no text has.
    """

    markdown: str
    links: tuple[tuple[str, str], ...] = ()
    media: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()


def from_html(html: str) -> FromHtml:
    """What the HTML says, as Markdown that the bank takes."""
    converter = _Converter()
    prepared = converter.prepare(html)
    soup = BeautifulSoup(
        f"<div>{prepared}</div>", "html.parser"
    )  # alone, an address or a name of a file draws a warning
    try:
        text = converter.convert_soup(soup)
    except RecursionError:  # tags within tags, a thousand deep
        text = converter.escape(" ".join(soup.get_text(" ").split()), set())
    text = converter.restore(text)
    markdown, _, _ = for_bank(readable(text))
    return FromHtml(
        markdown.strip(),
        tuple(dict.fromkeys(converter.links)),
        tuple(dict.fromkeys(converter.media)),
        tuple(converter.scripts),
    )


def _marked(marks: str) -> Callable[..., str]:
    """What converts a tag to a text between marks; one of several paragraphs keeps its text alone."""

    def convert(_self: MarkdownConverter, el: Tag, text: str, parent_tags: set[str]) -> str:
        inner = text.strip()
        if not inner or "\n" in inner or "_noformat" in parent_tags or _MARK in inner or el.find(_BLOCKS):
            return text
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        return f"{before}{_MARK}{marks}{inner}{_UNMARK}{after}"

    return convert


class _Converter(MarkdownConverter):
    """One conversion: holds what must come through unchanged, and what was found on the way."""

    def __init__(self) -> None:
        super().__init__(heading_style="atx", bullets="-", table_infer_header=True)
        self.links: list[tuple[str, str]] = []
        self.media: list[str] = []
        self.scripts: list[str] = []
        self._held: list[str] = []

    def hold(self, text: str) -> str:
        """A name for a text that no conversion changes."""
        self._held.append(text)
        return f"{_OPEN}{len(self._held) - 1}{_CLOSE}"

    def restore(self, text: str) -> str:
        """The text with all that was held."""
        rows = []
        for row in _MARKED.sub(_with_marks, text).replace(_CLOSE + _OPEN, f"{_CLOSE} {_OPEN}").split("\n"):
            in_table = row.lstrip(" >").startswith("|")
            rows.append(_HELD.sub(lambda found, cell=in_table: self._given_back(int(found[1]), cell), row))  # type: ignore[misc]
        return "\n".join(rows)

    def _given_back(self, number: int, in_table: bool) -> str:
        text = _HELD.sub(lambda found: self._given_back(int(found[1]), False), self._held[number])
        if not in_table:
            return text
        if text.startswith("$"):
            return text.replace(r"\|", r"\Vert ").replace("|", r"\vert ").replace("$$", "$")
        return text.replace("|", r"\|")

    def prepare(self, html: str) -> str:
        """The HTML with formulas and sounds held; those within code are code."""
        html = re.sub(f"[{_OPEN}{_CLOSE}{_MARK}{_UNMARK}]", lambda found: self.hold(found[0]), html)
        parts, position = [], 0
        for code in _CODE.finditer(html):
            parts += [self._formulas(html[position : code.start()]), code[0]]
            position = code.end()
        return "".join([*parts, self._formulas(html[position:])])

    def _formulas(self, html: str) -> str:
        return _SOUND.sub(lambda found: self._medium(unescape(found[1]), found[0]), _FORMULAS.sub(self._formula, html))

    def _formula(self, found: re.Match[str]) -> str:
        latex = found["latex"]
        if latex is not None and "$" in latex:
            return re.sub(
                r"\$\$(.+?)\$\$|\$(.+?)\$", lambda part: self._dollars(part[1] or part[2], bool(part[1])), latex
            )
        display = found["display"] or found["old_display"] or (found["editor"] if found["block"] else None)
        inline = found["inline"] or found["old_inline"] or latex or found["editor"]
        return self._dollars(display or inline or "", display is not None) or found[0]

    def _dollars(self, html: str, display: bool) -> str:
        """A formula between dollars, held; nothing for an empty one."""
        latex = " ".join(unescape(_TAG.sub(" ", html)).split())
        latex = re.sub(r"(?<!\\)((?:\\\\)*)\$", r"\1\\$", latex)
        if re.search(r"(?<!\\)(?:\\\\)*\\$", latex):
            latex += " "
        if not latex:
            return ""
        return f"<div>{self.hold(f'$${latex}$$')}</div>" if display else self.hold(f"${latex}$")

    def _medium(self, name: str, shown: str) -> str:
        self.media.append(name)
        return self.hold(as_code(shown))

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """The text with every sign escaped that Markdown would take for a mark."""
        return escaped(text.replace("\n", " "))

    def process_text(self, el: NavigableString, parent_tags: set[str] | None = None) -> str:
        """The Markdown of a text; a bracket that another one follows in the next tag is no link either."""
        text = str(super().process_text(el, parent_tags))
        if isinstance(el.previous_sibling, Tag) and el.previous_sibling.name == "br":
            text = text.lstrip(" ")
        if text.endswith("]") and "_noformat" not in (parent_tags or ()):
            following = el.find_next(string=True)
            if following is not None and following.startswith("("):
                return f"{text[:-1]}\\]"
        return text

    def process_tag(self, node: Tag, parent_tags: set[str] | None = None) -> str:
        """The Markdown of a tag; those that show a file, and programs, never reach the text as they are."""
        if node.name in ("script", "style"):
            self.scripts.append(node.get_text().strip())
            return ""
        name = next((str(node[key]) for key in ("src", "data", "href") if node.get(key)), "")
        if node.name in _MEDIA_TAGS and name:
            alternative = str(node.get("alt") or "")
            shown = f"![{alternative}]({name})"
            inner = str(super().process_tag(node, parent_tags)) if node.contents else ""
            return self._medium(name, shown) + inner
        return str(super().process_tag(node, parent_tags))

    def convert_img(self, _el: Tag, text: str, parent_tags: set[str]) -> str:
        """Nothing: a picture without a file."""
        return text

    convert_video = convert_img

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """The text alone; an address of the web is listed, any other stands beside it as code."""
        href = str(el.get("href") or "").strip()
        if not href or "_noformat" in parent_tags:
            return text
        if href.startswith(("https://", "http://")):
            self.links.append((" ".join(_HELD.sub("", el.get_text()).split()), href))
            return text if text.strip() else self.hold(as_code(href))
        return f"{text} ({self.hold(as_code(href))})"

    def convert_br(self, _el: Tag, text: str, parent_tags: set[str]) -> str:
        """A new paragraph, as Anki makes no difference between the two; within a formatted text a new line."""
        if "pre" in parent_tags:
            return "\n" + text
        if "_inline" in parent_tags or "_noformat" in parent_tags:
            return " " + text
        return "\n\n" + text

    def convert_pre(self, _el: Tag, text: str, parent_tags: set[str]) -> str:
        """A block of code, or within a table a span of it."""
        if not text.strip():
            return ""
        if parent_tags & {"td", "th", "_inline", "pre", "code"}:
            return self.hold(as_code(" ".join(text.split())))
        longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        rows = text.strip("\r\n").replace("\r\n", "\n").replace("\r", "\n")
        return f"\n\n{fence}\n{rows}\n{fence}\n\n"

    def convert_code(self, _el: Tag, text: str, parent_tags: set[str]) -> str:
        """A span of code."""
        if "_noformat" in parent_tags or not text.strip():
            return text
        return self.hold(as_code(" ".join(text.split())))

    convert_kbd = convert_samp = convert_code
    convert_b = convert_strong = _marked("**")
    convert_i = convert_em = _marked("*")
    convert_s = convert_del = convert_strike = _marked("~~")
    convert_center = convert_summary = convert_details = convert_figure = MarkdownConverter.convert_div
    convert_address = convert_header = convert_footer = convert_main = MarkdownConverter.convert_div
    convert_nav = convert_aside = convert_fieldset = convert_form = MarkdownConverter.convert_div

    def convert_sup(self, _el: Tag, text: str, parent_tags: set[str]) -> str:
        """A small formula, or in brackets after `^` what is none."""
        return self._script("^", text, parent_tags)

    def convert_sub(self, _el: Tag, text: str, parent_tags: set[str]) -> str:
        """A small formula, or in brackets after `_` what is none."""
        return self._script("_", text, parent_tags)

    def _script(self, mark: str, text: str, parent_tags: set[str]) -> str:
        if "_noformat" in parent_tags or not text.strip():
            return text
        if _SIMPLE.fullmatch(text.strip()):
            return self.hold(f"${mark}{{{text.strip()}}}$")
        return f"\\{mark}({text})"

    def convert_hN(self, _n: int, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A bold paragraph: the headings of the bank are its own."""
        bold = _marked("**")(self, el, " ".join(text.split()), parent_tags)
        return bold if "_inline" in parent_tags else f"\n\n{bold}\n\n"

    def convert_list(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A list with empty lines around it; one within an item follows right below its text."""
        above = "\n" if el.name == "ul" and "li" in parent_tags else "\n\n"
        items = text.strip("\n")
        return f"{above}{items}\n\n"

    convert_ul = convert_ol = convert_list

    def convert_blockquote(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A quotation with empty lines around it."""
        if "_inline" in parent_tags or not text.strip():
            return f" {text.strip()} "
        return f"\n\n{str(super().convert_blockquote(el, text, parent_tags)).strip()}\n\n"

    def convert_dt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A paragraph, as the bank has no lists of definitions."""
        return str(self.convert_div(el, text, parent_tags))

    convert_dd = convert_caption = convert_figcaption = convert_dt

    def convert_q(self, _el: Tag, text: str, parent_tags: set[str]) -> str:
        """The text; its quotation marks are no text of the note."""
        return text


def _with_marks(found: re.Match[str]) -> str:
    """A text between marks, or alone where Markdown would not take them for marks there."""
    marks, inner = found[1], found[2]
    before = found.string[: found.start()][-1:]
    after = _OPENING.sub("", found.string[found.end() : found.end() + 4], count=1)[:1]  # the next one loses its marks
    opens = inner[0].isalnum() or (before != _UNMARK and not before.isalnum())
    closes = inner[-1].isalnum() or not after.isalnum()
    return f"{marks}{inner}{marks}" if opens and closes and before != _UNMARK else inner
