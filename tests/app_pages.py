"""Opens a page of the app in AppTest, over the small bank, and reads what it says."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kb import study
from kb.bank import load_bank
from kb.rating import Rating
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


def opened(page: str, language: str = "en", **address: str) -> AppTest:
    """The app at this page, in this language."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT_S)
    app.context = {"locale": "zh-CN" if language == "zh" else "en-GB"}
    app.run()
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
