"""Opens a page of the app in AppTest, over the small bank, and reads what it says."""

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from small_bank import question
from streamlit.testing.v1 import AppTest

from kb import study
from kb.bank import load_bank
from kb.questions import Choice, Text
from kb.rating import Rating
from kb.rendering import render
from kb.settings import Settings
from kb.store import Store

ROOT = Path(__file__).parents[1]
BANK = ROOT / "tests" / "bank"
TIMEOUT_S = 60


def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of an empty database; it and a copy of the small bank are in the environment of the app."""
    st.cache_data.clear()
    st.cache_resource.clear()
    bank = tmp_path / "content"
    shutil.copytree(BANK, bank)
    monkeypatch.setenv("KB_DB", str(tmp_path / "progress.db"))
    monkeypatch.setenv("KB_CONTENT", str(bank))
    return tmp_path / "progress.db"


def opened(page: str = "", language: str = "en", **address: str) -> AppTest:
    """The app at this page, or else where it begins, in this language."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT_S)
    app.context = {"locale": "zh-CN" if language == "zh" else "en-GB"}
    app.run()
    if page:
        app.switch_page(f"kb/views/{page}.py")
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
    assert not app.exception, app.exception
    return app


def again(app: AppTest) -> AppTest:
    """The app after another run."""
    app.run()
    assert not app.exception, app.exception
    return app


def words(app: AppTest) -> str:
    """Everything that the page says."""
    parts = (
        app.title,
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.error,
        app.info,
        app.warning,
        app.code,
    )
    return "\n".join(element.value for part in parts for element in part)


def links(app: AppTest) -> list[tuple[str, str]]:
    """Label and query of every link to a page of the app."""
    found = app.get("page_link")
    return [(element.proto.label, element.proto.query_string) for element in found]


def answered(database: Path, *answers: tuple[str, Rating, float]) -> None:
    """Stores answers: the question, the rating, and how many days ago it was."""
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    for slug, rating, days in answers:
        at = now - timedelta(days=days)
        study.submit(bank, store, study.start_attempt(bank.questions[slug], at), rating, at)


def set_to(database: Path, **settings: object) -> None:
    for name, value in settings.items():
        study.set_setting(Store(database), name, value, datetime.now(UTC))


def settings_of(database: Path) -> Settings:
    return study.settings(Store(database))


def today(database: Path):
    return settings_of(database).days.day(datetime.now(UTC))


def pressed(app: AppTest, key: str) -> AppTest:
    """The app after the button whose key begins like this was pressed."""
    next(button for button in app.button if str(button.key).startswith(key)).click()
    return again(app)


def keys(app: AppTest) -> list[str]:
    return [str(button.key) for button in app.button]


def label(app: AppTest, key: str) -> str:
    return next(button.label for button in app.button if str(button.key).startswith(key))


def has(app: AppTest, key: str) -> bool:
    return any(each.startswith(key) for each in keys(app))


def stored(database: Path) -> list[tuple[str, int, str]]:
    """Question, rating and kind of every entry of the log."""
    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT question, rating, kind FROM reviews ORDER BY rowid").fetchall()


def pick(app: AppTest, *texts: str) -> AppTest:
    """The app after the options that say these were pressed one after the other."""
    for text in texts:
        place = next(button for button in app.button if str(button.key).startswith("option") and text in button.label)
        place.click()
        again(app)
    return app


def write(bank: Path, slug: str, topic: str = "attention", difficulty: int = 3, **keys) -> None:
    """Adds a choice question to the bank, whose right option says so."""
    choices = (Choice("the right one", True), Choice("a wrong one", False), Choice("another wrong one", False))
    text = Text(title=f"What is {slug}?", choices=choices, answer="It is what it is.")
    made = question(slug, topic, difficulty, covers=("attn-qk-separate",), texts={"en": text}, **keys)
    (bank / topic / f"{slug}.md").write_text(render(made), encoding="utf-8")
    st.cache_data.clear()
