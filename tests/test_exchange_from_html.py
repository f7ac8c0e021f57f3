"""HTML of flash cards as Markdown of the bank: formulas, code, tables and media, and no text of it is dropped."""

import re
from html import escape
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kb.bank import load_bank
from kb.exchange.from_html import FromHtml, from_html
from kb.exchange.html import to_html
from kb.links import fill_text
from kb.parsing import parse_question

TEXTS = st.text(alphabet=r"""ab1 2.-+*_`$|\[](){}<>&;#~=!:"'^/é注，""" + "\u00a0", max_size=12).map(
    lambda text: re.sub(r"\\(?=[\[\]()]|$)|\[\$", "", text)  # which would open a formula
)
FORMULAS = st.sampled_from([r"\(x_1\)", r"\(a*b\)", r"\[\sum_i x\]", "[$]y[/$]", "[latex]z[/latex]"])
CODE = st.builds(lambda text: f"<code>{escape(text)}</code>", TEXTS)
INLINE = st.one_of(st.builds(escape, TEXTS), FORMULAS, CODE)


def tagged(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    inside = st.lists(children, max_size=3).map("".join)
    tags = st.sampled_from(["b", "i", "strong", "em", "u", "span", "font", "a", "div", "p", "blockquote", "center"])
    return st.one_of(
        st.builds(lambda tag, text: f"<{tag}>{text}</{tag}>", tags, inside),
        st.builds(lambda one, two: f"{one}<br>{two}", inside, inside),
        st.builds(
            lambda items: f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>", st.lists(inside, min_size=1)
        ),
        st.builds(
            lambda items: f"<ol>{''.join(f'<li>{item}</li>' for item in items)}</ol>", st.lists(inside, min_size=1)
        ),
        st.builds(lambda tag, text: f"<{tag}>{escape(text)}</{tag}>", st.sampled_from(["pre", "h2"]), TEXTS),
    )


HTML = st.recursive(INLINE, tagged, max_leaves=8)
CELLS = st.lists(st.lists(st.lists(INLINE, max_size=2).map("".join), min_size=2, max_size=2), min_size=1, max_size=3)


def seen(html: str) -> str:
    """The signs that a reader sees, formulas between their own brackets, without spaces."""
    html = re.sub(r"\[\$\](.*?)\[/\$\]|\[latex\](.*?)\[/latex\]", lambda found: rf"\({found[1] or found[2]}\)", html)
    text = "".join(BeautifulSoup(html, "html.parser").get_text().split())
    return text.replace(r"\[", r"\(").replace(r"\]", r"\)")


def read(html: str) -> str:
    return from_html(html).markdown


@settings(deadline=None)
@given(HTML)
@example("<ul><li>1<ol><li></li><li>1</li></ol></li></ul>")
@example("<b>a</b><b>(b)</b>](c) [d]<i>(e)</i>")
@example("<b>:</b><b>1</b>")
@example("\u00a0&gt;")
@example(r"\\(x_1\) <code>[1]: b</code>")
def test_no_sign_of_any_text_is_dropped_or_added(html: str) -> None:
    assert seen(to_html(read(html))) == seen(html)


@settings(deadline=None)
@given(CELLS)
def test_no_sign_of_any_table_is_dropped_or_added(rows: list[list[str]]) -> None:
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    html = f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"
    assert seen(to_html(read(html))) == seen(html)


@settings(deadline=None)
@given(HTML, HTML)
def test_what_comes_of_any_html_is_markdown_that_the_bank_takes(front: str, back: str) -> None:
    text = f"---\nkind: open\ndifficulty: 2\n---\n# Why?\n\n{read(front)}\n\n## Answer\n\nSo.\n\n{read(back)}\n"
    assert parse_question("own/why.md", text, own=True).problems == ()


@given(st.text(max_size=200))
def test_any_text_at_all_is_converted(html: str) -> None:
    from_html(html)


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        (r"Why \(\sqrt{d_k}\)? It costs $5.", r"Why $\sqrt{d_k}$? It costs \$5."),
        (r"a \[x &lt; y<br>z\] b", "a\n\n$$\nx < y z\n$$\n\nb"),
        ("[latex]Let $x$ be[/latex] [$]y[/$] [$$]z[/$$]", "Let $x$ be $y$\n\n$$\nz\n$$"),
        ('<anki-mathjax>a_b</anki-mathjax> <anki-mathjax block="true">c</anki-mathjax>', "$a_b$\n\n$$\nc\n$$"),
        (r"<code>\(x\)</code> \(a$b\)", r"`\(x\)` $a\$b$"),
        ("a<br>b<div>c</div>", "a\n\nb\n\nc"),
        ("x<sup>2</sup> and y<sub>i, j</sub>", r"x$^{2}$ and y\_(i, j)"),
        ("<b>Note</b>: <i>so</i> <s>no</s>", "**Note**: *so* ~~no~~"),
        ("<h1>Title</h1>text<blockquote>said</blockquote>", "**Title**\n\ntext\n\n> said"),
        ("<pre>a = [1]\n    b</pre>", "```\na = [1]\n    b\n```"),
        (
            "<table><tr><th>a</th><th>b</th></tr><tr><td>\\(|x|\\)</td><td>c|d</td></tr></table>",
            "| a | b |\n| --- | --- |\n| $\\vert x\\vert $ | c\\|d |",
        ),
        ("- not a list<br>1. nor this<br># nor a heading", "\\- not a list\n\n1\\. nor this\n\n\\# nor a heading"),
        ("<dl><dt>term</dt><dd>meaning</dd></dl>", "term\n\nmeaning"),
        ("<div>" * 3000 + "deep", "deep"),
        ("", ""),
    ],
)
def test_what_becomes_of(html: str, markdown: str) -> None:
    assert read(html) == markdown


def test_links_media_and_programs_are_named() -> None:
    html = (
        'See <a href="https://example.org/a(b">the <b>paper</b></a>, <a href="#note">here</a>, <a href="https://e.org"></a>'
        '<img src="mask.png" alt="a `mask`"> [sound:it.mp3] <video src="film.mp4">no film</video>'
        "<script>run()</script><style>b {}</style><!-- unseen -->"
    )
    assert from_html(html) == FromHtml(
        "See the **paper**, here (`#note`), `https://e.org` `` ![a `mask`](mask.png) `` `[sound:it.mp3]` `![](film.mp4)`no film",
        links=(("the paper", "https://example.org/a(b"), ("", "https://e.org")),
        media=("it.mp3", "mask.png", "film.mp4"),
        scripts=("run()", "b {}"),
    )


def test_the_questions_of_the_bank_come_back_as_they_were_exported() -> None:
    bank = load_bank(Path(__file__).parents[1] / "content")
    for question in list(bank.questions.values())[::20]:
        for language in question.languages:
            text = fill_text(question.text(language), {})
            html = to_html(text.answer)
            assert seen(to_html(read(html))) == seen(html)
