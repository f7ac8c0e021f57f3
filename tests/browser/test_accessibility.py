"""Every page examined by axe-core, light on a desk and dark on a phone: no finding that it calls serious or critical."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

Open = Callable[..., Page]
DESK = {"color_scheme": "light"}
PHONE = {"color_scheme": "dark", "locale": "zh-CN", "viewport": {"width": 390, "height": 844}, "has_touch": True}
GRAVE = ("serious", "critical")
PAGES = {
    "first run": "",
    "choice": "study?question=scale-by-root",
    "number": "study?question=weights-of-heads",
    "search": "browse?q=softmax",
    "map": "browse",
    "question": "browse?question=scale-by-root",
    "demos": "lab",
    "demo": "lab?demo=softmax_saturation&head_dim=64",
    "progress": "progress",
    "settings": "settings",
}


def findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical: the rule and where it is broken."""
    expect(page.get_by_test_id("stHeading").first).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=60_000)
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    response = Axe().run(page).response
    return [
        f"{rule['id']} ({rule['help']}): {node['target']} {node['html'][:200]}"
        for rule in response["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("options", [DESK, PHONE], ids=["desk-light", "phone-dark"])
@pytest.mark.parametrize("path", PAGES.values(), ids=[name.replace(" ", "-") for name in PAGES])
def test_no_page_has_a_grave_finding(open_page: Open, path: str, options: dict[str, object]) -> None:
    assert findings(open_page(path, **options)) == []


@pytest.mark.parametrize("options", [DESK, PHONE], ids=["desk-light", "phone-dark"])
def test_an_answered_question_has_no_grave_finding(open_page: Open, options: dict[str, object]) -> None:
    page = open_page("study?question=scale-by-root", **options)
    page.locator('[class*="st-key-option-"] button').first.click()
    expect(page.locator('[class*="st-key-rate-g"] button')).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible(timeout=60_000)
    assert findings(page) == []


def test_the_examination_finds_a_fault_that_is_planted(open_page: Open) -> None:
    page = open_page("settings")
    expect(page.get_by_test_id("stHeading").first).to_be_visible()
    page.get_by_test_id("stHeading").first.evaluate("heading => heading.append(new Image(20, 20))")
    assert [finding for finding in findings(page) if finding.startswith("image-alt")]
