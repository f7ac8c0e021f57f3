"""kb.inline: links, formulas and code are found where a Markdown renderer finds them, and the rest is left alone."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from kb.inline import Link, iter_links, replace_links, segments

WORDS = ["a", "word", "。", "，", " ", "**", "*", "_", "!", "<", ">", "<b>", "a<b", "\\$", "\\[", "\\]", "\\`"]
BRACKETS = ["[", "]", "(", ")", "`", "``", "$"]
INLINE = ["$x_1$", "$[a](b)$", "$p(y", "x)$", "`[a](b)`", "``a`b``", "![i](j)"]
LINKS = ["[0.93](demo:softmax?head_dim=512#max)", "[x](param:n)", "[`[MASK]`](demo:a#b[3])", "[a [b] c](question:q)"]
BREAKS = ["\n", "\n\n", "\n- ", "\n# ", "\n> ", "\n1. ", "\n```\n", "\n\n$$\nx_{1}\n$$\n\n"]
PIECES = st.sampled_from(WORDS + BRACKETS + INLINE + LINKS + BREAKS)
MARKDOWN = st.lists(PIECES, max_size=25).map("".join)


def links(markdown: str) -> list[tuple[str, str]]:
    return [(link.text, link.target) for link in iter_links(markdown)]


def kinds(markdown: str) -> list[tuple[str, str]]:
    return [(segment.kind, markdown[segment.start : segment.end]) for segment in segments(markdown)]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("see [0.93](demo:a?x=1#f) and [b](question:c)", [("0.93", "demo:a?x=1#f"), ("b", "question:c")]),
        ("[`[MASK]`](demo:a#curve[3])", [("`[MASK]`", "demo:a#curve[3]")]),
        ("[a [b] c](d)", [("a [b] c", "d")]),
        ("[$x[i](j)$](d)", [("$x[i](j)$", "d")]),
        ("[f](demo:a?x=f(1)#g)", [("f", "demo:a?x=f(1)#g")]),
        ("[outer [inner](a)](b)", [("inner", "a")]),
        ("$s[i](j)$ is no link, nor is `s[i](j)`", []),
        (r"\[a](b) and \$5 [c](d) for \$6", [("c", "d")]),
        ("```\n[a](b)\n```\n[c](d)", [("c", "d")]),
        ("~~~~\n~~~\n[a](b)\n~~~~\n[c](d)", [("c", "d")]),
        ("- ```\n  [a](b)\n  ```\n- [c](d)", [("c", "d")]),
        ("$$\nq[i](j)\n$$\n[c](d)", [("c", "d")]),
        ("a ` tick\n\n[b](c) `", [("b", "c")]),
        ("a $ dollar\n- [b](c) $", [("b", "c")]),
        ("| [a](b) | `x | [c](d)` |", [("a", "b"), ("c", "d")]),
        ("![picture](a.png)", []),
        ("[not] (a link)", []),
        ("[a](b", []),
    ],
)
def test_links_are_found_where_they_are_links(markdown: str, expected: list[tuple[str, str]]) -> None:
    assert links(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("costs $5", [("unclosed", "$")]),
        (r"costs \$5", []),
        ("$a$ and $b", [("math", "$a$"), ("unclosed", "$")]),
        ("$a\nb$", [("math", "$a\nb$")]),
        ("$a\n\nb$", [("unclosed", "$"), ("unclosed", "$")]),
        ("$$x$$", [("unclosed", "$$"), ("unclosed", "$$")]),
        ("$$\nx\n$$\n", [("math", "$$\nx\n$$\n")]),
        ("$$\nx\n", [("unclosed", "$$\nx\n")]),
        (r"$\text{a \$ b}$", [("math", r"$\text{a \$ b}$")]),
        ("a <b>c</b> `<d>` $a<b>c$", [("html", "<b>"), ("html", "</b>"), ("code", "`<d>`"), ("math", "$a<b>c$")]),
        ("2 < 3 > 1, a<b", []),
        ("<https://a.b>", [("html", "<https://a.b>")]),
        ("```\n$x$\n", [("unclosed", "```\n$x$\n")]),
        ("``a`b`` `", [("code", "``a`b``")]),
    ],
)
def test_formulas_code_and_html_are_told_apart(markdown: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(markdown) == expected


def test_replacing_links_leaves_every_other_character_alone() -> None:
    markdown = "# A [1](a)\n\n- `[2](b)` $[3](c)$\r\n- [**4**](d) 。[5](e)\n"
    assert replace_links(markdown, lambda link: f"<{link.text}>") == (
        "# A <1>\n\n- `[2](b)` $[3](c)$\r\n- <**4**> 。<5>\n"
    )


@given(MARKDOWN | st.text())
def test_replacing_each_link_by_itself_changes_nothing(markdown: str) -> None:
    assert replace_links(markdown, lambda link: f"[{link.text}]({link.target})") == markdown


@given(MARKDOWN | st.text())
def test_segments_follow_one_another_without_overlap(markdown: str) -> None:
    end = 0
    for segment in segments(markdown):
        assert end <= segment.start < segment.end <= len(markdown)
        end = segment.end


RENDERER = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
RENDERER.normalizeLink = lambda url: url  # type: ignore[method-assign]


def squeezed(formula: str) -> str:
    """A formula without blanks and the marks of a quotation, which stand at the begin of its lines."""
    return re.sub(r"[>\s]", "", formula)


def rendered(tokens: list[Token]) -> list[str]:
    """The targets of links, and the formulas outside of them, that a renderer sees, in order."""
    found, inside = [], False
    for token in tokens:
        if token.type == "link_open":
            found.append(f"link {token.attrs['href']}")
        elif token.type == "math_inline" and not inside:
            found.append(f"math {squeezed(token.content)}")
        inside = token.type == "link_open" or (inside and token.type != "link_close")
        found += rendered(token.children or [])
    return found


def scanned(markdown: str) -> list[str]:
    """The same as this module sees it."""
    found = []
    for segment in segments(markdown):
        source = markdown[segment.start : segment.end]
        if isinstance(segment, Link):
            found.append(f"link {segment.target}")
        elif segment.kind == "math" and not source.startswith("$$"):
            found.append(f"math {squeezed(source[1:-1])}")
    return found


@settings(max_examples=300)
@given(MARKDOWN)
def test_a_renderer_sees_the_same_links_and_formulas(markdown: str) -> None:
    tokens = RENDERER.parse(markdown)
    for segment in segments(markdown):  # `kb check` refuses these, and empty formulas
        assume(segment.kind not in ("unclosed", "html", "image"))
        assume(segment.kind != "math" or markdown[segment.start : segment.end].strip("$> \n"))
    assume(all(link.target and not set(link.target) & set(" \n<>`$\\") for link in iter_links(markdown)))
    assume(all(token.type not in ("code_block", "html_block") for token in tokens))
    assert rendered(tokens) == scanned(markdown)
