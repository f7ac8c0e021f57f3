"""Settings, interviews: one on everything, and others on some topics each."""

import streamlit as st

from kb import aiming
from kb.i18n import format_date
from kb.planning import Interview
from kb.settings import Settings
from kb.views import shell
from kb.views.choosers import choose_interview_date, chosen, explained
from kb.views.shell import _


def show_interviews(settings: Settings) -> None:
    """The interviews that are set, each with a way to take it away, and the form for another."""
    st.space("small")
    st.subheader(_("Interviews"), anchor=False)
    with explained(_("The plan aims at what you will recall on that day. Clear the date to take it away.")):
        choose_interview_date(settings, _("Interview on everything"))
    for place, interview in enumerate(settings.interviews):
        with st.container(horizontal=True, vertical_alignment="center", key=f"line-interview-{place}"):
            topics = ", ".join(map(shell.topic_title, interview.topics)) or _("everything")
            st.markdown(f"{format_date(interview.date, shell.language())} · {topics}")
            st.button(
                _("Take away"),
                key=f"forget-interview-{place}",
                type="tertiary",
                on_click=_change,
                args=(interview, None),
            )
    with st.popover(_("Add an interview on some topics"), icon=":material/event:", type="tertiary"):
        _show_form(settings)


def _show_form(settings: Settings) -> None:
    known = shell.bank().syllabus.topic_ids
    day = st.date_input(
        _("Day"),
        value=None,
        min_value=settings.days.day(shell.now()),
        format="YYYY-MM-DD",
        key=chosen("another-day"),
    )
    topics = st.multiselect(
        _("Topics it asks about"),
        known,
        format_func=shell.topic_title,
        placeholder=_("everything"),
        key=chosen("another-topics"),
    )
    st.button(
        _("Add"),
        key="add-interview",
        disabled=day is None,
        on_click=_change,
        args=(None, None if day is None else Interview(day, tuple(topics))),
    )


def _change(former: Interview | None, new: Interview | None) -> None:
    with shell.sentences():
        aiming.change_interview(shell.store(), former, new, shell.now())
        for name in ("another-day", "another-topics"):
            st.session_state.pop(chosen(name), None)
