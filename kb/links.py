"""What the target of a link means: a figure from a demo, a drawn parameter, or another question; nothing else is allowed."""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from kb.errors import QuestionError
from kb.inline import Link, replace_links
from kb.questions import Choice, DemoLink, Reference, Text, Value

_INTEGER = re.compile(r"[-+]?\d+")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_DEMO = re.compile(r"demo:(?P<demo>[a-z][a-z0-9_]*)(?:\?(?P<query>[^#]*))?#(?P<asked>.+)")
_ASKED = re.compile(r"(?P<field>[a-z][a-z0-9_]*)(?:\[(?P<index>\d+)\])?(?:(?P<op>[<>]=?)(?P<bound>.+))?")
_PARAM = re.compile(r"param:([a-z][a-z0-9_]*)")
_QUESTION = re.compile(
    r"question:(?P<direct>[a-z0-9-]+)|(?:\.\./(?P<folder>[a-z0-9_]+)/)?(?P<slug>[a-z0-9-]+)(?:\.zh)?\.md"
)

DEMO_FORM = "[0.93](demo:name?param=value#field)"


def scalar(text: str) -> Value:
    """The value that text in a link stands for: a number, true or false, else the text itself.

    A number that would be written otherwise, such as -1e9, stays text, so that it can also name a choice; a parameter
    that is a number reads it all the same.
    """
    if text in ("true", "false"):
        return text == "true"
    if not _NUMBER.fullmatch(text):
        return text
    number = int(text) if _INTEGER.fullmatch(text) else float(text)
    return number if scalar_text(number) == text else text


def number(text: str) -> float | str:
    """The number that the text is, or the text itself."""
    return float(text) if _NUMBER.fullmatch(text) else text


def scalar_text(value: Value) -> str:
    """The value as a link writes it; `scalar` reads it back."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def demo_link(text: str, target: str, line: int = 0) -> DemoLink:
    """The figure that a `demo:` target names.

    Raises: QuestionError with what is wrong in the target.
    """
    match = _DEMO.fullmatch(target)
    if match is None:
        raise QuestionError(f"expected {DEMO_FORM}; found '{target}'")
    asked = _ASKED.fullmatch(unquote(match["asked"]))
    if asked is None:
        raise QuestionError(f"expected #field, #field[3], #field>1.5 or #field<2; found '#{match['asked']}'")
    if asked["op"] and not _NUMBER.fullmatch(asked["bound"]):
        raise QuestionError(f"expected a number after {asked['op']}; found '{asked['bound']}'")
    params: dict[str, Value] = {}
    for pair in match["query"].split("&") if match["query"] else ():
        name, equals, value = pair.partition("=")
        if not (name and equals and value) or name in params:
            raise QuestionError(f"expected param=value once for each parameter; found '{pair}'")
        params[unquote(name)] = scalar(unquote(value))
    return DemoLink(
        text=text,
        demo=match["demo"],
        params=params,
        field=asked["field"],
        index=int(asked["index"]) if asked["index"] else None,
        op=asked["op"] or "",
        bound=float(asked["bound"]) if asked["op"] else None,
        line=line,
    )


def demo_target(link: DemoLink) -> str:
    """The target of a figure, which `demo_link` reads back."""
    query = "&".join(f"{name}={quote(scalar_text(value), safe=',:/~')}" for name, value in link.params.items())
    index = "" if link.index is None else f"[{link.index}]"
    bound = "" if link.bound is None else f"{link.op}{link.bound:g}"
    return f"demo:{link.demo}{'?' if query else ''}{query}#{link.field}{index}{bound}"


def is_demo(target: str) -> bool:
    """Whether a target means to name a figure, rightly or not."""
    return target.startswith("demo:")


def parameter(target: str) -> str | None:
    """The parameter that a `param:` target names; None for any other target."""
    match = _PARAM.fullmatch(target)
    return match[1] if match else None


def reference(target: str, line: int = 0) -> Reference | None:
    """The question that a target such as `question:slug` or `../topic/slug.md` names; None for any other target."""
    match = _QUESTION.fullmatch(target)
    if match is None:
        return None
    folder = "" if match["direct"] else match["folder"] or "."
    return Reference(match["direct"] or match["slug"], folder, line)


def fill(markdown: str, params: Mapping[str, Value]) -> str:
    """The text with drawn values in place of `[32](param:num_layers)`; parameters that are not given keep the text shown."""

    def drawn(link: Link) -> str:
        name = parameter(link.target)
        if name is None:
            return markdown[link.start : link.end]
        return drawn_text(params[name], link.text) if name in params else link.text

    return replace_links(markdown, drawn)


def fill_text(text: Text, params: Mapping[str, Value]) -> Text:
    """The question's text with drawn values in place of every `param:` link."""
    return Text(
        title=fill(text.title, params),
        stem=fill(text.stem, params),
        choices=tuple(
            Choice(fill(choice.text, params), choice.correct, fill(choice.why, params)) for choice in text.choices
        ),
        predict=fill(text.predict, params),
        answer=fill(text.answer, params),
        key_points=tuple(fill(point, params) for point in text.key_points),
        pitfalls=tuple(fill(pitfall, params) for pitfall in text.pitfalls),
        links=text.links,
        references=text.references,
    )


def drawn_text(value: Value, like: str) -> str:
    """The value as the body prints it: thousands separated, unless the text it replaces is a long number without them."""
    if isinstance(value, bool | str):
        return scalar_text(value)
    grouped = not re.fullmatch(r"\d{4,}(\.\d+)?", like)
    return f"{value:,}" if grouped and abs(value) >= 1 else f"{value}"
