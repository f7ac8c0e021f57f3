"""The charts that most demos share: curves with their names beside them, bars with their values, maps of a matrix.

A demo says what is drawn and in which words and colours; how numbers become rows and where a name stands is decided here, so
that every figure reads alike on a phone and on a desk. Rules that a demo draws upright mark its present parameter.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import altair as alt

from demos._figures import BLUE, GREEN, HEIGHT, ORANGE, PANEL, VERMILION, WIDTH

Chart = alt.TopLevelMixin
Side = Literal["left", "center", "right"]
Place = int | tuple[int, Side]  # where along a curve its name stands, and which side of the text is at that point

COLOURS = (VERMILION, BLUE, GREEN, ORANGE)


def line_chart(
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    *,
    x_title: str,
    y_title: str,
    colours: Sequence[str] = COLOURS,
    log: str = "",
    y_domain: tuple[float, float] | None = None,
    y_format: str = "",
    zero: bool = True,
    points: bool = True,
    interpolate: Literal["linear", "step-after"] = "linear",
    here: float | Sequence[float] = (),
    levels: Mapping[str, float] | None = None,
    level_colour: str | None = None,
    level_side: Side = "right",
    at: Place | Mapping[str, Place] | None = None,
    below: Collection[str] = (),
) -> Chart:
    """Curves over one x axis: named at the point number `at`, above the curve or below it, or by a legend without `at`.

    `log` names the axes ("x", "y", "xy") that are logarithmic, on which a curve breaks off where it is not positive; `here` are
    dashed upright rules and `levels` horizontal ones, each with its name. A curve named "" goes without a name.
    """
    rows: list[dict[str, Any]] = [
        {"x": place, "y": value, "name": name}
        for name, curve in curves.items()
        for place, value in zip(x, curve, strict=True)
        if value > 0 or "y" not in log
    ]
    colour = alt.Color("name:N", legend=None).scale(domain=list(curves), range=list(colours[: len(curves)]))
    if at is None and len(curves) > 1:
        colour = colour.title(None).legend(columns=_columns(list(curves)), labelLimit=0)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=_x_axis(x, x_title, "x" in log),
        y=_y_axis(y_title, y_domain, y_format, zero, [row["y"] for row in rows] if "y" in log else None),
        color=colour,
    )
    layers = [
        *_upright(here if isinstance(here, Sequence) else (here,)),
        *_level(levels or {}, level_colour, level_side),
    ]
    layers.append(base.mark_line(point=points, interpolate=interpolate))
    places = dict.fromkeys(curves, at) if isinstance(at, int | tuple) else at or {}
    for name, place in places.items():
        index, side = place if isinstance(place, tuple) else (place % len(x), _side(place % len(x) / len(x)))
        dx = {"left": 4, "center": 0, "right": -4}[side]
        text = base.transform_filter(f"datum.name == '{name}' && datum.x == {x[index]}")
        layers.append(text.mark_text(align=side, dx=dx, dy=18 if name in below else -14).encode(text="name:N"))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def bar_chart(
    bars: Mapping[str, float], *, x_title: str, colours: str | Sequence[str] = BLUE, text_format: str = ".2f"
) -> Chart:
    """Horizontal bars in the order given, each below its name and with its value at the end, in one colour or one for each."""
    rows = [{"name": name, "x": value} for name, value in bars.items()]
    base = alt.Chart(alt.Data(values=rows)).encode(y=alt.Y("name:N", title=None, sort=list(bars), axis=None))
    axis = alt.X("x:Q", title=x_title).scale(domainMax=1.3 * max(bars.values())).axis(format="~s", tickCount=4)
    each = [colours] * len(bars) if isinstance(colours, str) else list(colours)
    colour = alt.Color("name:N", legend=None).scale(domain=list(bars), range=each)
    names = base.mark_text(align="left", dy=-9).encode(x=alt.value(2), text="name:N")
    values = base.mark_text(align="left", dx=6, dy=7).encode(x=axis, text=alt.Text("x:Q", format=text_format))
    drawn = base.mark_bar(size=12, yOffset=7).encode(x=axis, color=colour)
    return alt.layer(drawn, values, names).properties(width=WIDTH, height=max(HEIGHT, 36 * len(bars)))


def dot_chart(dots: Mapping[str, float], *, x_title: str, marked: str, text_format: str) -> Chart:
    """Points on a logarithmic axis in the order given, each with its name and its value, one of them in another colour."""
    rows = [{"name": name, "x": value} for name, value in dots.items()]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("x:Q", title=x_title).scale(type="log", base=2, padding=40, nice=False),
        y=alt.Y("name:N", title=None, sort=list(dots)),
        color=alt.condition(f"datum.name == '{marked}'", alt.value(VERMILION), alt.value(BLUE)),
    )
    label = base.mark_text(align="left", dx=9).encode(text=alt.Text("x:Q", format=text_format))
    return alt.layer(base.mark_point(), label).properties(width=WIDTH, height=HEIGHT)


def matrix_chart(
    panels: Mapping[str, Sequence[float]], columns: int, *, x_title: str, y_title: str, colour_title: str
) -> Chart:
    """Matrices of numbers of either sign, row by row, `columns` numbers in each row: one panel for each, two side by side."""
    rows = [
        {"name": name, "row": index // columns, "column": index % columns, "value": value}
        for name, values in panels.items()
        for index, value in enumerate(values)
        if value
    ]
    largest = max(abs(value) for values in panels.values() for value in values)
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_rect()
        .encode(
            x=alt.X("column:O", title=x_title).axis(labels=False, ticks=False),
            y=alt.Y("row:O", title=y_title).axis(labels=False, ticks=False),
            color=alt.Color("value:Q", title=colour_title).scale(scheme="blueorange", domain=[-largest, largest]),
            facet=alt.Facet("name:N", columns=2, title=None).sort(list(panels)),
        )
        .properties(width=PANEL, height=PANEL)
    )


def _x_axis(x: Sequence[float], title: str, log: bool) -> alt.X:
    if not log:
        whole = all(isinstance(value, int) for value in x)
        return alt.X("x:Q", title=title).scale(nice=False, zero=False).axis(tickMinStep=1 if whole else 0)
    doubling = all(math.log2(value).is_integer() for value in x)
    axis = alt.Axis(format=".6~g", values=list(x) if len(x) <= 12 else _powers(x))
    return alt.X("x:Q", title=title, axis=axis).scale(type="log", base=2 if doubling else 10, nice=False)


def _y_axis(
    title: str, domain: tuple[float, float] | None, text_format: str, zero: bool, on_log: Sequence[float] | None
) -> alt.Y:
    """The axis of the values; on a logarithmic one, where `on_log` are drawn, lines stand at powers of ten only."""
    scale: dict[str, Any] = {} if domain is None else {"domain": list(domain), "nice": False, "clamp": True}
    axis: dict[str, Any] = {"tickCount": 6} | ({"format": text_format} if text_format else {})
    if on_log is None:
        scale |= {"zero": zero}
    else:
        powers = _powers(on_log)
        if len(powers) <= 4:
            scale = {"domain": [min(on_log) / 2, max(on_log) * 2], "nice": False} | scale
        scale |= {"type": "log"}
        axis |= {"format": text_format or "~g"} | ({"values": powers} if len(powers) > 2 else {})
    return alt.Y("y:Q", title=title).scale(**scale).axis(**axis)


def _powers(values: Sequence[float]) -> list[float]:
    """Six powers of ten at the most, from below the smallest of the values to above the largest."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(low, high + 1, max(1, (high - low + 4) // 5))]


