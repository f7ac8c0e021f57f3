"""Today, the placement quiz and the end of a session in Chromium: by keyboard, and on a phone."""

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from kb import study
from kb.bank import load_bank
from kb.planning import Interview
from kb.rating import Rating
from kb.store import Store

BANK = Path(__file__).parents[1] / "bank"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
Open = Callable[..., Page]


def part(page: Page, key: str) -> Locator:
    """The part of the page whose Streamlit key begins like this."""
    return page.locator(f'[class*="st-key-{key}"]')


def ready(page: Page, button: str) -> Page:
    """The page once the keyboard reaches this button."""
    expect(part(page, button).locator("button[aria-keyshortcuts]").first).to_be_visible(timeout=30_000)
    return page


def stored(database: Path) -> list[tuple[str, int, str]]:
    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT question, rating, kind FROM reviews ORDER BY rowid").fetchall()


def answered(database: Path, days: int) -> Store:
    """The database after one answer so many days ago."""
    store, at = Store(database), datetime.now(UTC) - timedelta(days=days)
    attempt = study.start_attempt(load_bank(BANK).questions["scale-by-root"], at)
    study.submit(load_bank(BANK), store, attempt, Rating.Good, at)
    return store


def test_a_newcomer_skips_what_they_know_by_keyboard(open_page: Open, database: Path) -> None:
    page = ready(open_page(), "begin")
    part(page, "place").get_by_role("button").click()
    ready(page, "option-0")
    options = part(page, "option").get_by_role("button")
    right = next(place for place in range(options.count()) if "variance" in options.nth(place).inner_text())
    page.keyboard.press(str(right + 1))
    expect(part(page, "head")).to_contain_text("2 of at most")
    ready(page, "not-sure").keyboard.press("0")
    expect(page.get_by_role("heading", name="Where you stand")).to_be_visible()
    assert stored(database) == [("scale-by-root", 3, "review")]
    ready(page, "begin").keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/study"))
    ready(page, "undo")


def test_the_end_leads_back_to_the_last_rating_and_on_to_more_by_one_key(open_page: Open, database: Path) -> None:
    page = ready(open_page("study?question=scale-by-root"), "option-0")
    page.keyboard.press("1")
    ready(page, "rate-a").keyboard.press("a")
    expect(page.get_by_role("heading", name="Done for now.")).to_be_visible()
    ready(page, "undo").keyboard.press("u")
    ready(page, "rate-g").keyboard.press("g")
    expect(page.get_by_role("heading", name="Done for now.")).to_be_visible()
    ready(page, "study-on").keyboard.press("Enter")
    expect(part(page, "head")).to_contain_text("1 of")
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT rating FROM answers").fetchall() == [(3,)]


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_on_a_phone_today_has_one_button_in_reach_and_nothing_is_cut_off(
    open_page: Open, database: Path, locale: str
) -> None:
    store, now = answered(database, days=1), datetime.now(UTC)
    day = study.settings(store).days.day(now)
    ahead = [Interview(day + timedelta(days=2)), Interview(day + timedelta(days=30), ("kv_cache",))]
    study.set_setting(store, "interviews", ahead, now)
    study.set_setting(store, "answers_per_day", 1, now)
    page = open_page(locale=locale, **PHONE)
    begin = part(page, "begin").get_by_role("button")
    expect(begin).to_be_visible(timeout=30_000)
    expect(part(page, "answer-more").get_by_role("button")).to_be_visible()
    box = begin.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 844
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_a_phone_the_menu_of_pages_closes_once_one_is_chosen(open_page: Open) -> None:
    page = open_page(**PHONE)
    page.get_by_test_id("stExpandSidebarButton").tap()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Browse").tap()
    expect(page.get_by_role("heading", name="Browse")).to_be_visible()
    expect(page.get_by_test_id("stExpandSidebarButton")).to_be_in_viewport()
    expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()


def test_the_choice_where_time_is_short_changes_the_plan_on_the_spot(open_page: Open, database: Path) -> None:
    store, now = answered(database, days=1), datetime.now(UTC)
    study.set_setting(store, "interview_date", study.settings(store).days.day(now) + timedelta(days=2), now)
    study.set_setting(store, "answers_per_day", 1, now)
    page = open_page()
    expect(page.get_by_text("stay unseen.")).to_be_visible(timeout=30_000)
    part(page, "answer-more").get_by_role("button").click()
    expect(page.get_by_text("stay unseen.")).to_have_count(0)
    assert study.settings(store).answers_per_day > 1
