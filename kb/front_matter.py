"""Reads YAML into plain values together with the line of every key, and checks keys one by one.

Numbers and booleans follow YAML 1.2 (`1e-3` is a number, `yes` is text); dates stay text.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

import yaml

from kb.problems import Report, nearest, shown
from kb.questions import Value

Item = TypeVar("Item")

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
NAME = re.compile(r"[a-z][a-z0-9_]*")
TAG = re.compile(r"\S(?:.*\S)?")
_FORMS = {
    SLUG: ("words-like-this", "join small letters by hyphens, and put a number between quotes."),
    NAME: ("names_like_this", "join small letters by underscores."),
    TAG: ("text", "put it between quotes."),
}
_UNREADABLE = re.compile(r"[^\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

CORE_SCHEMA: tuple[tuple[str, str, str], ...] = (
    ("tag:yaml.org,2002:bool", r"(?:true|True|TRUE|false|False|FALSE)", "tTfF"),
    ("tag:yaml.org,2002:null", r"(?:~|null|Null|NULL|)", "~nN"),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
)


def core_resolvers() -> dict[str | None, list[tuple[str, re.Pattern[str]]]]:
    """PyYAML's table of plain scalars, for the core schema of YAML 1.2."""
    table: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}
    for tag, pattern, first in CORE_SCHEMA:
        for character in (*first, *([""] if "null" in tag else [])):
            table.setdefault(character, []).append((tag, re.compile(rf"^{pattern}$")))
    return table


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers = core_resolvers()


def split(text: str) -> tuple[str, str, int] | None:
    """The front matter, the body and the body's first line number; None where the text has no front matter."""
    match = re.match(r"---[ ]*\n(?P<yaml>.*?)^---[ ]*(?:\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if match is None:
        return None
    return match["yaml"], text[match.end() :], text.count("\n", 0, match.end()) + 1


def read_yaml(text: str, report: Report, first_line: int = 1) -> "Keys | None":
    """The mapping that the text holds; None, with the problems reported, where it holds none."""
    for number, row in enumerate(text.split("\n"), first_line):
        if unreadable := _UNREADABLE.search(row):
            found = "a tab" if unreadable.group() == "\t" else f"the character U+{ord(unreadable.group()):04X}"
            report.add(number, "YAML", "spaces and printable characters", found, "replace it by spaces.")
            return None
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        value = loader.construct_document(node) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        fix = "put text that holds `: `, `#`, `[`, `{` or quotes between single quotes."
        report.add(line, "YAML", "a mapping of keys", f"an error: {error.problem}", fix)
        return None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        found = f"an error: {' '.join(str(error).split())}"
        report.add(first_line, "YAML", "a mapping of keys", found, "remove what is named there.")
        return None
    finally:
        loader.dispose()
    if not isinstance(value, dict):
        report.add(first_line, "YAML", "a mapping of keys", shown(value), "write one `key: value` a line.")
        return None
    lines: dict[str, int] = {}
    _note_lines(node, "", first_line, lines, report)
    return Keys(value, lines, report, first_line)


def _note_lines(node: yaml.Node | None, path: str, first_line: int, lines: dict[str, int], report: Report) -> None:
    """Fills in the line of every key and list item: "sources", "sources.0", "sources.0.title"."""
    if node is None or path.count(".") > 8:  # an alias may hold itself
        return
    lines.setdefault(path, first_line + node.start_mark.line)
    prefix = f"{path}." if path else ""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name, line = f"{prefix}{key.value}", first_line + key.start_mark.line
            if name in lines:
                found = f"it again, first on line {lines[name]}"
                report.add(line, str(key.value), "the key once", found, "keep one of the two.")
            lines[name] = line
            _note_lines(value, name, first_line, lines, report)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, f"{prefix}{index}", first_line, lines, report)


