"""A demo's figure on the page, in the colours of the page and with the learner's prediction drawn into it.

A prediction is drawn where it cannot mislead: as a dashed line across the axis on which the figure plots the true value.
"""

import copy
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from demos import Outcome, describe
from demos._figures import BLUE, config
from kb.views import shell
from kb.views.shell import _

Spec = dict[str, Any]

BRIGHT_BLUE = "#4296D8"
_QUOTED = re.compile("'([^']*)'")
NOT_WORDS = ("field", "type")  # names of columns and kinds, which may read like a text
VIEW_KEYS = ("mark", "encoding", "data", "transform", "params")


def show_figure(outcome: Outcome, prediction: float | None = None, truth: float | None = None) -> None:
    """Draws the figure of the outcome; `prediction` and `truth` are counted as the demo's field counts."""
    if outcome.figure is None:
        return
    shown = dict.fromkeys(describe(outcome.name).figure_texts)
    spec = in_words(copy.deepcopy(outcome.figure), {text: shell.translated(text) for text in shown})
    if prediction is not None and truth is not None:
        spec = with_prediction(spec, prediction, truth, _("your prediction"))
    show_spec(spec, alt=_("Figure of the demo {name}: {title}", name=outcome.name, title=_title(outcome)))


def show_spec(spec: Spec, alt: str) -> None:
    """Draws a Vega-Lite figure of ours."""
    spec = {**(_brightened(spec) if shell.dark() else spec), "config": config(shell.dark())}
    for fixed in ("width", "$schema"):
        spec.pop(fixed, None)
    st.vega_lite_chart(spec, theme=None, width="stretch", alt=alt)


def _brightened(part: Any) -> Any:
    """The figure with the one colour replaced that is too dark for text on a dark page."""
    if isinstance(part, dict):
        return {key: _brightened(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_brightened(each) for each in part]
    return BRIGHT_BLUE if part == BLUE else part


def in_words(part: Any, words: Mapping[str, str]) -> Any:
    """The figure with each of its texts replaced, in titles, data and scales, and where an expression over the data quotes it."""
    if isinstance(part, dict):
        return {key: value if key in NOT_WORDS else in_words(value, words) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [in_words(each, words) for each in part]
    if isinstance(part, str) and "datum." in part:
        return _QUOTED.sub(lambda match: f"'{words.get(match[1], match[1])}'", part)
    return words.get(part, part) if isinstance(part, str) else part


def with_prediction(spec: Spec, prediction: float, truth: float, label: str) -> Spec:
    """The figure with a dashed line at the prediction, or as it is where no axis plots the true value."""
    axis = next((y for y in _value_axes(spec) if _plots(spec, y, truth)), None)
    if axis is None or not math.isfinite(prediction):
        return spec
    y = {**{key: value for key, value in axis["encoding"]["y"].items() if key != "aggregate"}, "field": "prediction"}
    data = {"values": [{"prediction": prediction, "label": label}]}
    rule = {
        "data": data,
        "mark": {"type": "rule", "strokeDash": [6, 4], "strokeWidth": 1.5, "clip": True},
        "encoding": {"y": y},
    }
    text = {
        "data": data,
        "mark": {"type": "text", "align": "left", "dx": 4, "dy": -7, "clip": True},
        "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "label", "type": "nominal"}},
    }
    if "layer" in spec:
        return {**spec, "layer": [*spec["layer"], rule, text]}
    view = {key: value for key, value in spec.items() if key in VIEW_KEYS}
    rest = {key: value for key, value in spec.items() if key not in VIEW_KEYS}
    return {**rest, "layer": [view, rule, text]}


def _value_axes(spec: Spec) -> Iterator[Spec]:
    """The views of a single or layered figure that have numbers on their y axis; a figure of several panels has none."""
    if any(key in spec for key in ("hconcat", "vconcat", "concat", "facet", "repeat")):
        return
    for view in spec.get("layer", [spec]):
        encoding = {**spec.get("encoding", {}), **view.get("encoding", {})}
        y = encoding.get("y", {})
        if y.get("type") == "quantitative" and "field" in y and not {"row", "column", "facet"} & set(encoding):
            yield {**view, "encoding": encoding}


def _plots(spec: Spec, view: Spec, truth: float) -> bool:
    """Whether the view plots this very value; numbers such as 0, 1 and small counts could be there by accident."""
    if not math.isfinite(truth) or (float(truth).is_integer() and abs(truth) < 100):
        return False
    data = view.get("data") or spec.get("data") or {}
    rows: Any = data.get("values") or spec.get("datasets", {}).get(data.get("name", ""), [])
    field = view["encoding"]["y"]["field"]
    return any(
        isinstance(row, Mapping)
        and isinstance(row.get(field), int | float)
        and math.isclose(row[field], truth, rel_tol=1e-6)
        for row in rows
    )


def _title(outcome: Outcome) -> str:
    return shell.translated(describe(outcome.name).title)
