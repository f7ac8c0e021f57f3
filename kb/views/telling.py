"""A question after it is answered: what was right, what the demo computed here, the explanation, and the four ratings."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from demos import DemoError, Outcome
from demos._runner import Run
from kb import study
from kb.grading import numeric_truth
from kb.i18n import format_interval, format_number
from kb.numbers import SCALES, read_number
from kb.questions import ChoiceQuestion, ClaimQuestion, MultipleQuestion, NumericQuestion, OpenQuestion, Text
from kb.rating import Rating
from kb.views import evidence, question, shell
from kb.views.asking import VERDICTS, confidence_line, confidence_name, numeral, prediction_panel, tick, verdict_name
from kb.views.keys import Keys
from kb.views.marking import show_note
from kb.views.shell import _, ngettext
from kb.views.sitting import Sitting, Turn

RATING_KEYS = {Rating.Again: "a", Rating.Hard: "h", Rating.Good: "g", Rating.Easy: "e"}


@dataclass(frozen=True)
class Shown:
    """An option after the answer; `why` explains it."""

    label: str
    correct: bool
    chosen: bool
    why: str = ""


def rating_name(rating: Rating) -> str:
    """A rating as a button says it."""
    return {
        Rating.Again: _("Again"),
        Rating.Hard: _("Hard"),
        Rating.Good: _("Good"),
        Rating.Easy: _("Easy"),
    }[rating]


def tell(sitting: Sitting, turn: Turn, text: Text, keys: Keys) -> None:
    """Draws the answer and the ratings; `keys` are those of the page already taken."""
    if turn.question.predict is not None and text.predict:
        _tell_prediction(turn, text)
    if not isinstance(turn.question, OpenQuestion):
        with confidence_line(turn):
            st.caption(f"**{confidence_name(turn.confidence)}**" if turn.confidence else _("not said"))
    match turn.question:
        case ChoiceQuestion() | MultipleQuestion():
            _tell_choices(turn, text)
        case ClaimQuestion(verdict=right):
            options = [Shown(verdict_name(each), each == right, each == turn.answer) for each in VERDICTS]
            _tell_options(options, turn)
        case OpenQuestion():
            keys.buttons |= _tell_words(turn, text)
    _tell_verdict(turn)
    _tell_changes(turn)
    _tell_evidence(turn)
    question.show_answer(text)
    show_note(turn, keys)
    question.show_follow_ups(turn.question)
    question.show_sources(turn.question)
    keys.buttons |= _ask_rating(sitting, turn)
    keys.listen()


def _tell_prediction(turn: Turn, text: Text) -> None:
    """The prediction beside what the demo gave."""
    predicted = turn.prediction()
    with prediction_panel(turn, text):
        if predicted is None or turn.question.predict is None:
            st.caption(
                _("You predicted {given}.", given=turn.predicted) if turn.predicted else _("You made no prediction.")
            )
            return
        unit = turn.question.predict.unit
        here = _with_unit(predicted.truth, unit)
        with st.container(horizontal=True, gap="large", key=f"line-predicted-{turn.id}"):
            for label, value in ((_("You predicted"), _with_unit(predicted.given, unit)), (_("Computed here"), here)):
                with st.container(width="content", gap=None):
                    st.caption(label)
                    close = predicted.close and value == here
                    st.subheader(f":green[{value}]" if close else value, anchor=False)


def _tell_choices(turn: Turn, text: Text) -> None:
    chosen = {turn.answer} if isinstance(turn.answer, int) else set(turn.answer or ())
    choices = [text.choices[place] for place in turn.attempt.order]
    options = [Shown(each.text, each.correct, place in chosen, each.why) for place, each in enumerate(choices)]
    _tell_options(options, turn)


def _tell_options(options: Sequence[Shown], turn: Turn) -> None:
    """The options where they stood, with the reason under the right ones and under the ones chosen."""
    with st.container(gap="xsmall", key=f"shown-{turn.id}"):
        for place, each in enumerate(options):
            if each.correct:
                icon, colour = ":material/check_circle:", "green"
            else:
                icon, colour = (":material/cancel:", "red") if each.chosen else (numeral(place), "gray")
            label = question.label(each.label)
            said = f":{colour}[{icon}] " + (f"**{label}**" if each.correct else f":{colour}[{label}]")
            why = question.page_markdown(each.why) if each.correct or each.chosen else ""
            st.markdown(f"{said}\n\n{why}")


def _tell_words(turn: Turn, text: Text) -> dict[str, str]:
    """What the learner wrote, and the key points to tick."""
    if turn.written:
        st.markdown("\n".join(f"> {line}" for line in turn.written.splitlines()))
    st.subheader(_("Tick what you had"), anchor=False)
    return tick(text.key_points, turn, turn.toggle, type="tertiary")


def _tell_verdict(turn: Turn) -> None:
    """One line: whether the answer was right, and what would have been."""
    graded = turn.grade()
    said: list[str] = []
    match turn.question:
        case OpenQuestion():
            if turn.answer:
                said.append(_ticked(len(turn.answer), len(turn.question.text("en").key_points)))
        case ClaimQuestion():
            said.append(claim_verdict(turn.question.verdict))
        case NumericQuestion():
            said.append(_number_verdict(turn, turn.question))
    if graded is not None and not isinstance(turn.question, OpenQuestion):
        right = f":green[:material/check_circle: **{_('Right.')}**]"
        wrong = f":red[:material/cancel: **{_('Not right.')}**]"
        said.insert(0, right if graded.correct else wrong)
    if said:
        st.markdown(" ".join(said))


def _tell_changes(turn: Turn) -> None:
    """What the answer says now that it did not when the learner saw it last."""
    changes = [each.get(shell.language()) or each.get("en", "") for each in turn.attempt.changes]
    if changes:
        with st.container(key=f"panel-changed-{turn.id}", gap="xsmall"):
            st.markdown(f"**{_('What changed since you last saw it')}**")
            st.markdown("\n".join(f"- {question.page_markdown(each)}" for each in changes))


def _ticked(count: int, total: int) -> str:
    return ngettext("{count} of {total} key points.", "{count} of {total} key points.", count, total=total)


def claim_verdict(verdict: str) -> str:
    """What is to be said of a claim with this verdict."""
    return {"true": _("The claim is true."), "false": _("The claim is false."), "depends": _("It depends.")}[verdict]


def _number_verdict(turn: Turn, asked: NumericQuestion) -> str:
    answered = _("You answered {answer}.", answer=f"{turn.answer} {asked.unit}".strip())
    if asked.generated and not isinstance(turn.truth, int | float):
        return answered
    truth = _with_unit(numeric_truth(asked, turn.truth), asked.unit)
    return _("It is {truth}.", truth=truth) + " " + answered


def _with_unit(value: float, unit: str) -> str:
    return f"{format_number(value, shell.language())} {unit}".strip()


def _tell_evidence(turn: Turn) -> None:
    """What the demo computed here, or the wait for it, or why there is nothing."""
    if turn.evidence is None:
        return
    outcome = turn.outcome
    if isinstance(outcome, Outcome):
        with shell.sentences():  # the demo's file may have changed since
            evidence.show_outcome(turn.evidence, outcome, _drawn_prediction(turn))
    elif isinstance(outcome, DemoError):
        if evidence.show_failure(outcome):
            turn.prepare(turn.evidence)
            st.rerun()
    elif isinstance(turn.run, Run):
        evidence.wait_for(turn.run, turn.run_since)


def _drawn_prediction(turn: Turn) -> float | None:
    """The number that the learner committed to, counted as the demo's field counts."""
    asked, predicted = turn.question, turn.prediction()
    if predicted is not None and asked.predict is not None:
        return predicted.given * SCALES.get(asked.predict.unit, 1.0)
    if isinstance(asked, NumericQuestion) and asked.generated:
        return read_number(str(turn.answer), asked.unit) * SCALES.get(asked.unit, 1.0)
    return None


