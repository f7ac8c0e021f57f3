"""The page Today: what to do now, and one button to begin; on the first run, what this is and a first question at once."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st

from demos._figures import BLUE, ORANGE
from kb import study
from kb.i18n import format_date, format_share
from kb.settings import Settings
from kb.study import Plan, Progress, TopicProgress
from kb.views import outlook, shell
from kb.views.choosers import choose_interview_date, choose_language, choose_session
from kb.views.figure import show_spec
from kb.views.keys import press_with
from kb.views.rows import sentences
from kb.views.shell import _, ngettext
from kb.views.sitting import Length
from kb.views.summary import show_alternatives

WEAKEST = 3
DAYS = 14


def page() -> None:
    """Draws the first run, or the day."""
    drawn = False
    with shell.sentences():
        bank, store, now = shell.bank(), shell.store(), shell.now()
        settings = study.settings(store)
        progress = study.progress(bank, store, now)
        if not bank.questions:
            st.header(_("There are no questions yet."), anchor=False)
            st.markdown(
                _("The bank is the folder `{folder}`; its README says how to write a question.", folder=bank.root)
            )
        elif progress.reviews == 0:
            show_first_run(settings)
        else:
            show_day(settings, study.plan(bank, store, now), progress)
        drawn = True
    if not drawn:
        st.button(_("Try again"), icon=":material/replay:", key="try-again")
    shell.show_problems()
    shell.runner()


def show_first_run(settings: Settings) -> None:
    """What this is, two things worth knowing about the learner, and the first question."""
    st.title("Livecards", anchor=False)
    st.markdown(
        _(
            "Interview questions about transformers and language models, whose answers are computed on this computer in front "
            "of you. You commit to an answer first; what you forget comes back, at the right time before your interview."
        )
    )
    st.space("small")
    choose_language()
    choose_interview_date(settings, _("When is your interview? You can leave this open."))
    st.space("small")
    with st.container(horizontal=True, vertical_alignment="center", key="line-begin"):
        _begin_button(_("First question"))
        if st.button(_("Skip what you know"), key="place"):
            st.switch_page(shell.PLACEMENT)
    st.caption(
        _("To skip what you know: a few quick questions, two or three minutes. What is too easy for you is left out.")
    )
    press_with({"enter": "begin"})


def show_day(settings: Settings, plan: Plan, progress: Progress) -> None:
    """What to do today and how long it takes, what the interview will bring, and the two weeks before and after."""
    outlook.show_interviews(plan, settings)
    if plan.next:
        st.title(_what_to_do(len(plan.next), Length.of(settings), plan.seconds_per_answer), anchor=False)
        st.caption(_what_is_due(plan, progress, Length.of(settings)))
        with st.container(horizontal=True, vertical_alignment="center", key="line-begin"):
            _begin_button(_("Begin"))
            with st.popover(_("Session length"), icon=":material/timer:", type="tertiary"):
                choose_session(settings)
            outlook.show_no_date(plan, settings)
        press_with({"enter": "begin"})
    else:
        st.title(_done(plan), anchor=False)
        show_alternatives()
        outlook.show_no_date(plan, settings)
    outlook.show_choice(plan)
    st.space("small")
    _show_days(progress)
    if plan.interviews:
        outlook.show_topics_on_the_day(plan.interviews[0])
    else:
        _show_topics(progress)
    if any(topic.questions and not topic.seen for topic in progress.topics):
        st.page_link(
            shell.PLACEMENT, label=_("Skip what you know: a short placement quiz"), icon=":material/fast_forward:"
        )


def _begin_button(label: str) -> None:
    if st.button(f"{label} `{_('enter')}`", type="primary", key="begin"):
        shell.begin_study()


def _what_to_do(waiting: int, length: Length, seconds_per_answer: float) -> str:
    """How many questions the next session has and how long it takes at the learner's own pace."""
    fit = length.size if length.minutes is None else max(round(60 * length.minutes / seconds_per_answer), 1)
    count = min(waiting, fit)
    if length.minutes is not None and waiting >= fit:
        minutes = ngettext("{count} minute", "{count} minutes", length.minutes)
        return ngettext(
            "{minutes}, about {count} question", "{minutes}, about {count} questions", count, minutes=minutes
        )
    questions = ngettext("{count} question", "{count} questions", count)
    minutes_needed = max(round(count * seconds_per_answer / 60), 1)
    return ngettext(
        "{questions}, about {count} minute", "{questions}, about {count} minutes", minutes_needed, questions=questions
    )


def _done(plan: Plan) -> str:
    if not plan.answered:
        return _("Nothing is due.")
    return ngettext("Done for today: {count} answer.", "Done for today: {count} answers.", plan.answered)


