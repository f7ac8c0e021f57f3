"""The myths of Browse: claims that are widely repeated and wrong, or right on conditions only. One judges each, then sees why.

Nothing here is a review: what was said is gone with the session. A demo runs when its claim is judged, and not before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

import streamlit as st

from demos import DemoError, Outcome
from demos._runner import Run
from kb import study
from kb.questions import ClaimQuestion, Question
from kb.views import evidence, question, shell
from kb.views.asking import verdict_name
from kb.views.evidence import Evidence
from kb.views.keys import press_with
from kb.views.rows import show_row
from kb.views.shell import _, ngettext
from kb.views.telling import claim_verdict

PAGE = 20
SAID = ("false", "depends")
LOOK = "look"


@dataclass
class Judged:
    """A claim that was judged here: what was said, and the run behind its answer."""

    said: str
    evidence: Evidence | None = None
    run: Run | DemoError | None = None
    hidden: bool = False


def is_myth(asked: Question | None) -> TypeGuard[ClaimQuestion]:
    """Whether the question is a claim that does not hold as it stands."""
    return isinstance(asked, ClaimQuestion) and asked.verdict != "true"


def show_myths(claims: Sequence[ClaimQuestion]) -> None:
    """The claims by topic, each with what is wrong with it once it was judged."""
    judged: dict[str, Judged] = st.session_state.setdefault("myths", {})
    st.caption(_("Widely repeated, and wrong or true only on conditions. Judge each before you look; it is no review."))
    st.caption(_score(claims, judged))
    shown = st.session_state.get("myths-shown", PAGE)
    current = next((asked for asked in claims[:shown] if asked.slug not in judged), None)
    keys: dict[str, str] = {}
    topic = None
    for asked in claims[:shown]:
        if asked.topic != topic:
            topic = asked.topic
            st.subheader(shell.topic_title(topic), anchor=False)
        keys |= _show_claim(asked, judged, asked is current)
    if len(claims) > shown:
        st.button(
            ngettext("Show {count} more", "Show {count} more", min(PAGE, len(claims) - shown)),
            key="myths-more",
            on_click=lambda: st.session_state.update({"myths-shown": shown + PAGE}),
        )
    shell.runner()  # drawn first, so that the first figure need not wait for the workers to start
    _await([each.run for each in judged.values() if isinstance(each.run, Run) and not each.run.done()])
    press_with(keys)


def _score(claims: Sequence[ClaimQuestion], judged: dict[str, Judged]) -> str:
    """How many of these claims were judged, and how many rightly."""
    said = [(judged[asked.slug].said, asked.verdict) for asked in claims if asked.slug in judged]
    guessed = [(verdict, truth) for verdict, truth in said if verdict != LOOK]
    facts = [ngettext("{count} claim", "{count} claims", len(claims))]
    if guessed:
        right = sum(verdict == truth for verdict, truth in guessed)
        facts.append(
            ngettext("{count} judged, {right} rightly", "{count} judged, {right} rightly", len(guessed), right=right)
        )
    return " · ".join(facts)


def _show_claim(asked: ClaimQuestion, judged: dict[str, Judged], current: bool) -> dict[str, str]:
    """A claim with what one can say of it; returns the keys of its buttons where it is the one to judge next."""
    slug, known = asked.slug, judged.get(asked.slug)
    text = question.text_of(asked)

    def judge(said: str) -> None:
        if slug not in judged:
            judged[slug] = _begun(asked, said)
        elif said == LOOK:
            judged[slug].hidden = not judged[slug].hidden

    looking = known is not None and not known.hidden
    labels = {said: verdict_name(said) for said in SAID} | {LOOK: _("Hide") if looking else _("Show")}
    keys = {}
    with st.container(key=f"myth-{slug}", gap="xsmall"):
        st.markdown(question.label(text.title))
        if text.stem:
            st.caption(question.page_markdown(text.stem))
        with st.container(horizontal=True, gap="xsmall", key=f"judge-{slug}"):
            for place, (said, label) in enumerate(labels.items(), 1):
                name = f"{said}-{slug}"
                keys[str(place)] = name
                st.button(
                    f"{label} `{place}`" if current else label,
                    key=name,
                    type="secondary" if known is not None and known.said == said else "tertiary",
                    on_click=judge,
                    args=(said,),
                )
        if known is not None and not known.hidden:
            with st.container(key=f"panel-myth-{slug}", gap="small"):
                _show_why(asked, known)
    return keys if current else {}


def _begun(asked: ClaimQuestion, said: str) -> Judged:
    """The claim as judged, with the run that shows why begun; its page now opens with the answer."""
    st.session_state[f"reveal-{asked.slug}"] = True
    text = question.text_of(asked)
    shown = evidence.evidence_of(asked, text, study.start_attempt(asked, shell.now()))
    if shown is None:
        return Judged(said)
    shown = replace(shown, fields=shown.fields[:1])
    return Judged(said, shown, evidence.start(shown))


def _show_why(asked: ClaimQuestion, judged: Judged) -> None:
    """The verdict, the reason in a line, the figure that shows it, and where to read on."""
    text = question.text_of(asked)
    verdict = f"**{claim_verdict(asked.verdict)}**"
    if judged.said != LOOK:
        right = judged.said == asked.verdict
        mark, colour = ("check_circle", "green") if right else ("cancel", "red")
        verdict = f":{colour}[:material/{mark}: {_('Right.') if right else _('Not right.')}] {verdict}"
    st.markdown(verdict)
    if text.key_points:
        st.markdown(question.page_markdown(text.key_points[0]))
    if judged.evidence is not None:
        outcome = evidence.outcome_of(judged.run)
        if isinstance(outcome, Outcome):
            with shell.sentences():
                evidence.show_outcome(judged.evidence, outcome)
        elif isinstance(outcome, DemoError):
            st.caption(f":material/science_off: {outcome}")
        else:
            st.skeleton(height=evidence.FIGURE_HEIGHT)
    show_row(f"myth-{asked.slug}", shell.BROWSE, _("The whole answer"), {"question": asked.slug})


def _await(runs: Sequence[Run]) -> None:
    """Has the page drawn again as soon as one of the runs is over."""
    if not runs:
        return

    @st.fragment(run_every=evidence.POLL_S)
    def waiting() -> None:
        if any(run.done() for run in runs):
            st.rerun()

    waiting()
