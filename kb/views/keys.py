"""The keyboard: which key presses which button of the page. The script is assets/keys.js, which says why it exists."""

from collections.abc import Mapping

import streamlit as st

from kb.views.shell import ASSETS

_keyboard = st.components.v2.component("livecards.keys", js=(ASSETS / "keys.js").read_text(encoding="utf-8"))


def press_with(buttons: Mapping[str, str], fields: Mapping[str, str] | None = None) -> None:
    """Lets each key press the button with that Streamlit key, or move the cursor into the field with that key.

    Keys are single characters as typed, in lower case, " " for the space bar, or "enter".
    """
    _keyboard(key="keys", data={"buttons": dict(buttons), "fields": dict(fields or {})})
