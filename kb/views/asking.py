"""A question before it is answered: what the learner says first, and the commitment that ends it.

Everything that is said before the answer stands above the options: the prediction, then how sure one is. Pressing an option
commits. A callback receives the turn it was drawn for and does nothing once that turn is committed.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kb.questions import ClaimQuestion, MultipleQuestion, NumericQuestion, OpenQuestion, Text
from kb.views import question, shell
from kb.views.keys import Keys
from kb.views.marking import show_note
from kb.views.shell import _
from kb.views.sitting import CONFIDENCES, Turn

CONFIDENCE_KEYS = dict(zip(CONFIDENCES, "jkl", strict=True))
NUMBER_KEYS = "0123456789.-"
VERDICTS = ("true", "false", "depends")


def confidence_name(confidence: str) -> str:
    """How sure one is, as a button says it."""
    return {"guess": _("guess"), "likely": _("likely"), "certain": _("certain")}[confidence]


def verdict_name(verdict: str) -> str:
    """A verdict on a claim, as a button says it."""
    return {"true": _("True"), "false": _("False"), "depends": _("It depends")}[verdict]


def ask(turn: Turn, text: Text, keys: Keys) -> None:
    """Draws what the learner can say; `keys` are those of the page already taken."""
    if turn.question.predict is not None and text.predict:
        keys.fields["p"] = _ask_prediction(turn, text)
    if not isinstance(turn.question, OpenQuestion):
        keys.buttons |= _ask_confidence(turn)
    match turn.question:
        case NumericQuestion():
            name = _ask_number(turn, turn.question.unit)
            keys.fields |= dict.fromkeys(NUMBER_KEYS, name)
        case OpenQuestion():
            keys.buttons |= _ask_words(turn)
        case MultipleQuestion():
            keys.buttons |= _ask_several(turn, text)
        case ClaimQuestion():
            keys.buttons |= _ask_one(turn, {verdict: verdict_name(verdict) for verdict in VERDICTS})
        case _:
            choices = [text.choices[place].text for place in turn.attempt.order]
            keys.buttons |= _ask_one(turn, dict(enumerate(map(question.label, choices))))
    if turn.complaint:
        shell.show_error(turn.complaint)
    show_note(turn, keys)
    keys.listen()


def option(label: str, place: int, turn: Turn, icon: str, **button: Any) -> str:
    """Draws one option as a button over the whole width, and returns its key."""
    name = f"option-{place}-{turn.id}"
    st.button(label, key=name, icon=icon, width="stretch", **button)
    return name


def numeral(place: int) -> str:
    """The icon with the digit that presses the option at this place."""
    return f":material/counter_{place + 1}:" if place < 9 else ":material/circle:"


def _ask_prediction(turn: Turn, text: Text) -> str:
    name = f"predicted-{turn.id}"
    unit = turn.question.predict.unit if turn.question.predict else ""

    def note() -> None:
        if turn.committed_at is None:
            turn.predicted, turn.complaint = st.session_state[name].strip(), None

    with prediction_panel(turn, text):
        st.text_input(
            _("Your prediction in {unit}", unit=unit) if unit else _("Your prediction"),
            value=turn.predicted,
            key=name,
            placeholder=_("a number (p)"),
            on_change=note,
            width=240,
            autocomplete="off",
        )
    return name


def prediction_panel(turn: Turn, text: Text) -> DeltaGenerator:
    """The panel that asks for the prediction and afterwards tells what became of it, in the same place."""
    panel = st.container(key=f"panel-predict-{turn.id}")
    panel.markdown(f"**{_('Predict first.')}** {question.page_markdown(text.predict)}")
    return panel


def confidence_line(turn: Turn) -> DeltaGenerator:
    """The line that asks how sure one is and afterwards tells what was said, in the same place."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"line-sure-{turn.id}")
    line.caption(_("How sure are you?"), width="content")
    return line


def _ask_confidence(turn: Turn) -> dict[str, str]:
    def note(confidence: str) -> None:
        if turn.committed_at is None:
            turn.confidence = None if turn.confidence == confidence else confidence

    keys = {}
    with confidence_line(turn):
        for confidence, key in CONFIDENCE_KEYS.items():
            keys[key] = f"sure-{confidence}-{turn.id}"
            st.button(
                f"{confidence_name(confidence)} `{key}`",
                key=keys[key],
                type="secondary" if turn.confidence == confidence else "tertiary",
                on_click=note,
                args=(confidence,),
            )
    return keys


def _ask_one(turn: Turn, options: dict[int, str] | dict[str, str]) -> dict[str, str]:
    """Buttons of which the first pressed is the answer."""

    def choose(answer: int | str) -> None:
        if turn.committed_at is None:
            turn.answer = answer
            turn.commit(shell.now())

    with st.container(gap="xsmall"):
        return {
            str(place + 1): option(label, place, turn, numeral(place), on_click=choose, args=(answer,))
            for place, (answer, label) in enumerate(options.items())
        }


def _ask_several(turn: Turn, text: Text) -> dict[str, str]:
    """Options to tick, and a button to commit."""

    def toggle(place: int) -> None:
        if turn.committed_at is None:
            turn.toggle(place)

    keys = tick([text.choices[place].text for place in turn.attempt.order], turn, toggle)
    keys["enter"] = _commit_button(turn, _("That is my answer"), _("enter"), disabled=not turn.answer)
    return keys


def tick(labels: Sequence[str], turn: Turn, toggle: Callable[[int], None], **button: Any) -> dict[str, str]:
    """Draws options that can be ticked, and returns their keys."""
    ticked = turn.answer or ()
    with st.container(gap="xsmall"):
        return {
            str(place + 1): option(
                f"`{place + 1}` {question.label(label)}",
                place,
                turn,
                ":material/check_box:" if place in ticked else ":material/check_box_outline_blank:",
                on_click=toggle,
                args=(place,),
                **button,
            )
            for place, label in enumerate(labels)
        }


def _ask_number(turn: Turn, unit: str) -> str:
    name = f"number-{turn.id}"

    def note() -> None:
        if turn.committed_at is None:
            turn.answer = st.session_state[name].strip()
            if turn.answer:
                turn.commit(shell.now())

    with st.form(f"form-{turn.id}", border=False):
        st.text_input(
            _("Your answer in {unit}", unit=unit) if unit else _("Your answer"),
            value=turn.answer or "",
            key=name,
            placeholder=_("a number, such as 1,024 or 1.5e3"),
            width=320,
            autocomplete="off",
        )
        st.form_submit_button(_("That is my answer"), type="primary", on_click=note, key=f"commit-{turn.id}")
    return name


def _ask_words(turn: Turn) -> dict[str, str]:
    name = f"written-{turn.id}"

    def note() -> None:
        if turn.committed_at is None:
            turn.written = st.session_state[name].strip()

    st.text_area(
        _("Say it aloud or write it down, as you would in the interview"),
        value=turn.written,
        key=name,
        height=160,
        on_change=note,
    )
    return {" ": _commit_button(turn, _("Show the answer"), _("space"))}


def _commit_button(turn: Turn, label: str, key: str, disabled: bool = False) -> str:
    name = f"commit-{turn.id}"

    def commit() -> None:
        turn.commit(shell.now())

    st.button(f"{label} `{key}`", key=name, type="primary", disabled=disabled, on_click=commit)
    return name
