"""The page Settings: how it looks, when the interviews are, how much a day has, when things come back, demos, the data.

What is seldom used and could do harm stands last. Each part draws itself; what takes time to draw waits until it is opened.
"""

from datetime import datetime

import streamlit as st

from kb import activity, study
from kb.i18n import format_number, format_share
from kb.settings import Settings
from kb.views import shell, theme
from kb.views.choosers import (
    choose_budget,
    choose_demo_limits,
    choose_device,
    choose_language,
    choose_leech_lapses,
    choose_new_per_day,
    choose_retention,
    choose_rollover,
    choose_session,
    choose_theme,
    choose_timezone,
    explained,
)
from kb.views.rows import sentences, style
from kb.views.settings_data import show_backups, show_merge, show_place, show_restore
from kb.views.settings_doctor import show_doctor
from kb.views.settings_exchange import show_exports
from kb.views.settings_fitting import show_fitting
from kb.views.settings_imports import show_drafts, show_imports
from kb.views.settings_interviews import show_interviews
from kb.views.shell import _

COMPARED = (0.85, 0.9, 0.95)


def page() -> None:
    """Draws the settings; each is stored as soon as it is changed."""
    style()
    st.header(_("Settings"), anchor=False)
    st.caption(_("Every change is stored at once."))
    choose_language()
    with shell.sentences():
        settings = study.settings(shell.store())
        if theme.choose(settings.theme):
            st.rerun()
        choose_theme(settings)
        show_interviews(settings)
        _show_amount(settings)
        _show_schedule(settings, shell.now())
        _show_demos(settings)
        _heading(_("Other programs"))
        show_exports()
        show_imports()
        show_drafts()
    _heading(_("Your progress"))
    show_place()
    show_backups()
    show_doctor()
    show_merge()
    show_restore()


def _heading(words: str) -> None:
    st.space("small")
    st.subheader(words, anchor=False)


def _show_amount(settings: Settings) -> None:
    """How much a day and a session have."""
    _heading(_("How much"))
    with explained(_("What the plan towards an interview counts on.")):
        choose_budget(settings)
    planned = any(interview.date >= settings.days.day(shell.now()) for interview in settings.all_interviews)
    towards = _("For what an interview ahead asks about, the plan decides how many are new.") if planned else ""
    with explained(sentences(_("Reviews come first; this limits what is added to them."), towards)):
        choose_new_per_day(settings)
    choose_session(settings)
    st.page_link(shell.PLACEMENT, label=_("Skip what you know: a short placement quiz"), icon=":material/fast_forward:")


def _show_schedule(settings: Settings, now: datetime) -> None:
    """When questions come back, and when a day begins."""
    _heading(_("When questions come back"))
    with explained(sentences(_("The chance of recall at which a question comes back."), _cost(now))):
        choose_retention(settings)
    with explained(
        _("What slips too often takes more time than it is worth: read it up, then bring it back. 0 is never.")
    ):
        choose_leech_lapses(settings)
    with explained(_("What you study after midnight and before this hour counts for the day before.")):
        choose_rollover(settings)
    with explained(_("Where your days begin and end.")):
        choose_timezone(settings)
    show_fitting(settings)


def _cost(now: datetime) -> str:
    """What the retentions that most people choose would cost; nothing before there is enough to tell."""
    found = activity.reviews_per_day(shell.bank(), shell.store(), now, COMPARED)
    if found[COMPARED[-1]] < 1:
        return ""
    language = shell.language()
    costs = (
        _("{count} at {share}", count=format_number(count, language, 2), share=format_share(retention, language))
        for retention, count in found.items()
    )
    return _("What you know now costs about so many reviews a day: {costs}.", costs=" · ".join(costs))


def _show_demos(settings: Settings) -> None:
    """Where demos run, and their limits."""
    _heading(_("Demos"))
    with explained(_("Where demos run in Study and, unless you choose there, in the Lab.")):
        choose_device(settings)
    with explained(
        _("A run that takes longer or more is ended, and says so. Empty fields keep the limits of the program.")
    ):
        choose_demo_limits(settings)


if __name__ == "__main__":
    page()
