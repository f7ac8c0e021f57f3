"""Promises of the app, measured in Chromium beside a trivial Streamlit app with the same configuration, in turn.

The first page is painted in at most 1.5 times the time of the trivial one. A click in Study is painted in at most 2 times the
time of a click there, with the bank of the day and with 10,000 generated questions; a slider of the Lab in at most 3 times
the time of a slider with a chart there, for light demos. With 50 learners at once, who think for 1 s between clicks, the 95th
percentile of a click stays under 3 times that of a learner alone. What one more session needs of memory is stated.
"""

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)  # run as a file, the modules beside it would hide packages of the same names

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from kb import study  # noqa: E402
from kb.bank import load_bank  # noqa: E402
from kb.store import Store  # noqa: E402

FIRST_PAGE, CLICK, SLIDER = 1.5, 2.0, 3.0
ROUNDS = 15
DEMOS = ("softmax_saturation", "rope_decay", "sinusoidal")
MANY = 10_000
START_S = 60

QUESTION = """\
---
kind: choice
difficulty: {difficulty}
covers: [{point}]
sources:
  - {{title: A generated source, year: 2024}}
---
# What does number {number} ask?

## Choices

- [x] For the first of three answers

  It is right.
- [ ] For the second of three answers

  It is wrong.
- [ ] For the third of three answers

  It is wrong as well.

## Answer

A paragraph with a formula, $q \\cdot k / \\sqrt{{d_k}}$, and words enough to fill a line or two, as an answer has them.

## Key points

- The number is {number}
"""

TRIVIAL = """\
import altair as alt
import streamlit as st

st.title("Trivial")
pressed = st.session_state.get("pressed", 0)
st.session_state.pressed = pressed + st.button("Press")
st.markdown(f"pressed {st.session_state.pressed}")
x = st.slider("x", 1, 9, 5)
rows = [{"n": n, "y": n ** (x / 4)} for n in range(9)]
st.altair_chart(alt.Chart(alt.Data(values=rows)).mark_line().encode(x="n:Q", y="y:Q"))
"""

# Presses what `press` names and waits until what `look` reads of the page is another thing, then for the frame that shows it.
CLICK_TO_PAINT = """([press, look]) => new Promise((resolve, reject) => {
  const read = new Function("return " + look);
  const before = read(), start = performance.now();
  const check = () => {
    const now = read();
    if (now !== null && now !== before) requestAnimationFrame(() => resolve(performance.now() - start));
    else if (performance.now() - start > 20000) reject("nothing changed");
    else requestAnimationFrame(check);
  };
  new Function(press)();
  check();
})"""
# The time from the first byte asked for to the frame in which what `look` reads is there.
LOAD_TO_PAINT = """look => new Promise((resolve, reject) => {
  const read = new Function("return " + look);
  const check = () => {
    if (read()) requestAnimationFrame(() => resolve(performance.now()));
    else if (performance.now() > 30000) reject("nothing came");
    else requestAnimationFrame(check);
  };
  check();
})"""
HEADING = "document.querySelector('[data-testid=stHeading]')?.innerText ?? null"
CHART = "document.querySelector('[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas')"
DRAWN = f"(() => {{ const c = {CHART}; return c ? (c.outerHTML + (c.toDataURL ? c.toDataURL() : '')) : null; }})()"


def main() -> int:
    """Prints what was measured; 0 when every promise is kept."""
    options = arguments()
    kept: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="livecards-") as name, sync_playwright() as playwright:
        folder = Path(name)
        generated = generate(folder / "many", options.questions)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        trivial = folder / "trivial.py"
        trivial.write_text(TRIVIAL, encoding="utf-8")
        with serving(trivial, folder / "t.db") as peer:
            for title, content in (
                ("bank of the day", ROOT / "content"),
                (f"{options.questions:,} questions", generated),
            ):
                with serving(ROOT / "app.py", folder / f"{content.name}.db", content) as app:
                    kept += in_browser(browser, app, peer, title, options.rounds)
                    if content != generated:
                        kept += sliders(browser, app, peer, options.rounds)
        browser.close()
    return int(not all(kept))


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--questions", type=int, default=MANY)
    return parser.parse_args()


# In the browser


def in_browser(browser: Browser, app: "Served", peer: "Served", title: str, rounds: int) -> list[bool]:
    """Prints the first page and the clicks of Study, each beside the trivial app; whether the promises are kept."""
    first = [(first_page(browser, app, HEADING), first_page(browser, peer, HEADING)) for _ in range(rounds)]
    kept = [told(f"first page, {title}", first, FIRST_PAGE)]
    mine, theirs = page_of(browser, app, "study"), page_of(browser, peer, "")
    theirs.get_by_text("pressed 0").wait_for()
    commits, ratings = [], []
    for _ in range(rounds):
        commits.append((commit(mine), press_trivial(theirs)))
        ratings.append((rate(mine), press_trivial(theirs)))
    mine.context.close()
    theirs.context.close()
    return [*kept, told(f"answer, {title}", commits, CLICK), told(f"rating, {title}", ratings, CLICK)]


def sliders(browser: Browser, app: "Served", peer: "Served", rounds: int) -> list[bool]:
    """The same for an arrow key on a slider, from the key to another picture in the chart."""
    kept = []
    theirs = page_of(browser, peer, "")
    theirs.locator("svg.marks, canvas.marks").first.wait_for()
    for demo in DEMOS:
        mine = page_of(browser, app, f"lab?demo={demo}")
        mine.locator("[data-testid=stVegaLiteChart]").first.wait_for(timeout=60_000)
        mine.wait_for_timeout(1500)
        pairs = [(slide(mine, turn), slide(theirs, turn)) for turn in range(rounds)]
        kept.append(told(f"slider, {demo}", pairs, SLIDER))
        mine.context.close()
    theirs.context.close()
    return kept


