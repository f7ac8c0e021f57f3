"""The charts of Progress, as Vega-Lite: each is drawn under its heading, said in words, and has its data to download.

A name stands above its bar and not beside it, so that the bars are as long on a phone as the screen allows.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import streamlit as st

from demos._figures import BLUE, DARK, LIGHT, ORANGE, VERMILION
from kb.activity import CalendarDay
from kb.history import TopicMastery, Week
from kb.i18n import format_date, format_share
from kb.views import shell
from kb.views.figure import show_spec
from kb.views.shell import _

HEIGHT = 170
ROW_HEIGHT = 44
SHADES = {
    "answers": {"light": ["#C9DDEC", "#004B76"], "dark": ["#1F3F57", "#8CC5EE"]},
    "due": {"light": ["#F6DFAE", "#B26F00"], "dark": ["#4A3A18", "#F2B93B"]},
}

Spec = dict[str, Any]
Rows = Iterable[Sequence[Any]]


def show_chart(heading: str, spec: Spec, words: str, name: str, data: Rows, key: str = "") -> None:
    """A chart under its heading, said in words, with its data to download; `key` says how to read it."""
    st.subheader(heading, anchor=False)
    st.markdown(words)
    show_spec(spec, alt=f"{heading}: {words}")
    if key:
        st.caption(key)
    show_download(name, data)


def show_download(name: str, data: Rows) -> None:
    """The data as a table; the first row names the columns."""
    st.download_button(
        _("Data as CSV"),
        data=as_csv(data),
        file_name=f"livecards-{name}.csv",
        mime="text/csv",
        key=f"download-{name}",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )


def as_csv(rows: Rows) -> str:
    """The rows as CSV."""
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def short(day: date) -> str:
    """The day as an axis has it."""
    return format_date(day, shell.language(), year=False)


def day_bars(days: Sequence[tuple[date, float]], colour: str, what: str, every: int = 7) -> Spec:
    """One bar for each day; today's, which is the first or the last, is labelled, and every so many from it."""
    names = {day.isoformat(): short(day) for day, _value in days}
    first = 0 if colour == ORANGE else (len(names) - 1) % every
    rows = [{"day": day.isoformat(), "label": short(day), "value": value} for day, value in days]
    return {
        "data": {"values": rows},
        "height": HEIGHT,
        "mark": {"type": "bar", "color": colour, "cornerRadiusEnd": 2},
        "encoding": {
            "x": {
                "field": "day",
                "type": "ordinal",
                "scale": {"paddingInner": 0.25},
                "axis": {"title": None, "values": list(names)[first::every], **labelled(names)},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "axis": {
                    "title": what,
                    "titlePadding": 10,
                    "tickMinStep": 1,
                    "tickCount": 4,
                    "domain": False,
                    "ticks": False,
                },
            },
            "tooltip": [
                {"field": "label", "title": _("day")},
                {"field": "value", "title": what, "format": ".3~r"},
            ],
        },
    }


def recall_weeks(weeks: Sequence[Week], desired: float) -> Spec:
    """The share recalled in each week as a line, and the share that the schedule aims at as another."""
    rows: list[dict[str, Any]] = [
        {
            "week": week.first.isoformat(),
            "label": short(week.first),
            "share": week.recalled / week.recalls,
            "recalls": week.recalls,
        }
        for week in weeks
        if week.recalls
    ]
    names = {week.first.isoformat(): short(week.first) for week in weeks}
    lowest = min([0.7, desired, *(row["share"] for row in rows)])
    x = {
        "field": "week",
        "type": "ordinal",
        "scale": {"domain": list(names)},
        "axis": {"title": _("week from"), "values": list(names)[1::2], **labelled(names)},
    }
    y = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [max(0.0, round(lowest - 0.1, 1)), 1.0]},
        "axis": {
            "title": _("recalled"),
            "titlePadding": 10,
            "format": ".0%",
            "tickCount": 4,
            "domain": False,
            "ticks": False,
        },
    }
    tooltip = [
        {"field": "label", "title": _("week from")},
        {"field": "share", "title": _("recalled"), "format": ".0%"},
        {"field": "recalls", "title": _("came back")},
    ]
    line = {
        "mark": {"type": "line", "color": BLUE, "point": {"color": BLUE, "opacity": 1, "size": 60}},
        "encoding": {"x": x, "y": y, "tooltip": tooltip},
    }
    aim = _("aim {target}", target=format_share(desired, shell.language()))
    target = {"values": [{"share": desired, "label": aim}]}
    rule = {
        "data": target,
        "mark": {"type": "rule", "strokeDash": [6, 4], "color": VERMILION},
        "encoding": {"y": y},
    }
    label = {
        "data": target,
        "mark": {"type": "text", "align": "left", "dx": 4, "dy": -8, "color": VERMILION},
        "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "label"}},
    }
    return {"data": {"values": rows}, "height": HEIGHT, "layer": [line, rule, label]}