def _what_is_due(plan: Plan, progress: Progress, length: Length) -> str:
    reviews = len(plan.next) - plan.new
    parts = []
    if reviews:
        parts.append(ngettext("{count} to review", "{count} to review", reviews))
    if plan.new:
        parts.append(ngettext("{count} new", "{count} new", plan.new))
    waiting = progress.forecast[0][1] - reviews
    if plan.interviews and waiting > 0:
        parts.append(ngettext("{count} due that can wait", "{count} due that can wait", waiting))
    if length.minutes is None and len(plan.next) > length.size:
        parts.append(ngettext("{count} at a time", "{count} at a time", length.size))
    if plan.answered:
        parts.append(ngettext("{count} answered today", "{count} answered today", plan.answered))
    if progress.streak_days > 1:
        parts.append(ngettext("{count} day in a row", "{count} days in a row", progress.streak_days))
    return " · ".join(parts)


def _show_days(progress: Progress) -> None:
    """A small chart: answers on the last days, and what comes back on the next."""
    last, coming = progress.last_days[-DAYS:], progress.forecast
    words = sentences(
        ngettext(
            "{count} answer in the last two weeks.",
            "{count} answers in the last two weeks.",
            sum(count for _day, count in last),
        ),
        ngettext(
            "{count} question comes back in the next two.",
            "{count} questions come back in the next two.",
            sum(count for _day, count in coming),
        ),
    )
    show_spec(_days_spec(last, coming), alt=words)
    st.caption(words)


def _days_spec(last: Sequence[tuple[date, int]], coming: Sequence[tuple[date, int]]) -> dict[str, Any]:
    today = coming[0][0]
    answered, expected = {"value": BLUE}, {"value": ORANGE}
    days = [day.isoformat() for day in sorted({day for day, _count in (*last, *coming)})]
    named = [days[0], today.isoformat(), days[-1]]
    labels = {day: format_date(date.fromisoformat(day), shell.language(), year=False) for day in named}
    labels[today.isoformat()] = _("today")
    x = {
        "field": "day",
        "type": "ordinal",
        "scale": {"domain": days},
        "axis": {
            "title": None,
            "values": named,
            "labelExpr": f"{json.dumps(labels, ensure_ascii=False)}[datum.value]",
            "labelAngle": 0,
            "labelAlign": {
                "expr": f"datum.value == '{days[0]}' ? 'left' : datum.value == '{days[-1]}' ? 'right' : 'center'"
            },
            "ticks": False,
        },
    }
    top = 1.3 * max(count for _day, count in (*last, *coming))  # room for the words above the bars
    y = {"field": "count", "type": "quantitative", "axis": None, "scale": {"domain": [0, max(top, 1)]}}

    def bars(counts: Sequence[tuple[date, int]], colour: dict[str, str]) -> dict[str, Any]:
        values = [{"day": day.isoformat(), "count": count} for day, count in counts]
        return {"data": {"values": values}, "mark": {"type": "bar"}, "encoding": {"x": x, "y": y, "color": colour}}

    def name(words: str, align: str, place: int | str) -> dict[str, Any]:
        return {
            "data": {"values": [{"words": words}]},
            "mark": {"type": "text", "align": align, "baseline": "top"},
            "encoding": {"x": {"value": place}, "y": {"value": 0}, "text": {"field": "words"}},
        }

    ahead = [(day, count) for day, count in coming if day > today or not dict(last).get(today)]
    return {
        "height": 110,
        "layer": [
            bars(last, answered),
            bars(ahead, expected),
            name(_("answered"), "left", 0),
            name(_("comes back"), "right", "width"),
        ],
    }


def _show_topics(progress: Progress) -> None:
    """The topics that were begun and are known least, then the next one to begin, each with a way to study it alone."""
    begun = sorted((topic for topic in progress.topics if topic.seen), key=lambda topic: topic.mastery)
    next_ones = [topic for topic in progress.topics if topic.questions and not topic.seen]
    shown = [*begun[: WEAKEST - 1], *next_ones][:WEAKEST]
    st.subheader(_("What needs it most"), anchor=False)
    for topic in shown:
        outlook.show_topic(topic.topic, topic.mastery, _topic_words(topic))


def _topic_words(topic: TopicProgress) -> str:
    unseen = topic.questions - topic.seen
    known = _("{share} known today", share=format_share(topic.mastery, shell.language()))
    left = ngettext("{count} not seen yet", "{count} not seen yet", unseen) if unseen else ""
    return " · ".join(filter(None, (known if topic.seen else _("not begun"), left)))


if __name__ == "__main__":
    page()