def page_of(browser: Browser, served: "Served", path: str) -> Page:
    """A page in a fresh profile, drawn."""
    page = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{served.url}/{path}")
    page.locator("[data-testid=stHeading]").first.wait_for(timeout=60_000)
    return page


def first_page(browser: Browser, served: "Served", look: str) -> float:
    """Milliseconds from the request for the page to its heading, in a fresh profile."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(served.url, wait_until="commit")
    milliseconds = float(page.evaluate(LOAD_TO_PAINT, look))
    context.close()
    return milliseconds


def press_trivial(page: Page) -> float:
    """Milliseconds from a press of the trivial app's button to the number it changes."""
    press = "document.querySelector('[data-testid=stButton] button').click()"
    look = "[...document.querySelectorAll('[data-testid=stMarkdown]')].at(-1)?.innerText ?? null"
    return float(page.evaluate(CLICK_TO_PAINT, [press, look]))


RATING = "document.querySelector('[class*=st-key-rate-] button')"


def commit(page: Page) -> float:
    """Milliseconds from the press that commits to an answer to the four ratings."""
    page.locator('[class*="st-key-option-"] button, [class*="st-key-commit-"] button').first.wait_for()
    field = page.locator('[class*="st-key-number-"] input')
    if field.count():
        field.first.fill("1")
    options = '[class*="st-key-option-"] button'
    ready = '[class*="st-key-commit-"] button'
    if page.locator(options).count() and page.locator(ready).count():  # several options: one is ticked first
        page.locator(options).first.click()
        page.locator(f"{ready}:not([disabled])").first.wait_for()
    which = ready if page.locator(ready).count() else options
    return float(page.evaluate(CLICK_TO_PAINT, [f"document.querySelector('{which}').click()", f"{RATING} && true"]))


def rate(page: Page) -> float:
    """Milliseconds from the press of Good to the next question's heading."""
    press = "document.querySelector('[class*=st-key-rate-g-] button').click()"
    return float(page.evaluate(CLICK_TO_PAINT, [press, HEADING]))


def slide(page: Page, turn: int) -> float:
    """Milliseconds from an arrow key on the first slider to another picture."""
    thumb = page.locator("input[type=range]").first
    thumb.focus()
    page.evaluate("look => { window.before = new Function('return ' + look)(); }", DRAWN)
    started = "window.started = performance.now()"
    page.evaluate(f"document.addEventListener('keydown', () => {{ {started} }}, {{once: true, capture: true}})")
    page.keyboard.press("ArrowLeft" if turn % 2 == 0 else "ArrowRight")
    return float(
        page.evaluate(
            """look => new Promise((resolve, reject) => {
              const read = new Function("return " + look);
              const check = () => {
                const now = read();
                if (now !== null && now !== window.before)
                  requestAnimationFrame(() => resolve(performance.now() - window.started));
                else if (performance.now() - window.started > 20000) reject("nothing changed");
                else requestAnimationFrame(check);
              };
              check();
            })""",
            DRAWN,
        )
    )


def told(what: str, pairs: list[tuple[float, float]], limit: float) -> bool:
    """Prints the medians of both and the median of their ratios; whether it is within the limit."""
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    mine, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(
        f"{what:38} {mine:7.0f} ms  trivial {theirs:5.0f} ms  {ratio:5.2f} x  promise: at most {limit:g} x", flush=True
    )
    return ratio <= limit


# Servers


class Served:
    """A running Streamlit server."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]") -> None:
        self.url = url
        self._process = process

    def busy(self) -> float:
        """Seconds that the server's process, without its children, has had of a processor."""
        spent = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes of memory that the server's process holds for itself."""
        status = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text(encoding="utf-8")
        return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("Private_")) * 1024


@contextlib.contextmanager
def serving(script: Path, database: Path, content: Path | None = None) -> Iterator[Served]:
    """A server of this script with the project's configuration, warm."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if content is not None:
        study.set_setting(Store(database), "new_per_day", 9999, datetime.now(UTC))
    environment = {**os.environ, "KB_DB": str(database), "OMP_NUM_THREADS": "1"}
    if content is not None:
        environment["KB_CONTENT"] = str(content)
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(script),
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    served = Served(f"http://127.0.0.1:{port}", process)
    try:
        wait_for(served)
        yield served
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(served: Served) -> None:
    """Returns once the server answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{served.url}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server at {served.url} did not start within {START_S} s.")


def chromium() -> str:
    """The browser of this machine."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise SystemExit("no Chromium: apt-get install chromium")
    return found


def generate(folder: Path, questions: int) -> Path:
    """A bank with the topics of ours and so many questions, each with text enough for a page."""
    folder.mkdir()
    shutil.copy(ROOT / "content" / "syllabus.yaml", folder)
    syllabus = load_bank(ROOT / "content").syllabus
    points = [(topic.id, point.id) for topic in syllabus.topics for point in topic.points]
    for number in range(questions):
        topic, point = points[number % len(points)]
        (folder / topic).mkdir(exist_ok=True)
        text = QUESTION.format(number=number, point=point, difficulty=number // len(points) % 5 + 1)
        (folder / topic / f"generated-{number}.md").write_text(text, encoding="utf-8")
    return folder


if __name__ == "__main__":
    sys.exit(main())
