"""The page Settings: language, the interview, how much and how often, and where the progress is kept."""

import streamlit as st

from kb import study
from kb.views import shell
from kb.views.choosers import (
    choose_interview_date,
    choose_language,
    choose_new_per_day,
    choose_retention,
    choose_rollover,
)
from kb.views.shell import _


def page() -> None:
    """Draws the settings; each is stored as soon as it is changed."""
    st.title(_("Settings"), anchor=False)
    st.caption(_("Every change is stored at once. Light and dark follow your system."))
    choose_language()
    with shell.sentences():
        settings = study.settings(shell.store())
        choose_interview_date(settings, _("Interview"))
        choose_new_per_day(settings)
        choose_retention(settings)
        choose_rollover(settings)
    show_database()


def show_database() -> None:
    """Where the progress is, and a copy of it on demand."""
    store = shell.store()
    st.subheader(_("Your progress"), anchor=False)
    st.markdown(_("One file holds all of it. To use another, set `KB_DB` before you start the app."))
    st.code(str(store.path), language=None, wrap_lines=True)
    if st.button(_("Back up now"), icon=":material/save:", key="back-up"):
        with shell.sentences():
            today = study.settings(store).days.day(shell.now())
            copy = store.back_up(today)
            folder = store.path.parent / "backups"
            if copy is not None:
                st.success(_("Copied to {path}", path=copy), icon=":material/check:")
            else:
                st.info(_("Today's copy is already in {folder}.", folder=folder), icon=":material/info:")


if __name__ == "__main__":
    page()
