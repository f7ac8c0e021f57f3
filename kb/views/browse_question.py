"""The page of one question: what is asked, the answer when wanted, the runs it quotes, and what became of it so far."""

from collections.abc import Mapping

import streamlit as st

from kb.errors import UnknownQuestionError
from kb.history import Standing
from kb.links import scalar_text
from kb.marks import Marks
from kb.questions import ClaimQuestion, DemoLink, NumericQuestion, Question, Text, Value
from kb.views import marking, question, shell
from kb.views.asking import verdict_name
from kb.views.browse_history import show_history
from kb.views.keys import Keys
from kb.views.rows import confirm_address, dots, show_back, show_row
from kb.views.shell import _


def show_question(slug: str, back: Mapping[str, str]) -> None:
    """The page of the question with this slug; where there is none, a sentence and the way to all of them."""
    show_back(shell.BROWSE, _("All questions"), back)
    try:
        asked = shell.bank().question(slug)
    except UnknownQuestionError as error:
        st.header(_("There is no such question."), anchor=False)
        shell.show_error(error)
        return
    confirm_address({"question": asked.slug})
    has, keys = Marks(), Keys()
    with shell.sentences():
        has = marking.marks_of(asked)
    text = question.text_of(asked)
    st.caption(" · ".join((_facts(asked), *marking.state_of(has))))
    question.show_title(text)
    if shell.language() not in asked.languages:
        st.caption(_("This question is not translated yet."))
    revealed = _show_controls(asked, keys)
    _show_choices(text, revealed)
    if text.predict:
        st.markdown(question.page_markdown(text.predict))
    if revealed:
        _show_answer(asked, text)
    st.space("small")
    marking.show_buttons(asked, has, keys)
    with shell.sentences():
        show_history(asked, has, revealed)
    _show_runs(asked)
    _show_links(_("Know first"), "requires", asked.requires)
    _show_links(_("They will ask next"), "next", asked.follow_ups)
    _show_file(asked)
    keys.listen()


def _show_controls(asked: Question, keys: Keys) -> bool:
    """The switch that shows the answer and the way into Study; returns whether the answer is shown."""
    reveal = f"reveal-{asked.slug}"
    keys.buttons |= {" ": reveal, "enter": "study-this"}
    with st.container(horizontal=True, vertical_alignment="center", key="line-question"):
        revealed = st.toggle(f"{_('Show the answer')} `{_('space')}`", key=reveal)
        st.space("stretch")
        if st.button(f"{_('Study this now')} `{_('enter')}`", key="study-this", icon=":material/school:"):
            shell.begin_study(question=asked.slug)
    return revealed


def kind_name(kind: str) -> str:
    """A kind of question as the page names it."""
    return {
        "choice": _("one choice"),
        "multiple": _("several choices"),
        "numeric": _("number"),
        "open": _("in words"),
        "claim": _("claim"),
    }[kind]


def standing_name(standing: Standing) -> str:
    """Where the learner stands with a question, as the page names it."""
    return {
        Standing.NEW: _("new"),
        Standing.FAILED: _("slipped last time"),
        Standing.DUE: _("due"),
        Standing.KNOWN: _("known"),
    }[standing]


def _facts(asked: Question) -> str:
    return " · ".join((shell.topic_title(asked.topic), kind_name(asked.kind), dots(asked.difficulty)))


def _show_choices(text: Text, revealed: bool) -> None:
    """The choices; with the answer, which are right and why."""
    for place, choice in enumerate(text.choices, 1):
        mark = (":green[✓] " if choice.correct else ":gray[✗] ") if revealed else ""
        st.markdown(f"{mark}{place}\\. {question.label(choice.text)}")
        if revealed and choice.why:
            st.caption(question.page_markdown(choice.why))


def _show_answer(asked: Question, text: Text) -> None:
    """The answer, key points, pitfalls and sources."""
    if isinstance(asked, ClaimQuestion):
        st.markdown(f"**{verdict_name(asked.verdict)}**")
    if isinstance(asked, NumericQuestion) and asked.value is not None:
        st.markdown(f"**{asked.value:,} {asked.unit}**".replace(" **", "**"))
    question.show_answer(text)
    question.show_key_points(text)
    question.show_sources(asked)


def _show_runs(asked: Question) -> None:
    """Every run that the question quotes, as a link that opens it in the Lab."""
    runs = runs_of(asked)
    if not runs:
        return
    st.subheader(_("Computed by"), anchor=False)
    with st.container(key="names-runs", gap="xsmall"):
        for place, (demo, params) in enumerate(runs):
            values = {name: scalar_text(value) for name, value in params}
            label = ", ".join((f"`{demo}`", *(f"{name} {value}" for name, value in values.items())))
            show_row(f"run-{place}", shell.LAB, label, {"demo": demo, **values})


def runs_of(asked: Question) -> list[tuple[str, tuple[tuple[str, Value], ...]]]:
    """The runs behind a question, each once: what it generates or predicts, what its answer quotes, its demos."""

    def run(demo: str, params: Mapping[str, Value]) -> tuple[str, tuple[tuple[str, Value], ...]]:
        return demo, tuple(sorted(params.items()))

    runs = []
    if isinstance(asked, NumericQuestion) and asked.demo:
        runs.append(run(asked.demo, asked.draw(0)))
    if asked.predict is not None:
        runs.append(run(asked.predict.demo, asked.predict.params))
    links: tuple[DemoLink, ...] = asked.text("en").links
    runs += [run(link.demo, link.params) for link in links]
    named = {demo for demo, _params in runs}
    runs += [run(demo, {}) for demo in asked.demos if demo not in named]
    return list(dict.fromkeys(runs))


def _show_links(heading: str, key: str, slugs: tuple[str, ...]) -> None:
    """Other questions, by their titles."""
    known = shell.bank().questions
    others = [known[slug] for slug in slugs if slug in known]
    if not others:
        return
    st.subheader(heading, anchor=False)
    for other in others:
        title = question.label(other.text(shell.language()).title)
        show_row(f"{key}-{other.slug}", shell.BROWSE, title, {"question": other.slug})


def _show_file(asked: Question) -> None:
    """Where the text can be changed."""
    st.space("small")
    st.caption(_("To change this text, edit this file; the page follows as soon as it is saved."))
    language = shell.language() if shell.language() in asked.languages else "en"
    st.code(str(shell.bank().file(asked.path_in(language))), language=None, wrap_lines=True)
