"""Browse and Progress in a real Chromium: search as one types, filters and back, a question's page, downloads, a phone."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

Open = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
ROWS = '[class*="st-key-row-"]'


def test_the_list_follows_while_one_types_in_either_language(open_page: Open) -> None:
    page = open_page("browse")
    expect(page.locator(ROWS)).to_have_count(6)
    box = page.get_by_label("Search questions and answers")
    box.press_sequentially("softmax jacob", delay=20)
    expect(page.locator(ROWS).first).to_contain_text("gradients explode in the softmax")
    expect(box).to_be_focused()
    expect(page).to_have_url(re.compile("words=softmax"))
    box.fill("缓存")
    expect(page.locator(ROWS)).to_have_count(2)
    box.fill("zzzz")
    expect(page.get_by_text("No question fits.")).to_be_visible()
    box.fill("")
    expect(page.locator(ROWS)).to_have_count(6)


def test_a_question_is_opened_revealed_and_left_for_the_list_as_it_was(open_page: Open) -> None:
    page = open_page("browse?kind=choice")
    page.get_by_role("link", name="Why are attention scores divided").click()
    expect(page).to_have_url(re.compile(r"browse\?question=scale-by-root$"))
    expect(page.get_by_role("heading", name="Answer", exact=True)).to_have_count(0)
    page.get_by_text("Show the answer").click()
    expect(page.get_by_role("heading", name="Answer", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Key points")).to_be_visible()
    page.get_by_role("link", name="All questions").click()
    expect(page).to_have_url(re.compile(r"browse\?kind=choice$"))
    expect(page.locator(ROWS)).to_have_count(1)


def test_what_was_studied_appears_in_history_and_progress(open_page: Open, tmp_path: Path) -> None:
    page = open_page("browse?question=weights-of-heads")
    page.get_by_role("button", name="Study this now").click()
    expect(page).to_have_url(re.compile("study"))
    field = page.locator('[class*="st-key-number"] input')
    field.fill("1048576")
    field.press("Enter")
    expect(page.get_by_text("Right.")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Good")).click()
    expect(page.get_by_role("heading", name="Done for now.")).to_be_visible()
    page.get_by_role("link", name="Progress").click()
    expect(page.get_by_text("1 answer in the last 30 days.")).to_be_visible()
    page.get_by_text("Workload", exact=True).click()
    with page.expect_download() as download:
        page.locator(".st-key-download-calendar button").click()
    saved = tmp_path / "calendar.csv"
    download.value.save_as(saved)
    answers = [line.split(",")[1] for line in saved.read_text(encoding="utf-8").splitlines()]
    assert sorted(answers)[-2:] == ["1", "answers"]
    page.goto(page.url.partition("progress")[0] + "browse?question=weights-of-heads")
    expect(page.get_by_text("Good · ")).to_be_visible()


def test_the_syllabus_opens_a_topic_and_a_point_leads_to_its_question(open_page: Open) -> None:
    page = open_page("browse")
    page.get_by_text("Syllabus", exact=True).click()
    expect(page).to_have_url(re.compile("view=syllabus"))
    page.get_by_text("points not met").first.click()
    page.locator(ROWS).first.get_by_role("link").click()
    expect(page).to_have_url(re.compile("question="))


def test_on_a_phone_in_chinese_nothing_is_wider_than_the_screen(open_page: Open) -> None:
    for path in ("browse", "browse?view=syllabus", "browse?question=scale-by-root", "progress"):
        page = open_page(path, locale="zh-CN", color_scheme="dark", **PHONE)
        expect(page.get_by_test_id("stHeading").first).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
