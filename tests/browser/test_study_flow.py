"""A learner at the keyboard: what AppTest cannot see, which is focus, held keys, reloads, double clicks and real figures."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

Open = Callable[..., Page]


def part(page: Page, key: str) -> Locator:
    """The part of the page whose Streamlit key begins like this."""
    return page.locator(f'[class*="st-key-{key}"]')


def ready(page: Page, button: str = "undo") -> Page:
    """The page once the keyboard reaches this button, and with it all others that were drawn."""
    expect(part(page, button).locator("button[aria-keyshortcuts]")).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    return page


def question(page: Page) -> Locator:
    """The title of the question on the page, its formulas drawn."""
    expect(page.get_by_role("heading").first).not_to_contain_text("$")
    return page.get_by_role("heading").first


def stored(database: Path) -> list[tuple[str, int]]:
    with sqlite3.connect(database) as connection:
        return connection.execute(
            "SELECT question, rating FROM reviews WHERE kind = 'review' ORDER BY rowid"
        ).fetchall()


def test_a_question_is_studied_to_its_rating_by_keyboard(open_page: Open, database: Path) -> None:
    page = ready(open_page("study?question=scale-by-root"))
    page.keyboard.press("p")
    page.keyboard.type("0.5")
    page.keyboard.press("Enter")
    page.keyboard.press("l")
    expect(part(page, "sure-certain").get_by_test_id("stBaseButton-secondary")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_text("Computed here in")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("0.9222").first).to_be_visible()
    expect(
        page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first
    ).to_be_visible()
    ready(page, "rate-g").keyboard.press("g")
    expect(page.get_by_role("heading", name="Done for now.")).to_be_visible()
    assert stored(database) == [("scale-by-root", 3)]


def test_one_key_begins_and_a_number_can_be_typed_without_the_mouse(open_page: Open, database: Path) -> None:
    page = open_page()
    ready(page, "begin").keyboard.press("Enter")
    ready(page)
    page.goto(re.sub(r"\?.*", "?question=weights-of-heads", page.url))
    ready(page)
    expect(part(page, "number")).to_be_visible()
    page.keyboard.type("1048576")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Right.")).to_be_visible()
    ready(page, "rate-e").keyboard.press("e")
    expect(page.get_by_role("heading", name="Done for now.")).to_be_visible()
    assert stored(database) == [("weights-of-heads", 4)]


def test_an_open_question_is_revealed_by_space_and_ticked_by_digits(open_page: Open, database: Path) -> None:
    page = ready(open_page("study?question=separate-projections"))
    page.locator("textarea").fill("Scores become one-sided.")
    page.keyboard.press("Escape")
    page.keyboard.press("Space")
    expect(page.get_by_text("Tick what you had")).to_be_visible()
    expect(page.get_by_role("blockquote")).to_have_text("Scores become one-sided.")
    ready(page, "rate-g")
    for digit in "1234":
        page.keyboard.press(digit)
        expect(page.get_by_text(f"{digit} of 5 key points.")).to_be_visible()
    expect(part(page, "rate-g").get_by_test_id("stBaseButton-primary")).to_be_visible()


def test_text_that_was_just_typed_survives_the_click_that_shows_the_answer(open_page: Open) -> None:
    page = ready(open_page("study?question=separate-projections"))
    page.locator("textarea").fill("One-sided relations.")
    part(page, "commit").get_by_role("button").click()
    expect(page.get_by_text("Tick what you had")).to_be_visible()
    expect(page.get_by_role("blockquote")).to_have_text("One-sided relations.")


def test_a_prediction_that_was_just_typed_survives_the_click_on_an_option(open_page: Open) -> None:
    page = ready(open_page("study?question=exploding-softmax"))
    part(page, "predicted").locator("input").fill("0.25")
    part(page, "option-1").get_by_role("button").click()
    expect(page.get_by_text("The claim is false.")).to_be_visible()
    expect(page.get_by_role("heading", name="0.25")).to_be_visible(timeout=60_000)


def test_a_reload_loses_nothing_and_records_nothing_twice(open_page: Open, database: Path) -> None:
    page = ready(open_page("study"))
    asked = question(page).text_content() or ""
    page.reload()
    ready(page)
    expect(question(page)).to_have_text(asked)

    page.goto(re.sub(r"\?.*", "?question=scale-by-root", page.url))
    ready(page)
    page.keyboard.press("2")
    expect(part(page, "rate-g")).to_be_visible()
    page.reload()
    ready(page, "rate-g").keyboard.press("g")
    expect(page.get_by_role("heading", name="Done for now.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Done for now.")).to_be_visible()
    assert stored(database) == [("scale-by-root", 3)]


def test_a_double_click_and_a_held_key_record_once(open_page: Open, database: Path) -> None:
    page = ready(open_page("study?question=separate-projections"))
    page.keyboard.press("Space")
    ready(page, "rate-g")
    part(page, "rate-g").get_by_role("button").dblclick()
    expect(page.get_by_role("heading", name="Done for now.")).to_be_visible()
    assert len(stored(database)) == 1

    page.goto(re.sub(r"\?.*", "", page.url))
    ready(page)
    for key in "11gg":
        for _repeat in range(15):  # what the keyboard sends while a key is held
            page.keyboard.down(key)
        page.keyboard.up(key)
    page.wait_for_timeout(1500)
    assert len(stored(database)) <= 2


def test_undo_brings_the_question_back(open_page: Open, database: Path) -> None:
    page = ready(open_page("study?question=scale-by-root"))
    asked = question(page).text_content() or ""
    page.keyboard.press("1")
    ready(page, "rate-e").keyboard.press("e")
    expect(question(page)).not_to_have_text(asked)
    ready(page).keyboard.press("u")
    expect(question(page)).to_have_text(asked)
    expect(part(page, "rate-a")).to_be_visible()
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM answers").fetchone() == (0,)


def test_the_list_of_keys_opens_with_a_question_mark(open_page: Open) -> None:
    page = ready(open_page("study"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("rate: Again, Hard, Good, Easy")


def test_the_language_is_that_of_the_browser_and_can_be_switched(open_page: Open) -> None:
    page = open_page(locale="zh-CN")
    expect(page.get_by_text("你先作答再看结果")).to_be_visible(timeout=30_000)
    page.get_by_role("radio", name="English").click()
    expect(page.get_by_text("You commit to an answer first")).to_be_visible()
    page.reload()
    expect(page.get_by_text("You commit to an answer first")).to_be_visible()


def test_on_a_phone_the_ratings_stand_in_one_row_and_nothing_is_cut_off(open_page: Open) -> None:
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = open_page("study?question=scale-by-root", **options)
    part(page, "option-0").get_by_role("button").tap()
    boxes = [part(page, f"rate-{key}").get_by_role("button").bounding_box() for key in "ahge"]
    assert len({box["y"] for box in boxes if box}) == 1
    assert all(box and box["height"] >= 44 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
