"""Progress, workload: the calendar of the past year and the coming weeks, and what comes back day by day."""

from collections.abc import Sequence
from datetime import date, datetime

import streamlit as st

from demos._figures import ORANGE
from kb import study
from kb.activity import WEEKS_AHEAD, CalendarDay, calendar
from kb.bank import Bank
from kb.i18n import format_date
from kb.store import Store
from kb.study import Progress
from kb.views import shell
from kb.views.progress_ahead import show_ahead
from kb.views.progress_charts import calendar_map, day_bars, short, show_chart
from kb.views.rows import sentences
from kb.views.shell import _, ngettext

LEAST_WEEKS = 16  # before the present one, though the learner began later


def show_work(bank: Bank, store: Store, now: datetime, progress: Progress) -> None:
    """The calendar, what comes back, and what that keeps known."""
    today = study.settings(store).days.day(now)
    _show_calendar(calendar(bank, store, now), today)
    _show_forecast(progress)
    show_ahead(bank, store, now)


def _show_calendar(days: Sequence[CalendarDay], today: date) -> None:
    """What was answered since the learner began, at most a year, and what comes back in the weeks ahead."""
    answered = [each for each in days if each.answers]
    answers = sum(each.answers for each in answered)
    coming = sum(each.due for each in days)
    best = max(answered, key=lambda each: each.answers, default=None)
    words = sentences(
        _("{answers} answers on {days} days of the past year.", answers=answers, days=len(answered)),
        _("Most on {day}: {most}.", day=short(best.day), most=best.answers) if best else "",
        _("{count} come back in the next {weeks} weeks.", count=coming, weeks=WEEKS_AHEAD),
    )
    data = (
        ("day", "answers", "due"),
        *((each.day.isoformat(), each.answers, each.due) for each in days),
    )
    shown = days[_first_shown(days) :]
    key = _(
        "A column is a week from Monday to Sunday, the frame is today. Blue is what you answered, orange what comes back; "
        "the stronger the colour, the more."
    )
    show_chart(_("Calendar"), calendar_map(shown, today), words, "calendar", data, key)


def _first_shown(days: Sequence[CalendarDay]) -> int:
    """Where the picture begins: with the week of the first answer, or some weeks ago."""
    first = next((place for place, each in enumerate(days) if each.answers), 0)
    latest = len(days) - 7 * (LEAST_WEEKS + 1 + WEEKS_AHEAD)
    return min(first - first % 7, max(latest, 0))


def _show_forecast(progress: Progress) -> None:
    """What comes back on each of the next 14 days."""
    days = progress.forecast
    total = sum(count for _day, count in days)
    busiest, most = max(days[1:], key=lambda each: each[1])
    if not total:
        st.subheader(_("What comes back"), anchor=False)
        st.markdown(_("Nothing comes back within two weeks."))
        return
    words = sentences(
        ngettext("{count} question is due today.", "{count} questions are due today.", days[0][1]),
        _("{count} within two weeks.", count=total),
        _("The busiest day ahead is {day}: {most}.", day=format_date(busiest, shell.language(), year=False), most=most)
        if most
        else "",
    )
    data = (("day", "due"), *((day.isoformat(), count) for day, count in days))
    show_chart(_("What comes back"), day_bars(days, ORANGE, _("due")), words, "forecast", data)
