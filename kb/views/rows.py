"""Parts that Browse, Lab and Progress share: rows of links, Markdown from plain text, difficulty as dots."""

import re
from collections.abc import Mapping

import streamlit as st

from kb.views.shell import ASSETS, language

HARDEST = 5

_MARKDOWN = re.compile(r"[\\`*\[\]<>$~|]|(?<!\w)_|_(?!\w)|^[#+-](?=\s)|:(?=[\w/]+(?:\[|:))")


def style() -> None:
    """Lays out the rows and tables of the page."""
    st.html(ASSETS / "rows.css")


def confirm_address(query: Mapping[str, str]) -> None:
    """Writes the address that this page has: a link that is followed while a page is still drawn leaves the former one."""
    st.query_params.from_dict(dict(query))


def show_row(key: str, page: str, label: str, query: Mapping[str, str], *below: str) -> None:
    """A link to a page of the app, with quiet lines under it."""
    with st.container(key=f"row-{key}", gap=None):
        st.page_link(page, label=label, query_params=dict(query))
        for line in below:
            st.caption(line)


def show_back(page: str, label: str, query: Mapping[str, str] | None = None) -> None:
    """The way back to the list that a page belongs to."""
    with st.container(key="back"):
        st.page_link(page, label=label, icon=":material/arrow_back:", query_params=dict(query or {}))


def dots(difficulty: int) -> str:
    """The difficulty as filled and open dots, one to five."""
    return "●" * difficulty + "○" * (HARDEST - difficulty)


def sentences(*parts: str) -> str:
    """The sentences one after the other; Chinese puts no space between them."""
    return ("" if language() == "zh" else " ").join(filter(None, parts))


def escaped(text: str) -> str:
    """Plain text as Markdown that shows it unchanged, with no more backslashes than it takes: labels are also read aloud."""
    return _MARKDOWN.sub(r"\\\g<0>", text)
