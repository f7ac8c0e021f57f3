"""The page Progress: how it goes in two sentences, and what stands behind them in four sections, of which one is drawn.

Each section says in words what its charts show, has their data to download, and where there is nothing yet, says from when on.
"""

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from kb import study
from kb.bank import Bank
from kb.i18n import format_share
from kb.store import Store
from kb.study import Progress
from kb.views import shell
from kb.views.progress_known import show_known
from kb.views.progress_recall import show_recall
from kb.views.progress_time import show_time
from kb.views.progress_work import show_work
from kb.views.rows import sentences, style
from kb.views.shell import _, ngettext

Section = Callable[[Bank, Store, datetime, Progress], None]

SECTIONS: dict[str, Section] = {"recall": show_recall, "work": show_work, "known": show_known, "time": show_time}


def page() -> None:
    """The sections, or what to do first where there is nothing to draw."""
    style()
    st.header(_("Progress"), anchor=False)
    with shell.sentences():
        progress = study.progress(shell.bank(), shell.store(), shell.now())
        if progress.reviews == 0:
            _show_nothing_yet()
            return
        _show_summary(progress)
        _show_sections()


def _show_nothing_yet() -> None:
    st.markdown(
        _("There is nothing to show yet. After your first answers this page tells what you recall and what comes back.")
    )
    if st.button(_("Study the first questions"), type="primary", key="progress-begin"):
        shell.begin_study()


def _show_summary(progress: Progress) -> None:
    """What was answered in the last month, and what of it was recalled."""
    answers = sum(count for _day, count in progress.last_days)
    streak, language = progress.streak_days, shell.language()
    said = [
        ngettext("{count} answer in the last 30 days.", "{count} answers in the last 30 days.", answers),
        ngettext("{count} day in a row.", "{count} days in a row.", streak) if streak > 1 else "",
    ]
    if progress.retention is not None:
        target = format_share(study.settings(shell.store()).desired_retention, language)
        share = format_share(progress.retention, language)
        said.append(
            _("You recalled {share} of what came back; the schedule aims at {target}.", share=share, target=target)
        )
    st.markdown(sentences(*said))


@st.fragment
def _show_sections() -> None:
    """The section that was chosen; the address names it, so that it can be kept."""
    names = {"recall": _("Recall"), "work": _("Workload"), "known": _("Mastery"), "time": _("Time")}
    asked = st.query_params.get("show", "recall")
    shown = st.segmented_control(
        _("What to show"),
        list(SECTIONS),
        default=asked if asked in SECTIONS else "recall",
        required=True,
        format_func=lambda section: names[section],
        key="progress-section",
        label_visibility="collapsed",
    )
    if shown != asked:
        st.query_params["show"] = shown
    with shell.sentences():
        SECTIONS[shown](
            shell.bank(), shell.store(), shell.now(), study.progress(shell.bank(), shell.store(), shell.now())
        )


if __name__ == "__main__":
    page()
