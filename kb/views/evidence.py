"""The run behind an answer: which demo with which parameters, its figure and the fields that the answer quotes.

The run starts when the question appears, in a worker process, and is usually over when the learner has answered.
"""

import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from demos import DemoError, DemoSpec, FieldSpec, Outcome, check_params, describe
from demos._runner import Run
from kb.i18n import format_number, format_seconds
from kb.questions import DemoLink, NumericQuestion, Question, Text, Value
from kb.study import Attempt
from kb.views import shell
from kb.views.figure import show_figure
from kb.views.shell import _

SHOWN_FIELDS = 4
SAME = "the same"  # the meaning of a field so begins where it leans on a field before it
FIGURE_HEIGHT = 330
POLL_S = 0.3
CANCEL_AFTER_S = 5


@dataclass(frozen=True)
class Evidence:
    """A run to show beside an answer: `fields` are those that the answer quotes, with the element where it is a curve."""

    demo: str
    params: Mapping[str, Value]
    fields: tuple[tuple[str, int | None], ...]
    asked: str | None = None


def evidence_of(question: Question, text: Text, attempt: Attempt) -> Evidence | None:
    """The run that the question asks about, else the one its answer quotes most; None for a question without a demo."""
    if isinstance(question, NumericQuestion) and question.demo and question.asks:
        return Evidence(question.demo, attempt.params, ((question.asks, None),), question.asks)
    if question.predict is not None:
        predict = question.predict
        quoted = [link for link in text.links if link.demo == predict.demo and link.params == predict.params]
        return Evidence(predict.demo, predict.params, _fields(quoted, predict.asks), predict.asks)
    runs = Counter((link.demo, tuple(sorted(link.params.items()))) for link in text.links)
    wanted = question.demos[0] if question.demos else None
    best = max(runs, key=lambda run: (run[0] == wanted, runs[run]), default=None)
    if best is not None and (wanted is None or best[0] == wanted):
        demo, params = best
        return Evidence(demo, dict(params), _fields([link for link in text.links if _key(link) == best]))
    return Evidence(wanted, {}, ()) if wanted else None


def _key(link: DemoLink) -> tuple[str, tuple[tuple[str, Value], ...]]:
    return link.demo, tuple(sorted(link.params.items()))


def _fields(quoted: list[DemoLink], asked: str | None = None) -> tuple[tuple[str, int | None], ...]:
    """The fields to show, the one asked about first, each once."""
    first = [(asked, None)] if asked else []
    return tuple(dict.fromkeys([*first, *((link.field, link.index) for link in quoted)]))[:SHOWN_FIELDS]


def start(evidence: Evidence) -> Run | DemoError:
    """The run, begun, or why it cannot begin."""
    try:
        return shell.submit(evidence.demo, evidence.params)
    except DemoError as error:
        return error


def outcome_of(run: Run | DemoError | None) -> Outcome | DemoError | None:
    """What the run gave, or why it gave nothing; None while it goes on."""
    if not isinstance(run, Run):
        return run
    if not run.done():
        return None
    try:
        return run.result()
    except DemoError as error:
        return error


def wait_for(run: Run, since: float) -> None:
    """Keeps the place of the figure while the run goes on; the page is drawn again when it is over.

    `since` is the reading of `time.monotonic()` from which the wait is counted.
    """

    @st.fragment(run_every=POLL_S)
    def waiting() -> None:
        if run.done():
            st.rerun()
        seconds = time.monotonic() - since
        st.skeleton(height=FIGURE_HEIGHT)
        with st.container(horizontal=True, vertical_alignment="center", key="line-waiting"):
            shown = format_seconds(seconds, shell.language())
            st.caption(_("{demo} runs on this computer · {time}", demo=run.spec.name, time=shown))
            if seconds >= CANCEL_AFTER_S:
                st.button(_("Cancel"), key="cancel-run", type="tertiary", on_click=run.cancel)

    waiting()


def show_outcome(evidence: Evidence, outcome: Outcome, prediction: float | None = None) -> None:
    """The figure, the quoted fields, and where and how long it ran."""
    truth = outcome.result.get(evidence.asked) if evidence.asked else None
    show_figure(outcome, prediction, truth if isinstance(truth, int | float) else None)
    spec = describe(outcome.name)
    lines = []
    for field, index in _in_order(spec, evidence.fields):
        value = outcome.result.get(field.name)
        if value is None:
            continue
        element = value[index] if index is not None and isinstance(value, list | tuple) else value
        lines.append(f"- **{shown_value(element, field.unit)}** {shell.translated(field.help)}")
    if lines:
        st.markdown("\n".join(lines))
    took = format_seconds(outcome.seconds, shell.language())
    where = _("this CPU") if outcome.device == "cpu" else outcome.device_name
    ran = _("Computed here in {time} on {device}.", time=took, device=where)
    lab = shell.lab_url(evidence.demo, check_params(evidence.demo, evidence.params))
    st.caption(f"{ran} [{_('Open in the Lab')}]({lab})")


def _in_order(spec: DemoSpec, fields: Iterable[tuple[str, int | None]]) -> list[tuple[FieldSpec, int | None]]:
    """The fields in the order of the demo, with the one that a field means which says "the same" of another."""
    places = {field.name: place for place, field in enumerate(spec.fields)}
    shown = {(places[name], index) for name, index in fields if name in places}
    for place, index in tuple(shown):
        while spec.fields[place].help.startswith(SAME) and place:
            place -= 1
        if place not in {each for each, _index in shown}:
            shown.add((place, index))
    return [(spec.fields[place], index) for place, index in sorted(shown, key=lambda each: (each[0], each[1] or 0))]


def shown_value(value: Any, unit: str = "") -> str:
    """A field's value for reading, with its unit."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        if unit == "bytes" and value >= 1024:
            power = min(int(math.log2(value) // 10), 4)
            value, unit = value / 1024**power, ("KiB", "MiB", "GiB", "TiB")[power - 1]
        value = format_number(value, shell.language())
    elif isinstance(value, list | tuple):
        value = ", ".join(shown_value(each) for each in value[:6]) + (" …" if len(value) > 6 else "")
    return f"{value} {unit}".strip()


def show_failure(error: DemoError) -> bool:
    """Says in one sentence why there is no result; True when the learner asks for another try."""
    st.warning(shell.told(error), icon=":material/science_off:")
    return st.button(_("Run the demo again"), key="run-again", icon=":material/replay:")