def _columns(names: Sequence[str]) -> int:
    """The columns of a legend that fits on a phone; 0 where one line holds all names."""
    if sum(map(len, names)) + 4 * len(names) <= 42:
        return 0
    return 2 if sum(sorted(map(len, names))[-2:]) <= 34 else 1


def _side(fraction: float) -> Side:
    """The side on which a text so far along the axis begins, that it may not leave the chart."""
    return "left" if fraction < 1 / 3 else "center" if fraction < 2 / 3 else "right"


def _upright(places: Sequence[float]) -> list[alt.Chart]:
    rows = [{"x": place} for place in places]
    return [alt.Chart(alt.Data(values=rows)).mark_rule(strokeDash=[4, 3]).encode(x="x:Q")] if rows else []


def _level(levels: Mapping[str, float], colour: str | None, side: Side) -> list[alt.Chart]:
    """Horizontal rules with their names at one end: dashed and quiet, or solid in a colour of their own."""
    if not levels:
        return []
    rows = [{"y": value, "level": name} for name, value in levels.items()]
    base = alt.Chart(alt.Data(values=rows)).encode(y="y:Q")
    look: dict[str, Any] = {"color": colour, "strokeWidth": 2.5} if colour else {"strokeDash": [4, 3]}
    ink: dict[str, Any] = {"color": colour} if colour else {}
    text = base.mark_text(align=side, dx=4 if side == "left" else -4, dy=-9, **ink)
    return [base.mark_rule(**look), text.encode(text="level:N", x=alt.value(0 if side == "left" else "width"))]
