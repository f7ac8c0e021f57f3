"""Promise: with 50 learners at once in Study, each thinking for 1 s between clicks, the 95th percentile of a click stays under
3 times that of a learner alone. The memory of one more session is stated. The learners speak to the server as browsers do,
in Streamlit's own messages, so that no browser takes part of the processor. The same crowd presses the button of a trivial
app, which shows what one process of Streamlit on this machine has to give.
"""

import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)  # run as a file, the modules beside it would hide packages of the same names

from streamlit.proto.BackMsg_pb2 import BackMsg  # noqa: E402
from streamlit.proto.Delta_pb2 import Delta  # noqa: E402
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

from benchmarks.app import TRIVIAL, Served, serving  # noqa: E402

LIMIT = 3.0
LEARNERS, THOUGHT_S, CLICKS, WARM = 50, 1.0, 20, 4
REPLY_S = 120
IN_STUDY = ("rate-g-", "commit-", "option-0-", "study-on")
IN_TRIVIAL = ("None",)  # its button has no key


class Learner:
    """One session of a page, from its first run on; of the buttons there, it presses the first of `in_order`."""

    def __init__(self, served: Served, page: str = "study", in_order: tuple[str, ...] = IN_STUDY) -> None:
        self._name, self._in_order = page, in_order
        self._url = f"{served.url}/{page}"
        address = f"{served.url.replace('http', 'ws', 1)}/_stcore/stream"
        self._socket = connect(
            address, subprotocols=["streamlit"], origin=served.url, max_size=None, open_timeout=REPLY_S
        )
        self._query, self._page = "", ""
        self._buttons: dict[str, str] = {}
        self._field = ""
        self._run()

    def click(self) -> float:
        """The seconds of one click: an answer to the question, a tick before it, or its rating."""
        for start in self._in_order:
            widget = next((widget for key, widget in self._buttons.items() if key.startswith(start)), "")
            if widget:
                return self._run(widget)
        raise AssertionError(
            f"expected a button {' or '.join(self._in_order)}; found {', '.join(self._buttons) or 'none'}."
        )

    def close(self) -> None:
        """Ends the session."""
        self._socket.close()

    def _run(self, pressed: str = "") -> float:
        """The seconds from this press to the end of the run that it leads to."""
        message = BackMsg()
        request = message.rerun_script
        request.query_string, request.page_script_hash = self._query, self._page
        request.page_name = "" if self._page else self._name
        request.context_info.locale, request.context_info.url = "en-GB", self._url
        if pressed:
            request.widget_states.widgets.add(id=pressed).trigger_value = True
        if self._field:
            request.widget_states.widgets.add(id=self._field).string_value = "1"
        self._buttons, self._field = {}, ""
        started = time.perf_counter()
        self._socket.send(message.SerializeToString())
        while True:
            reply = ForwardMsg.FromString(self._socket.recv(timeout=REPLY_S))
            match reply.WhichOneof("type"):
                case "navigation":
                    self._page = reply.navigation.page_script_hash
                case "page_info_changed":
                    self._query = reply.page_info_changed.query_string
                case "delta":
                    self._note(reply.delta)
                case "script_finished" if reply.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return time.perf_counter() - started

    def _note(self, delta: Delta) -> None:
        """Remembers what can be pressed or filled in."""
        element = delta.new_element
        match element.WhichOneof("type"):
            case "button" if not element.button.disabled:
                self._buttons[element.button.id.split("-", 2)[2]] = element.button.id
            case "text_input" if "-number-" in element.text_input.id:
                self._field = element.text_input.id
            case "exception":
                raise AssertionError(element.exception.message)


def main() -> int:
    """Prints both percentiles, of the app and of a trivial one, and the memory of a session; 0 when the promise is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, default=LEARNERS)
    learners = parser.parse_args().learners
    with tempfile.TemporaryDirectory(prefix="livecards-") as name:
        folder = Path(name)
        script = folder / "trivial.py"
        script.write_text(TRIVIAL, encoding="utf-8")
        with serving(script, folder / "trivial.db") as peer:
            told("trivial app", *crowd(peer, learners, "", IN_TRIVIAL))
        with serving(ROOT / "app.py", folder / "progress.db", ROOT / "content") as app:
            ratio = told("Study", *crowd(app, learners, "study", IN_STUDY))
    print(f"promise: under {LIMIT:g} x in Study with {LEARNERS} learners")
    return int(ratio >= LIMIT)


def crowd(
    served: Served, learners: int, page: str, in_order: tuple[str, ...]
) -> tuple[list[float], list[float], float, int]:
    """The seconds of each click of a learner alone and of all at once, the processor's for one of them, bytes a session."""
    alone = Learner(served, page, in_order)  # the first session has the server import everything and read the bank
    one = [clicked_after_thought(alone) for _ in range(3 * CLICKS)][WARM:]
    memory = served.memory()
    others = [Learner(served, page, in_order) for _ in range(learners - 1)]
    memory = (served.memory() - memory) // max(len(others), 1)
    busy = served.busy()
    many = at_once([alone, *others])
    busy = (served.busy() - busy) / (CLICKS * learners)
    for learner in (alone, *others):
        learner.close()
    return one, many, busy, memory


def told(what: str, one: list[float], many: list[float], busy: float, memory: int) -> float:
    """Prints what was measured; how many times the 95th percentile of a learner alone that of all at once is."""
    ratio = percentile(many) / percentile(one)
    print(
        f"{what:12} p95 of a click {1e3 * percentile(one):5.0f} ms alone {1e3 * percentile(many):6.0f} ms at once"
        f" {ratio:6.2f} x  processor {1e3 * busy:5.1f} ms a click  one more session {memory / 2**20:4.1f} MiB",
        flush=True,
    )
    return ratio


def at_once(learners: list[Learner]) -> list[float]:
    """The seconds of each click while all of them learn."""
    clicks: list[list[float]] = [[] for _ in learners]

    def learn(learner: Learner, mine: list[float], delay: float) -> None:
        time.sleep(delay)
        mine.extend(clicked_after_thought(learner) for _ in range(CLICKS))

    source = random.Random(0)
    threads = [
        threading.Thread(target=learn, args=(learner, mine, source.random() * THOUGHT_S))
        for learner, mine in zip(learners, clicks, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [seconds for mine in clicks for seconds in mine[WARM:]]


def clicked_after_thought(learner: Learner) -> float:
    """The seconds of one click, made after a second."""
    time.sleep(THOUGHT_S)
    return learner.click()


def percentile(seconds: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(seconds, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
