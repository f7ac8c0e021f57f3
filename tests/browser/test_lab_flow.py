"""The Lab in a real Chromium: live values by keyboard, the address, going back, a run that is cancelled, a phone."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

Open = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
WORKER_S = 60_000  # the first run of a server waits for its worker


def lab(open_page: Open, address: str, **options: object) -> Page:
    """The Lab once a result is on the page."""
    page = open_page(f"lab?{address}", **options)
    expect(page.locator(".st-key-table-values")).to_be_visible(timeout=WORKER_S)
    return page


def value(page: Page, name: str) -> Locator:
    """The cell with the value of this field."""
    row = page.locator(".st-key-table-values tr", has=page.get_by_text(name, exact=True))
    return row.locator("td").nth(1)


def test_an_arrow_key_moves_a_slider_and_everything_follows(open_page: Open) -> None:
    page = lab(open_page, "demo=softmax_saturation")
    expect(value(page, "max_weight_unscaled")).to_have_text("0.9222")
    page.locator("input[type=range]").first.focus()
    for width in (256, 128, 64):
        page.keyboard.press("ArrowLeft")
        expect(page).to_have_url(re.compile(rf"head_dim={width}$"))
    expect(value(page, "max_weight_unscaled")).to_have_text("0.7765")
    expect(page.locator(".st-key-lab-form pre")).to_contain_text("--head-dim 64")
    expect(page.locator(".st-key-lab-figure").get_by_test_id("stVegaLiteChart")).to_be_visible()


def test_a_setting_survives_a_reload_and_a_step_back(open_page: Open) -> None:
    page = lab(open_page, "demo=softmax_saturation&head_dim=64")
    page.get_by_role("button", name="Keep to compare").click()
    expect(page).to_have_url(re.compile("with=head_dim%3D64"))
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("head_dim=128&with="))
    expect(page.get_by_text("Kept head_dim 64")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Kept head_dim 64")).to_be_visible(timeout=WORKER_S)
    expect(page.get_by_text("Now head_dim 128")).to_be_visible()
    page.go_back()
    expect(page.locator(".st-key-lab-form pre")).to_contain_text("--head-dim 64")


def test_a_demo_is_found_opened_and_leads_to_the_question_it_serves(open_page: Open) -> None:
    page = open_page("lab")
    page.get_by_label("Search the demos").press_sequentially("one-hot gradient")
    expect(page.locator('[class*="st-key-row-"]')).to_have_count(1)
    page.get_by_role("link", name="Without the division").click()
    expect(page.locator(".st-key-table-values")).to_be_visible(timeout=WORKER_S)
    page.get_by_role("link", name="Why are attention scores divided").click()
    expect(page).to_have_url(re.compile(r"browse\?question=scale-by-root$"))
    expect(page.get_by_role("heading", name="Why are attention scores divided")).to_be_visible()


def test_a_long_run_says_so_can_be_cancelled_and_run_again(open_page: Open) -> None:
    page = open_page("lab?demo=warmup_postln&seed=9")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Runs on this computer for")).to_be_visible(timeout=WORKER_S)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You cancelled this run.")).to_be_visible()
    page.get_by_role("link", name="All demos").click()
    page.get_by_role("link", name="Without the division").click()
    expect(page.locator(".st-key-table-values")).to_be_visible(timeout=WORKER_S)


def test_on_a_phone_the_figure_stays_in_view_beside_its_form(open_page: Open) -> None:
    page = lab(open_page, "demo=softmax_saturation", locale="zh-CN", color_scheme="dark", **PHONE)
    expect(page.get_by_text("在终端里运行同样的命令")).to_be_visible()
    page.locator(".st-key-lab-form pre").scroll_into_view_if_needed()
    figure = page.locator(".st-key-lab-figure").get_by_test_id("stVegaLiteChart")
    expect(figure).to_be_in_viewport(ratio=0.5)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
