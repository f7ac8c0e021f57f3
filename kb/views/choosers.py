"""Widgets that change a setting of the learner as soon as they are used."""

from datetime import date
from typing import Any

import streamlit as st

from kb import study
from kb.i18n import LANGUAGES
from kb.scheduling import MAX_RETENTION, MIN_RETENTION
from kb.settings import Settings
from kb.views import shell
from kb.views.shell import _


def save(name: str, value: Any) -> None:
    """Stores a setting, or says why it could not be stored."""
    with shell.sentences():
        study.set_setting(shell.store(), name, value, shell.now())


def choose_language() -> None:
    """Language of the interface and of the questions."""

    def note() -> None:
        chosen = st.session_state["chosen-language"]
        st.session_state["language"] = chosen
        save("language", chosen)

    st.segmented_control(
        _("Language"),
        list(LANGUAGES),
        default=shell.language(),
        required=True,
        format_func=lambda language: LANGUAGES[language],
        key="chosen-language",
        on_change=note,
    )


def choose_interview_date(settings: Settings, label: str) -> None:
    """The day of the interview, or none."""
    st.date_input(
        label,
        value=settings.interview_date,
        min_value=min(settings.interview_date or date.max, settings.days.day(shell.now())),
        format="YYYY-MM-DD",
        key="chosen-interview",
        on_change=lambda: save("interview_date", st.session_state["chosen-interview"]),
        width=240,
    )


def choose_new_per_day(settings: Settings) -> None:
    """How many questions may be new on one day."""
    st.number_input(
        _("New questions a day"),
        min_value=0,
        max_value=200,
        value=min(settings.new_per_day, 200),
        step=1,
        help=_("Reviews come first; this limits what is added to them."),
        key="chosen-new",
        on_change=lambda: save("new_per_day", st.session_state["chosen-new"]),
        width=240,
    )


def choose_retention(settings: Settings) -> None:
    """The chance of recall at which a question comes back."""
    st.slider(
        _("Desired retention"),
        min_value=round(MIN_RETENTION * 100),
        max_value=round(MAX_RETENTION * 100),
        value=round(settings.desired_retention * 100),
        format="%d%%",
        help=_("The chance of recall at which a question comes back. Higher means more reviews."),
        key="chosen-retention",
        on_change=lambda: save("desired_retention", st.session_state["chosen-retention"] / 100),
        width=360,
    )


def choose_rollover(settings: Settings) -> None:
    """The hour at which the learner's day begins."""
    st.selectbox(
        _("A new day begins at"),
        range(24),
        index=settings.rollover_hour,
        format_func=lambda hour: f"{hour:02}:00",
        help=_("What you study after midnight and before this hour counts for the day before."),
        key="chosen-rollover",
        on_change=lambda: save("rollover_hour", st.session_state["chosen-rollover"]),
        width=240,
    )