def named_bars(rows: Sequence[tuple[str, str, float]], longest: float, aim: float | None = None) -> Spec:
    """A bar for each name, under it; at the right what the value is in words, and a line at the aim."""
    values = [
        {"place": place, "name": name, "said": said, "value": value} for place, (name, said, value) in enumerate(rows)
    ]
    y = {"field": "place", "type": "ordinal", "axis": None}
    x = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [0, longest]},
        "axis": {"title": None, "labels": False, "ticks": False, "domain": False, "grid": False},
    }
    whole = {"mark": {"type": "bar", "color": _tone()["line"], "height": 8, "yOffset": 9}}
    layers: list[Spec] = [
        {**whole, "encoding": {"y": y, "x": {**x, "field": "whole"}}, "transform": [_calculated("whole", longest)]},
        {
            "mark": {"type": "bar", "color": BLUE, "cornerRadiusEnd": 2, "height": 8, "yOffset": 9},
            "encoding": {"y": y, "x": x},
        },
        *_names(y),
    ]
    if aim is not None:
        line = {"type": "tick", "color": VERMILION, "thickness": 2, "height": 16, "size": 16, "yOffset": 9}
        layers.append(
            {
                "mark": line,
                "encoding": {"y": y, "x": {**x, "field": "aim"}},
                "transform": [_calculated("aim", aim)],
            }
        )
    return {"data": {"values": values}, "height": {"step": ROW_HEIGHT}, "layer": layers}


def point_map(topics: Sequence[TopicMastery], titles: Mapping[str, str]) -> Spec:
    """A row of cells for each topic, one cell a point of the syllabus: the more of it is known, the fuller its colour."""
    language = shell.language()
    cells = [
        {
            "place": place,
            "point": index,
            "title": titles[point.point],
            "mastery": point.mastery,
            "seen": point.seen,
            "said": format_share(point.mastery, language) if point.seen else _("never seen"),
        }
        for place, topic in enumerate(topics)
        for index, point in enumerate(topic.points)
    ]
    names = [
        {"place": place, "name": shell.topic_title(topic.topic), "said": format_share(topic.mastery, language)}
        for place, topic in enumerate(topics)
    ]
    y = {"field": "place", "type": "ordinal", "axis": None}
    shades = SHADES["answers"]["dark" if shell.dark() else "light"]
    cell = {
        "mark": {"type": "rect", "height": 14, "yOffset": 9, "cornerRadius": 2},
        "encoding": {
            "y": y,
            "x": {"field": "point", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0.15}},
            "color": {
                "condition": {"test": "datum.seen === 0", "value": _tone()["line"]},
                "field": "mastery",
                "type": "quantitative",
                "scale": {"domain": [0, 1], "range": shades},
                "legend": None,
            },
            "tooltip": [{"field": "title", "title": _("point")}, {"field": "said", "title": _("known today")}],
        },
    }
    named = {"data": {"values": names}, "layer": _names(y)}
    return {"data": {"values": cells}, "height": {"step": ROW_HEIGHT}, "layer": [cell, named]}


