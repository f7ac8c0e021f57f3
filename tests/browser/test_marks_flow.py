"""Marks, the list, the map and the myths by keyboard and by thumb in a real Chromium."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

Open = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ROWS = '[class*="st-key-row-"] a'


def attempt(page: Page) -> Locator:
    """The question in front of the learner, wherever it is shown; its class names the attempt."""
    turn = page.locator('[class*="st-key-turn-"]')
    expect(turn).to_have_count(1)
    found = re.search(r"st-key-turn-\w+", turn.get_attribute("class") or "")
    assert found is not None
    return page.locator(f".{found[0]}")


def events(database: Path) -> list[tuple[str, str, str | None]]:
    """The marks in the log, in the order in which they were made."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT kind, question, value FROM events WHERE question IS NOT NULL ORDER BY rowid")
        return rows.fetchall()


def test_marks_are_made_by_keys_and_undo_takes_them_back_in_turn(open_page: Open, database: Path) -> None:
    page = open_page("study")
    expect(page.get_by_role("button", name="Marks")).to_be_visible()
    page.keyboard.press("f")
    expect(page.get_by_role("img", name="flag")).to_be_visible()
    seen = [attempt(page)]
    for key, said in (("b", "Put off until tomorrow."), ("s", "Suspended:"), ("i", "Noted as known:")):
        page.keyboard.press(key)
        expect(page.get_by_text(said)).to_be_visible()
        expect(seen[-1]).to_have_count(0)
        seen.append(attempt(page))
    assert [kind for kind, _question, _value in events(database)] == ["flag", "bury", "suspend"]
    for before in reversed(seen[:-1]):
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        page.keyboard.press("u")
        expect(before).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_held_key_marks_once(open_page: Open, database: Path) -> None:
    page = open_page("study")
    expect(page.get_by_role("button", name="Marks")).to_be_visible()
    first = attempt(page)
    for _repeat in range(8):
        page.keyboard.down("s")
    page.keyboard.up("s")
    expect(first).to_have_count(0)
    page.keyboard.press("f")
    expect(page.get_by_role("img", name="flag")).to_be_visible()
    assert [kind for kind, _question, _value in events(database)] == ["suspend", "flag"]


def test_a_key_counts_once_however_often_the_page_was_drawn(open_page: Open, database: Path) -> None:
    page = open_page("study?question=scale-by-root")
    page.get_by_text("To let the weights of a row sum to 1").click()
    expect(page.get_by_role("heading", name="Answer", exact=True)).to_be_visible()
    expect(page.get_by_text("Computed here in")).to_be_visible()
    page.keyboard.press("f")
    expect(page.get_by_role("img", name="flag")).to_be_visible()
    assert events(database) == [("flag", "scale-by-root", None)]


def test_a_note_is_written_while_the_demo_runs_and_kept_when_the_field_is_left(open_page: Open, database: Path) -> None:
    page = open_page("study?question=scale-by-root")
    page.get_by_text("To let the weights of a row sum to 1").click()
    expect(page.get_by_role("heading", name="Answer", exact=True)).to_be_visible()
    page.keyboard.press("n")
    field = page.get_by_label("Your note on this question")
    expect(field).to_be_focused()
    page.keyboard.type("The root of the width: fbsi u ag")
    expect(page.get_by_text("Computed here in")).to_be_visible()
    expect(field).to_have_value("The root of the width: fbsi u ag")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Your note", exact=True)).to_be_visible()
    assert events(database) == [("note", "scale-by-root", '"The root of the width: fbsi u ag"')]
    page.get_by_role("button", name=re.compile("^Good")).click()
    expect(page.get_by_role("heading", name="Done for now.")).to_be_visible()


def test_the_list_is_walked_without_a_mouse(open_page: Open) -> None:
    page = open_page("browse")
    expect(page.locator(ROWS)).to_have_count(6)
    page.keyboard.press("/")
    expect(page.get_by_label("Search questions and answers")).to_be_focused()
    page.keyboard.type("cache")
    page.keyboard.press("Enter")
    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.locator(ROWS).nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(ROWS).nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Search questions and answers")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("question="))
    expect(page.get_by_label("Search questions and answers")).to_have_count(0)  # the list and its focus are gone
    expect(page.get_by_role("button", name="Study this now")).to_have_attribute("aria-keyshortcuts", "ENTER")
    expect(page.get_by_role("switch")).to_be_attached()
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="Answer", exact=True)).to_be_visible()
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Remove the flag")).to_be_visible()


def test_a_tile_of_the_map_leads_to_its_point(open_page: Open) -> None:
    page = open_page("browse?view=syllabus", viewport={"width": 1280, "height": 400})
    page.locator('.tiles [data-point="attn-scaling-why"]').click()
    point = page.locator(".st-key-at-attn-scaling-why")
    expect(point).to_be_in_viewport()
    expect(point.get_by_role("link").first).to_be_focused()


def test_a_myth_is_judged_by_a_key_and_its_demo_shown(open_page: Open, database: Path) -> None:
    page = open_page("browse?view=myths")
    expect(page.get_by_text("explode in the softmax")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_text("The claim is false.")).to_be_visible()
    expect(page.get_by_text("Computed here in")).to_be_visible()
    page.get_by_role("link", name="The whole answer").click()
    expect(page).to_have_url(re.compile(r"browse\?question=exploding-softmax$"))
    expect(page.get_by_role("heading", name="Answer", exact=True)).to_be_visible()
    expect(page.get_by_text("You have not answered this question yet.")).to_be_visible()
    assert not database.exists() or events(database) == []


def test_the_marks_are_within_reach_of_a_thumb_in_chinese_and_nothing_is_too_wide(open_page: Open) -> None:
    page = open_page("study", locale="zh-CN", color_scheme="dark", **PHONE)
    page.get_by_role("button", name="标记").tap()
    page.get_by_role("menuitem", name="笔记").tap()
    expect(page.get_by_label("你对这道题的笔记")).to_be_focused()
    paths = ("study", "browse?view=myths", "browse?view=syllabus", "browse?question=scale-by-root")
    for path in paths:
        page = open_page(path, locale="zh-CN", **PHONE)
        expect(page.get_by_test_id("stHeading").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
