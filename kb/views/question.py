"""The text of a question as the page shows it: figures become chips that open the Lab, links to questions open their page.

Leaves out what depends on the learner: options that can be pressed and what became of the answer are in study.py.
"""

import streamlit as st

from kb import links
from kb.inline import Link, replace_links
from kb.questions import Question, Source, Text
from kb.study import Attempt
from kb.views import shell
from kb.views.shell import _


def text_of(question: Question, attempt: Attempt | None = None) -> Text:
    """The question in the language of the session, with the drawn parameters of the attempt filled in."""
    return links.fill_text(question.text(shell.language()), {} if attempt is None else attempt.params)


def page_markdown(markdown: str) -> str:
    """The Markdown with the targets that a browser understands."""
    return replace_links(markdown, _for_the_page)


def label(markdown: str) -> str:
    """The Markdown without links, for a button."""
    return replace_links(markdown, lambda link: link.text)


def _for_the_page(link: Link) -> str:
    if links.is_demo(link.target):
        figure = links.demo_link(link.text, link.target)
        return f"[:blue-badge[{link.text}]]({shell.lab_url(figure.demo, figure.params)})"
    asked = links.reference(link.target)
    return f"[{link.text}]({shell.question_url(asked.slug)})" if asked else link.text


def show_title(text: Text) -> None:
    """The question itself."""
    st.header(label(text.title), anchor=False)
    if text.stem:
        st.markdown(page_markdown(text.stem))


def show_answer(text: Text) -> None:
    """The answer and the pitfalls."""
    st.subheader(_("Answer"), anchor=False)
    st.markdown(page_markdown(text.answer))
    if text.pitfalls:
        st.subheader(_("Pitfalls"), anchor=False)
        st.markdown("\n".join(f"- {_indented(page_markdown(pitfall))}" for pitfall in text.pitfalls))


def show_key_points(text: Text) -> None:
    """What a good answer contains."""
    if text.key_points:
        st.subheader(_("Key points"), anchor=False)
        st.markdown("\n".join(f"- {_indented(page_markdown(point))}" for point in text.key_points))


def show_follow_ups(question: Question) -> None:
    """What an interviewer asks next, as links to the pages of these questions."""
    known = shell.bank().questions
    follow_ups = [known[slug] for slug in question.follow_ups if slug in known]
    if follow_ups:
        st.subheader(_("They will ask next"), anchor=False)
        st.markdown("\n".join(f"- {linked_title(each, each.text(shell.language()))}" for each in follow_ups))


def linked_title(question: Question, text: Text) -> str:
    """The title of a question, a link to its page."""
    return f"[{label(text.title)}]({shell.question_url(question.slug)})"


def show_sources(question: Question) -> None:
    """Where the answer can be verified."""
    if question.sources:
        st.caption(_("Sources: {sources}", sources="; ".join(map(source_line, question.sources))))


def source_line(source: Source) -> str:
    """A source with its year and place, its title a link where it has an address."""
    title = f"[{source.title}]({source.url})" if source.url else source.title
    return ", ".join(filter(None, (title, str(source.year or ""), source.where)))


def _indented(markdown: str) -> str:
    """The Markdown as the content of a list item."""
    return markdown.replace("\n", "\n  ")