def calendar_map(days: Sequence[CalendarDay], today: date) -> Spec:
    """A column for each week, a cell for each of its days: what was answered before, what comes back from today on."""
    theme = "dark" if shell.dark() else "light"
    rows: list[dict[str, Any]] = [
        {
            "week": (each.day - timedelta(days=each.day.weekday())).isoformat(),
            "weekday": each.day.weekday(),
            "label": format_date(each.day, shell.language()),
            "answers": each.answers,
            "due": each.due,
            "ahead": each.day >= today and not each.answers,
            "today": each.day == today,
        }
        for each in days
    ]
    weeks = list(dict.fromkeys(row["week"] for row in rows))
    x = {
        "field": "week",
        "type": "ordinal",
        "scale": {"domain": weeks, "paddingInner": 0.15, "paddingOuter": 0},
        "axis": {"title": None, "orient": "top", "domain": False, **_months(weeks)},
    }
    y = {
        "field": "weekday",
        "type": "ordinal",
        "scale": {"domain": list(range(7)), "paddingInner": 0.15, "paddingOuter": 0},
        "axis": None,
    }
    tooltip = [
        {"field": "label", "title": _("day")},
        {"field": "answers", "title": _("answers")},
        {"field": "due", "title": _("comes back")},
    ]

    def cells(test: str, field: str) -> Spec:
        colour = {
            "condition": {"test": f"datum.{field} === 0", "value": _tone()["line"]},
            "field": field,
            "type": "quantitative",
            "scale": {"domainMin": 0, "range": SHADES[field][theme]},
            "legend": None,
        }
        return {
            "transform": [{"filter": test}],
            "mark": {"type": "rect", "cornerRadius": 1},
            "encoding": {"x": x, "y": y, "color": colour, "tooltip": tooltip},
        }

    frame = {
        "transform": [{"filter": "datum.today"}],
        "mark": {"type": "rect", "filled": False, "stroke": _tone()["ink"], "strokeWidth": 1.5},
        "encoding": {"x": x, "y": y},
    }
    return {
        "data": {"values": rows},
        "height": 112,
        "layer": [cells("!datum.ahead", "answers"), cells("datum.ahead", "due"), frame],
        "resolve": {"scale": {"color": "independent"}},
    }


def promises(rows: Sequence[Mapping[str, Any]]) -> Spec:
    """For each confidence the share that was right, with how far chance alone could move it, and what it promised."""
    x = {
        "field": "said",
        "type": "ordinal",
        "sort": None,
        "axis": {"title": None, "labelAngle": 0, "labelPadding": 8, "ticks": False, "labelFontSize": 13},
    }
    y = {
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {
            "title": _("right"),
            "titlePadding": 10,
            "format": ".0%",
            "values": [0, 0.25, 0.5, 0.75, 1],
            "domain": False,
            "ticks": False,
        },
    }
    tooltip = [
        {"field": "share", "title": _("right"), "format": ".0%"},
        {"field": "count", "title": _("answers")},
        {"field": "expected", "title": _("promised"), "format": ".0%"},
    ]
    spread = {
        "mark": {"type": "rule", "color": BLUE, "strokeWidth": 2},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    share = {
        "mark": {"type": "point", "color": BLUE, "filled": True, "opacity": 1, "size": 110},
        "encoding": {"x": x, "y": {**y, "field": "share"}, "tooltip": tooltip},
    }
    promised = {
        "mark": {"type": "tick", "color": VERMILION, "thickness": 2, "size": 44},
        "encoding": {"x": x, "y": {**y, "field": "expected"}, "tooltip": tooltip},
    }
    word = {
        "transform": [{"filter": "datum.last"}, _calculated("word", json.dumps(_("promised")))],
        "mark": {"type": "text", "color": VERMILION, "align": "left", "dx": 26},
        "encoding": {"x": x, "y": {**y, "field": "expected"}, "text": {"field": "word"}},
    }
    return {"data": {"values": list(rows)}, "height": 200, "layer": [spread, promised, share, word]}


def _names(y: Spec) -> list[Spec]:
    """The names above their rows, and at the right what the values are in words."""
    return [
        {
            "mark": {"type": "text", "align": "left", "dy": -8},
            "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "name"}},
        },
        {
            "mark": {"type": "text", "align": "right", "dy": -8},
            "encoding": {"y": y, "x": {"value": "width"}, "text": {"field": "said"}},
        },
    ]


def labelled(names: Mapping[str, str]) -> Spec:
    """An axis of days with these names."""
    return {"labelExpr": f"({_object(names)})[datum.value]", "labelAngle": 0, "labelPadding": 8, "ticks": False}


def _months(weeks: Sequence[str]) -> Spec:
    """An axis of weeks that names a month where it begins: every one, or every third where there are many."""
    begins = [week for before, week in pairwise(weeks) if before[:7] != week[:7]]
    shown = begins[:: 3 if len(begins) > 8 else 1]
    names = {week: _month(date.fromisoformat(week)) for week in shown}
    return {**labelled(names), "values": shown, "labelAlign": "left", "labelPadding": 4}


def _month(day: date) -> str:
    from babel.dates import format_date as babel_date

    return babel_date(day, "LLL", locale="zh" if shell.language() == "zh" else "en_GB")


def _calculated(field: str, value: Any) -> Spec:
    return {"calculate": str(value), "as": field}


def _tone() -> dict[str, str]:
    return DARK if shell.dark() else LIGHT


def _object(names: Mapping[str, str]) -> str:
    """The names as an object of Vega's expression language."""
    return json.dumps(dict(names), ensure_ascii=False)
