"""Widgets that change a setting of the learner as soon as they are used."""

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any

import streamlit as st

from demos._runner import MEMORY_BYTES, SLOW_TIMEOUT_S, TIMEOUT_S
from kb import clock, study
from kb.i18n import LANGUAGES
from kb.scheduling import MAX_RETENTION, MIN_RETENTION
from kb.settings import DEVICES, THEMES, Settings
from kb.views import shell
from kb.views.shell import _

USUAL_MINUTES = 15
USUAL_DAY_MINUTES = 30


@contextmanager
def explained(line: str) -> Iterator[None]:
    """A setting with a line under it that says what it does."""
    with st.container(gap="xsmall"):
        yield
        st.caption(line)


def chosen(name: str) -> str:
    """The key of a widget; another one after the settings were replaced, as a widget keeps what it once showed."""
    return f"chosen-{name}{st.session_state.get('settings-replaced', '')}"


def replaced() -> None:
    """Has every widget, and the language, show what is stored from now on."""
    st.session_state["settings-replaced"] = st.session_state.get("settings-replaced", 0) + 1
    st.session_state.pop("language", None)


def save(name: str, value: Any) -> None:
    """Stores a setting, or says why it could not be stored."""
    with shell.sentences():
        study.set_setting(shell.store(), name, value, shell.now())


def choose_language() -> None:
    """Language of the interface and of the questions."""

    def note() -> None:
        language = st.session_state[chosen("language")]
        st.session_state["language"] = language
        save("language", language)

    st.segmented_control(
        _("Language"),
        list(LANGUAGES),
        default=shell.language(),
        required=True,
        format_func=lambda language: LANGUAGES[language],
        key=chosen("language"),
        on_change=note,
    )


def choose_theme(settings: Settings) -> None:
    """Light, dark, or as the system has it."""
    names = {"auto": _("As your system"), "light": _("Light"), "dark": _("Dark")}
    st.segmented_control(
        _("Theme"),
        list(THEMES),
        default=settings.theme,
        required=True,
        format_func=lambda theme: names[theme],
        key=chosen("theme"),
        on_change=lambda: save("theme", st.session_state[chosen("theme")]),
    )


def choose_interview_date(settings: Settings, label: str) -> None:
    """The day of the interview, or none."""
    st.date_input(
        label,
        value=settings.interview_date,
        min_value=min(settings.interview_date or date.max, settings.days.day(shell.now())),
        format="YYYY-MM-DD",
        key=chosen("interview"),
        on_change=lambda: save("interview_date", st.session_state[chosen("interview")]),
        width=240,
    )


def choose_new_per_day(settings: Settings) -> None:
    """How many questions may be new on one day."""
    st.number_input(
        _("New questions a day"),
        min_value=0,
        max_value=200,
        value=min(settings.new_per_day, 200),
        step=1,
        key=chosen("new"),
        on_change=lambda: save("new_per_day", st.session_state[chosen("new")]),
        width=240,
    )


def choose_retention(settings: Settings) -> None:
    """The chance of recall at which a question comes back."""
    st.slider(
        _("Desired retention"),
        min_value=round(MIN_RETENTION * 100),
        max_value=round(MAX_RETENTION * 100),
        value=round(settings.desired_retention * 100),
        format="%d%%",
        key=chosen("retention"),
        on_change=lambda: save("desired_retention", st.session_state[chosen("retention")] / 100),
        width=360,
    )


def choose_rollover(settings: Settings) -> None:
    """The hour at which the learner's day begins."""
    st.selectbox(
        _("A new day begins at"),
        range(24),
        index=settings.rollover_hour,
        format_func=lambda hour: f"{hour:02}:00",
        key=chosen("rollover"),
        on_change=lambda: save("rollover_hour", st.session_state[chosen("rollover")]),
        width=240,
    )


def choose_session(settings: Settings) -> None:
    """How long a session is: so many questions, or until the first rating after so many minutes."""
    by_time = settings.session_minutes is not None

    def note_kind() -> None:
        by_minutes = st.session_state[chosen("session-kind")] == "minutes"
        save("session_minutes", USUAL_MINUTES if by_minutes else None)

    st.segmented_control(
        _("Length of a session"),
        ["questions", "minutes"],
        default="minutes" if by_time else "questions",
        required=True,
        format_func=lambda kind: _("By time") if kind == "minutes" else _("By number"),
        key=chosen("session-kind"),
        on_change=note_kind,
    )
    if by_time:
        st.number_input(
            _("Minutes"),
            min_value=1,
            max_value=240,
            value=settings.session_minutes,
            step=5,
            help=_("It ends with the first rating after these minutes."),
            key=chosen("session-minutes"),
            on_change=lambda: save("session_minutes", st.session_state[chosen("session-minutes")]),
            width=240,
        )
    else:
        st.number_input(
            _("Questions"),
            min_value=1,
            max_value=500,
            value=settings.session_size,
            step=5,
            key=chosen("session-size"),
            on_change=lambda: save("session_size", st.session_state[chosen("session-size")]),
            width=240,
        )


