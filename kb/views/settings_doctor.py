"""Settings, the check of the database: every kind of fault counted, and what follows from the log made anew."""

import streamlit as st

from kb import doctor
from kb.doctor import Report
from kb.i18n import format_number
from kb.views import shell
from kb.views.shell import _


def show_doctor() -> None:
    """A button that looks for faults, what was found, and the repair where there is one."""
    if st.button(_("Check for faults"), icon=":material/troubleshoot:", key="doctor"):
        with shell.sentences():
            _show(doctor.examine(shell.bank(), shell.store(), shell.now()))
    if st.session_state.pop("repaired", False):
        with shell.sentences():
            st.success(_("What follows from the log was made anew."), icon=":material/check:")
            _show(doctor.examine(shell.bank(), shell.store(), shell.now()))


def _show(report: Report) -> None:
    if report.damage is not None:
        shell.show_error(report.damage)
    found = {kind: count for kind, count in report.counts.items() if count}
    if report.sound:
        answers = format_number(report.answers, shell.language())
        st.success(_("Nothing is wrong; answers: {count}", count=answers), icon=":material/check:")
    if found:
        st.markdown("\n".join(f"- {name_of(kind)}: {count}" for kind, count in found.items()))
    if report.repairable:
        st.button(_("Make anew what follows from the log"), key="repair", on_click=_repair)
    elif report.wrong:
        st.markdown(_("The remedy is a copy from before: go back to one below."))


def _repair() -> None:
    with shell.sentences():
        doctor.repair(shell.bank(), shell.store())
        st.session_state["repaired"] = True


def name_of(kind: str) -> str:
    """A kind of fault as the page names it."""
    return {
        "integrity": _("faults that SQLite finds in the file"),
        "foreign_keys": _("rows that refer to none"),
        "missing_triggers": _("triggers, views and indexes that are missing or different"),
        "impossible_ratings": _("answers with an impossible rating"),
        "dated_in_the_future": _("entries dated in the future"),
        "unreadable_reviews": _("answers that cannot be read"),
        "unreadable_events": _("settings and other events that cannot be read"),
        "undos_of_unknown_reviews": _("withdrawals of unknown answers"),
        "wrong_cards": _("cards that do not follow from their answers"),
        "stale_cards": _("cards to be made anew at the next use"),
        "answers_to_unknown_questions": _("answers to questions that the bank does not have"),
    }.get(kind, kind)
