"""Takes the pictures of the README from the running app, with two weeks of made-up progress in a temporary database."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from kb import study
from kb.bank import load_bank
from kb.rating import Rating
from kb.store import Store

ROOT = Path(__file__).parents[1]
SIZE = {"width": 1000, "height": 900}
ANSWERS_A_DAY = 6
DAYS = 14


def main() -> None:
    """Writes docs/<name>.png for each picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        database = Path(folder) / "progress.db"
        learn(database)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        with app(database) as url:
            page = browser.new_page(viewport=SIZE, color_scheme="light", locale="en-GB")
            for name, take in {"study": study_page, "lab": lab}.items():
                take(page, url)
                page.wait_for_timeout(1500)  # charts draw themselves after the page is there
                page.screenshot(path=ROOT / "docs" / f"{name}.png")
        browser.close()


def learn(database: Path) -> None:
    """Answers some questions a day for two weeks, up to yesterday, as a good learner would."""
    bank, store = load_bank(ROOT / "content"), Store(database)
    start = datetime.now(UTC) - timedelta(days=DAYS)
    study.set_setting(store, "interview_date", (start + timedelta(days=DAYS + 12)).date().isoformat(), start)
    for day in range(DAYS):
        for number in range(ANSWERS_A_DAY):
            moment = start + timedelta(days=day, minutes=number)
            attempt = study.next_attempt(bank, store, moment)
            if attempt is not None:
                rating = Rating.Again if (day + number) % 7 == 0 else Rating.Good
                study.submit(bank, store, attempt, rating, moment, correct=rating is Rating.Good, duration_s=40)


def study_page(page: Page, url: str) -> None:
    page.goto(f"{url}/study?question=why-scale-by-sqrt-dk")
    page.locator('[class*="st-key-option-0"] button').click()
    page.get_by_test_id("stVegaLiteChart").first.wait_for()


def lab(page: Page, url: str) -> None:
    page.goto(f"{url}/lab?demo=softmax_saturation&head_dim=128")
    page.get_by_test_id("stVegaLiteChart").first.wait_for()


def chromium() -> str:
    """The system's Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    sys.exit("screenshots: expected Chromium on the PATH; found none. Install the package `chromium`.")


@contextmanager
def app(database: Path) -> Iterator[str]:
    """The address of the app, running on this database until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    environment = os.environ | {"KB_DB": str(database)}
    server = subprocess.Popen([*command, "--server.port", str(port)], cwd=ROOT, env=environment)
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
