"""A real server and a real Chromium: each test begins with an empty database, and fails on a foreign request or console error."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

ROOT = Path(__file__).parents[2]
BANK = ROOT / "tests" / "bank"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
START_S = 60
PATIENCE_MS = 20_000
"""So long a test waits for what it expects: what a busy machine does late is not a fault."""

# On a page other than the first, Streamlit looks for its server below the page before it looks at the root.
PROBES = ("/_stcore/health", "/_stcore/host-config")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder, and skips it where there is no Chromium."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium fonts-noto-cjk"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def progress(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server's database."""
    return tmp_path_factory.mktemp("progress")


@pytest.fixture(scope="session")
def address(progress: Path) -> Iterator[str]:
    """The address of a server over the small bank."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "KB_DB": str(progress / "progress.db"),
        "KB_CONTENT": str(BANK),
        "OMP_NUM_THREADS": "1",
    }
    options = ["--server.port", str(port), "--server.headless", "true"]
    log = progress / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", *options],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture
def database(progress: Path) -> Path:
    """The server's database, which is empty when a test begins."""
    for file in progress.glob("progress.db*"):
        file.unlink(missing_ok=True)  # SQLite itself removes some of them
    shutil.rmtree(progress / "backups", ignore_errors=True)
    return progress / "progress.db"


def wait_for(url: str, log: Path) -> None:
    """Returns once the server answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


@pytest.fixture
def open_page(chromium: Browser, address: str, database: Path) -> Iterator[Callable[..., Page]]:
    """Opens a page of the app in a fresh browser profile; options are those of a Playwright context."""
    contexts = []
    faults: list[str] = []

    def note_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location.get("url", "").endswith(PROBES):
            faults.append(f"console: {message.text}")

    def note_request(request: Request) -> None:
        if not request.url.startswith((address, address.replace("http", "ws"), "data:", "blob:")):
            faults.append(f"request: {request.url}")

    def open_page(path: str = "", **options: Any) -> Page:
        context = chromium.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", note_console)
        page.on("request", note_request)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.goto(f"{address}/{path}")
        page.get_by_test_id("stAppViewContainer").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
