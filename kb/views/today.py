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
from kb.study import Due, Plan, Progress, TopicProgress
from kb.views import shell
from kb.views.choosers import choose_interview_date, choose_language
from kb.views.figure import show_spec
from kb.views.keys import press_with
from kb.views.rows import sentences
from kb.views.shell import _, ngettext
from kb.views.sitting import SIZE
from kb.views.summary import show_alternatives

SECONDS_PER_ANSWER = 40
WEAKEST = 3
DAYS = 14


def page() -> None:
    """Draws the first run, or the day."""
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
            show_day(settings, study.due(bank, store, now), progress)
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
    _begin_button(_("First question"))


def show_day(settings: Settings, due: Due, progress: Progress) -> None:
    """What to do today and how long it takes, the two weeks before and after, and the topics that need it most."""
    today = progress.forecast[0][0]
    if any(interview.date >= today for interview in settings.all_interviews):
        _show_outlook(study.plan(shell.bank(), shell.store(), shell.now()))
    count = min(len(due.next), SIZE)
    if count:
        minutes = max(round(count * SECONDS_PER_ANSWER / 60), 1)
        questions = ngettext("{count} question", "{count} questions", count)
        st.title(
            ngettext(
                "{questions}, about {count} minute", "{questions}, about {count} minutes", minutes, questions=questions
            ),
            anchor=False,
        )
        st.caption(_what_is_due(due, progress))
        _begin_button(_("Begin"))
    else:
        st.title(_("Nothing is due."), anchor=False)
        show_alternatives()
    st.space("small")
    _show_days(progress)
    _show_topics(progress)


def _begin_button(label: str) -> None:
    if st.button(f"{label} `{_('enter')}`", type="primary", key="begin"):
        shell.begin_study()
    press_with({"enter": "begin"})


def _show_outlook(plan: Plan) -> None:
    """How far the next interview is, and what will be recalled on its day at the present pace."""
    outlook, language = plan.interviews[0], shell.language()
    if outlook.days == 0:
        st.caption(_("Your interview is today."))
        return
    day = format_date(outlook.interview.date, language)
    words = ngettext(
        "{count} day to your interview on {day}.", "{count} days to your interview on {day}.", outlook.days, day=day
    )
    expected = _(
        "With {per_day} answers a day you will recall about {share} of {questions} questions on that day.",
        per_day=plan.answers_per_day,
        share=format_share(outlook.recall.mean, language),
        questions=outlook.questions,
    )
    parts = [words, expected]
    if outlook.left_unseen:
        parts.append(_("{unseen} of them would stay unseen.", unseen=outlook.left_unseen))
    st.caption(sentences(*parts))


def _what_is_due(due: Due, progress: Progress) -> str:
    reviews = due.learning + due.due
    parts = []
    if reviews:
        parts.append(ngettext("{count} to review", "{count} to review", reviews))
    if due.new:
        parts.append(ngettext("{count} new", "{count} new", due.new))
    if len(due.next) > SIZE:
        parts.append(ngettext("{count} at a time", "{count} at a time", SIZE))
    if progress.streak_days > 1:
        parts.append(ngettext("{count} day in a row", "{count} days in a row", progress.streak_days))
    return " · ".join(parts)


def _show_days(progress: Progress) -> None:
    """A small chart: answers on the last days, and what comes back on the next."""
    last, coming = progress.last_days[-DAYS:], progress.forecast
    words = " ".join(
        (
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
    """The topics with the least known, each with a way to study it alone."""
    known = [topic for topic in progress.topics if topic.questions]
    weakest = sorted(known, key=lambda topic: topic.mastery)[:WEAKEST]
    st.subheader(_("What needs it most"), anchor=False)
    for topic in weakest:
        _show_topic(topic)


def _show_topic(topic: TopicProgress) -> None:
    unseen = topic.questions - topic.seen
    with st.container(key=f"topic-{topic.topic}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"line-{topic.topic}"):
            if st.button(
                shell.topic_title(topic.topic),
                type="tertiary",
                icon=":material/chevron_right:",
                icon_position="right",
                key=f"study-{topic.topic}",
            ):
                shell.begin_study(topics=[topic.topic])
            st.space("stretch")
            known = _("{share} known today", share=format_share(topic.mastery, shell.language()))
            left = ngettext("{count} not seen yet", "{count} not seen yet", unseen) if unseen else ""
            st.caption(" · ".join(filter(None, (known, left))), width="content")
        st.progress(topic.mastery)


if __name__ == "__main__":
    page()
