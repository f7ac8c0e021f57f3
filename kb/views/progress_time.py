"""Progress, time: the minutes of each day and of each topic, and the demos that were run in the Lab."""

from datetime import datetime

import streamlit as st

import demos
from demos import DemoError
from demos._figures import BLUE
from kb import history, marks
from kb.bank import Bank
from kb.history import TimeSpent
from kb.i18n import format_date, format_number
from kb.marks import DemoRuns
from kb.store import Store
from kb.study import Progress
from kb.views import shell
from kb.views.progress_charts import day_bars, named_bars, show_chart, show_download
from kb.views.rows import escaped, sentences, show_row
from kb.views.shell import _, ngettext

SHOWN_DEMOS = 8


def show_time(bank: Bank, store: Store, now: datetime, _progress: Progress) -> None:
    """The days, the topics, the demos."""
    spent = history.time_spent(bank, store, now)
    if spent.median_s is None:
        st.subheader(_("Time by day"), anchor=False)
        st.markdown(_("No answer of the last 30 days was timed. The chart begins with your next answer in Study."))
    else:
        _show_days(spent, spent.median_s)
        _show_topics(spent)
    _show_demos(marks.demos_run(store))


def _show_days(spent: TimeSpent, median_s: float) -> None:
    minutes = [(day, round(seconds / 60, 1)) for day, seconds in spent.by_day]
    total, days = sum(value for _day, value in minutes), sum(value > 0 for _day, value in minutes)
    words = sentences(
        ngettext(
            "{minutes} on {count} of the last 30 days, from seeing a question to answering it.",
            "{minutes} on {count} of the last 30 days, from seeing a question to answering it.",
            days,
            minutes=_spoken(60 * total),
        ),
        _("Half of your answers take less than {seconds} s.", seconds=round(median_s)),
    )
    data = (("day", "seconds"), *((day.isoformat(), round(seconds, 1)) for day, seconds in spent.by_day))
    show_chart(_("Time by day"), day_bars(minutes, BLUE, _("minutes")), words, "time-by-day", data)


def _show_topics(spent: TimeSpent) -> None:
    if not spent.by_topic:
        return
    longest = max(spent.by_topic, key=lambda topic: spent.by_topic[topic])
    words = _("Most went to {topic}: {time}.", topic=shell.topic_title(longest), time=_spoken(spent.by_topic[longest]))
    rows = [(shell.topic_title(topic), _spoken(seconds), seconds) for topic, seconds in spent.by_topic.items()]
    data = (("topic", "seconds"), *((topic, round(seconds, 1)) for topic, seconds in spent.by_topic.items()))
    show_chart(_("Time by topic"), named_bars(rows, spent.by_topic[longest]), words, "time-by-topic", data)


def _show_demos(run: dict[str, DemoRuns]) -> None:
    """The demos that were run, the last ones first."""
    st.subheader(_("Demos run"), anchor=False)
    known = demos.names()
    present = {name: each for name, each in run.items() if name in known}
    if not present:
        st.markdown(_("You have not run a demo in the Lab yet."))
        st.page_link(shell.LAB, label=_("Open the Lab"), icon=":material/science:")
        return
    st.markdown(_("{run} of {demos} demos run in the Lab.", run=len(present), demos=len(known)))
    latest = sorted(present, key=lambda name: (present[name].last, name), reverse=True)
    for name in latest[:SHOWN_DEMOS]:
        each = present[name]
        try:
            title = escaped(shell.translated(demos.describe(name).title))
        except DemoError:
            title = name
        facts = (
            f"`{name}`",
            ngettext("on {count} day", "on {count} days", each.days),
            _("last on {day}", day=format_date(each.last, shell.language(), year=False)),
        )
        show_row(f"demo-{name}", shell.LAB, title, {"demo": name}, " · ".join(facts))
    rows = ((name, present[name].days, present[name].last.isoformat()) for name in latest)
    show_download("demos-run", (("demo", "days", "last"), *rows))


def _spoken(seconds: float) -> str:
    """A time to read: minutes, from two hours on hours."""
    language = shell.language()
    if seconds >= 7200:
        hours = format_number(round(seconds / 3600, 1), language)
        return _("{hours} h", hours=hours)
    minutes = max(round(seconds / 60), 1)
    return ngettext("{count} minute", "{count} minutes", minutes)