def _ask_rating(sitting: Sitting, turn: Turn) -> dict[str, str]:
    """Four buttons with the time until the question comes back; the proposed one is the primary one."""

    def rate(rating: Rating) -> None:
        with shell.sentences():
            sitting.rate(shell.bank(), shell.store(), turn.id, rating, shell.now())

    def go_on() -> None:
        sitting.unsaved = None
        with shell.sentences():
            sitting.advance(shell.bank(), shell.store(), shell.now())

    intervals: dict[Rating, str] = {}
    with st.bottom, shell.sentences():
        if sitting.unsaved is not None:
            st.markdown(f":red[**{_('This answer is not stored yet.')}**] {_('Rate it again to try once more.')}")
            shell.show_error(sitting.unsaved)
            st.button(_("Go on without storing it"), type="tertiary", key=f"go-on-{turn.id}", on_click=go_on)
        else:
            previews = study.preview(shell.bank(), shell.store(), turn.question.slug, shell.now())
            intervals = {each: format_interval(previews[each].interval, shell.language()) for each in previews}
    graded = turn.grade()
    proposed = Rating.Good if graded is None else graded.proposed
    keys = {}
    with st.bottom, st.container(horizontal=True, gap="xsmall", key=f"ratings-{turn.id}"):
        for rating, key in RATING_KEYS.items():
            keys[key] = f"rate-{key}-{turn.id}"
            st.button(
                f"**{rating_name(rating)}** `{key}`  \n{intervals.get(rating, '')}",
                key=keys[key],
                type="primary" if rating is proposed else "secondary",
                width="stretch",
                on_click=rate,
                args=(rating,),
            )
    return keys
