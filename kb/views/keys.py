"""The keyboard: which key presses which button of the page. The scripts are assets/keys.js and list.js, which say why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from kb.views.shell import ASSETS

_keyboard = st.components.v2.component("livecards.keys", js=(ASSETS / "keys.js").read_text(encoding="utf-8"))
_list = st.components.v2.component("livecards.list", js=(ASSETS / "list.js").read_text(encoding="utf-8"))


@dataclass
class Keys:
    """The keys of a page, gathered while it is drawn; `listen` comes last. What each part means stands at `press_with`."""

    buttons: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    actions: dict[str, Callable[[], None]] = field(default_factory=dict)
    focus: str | None = None

    def listen(self) -> None:
        """Has the page listen to these keys."""
        press_with(self.buttons, self.fields, self.actions, self.focus)


def press_with(
    buttons: Mapping[str, str],
    fields: Mapping[str, str] | None = None,
    actions: Mapping[str, Callable[[], None]] | None = None,
    focus: str | None = None,
) -> None:
    """Lets each key press the button with that Streamlit key, move the cursor into the field with that key, or act itself.

    Keys are single characters as typed, in lower case, " " for the space bar, or "enter". An action is for what has no
    button in view; it runs before the page is drawn again, as the callback of a button does. The cursor goes once into
    the field `focus`, when that is first named.
    """
    actions = actions or {}

    def act() -> None:
        pressed = st.session_state["keys"].get("pressed")
        if pressed in actions:
            actions[pressed]()

    _keyboard(
        key="keys",
        data={"buttons": dict(buttons), "fields": dict(fields or {}), "actions": list(actions), "focus": focus},
        on_pressed_change=act,
    )


def walk_list(search: str, words: str) -> None:
    """Lets the arrow keys walk from the search field with this Streamlit key along the rows found for these words."""
    _list(key="list-keys", data={"search": search, "words": words})
