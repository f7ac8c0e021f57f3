"""The page Progress: what was reviewed, how much of it was recalled, what comes back, what is known and what is hard."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from demos._figures import BLUE, ORANGE, VERMILION
from kb import history, study
from kb.bank import Bank
from kb.history import Memory, Week
from kb.i18n import format_date, format_share
from kb.study import Progress
from kb.views import question, shell
from kb.views.figure import show_spec
from kb.views.rows import sentences, show_row, style
from kb.views.shell import _, ngettext

CHART_HEIGHT = 170
HARDEST = 8

Spec = dict[str, Any]


def page() -> None:
    """The charts, or what to do first where there is nothing to draw."""
    style()
    st.header(_("Progress"), anchor=False)
    with shell.sentences():
        bank, store, now = shell.bank(), shell.store(), shell.now()
        progress = study.progress(bank, store, now)
        if progress.reviews == 0:
            _show_nothing_yet()
            return
        settings = study.settings(store)
        weeks = history.weekly_recall(bank, store, now)
        remembered = history.memories(bank, store, now)
        show_reviews(progress)
        show_recall(progress, weeks, settings.desired_retention)
        show_forecast(progress)
        show_mastery(bank, remembered)
        show_hardest(bank, remembered)


def _show_nothing_yet() -> None:
    st.markdown(
        _("There is nothing to show yet. After your first answers this page tells what you recall and what comes back.")
    )
    if st.button(_("Study the first questions"), type="primary", key="progress-begin"):
        shell.begin_study()


def show_reviews(progress: Progress) -> None:
    """Answers on each of the last 30 days."""
    days = progress.last_days
    total = sum(count for _day, count in days)
    best_day, best = max(days, key=lambda each: each[1])
    streak = progress.streak_days
    words = sentences(
        ngettext("{count} answer in the last 30 days.", "{count} answers in the last 30 days.", total),
        ngettext("{count} day in a row.", "{count} days in a row.", streak) if streak > 1 else "",
        _("Most on {day}: {most}.", day=_short(best_day), most=best) if total else "",
    )
    _show_chart(
        _("Reviews"),
        _day_bars(days, BLUE, _("answers")),
        words,
        "reviews",
        (("day", "answers"), *((day.isoformat(), count) for day, count in days)),
    )


def show_recall(progress: Progress, weeks: Sequence[Week], desired: float) -> None:
    """The share recalled in each week, against the retention that the schedule aims at."""
    target = format_share(desired, shell.language())
    if progress.retention is None:
        words = _("Nothing has come back yet. The schedule aims at {target}.", target=target)
        st.subheader(_("Recall"), anchor=False)
        st.markdown(words)
        return
    words = _(
        "In the last 30 days you recalled {share} of what came back; the schedule aims at {target}.",
        share=format_share(progress.retention, shell.language()),
        target=target,
    )
    rows = [
        {"week": week.first.isoformat(), "share": week.recalled / week.recalls, "recalls": week.recalls}
        for week in weeks
        if week.recalls
    ]
    data = (
        ("week_from", "recalls", "recalled"),
        *((week.first.isoformat(), week.recalls, week.recalled) for week in weeks),
    )
    _show_chart(
        _("Recall"), _recall_spec(rows, weeks, desired, _("aim {target}", target=target)), words, "recall", data
    )


def show_forecast(progress: Progress) -> None:
    """What comes back on each of the next 14 days."""
    days = progress.forecast
    today = days[0][1]
    total = sum(count for _day, count in days)
    busiest, most = max(days[1:], key=lambda each: each[1])
    words = sentences(
        ngettext("{count} question is due today.", "{count} questions are due today.", today),
        _("{count} within two weeks.", count=total),
        _("The busiest day ahead is {day}: {most}.", day=_short(busiest), most=most) if most else "",
    )
    _show_chart(
        _("What comes back"),
        _day_bars(days, ORANGE, _("due")),
        words,
        "forecast",
        (("day", "due"), *((day.isoformat(), count) for day, count in days)),
    )


def show_mastery(bank: Bank, remembered: Mapping[str, Memory]) -> None:
    """How much of each topic is known today, over the points of the syllabus."""
    topics = history.syllabus_mastery(bank, remembered)
    if not topics:
        return
    rows = [
        {
            "topic": shell.topic_title(topic.topic),
            "mastery": topic.mastery,
            "label": format_share(topic.mastery, shell.language()) if topic.unseen < len(topic.points) else "",
        }
        for topic in topics
    ]
    begun = [topic for topic in topics if topic.unseen < len(topic.points)]
    words = _("{begun} of {topics} topics begun.", begun=len(begun), topics=len(topics))
    if begun:
        best = max(begun, key=lambda topic: topic.mastery)
        share = format_share(best.mastery, shell.language())
        title = shell.topic_title(best.topic)
        words = sentences(words, _("Best known: {topic}, {share}.", topic=title, share=share))
    data = (
        ("topic", "points", "points_never_seen", "mastery"),
        *((topic.topic, len(topic.points), topic.unseen, round(topic.mastery, 4)) for topic in topics),
    )
    _show_chart(_("Known by topic"), _topic_spec(rows), words, "topics", data)


def show_hardest(bank: Bank, remembered: Mapping[str, Memory]) -> None:
    """The questions that slipped most often."""
    hard = history.hardest(remembered, HARDEST)
    st.subheader(_("Hardest for you"), anchor=False)
    if not hard:
        st.markdown(_("No question has slipped so far."))
        return
    for memory in hard:
        asked = bank.questions[memory.question]
        slipped = max(memory.lapses, 1)
        facts = (
            shell.topic_title(asked.topic),
            ngettext("slipped {count} time", "slipped {count} times", slipped),
            ngettext("{count} answer", "{count} answers", memory.reviews),
        )
        title = question.label(asked.text(shell.language()).title)
        show_row(f"hard-{asked.slug}", shell.BROWSE, title, {"question": asked.slug}, " · ".join(facts))


# Charts


def _show_chart(heading: str, spec: Spec, words: str, name: str, data: Iterable[Sequence[Any]]) -> None:
    """A chart under its heading, said in words, with its data to download."""
    st.subheader(heading, anchor=False)
    st.markdown(words)
    show_spec(spec, alt=f"{heading}: {words}")
    st.download_button(
        _("Data as CSV"),
        data=_csv(data),
        file_name=f"livecards-{name}.csv",
        mime="text/csv",
        key=f"download-{name}",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def _short(day: date) -> str:
    return format_date(day, shell.language(), year=False)


def _day_bars(days: Sequence[tuple[date, int]], colour: str, what: str) -> Spec:
    """One bar for each day; the last and every seventh before it are labelled."""
    names = {day.isoformat(): _short(day) for day, _count in days}
    rows = [{"day": day.isoformat(), "label": _short(day), "count": count} for day, count in days]
    first = 0 if colour == ORANGE else (len(names) - 1) % 7
    ticks = list(names)[first::7]
    return {
        "data": {"values": rows},
        "height": CHART_HEIGHT,
        "mark": {"type": "bar", "color": colour, "cornerRadiusEnd": 2},
        "encoding": {
            "x": {
                "field": "day",
                "type": "ordinal",
                "scale": {"paddingInner": 0.25},
                "axis": {
                    "title": None,
                    "values": ticks,
                    "labelExpr": f"({_as_object(names)})[datum.value]",
                    "labelAngle": 0,
                    "labelPadding": 8,
                    "ticks": False,
                },
            },
            "y": {
                "field": "count",
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
            "tooltip": [{"field": "label", "title": _("day")}, {"field": "count", "title": what}],
        },
    }


def _recall_spec(rows: list[dict[str, Any]], weeks: Sequence[Week], desired: float, aim: str) -> Spec:
    names = {week.first.isoformat(): _short(week.first) for week in weeks}
    lowest = min([0.7, desired, *(row["share"] for row in rows)])
    x = {
        "field": "week",
        "type": "ordinal",
        "scale": {"domain": list(names)},
        "axis": {
            "title": _("week from"),
            "labelExpr": f"({_as_object(names)})[datum.value]",
            "labelAngle": 0,
            "labelPadding": 8,
            "labelOverlap": True,
            "ticks": False,
        },
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
    line = {
        "mark": {"type": "line", "color": BLUE, "point": {"color": BLUE, "opacity": 1, "size": 60}},
        "encoding": {"x": x, "y": y, "tooltip": [{"field": "share", "format": ".0%"}, {"field": "recalls"}]},
    }
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
    return {"data": {"values": rows}, "height": CHART_HEIGHT, "layer": [line, rule, label]}


def _topic_spec(rows: list[dict[str, Any]]) -> Spec:
    y = {
        "field": "topic",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "labelLimit": 260, "labelPadding": 8, "ticks": False, "domain": False},
    }
    x = {
        "field": "mastery",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": _("known today"), "format": ".0%", "tickCount": 5, "domain": False, "ticks": False},
    }
    bars = {"mark": {"type": "bar", "color": BLUE, "cornerRadiusEnd": 2, "height": 10}, "encoding": {"x": x, "y": y}}
    labels = {
        "mark": {"type": "text", "align": "left", "dx": 5},
        "encoding": {"x": x, "y": y, "text": {"field": "label"}},
    }
    return {"data": {"values": rows}, "height": {"step": 24}, "layer": [bars, labels]}


def _as_object(names: Mapping[str, str]) -> str:
    """The names as an object of Vega's expression language."""
    import json

    return json.dumps(dict(names), ensure_ascii=False)


if __name__ == "__main__":
    page()