def choose_budget(settings: Settings) -> None:
    """How much a day has: so many answers, or so many minutes at the learner's own pace."""
    by_time = settings.minutes_per_day is not None

    def note_kind() -> None:
        by_minutes = st.session_state[chosen("budget-kind")] == "minutes"
        save("minutes_per_day", USUAL_DAY_MINUTES if by_minutes else None)

    st.segmented_control(
        _("A day has"),
        ["answers", "minutes"],
        default="minutes" if by_time else "answers",
        required=True,
        format_func=lambda kind: _("So many minutes") if kind == "minutes" else _("So many answers"),
        key=chosen("budget-kind"),
        on_change=note_kind,
    )
    name = "minutes_per_day" if by_time else "answers_per_day"
    st.number_input(
        _("Minutes a day") if by_time else _("Answers a day"),
        min_value=1,
        max_value=1440 if by_time else 9999,
        value=settings.minutes_per_day if by_time else settings.answers_per_day,
        step=5,
        key=chosen(name),
        on_change=lambda: save(name, st.session_state[chosen(name)]),
        width=240,
    )


def choose_leech_lapses(settings: Settings) -> None:
    """After how many slips a question is suspended."""
    st.number_input(
        _("Suspend a question after so many slips"),
        min_value=0,
        max_value=99,
        value=settings.leech_lapses,
        step=1,
        key=chosen("leeches"),
        on_change=lambda: save("leech_lapses", st.session_state[chosen("leeches")]),
        width=240,
    )


def choose_timezone(settings: Settings) -> None:
    """The zone of the learner's days, or that of the computer."""
    here = _("This computer's ({zone})", zone=clock.zone(None))
    known = settings.timezone in _zones()
    st.selectbox(
        _("Time zone"),
        ["", *_zones()],
        index=1 + _zones().index(settings.timezone) if known and settings.timezone else 0,
        format_func=lambda zone: zone or here,
        key=chosen("timezone"),
        on_change=lambda: save("timezone", st.session_state[chosen("timezone")] or None),
        width=360,
    )


@cache
def _zones() -> tuple[str, ...]:
    """The zones that a learner could name: places, and UTC."""
    places = (zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return (*sorted(places), "UTC")


def choose_device(settings: Settings) -> None:
    """Where demos run unless the Lab says otherwise."""
    names = {"auto": _("A GPU if there is one"), "cpu": "CPU", "cuda": "CUDA", "mps": _("Apple GPU")}
    st.segmented_control(
        _("Device for demos"),
        list(DEVICES),
        default=settings.device,
        required=True,
        format_func=lambda device: names[device],
        key=chosen("device"),
        on_change=lambda: save("device", st.session_state[chosen("device")]),
    )


def choose_demo_limits(settings: Settings) -> None:
    """How long and with how much memory a demo may run; without a number the limits of the program hold."""
    usual = _("{seconds} s, training {slow} s", seconds=round(TIMEOUT_S), slow=round(SLOW_TIMEOUT_S))
    _choose_limit(_("Seconds for a run"), "demo_timeout_s", settings.demo_timeout_s, (1, 3600, 10), usual)
    memory = str(MEMORY_BYTES // 2**20)
    limits = (256, 1024 * 1024, 256)
    _choose_limit(_("Memory for a run, in MiB"), "demo_memory_mib", settings.demo_memory_mib, limits, memory)


def _choose_limit(label: str, name: str, value: int | None, limits: tuple[int, int, int], usual: str) -> None:
    """A number that may be left out; `limits` are the smallest, the largest and the step."""
    key = chosen(name)
    st.session_state.setdefault(key, value)  # a field that is given a value cannot be emptied any more
    st.number_input(
        label,
        min_value=limits[0],
        max_value=limits[1],
        value=None,
        step=limits[2],
        placeholder=usual,
        key=key,
        on_change=lambda: save(name, st.session_state[key]),
        width=240,
    )
