"""The page Settings in AppTest, for the tests of its settings and of its data."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from app_pages import answered, opened
from streamlit.testing.v1 import AppTest

from kb.rating import Rating
from kb.store import Store

ANSWERS = (("scale-by-root", Rating.Good, 20), ("smaller-cache", Rating.Again, 3), ("weights-of-heads", Rating.Easy, 1))


def part(key: str, language: str = "en") -> AppTest:
    """The page with this part of it open."""
    app = opened("settings", language)
    app.session_state[f"part-{key}"] = True
    app.run()
    assert not app.exception, app.exception
    return app


def pressed(app: AppTest, key: str) -> AppTest:
    """The page after this button."""
    app.button(key=key).click().run()
    assert not app.exception, app.exception
    return app


def successes(app: AppTest) -> str:
    """What the page says went well."""
    return "\n".join(each.value for each in app.success)


def copy_of(database: Path, *given: tuple[str, Rating, float], name: str = "other.db") -> bytes:
    """Another database with these answers, as the bytes of one file."""
    other = database.parent / "elsewhere" / name
    other.parent.mkdir(exist_ok=True)
    answered(other, *given)
    copy = Store(other).back_up_by_hand(datetime.now(UTC))
    content = copy.read_bytes()
    shutil.rmtree(other.parent)
    return content
