"""What became of a question so far: every answer with what was said and what was right, and when it comes back."""

from typing import Any

import streamlit as st

from kb import history
from kb.history import Given, Memory, Standing
from kb.i18n import format_date, format_interval, format_seconds, format_share
from kb.links import scalar_text
from kb.marks import Marks
from kb.questions import ChoiceQuestion, ClaimQuestion, MultipleQuestion, NumericQuestion, OpenQuestion, Question, Text
from kb.rating import Rating
from kb.views import question, shell
from kb.views.asking import VERDICTS, confidence_name, verdict_name
from kb.views.marking import why_suspended
from kb.views.rows import escaped, sentences
from kb.views.shell import _, ngettext
from kb.views.telling import rating_name

SHOWN_ANSWERS = 5
SIGNS = {Rating.Again: ":red[●]", Rating.Hard: ":gray[●]", Rating.Good: ":green[●]", Rating.Easy: ":green[●]"}


def show_history(asked: Question, has: Marks, revealed: bool) -> None:
    """What the learner answered, the latest first, and when the question comes back; what was said only with the answer."""
    bank, store, now = shell.bank(), shell.store(), shell.now()
    given = history.given(bank, store, asked.slug, now)
    st.subheader(_("Your answers"), anchor=False)
    if not given:
        st.markdown(sentences(_("You have not answered this question yet."), _away(has)))
        return
    st.markdown(sentences(_outlook(history.memories(bank, store, now)[asked.slug], has), _away(has)))
    more = f"answers-{asked.slug}"
    shown = st.session_state.get(more, SHOWN_ANSWERS)
    for place, each in enumerate(given[:shown]):
        _show_given(asked, each, place, revealed)
    if not revealed and any(each.answer is not None for each in given):
        st.caption(_("What you said each time appears with the answer."))
    if len(given) > shown:
        st.button(
            ngettext("{count} earlier answer", "{count} earlier answers", len(given) - shown),
            key="earlier",
            type="tertiary",
            icon=":material/expand_more:",
            on_click=lambda: st.session_state.update({more: len(given)}),
        )


def _outlook(memory: Memory, has: Marks) -> str:
    """The chance of recall now, and when the question comes back."""
    chance = _("Chance of recalling it now: {share}.", share=format_share(memory.recall, shell.language()))
    if has.suspended:
        return chance
    if Standing.DUE in memory.standings or memory.due is None:
        return sentences(chance, _("It is due."))
    wait = memory.due - shell.now()
    interval = format_interval(wait, shell.language())
    if wait.days < 1:
        return sentences(chance, _("It comes back in {interval}.", interval=interval))
    date = format_date(memory.due.date(), shell.language())
    return sentences(chance, _("It comes back in {interval}, on {date}.", interval=interval, date=date))


def _away(has: Marks) -> str:
    """Why the question is not asked at present, for all that is due."""
    return why_suspended(has) or (_("You put it off until tomorrow.") if has.buried else "")


def _show_given(asked: Question, given: Given, place: int, revealed: bool) -> None:
    """One answer: how it was rated and when, what was said, what was predicted."""
    text = question.text_of(asked)
    rated = given.review.rating
    facts = [_("Known already") if given.review.known else f"**{rating_name(rated)}**"]
    if given.correct is not None:
        facts.append(_("right") if given.correct else _("not right"))
    facts.append(format_date(given.review.day, shell.language()))
    if given.duration_s is not None:
        facts.append(format_seconds(given.duration_s, shell.language()))
    with st.container(key=f"given-{place}", gap=None):
        st.markdown(f"{SIGNS[rated]} {' · '.join(facts)}")
        for line in (_said(asked, text, given), _predicted(asked, text, given), _drawn(asked, given)):
            if line and revealed:
                st.caption(line)


def _said(asked: Question, text: Text, given: Given) -> str:
    """The answer in words; empty where none was stored, as with one that was imported."""
    answer = given.answer
    match asked:
        case ChoiceQuestion() | MultipleQuestion():
            places = [answer] if isinstance(answer, int) else answer if isinstance(answer, list) else []
            return _quoted("; ".join(_choice(text, place) for place in places))
        case ClaimQuestion():
            return _quoted(verdict_name(answer)) if answer in VERDICTS else ""
        case NumericQuestion():
            return _quoted(escaped(f"{answer} {asked.unit}".strip())) if isinstance(answer, str | int | float) else ""
        case OpenQuestion() if isinstance(answer, dict):
            points = len(answer.get("points") or ())
            total = len(text.key_points)
            had = ngettext("{count} of {total} key points.", "{count} of {total} key points.", points, total=total)
            written = str(answer.get("text") or "").strip()
            return sentences(_quoted(escaped(" ".join(written.split()))) if written else "", had)
    return ""


def _quoted(said: str) -> str:
    return _("You said: {answer}", answer=said) if said else ""


def _choice(text: Text, place: Any) -> str:
    """The option at this place of the file; a question may have lost it since."""
    known = isinstance(place, int) and 0 <= place < len(text.choices)
    return question.label(text.choices[place].text) if known else _("an option that is gone")


def _predicted(asked: Question, text: Text, given: Given) -> str:
    """What was predicted, how sure the learner was, and what the demo gave."""
    said = given.prediction if isinstance(given.prediction, dict) else {}
    parts = []
    if number := said.get("number"):
        unit = asked.predict.unit if asked.predict else ""
        parts.append(_("Predicted: {number}", number=escaped(f"{number} {unit}".strip())))
        truth = _truth(asked, text)
        if truth:
            parts.append(_("computed: {number}", number=truth))
        if said.get("close") is not None:
            parts.append(_("close") if said["close"] else _("off"))
    if said.get("confidence") in ("guess", "likely", "certain"):
        parts.append(_("How sure: {confidence}", confidence=confidence_name(said["confidence"])))
    return " · ".join(parts)


def _truth(asked: Question, text: Text) -> str:
    """The number that was asked for, as the answer quotes it; empty where it does not."""
    predict = asked.predict
    if predict is None:
        return ""
    exact = (link for link in text.links if link.index is None and not link.op)
    same = (link for link in exact if (link.demo, link.field) == (predict.demo, predict.asks))
    return next((link.text for link in same if link.params == predict.params), "")


def _drawn(asked: Question, given: Given) -> str:
    """The parameters that were drawn for this answer, a link to their run."""
    if not isinstance(asked, NumericQuestion) or not asked.demo or not given.params:
        return ""
    drawn = {name: value for name, value in given.params.items() if name in asked.vary}
    shown = ", ".join(f"{name} {scalar_text(value)}" for name, value in drawn.items())
    return _("Asked with: {params}", params=f"[{escaped(shown)}]({shell.lab_url(asked.demo, given.params)})")
