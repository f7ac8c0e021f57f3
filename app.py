"""Livecards in the browser: `streamlit run app.py`. Names the pages and runs the one that was asked for."""

import streamlit as st


def main() -> None:
    from kb.views import shell
    from kb.views.shell import _

    st.set_page_config(page_title="Livecards", page_icon=str(shell.ASSETS / "icon.png"), layout="centered")
    shell.begin()
    pages = [
        st.Page(shell.TODAY, title=_("Today"), url_path="today", default=True),
        st.Page(shell.STUDY, title=_("Study"), url_path="study"),
        st.Page(shell.LAB, title=_("Lab"), url_path="lab"),
        st.Page(shell.BROWSE, title=_("Browse"), url_path="browse"),
        st.Page(shell.PROGRESS, title=_("Progress"), url_path="progress"),
        st.Page(shell.SETTINGS, title=_("Settings"), url_path="settings"),
        st.Page(shell.PLACEMENT, title=_("Placement"), url_path="placement", visibility="hidden"),
    ]
    shown = st.navigation(pages, position="top")
    st.set_page_config(page_title=f"{shown.title} · Livecards")
    shell.tell_browser()
    shown.run()


# The workers that run demos import this file again, under another name; nothing may happen then.
if __name__ == "__main__":
    main()
