"""Light or dark, as the learner chose it, whatever the browser would prefer.

Streamlit lets a page follow the browser or its own menu, and nothing else; but it sends the colours to the browser at the
beginning of each run, from its configuration. So the colours of one side of `.streamlit/config.toml` are made the only ones.
The configuration belongs to the process, as does the database that the choice is stored in.
"""

import threading
from functools import cache
from typing import Any

from streamlit import config

from kb.settings import THEMES

AUTO = THEMES[0]
_FLAT, _LIGHT, _DARK = "theme", "theme.light", "theme.dark"
_lock = threading.Lock()


def chosen() -> str:
    """The theme that is shown: "light" or "dark", or "auto" where the browser decides."""
    return str(config.get_option("theme.base") or AUTO)


def choose(theme: str) -> bool:
    """Whether this choice changes what is shown; browsers hear of it with the next run of their page."""
    with _lock:
        as_written = _as_written()
        if theme == chosen():
            return False
        flat, light, dark = (as_written[section] for section in (_FLAT, _LIGHT, _DARK))
        if theme == AUTO:
            _write(flat, light, dark)
        else:
            only = light if theme == "light" else dark
            colours = {name: value for name, value in only.items() if value is not None}
            nothing = dict.fromkeys(light)
            _write({**flat, **colours, "base": theme}, nothing, nothing)
        return True


@cache
def _as_written() -> dict[str, dict[str, Any]]:
    """The options of the configuration file, as they were before anything was chosen."""
    return {section: dict(config.get_options_for_section(section)) for section in (_FLAT, _LIGHT, _DARK)}


def _write(flat: dict[str, Any], light: dict[str, Any], dark: dict[str, Any]) -> None:
    for section, options in ((_FLAT, flat), (_LIGHT, light), (_DARK, dark)):
        for name, value in options.items():
            config.set_option(f"{section}.{name}", value)