class Keys:
    """A mapping whose keys are taken one by one; a wrong one is reported, and something of the right type comes back."""

    def __init__(
        self, value: Mapping[Any, Any], lines: dict[str, int], report: Report, line: int, path: str = ""
    ) -> None:
        self.value = value
        self.lines = lines
        self.report = report
        self.first_line = line
        self.path = path

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        return self.value.get(key) is not None

    def line(self, key: str = "") -> int:
        """The line of a key, or of the mapping itself where the key is missing."""
        return self.lines.get(f"{self.path}{key}", self.first_line)

    def wrong(self, key: str, expected: str, fix: str, found: str | None = None, at: str | None = None) -> None:
        """Reports that a key holds something else than expected."""
        name = ": ".join(part for part in f"{self.path}{key}".split(".") if not part.isdigit())
        line = self.line(key if at is None else at)
        self.report.add(line, name, expected, found or shown(self.value.get(key)), fix)

    def unknown(self, known: Collection[str]) -> None:
        """Reports every key that is not known."""
        for key in self.value:
            if key not in known:
                fix = nearest(str(key), known, "remove it; content/README.md lists the keys of each kind.")
                self.wrong(str(key), f"one of {', '.join(known)}", fix, found="an unknown key")

    def text(self, key: str, default: str | None = None, fix: str = "") -> str:
        """Text; without a default the key is required and must not be empty."""
        if not self.has(key) and default is not None:
            return default
        value = self.value.get(key)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.wrong(key, "text", fix or f"write `{key}: ...`, between quotes where it looks like a number.")
            return ""
        return value.strip()

    def integer(
        self, key: str, minimum: int, maximum: int | None = None, default: int | None = None, example: int = 1
    ) -> int:
        """A whole number within bounds."""
        if not self.has(key) and default is not None:
            return default
        value = self.value.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum or value > (maximum or value):
            bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
            self.wrong(key, f"a whole number {bounds}", f"write `{key}: {example}`, for example.")
            return minimum
        return value

    def number(self, key: str, default: float | None = None, minimum: float | None = None) -> float:
        """A number, whole or not."""
        if not self.has(key) and default is not None:
            return default
        value = self.value.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or (minimum is not None and value < minimum):
            least = "" if minimum is None else f" of at least {minimum:g}"
            self.wrong(key, f"a number{least}", f"write `{key}: 0.01`, for example.")
            return minimum or 0.0
        return value

    def words(self, key: str, pattern: re.Pattern[str], what: str, required: bool = False) -> tuple[str, ...]:
        """A list of slugs or names, each once."""
        expected = f"a list of {what}"
        value = self.value.get(key)
        if value is None and not (required or key in self.value):
            return ()
        if not isinstance(value, list) or (required and not value):
            self.wrong(
                key, expected, f"write `{key}: [...]` with {what}.", found="an empty list" if value == [] else None
            )
            return ()
        for index, item in enumerate(value):
            at = f"{key}.{index}"
            if not isinstance(item, str) or not pattern.fullmatch(item):
                self.wrong(key, *_FORMS[pattern], shown(item), at)
            elif item in value[:index]:
                self.wrong(key, "each once", "keep one of the two.", f"{shown(item)} again", at)
        return tuple(item for item in value if isinstance(item, str))

    def name(self, key: str) -> str:
        """The name of a demo or of one of its fields."""
        value = self.value.get(key)
        if not isinstance(value, str) or not NAME.fullmatch(value):
            self.wrong(key, "a name like softmax_saturation", f"write `{key}: ...`; `kb demo list` shows the names.")
            return ""
        return value

    def params(self, key: str) -> dict[str, Value]:
        """Parameters of a demo with their values."""
        example = f"write `{key}: {{head_dim: 64}}` with parameters of the demo."
        value = self.value.get(key)
        if value is None and key not in self.value:
            return {}
        if not isinstance(value, dict):
            self.wrong(key, "a mapping of parameters to values", example)
            return {}
        for name, item in value.items():
            if not isinstance(name, str) or not NAME.fullmatch(name):
                self.wrong(key, "names of parameters", example, shown(name), f"{key}.{name}")
            elif not isinstance(item, int | float | str):
                self.wrong(f"{key}.{name}", "a number, true, false or text", example, shown(item))
        return {name: item for name, item in value.items() if isinstance(item, int | float | str)}

    def each(self, key: str, read: Callable[["Keys"], Item], expected: str, fix: str) -> tuple[Item, ...]:
        """A list of mappings, at least one, each read by the function."""
        value = self.value.get(key)
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            self.wrong(key, expected, fix, found="an empty list" if value == [] else None)
            return ()
        found = []
        for index in range(len(value)):
            item = self.inside(f"{key}.{index}", value[index], expected, fix)
            if item is not None:
                found.append(read(item))
        return tuple(found)

    def inside(self, key: str, value: Any, expected: str, fix: str) -> "Keys | None":
        """The keys of a mapping inside this one; `key` is its path from here."""
        if not isinstance(value, dict):
            self.wrong(key, expected, fix, found=shown(value))
            return None
        return Keys(value, self.lines, self.report, self.line(key), f"{self.path}{key}.")
