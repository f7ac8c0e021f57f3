"""Settings and Progress in Chromium: theme and language hold on every page, calendars speak the language of the app."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect

from kb import study
from kb.store import Store

Open = Callable[..., Page]
DARK, PAPER = "rgb(20, 23, 27)", "rgb(251, 250, 247)"


def choose(page: Page, key: str, label: str) -> None:
    page.locator(f".st-key-chosen-{key}").get_by_text(label, exact=True).click()


def test_a_theme_holds_on_every_page_in_every_browser_and_the_system_can_decide_again(
    open_page: Open, database: Path
) -> None:
    page = open_page("settings", color_scheme="light")
    app = page.locator(".stApp")
    expect(app).to_have_css("background-color", PAPER)
    choose(page, "theme", "Dark")
    expect(app).to_have_css("background-color", DARK)
    page.get_by_role("link", name="Browse").click()
    expect(page.get_by_role("heading", name="Browse")).to_be_visible()
    expect(app).to_have_css("background-color", DARK)
    other = open_page("progress", color_scheme="light")
    expect(other.locator(".stApp")).to_have_css("background-color", DARK)
    assert study.settings(Store(database)).theme == "dark"
    page.get_by_role("link", name="Settings").click()
    choose(page, "theme", "As your system")
    expect(app).to_have_css("background-color", PAPER)


def test_page_and_calendar_speak_the_language_of_the_app_whatever_the_browser_speaks(
    open_page: Open, database: Path
) -> None:
    study.set_setting(Store(database), "language", "zh", datetime.now(UTC))
    page = open_page("settings", locale="en-GB")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page).to_have_title("设置 · Livecards")
    expect(page.get_by_role("heading", name="设置")).to_be_visible()
    calendar = page.get_by_role("dialog")
    page.get_by_test_id("stDateInput").first.get_by_role("button").first.click()
    expect(calendar).to_contain_text("十二月")
    page.keyboard.press("Escape")
    choose(page, "language", "English")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_test_id("stDateInput").first.get_by_role("button").first.click()
    expect(calendar).to_contain_text("December")


def test_a_way_back_to_a_copy_shows_the_settings_of_that_copy(open_page: Open, database: Path) -> None:
    store = Store(database)
    study.set_setting(store, "new_per_day", 3, datetime.now(UTC))
    store.back_up_by_hand(datetime.now(UTC))
    study.set_setting(store, "new_per_day", 8, datetime.now(UTC))
    page = open_page("settings")
    field = page.get_by_label("New questions a day")
    expect(field).to_have_value("8")
    page.get_by_text("Go back to a copy").click()
    choice = page.locator(".st-key-restore-copy").get_by_role("combobox")
    expect(choice).to_be_visible()
    made = page.get_by_role("option", name=re.compile("made by hand"))
    for _ in range(20):  # a list closes while the part that it stands in still unfolds
        choice.click()
        page.wait_for_timeout(500)
        if made.is_visible():
            break
    made.click()
    expect(page.get_by_text("This copy lacks 1 change of settings, marks or notes.")).to_be_visible()
    page.get_by_text("Put this copy in the place of my progress").click()
    page.locator(".st-key-restore button").click()
    expect(page.get_by_text("What was there before is kept")).to_be_visible()
    expect(field).to_have_value("3")
