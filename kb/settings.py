"""What the learner can set: each setting with its default, its values and the sentence that refuses others.

Settings are stored as events, so the last one counts and the former ones stay on record.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from kb import clock
from kb.errors import SchedulingError, UsageError
from kb.log import Log
from kb.planning import Interview
from kb.questions import LANGUAGES
from kb.scheduling import DEFAULT_PARAMETERS, MAX_RETENTION, MIN_RETENTION, checked_parameters

THEMES = ("auto", "light", "dark")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Settings:
    """The learner's settings; None leaves the choice to the program: its locale, the computer's time zone, no date.

    `interview_date` is an interview on every topic, beside those of `interviews`. Where `minutes_per_day` is set, it decides
    how many answers a day has, and not `answers_per_day`; where `session_minutes` is set, a session ends at the first rating
    after so many, and otherwise after `session_size` questions. `leech_lapses` is how often a question may slip before it is
    put aside, 0 for always again. `fsrs_parameters` are those fitted to the learner's own log (kb/optimising.py).
    """

    language: str | None = None
    new_per_day: int = 10
    desired_retention: float = 0.9
    rollover_hour: int = 4
    timezone: str | None = None
    interview_date: date | None = None
    interviews: tuple[Interview, ...] = ()
    answers_per_day: int = 40
    minutes_per_day: int | None = None
    theme: str = "auto"
    session_size: int = 20
    session_minutes: int | None = None
    device: str = "auto"
    demo_timeout_s: int | None = None
    demo_memory_mib: int | None = None
    leech_lapses: int = 8
    fsrs_parameters: tuple[float, ...] | None = None

    @property
    def all_interviews(self) -> tuple[Interview, ...]:
        """Every interview that was set, past ones included."""
        return self.interviews if self.interview_date is None else (*self.interviews, Interview(self.interview_date))

    @property
    def parameters(self) -> tuple[float, ...]:
        """The parameters of FSRS that hold for this learner."""
        return self.fsrs_parameters or DEFAULT_PARAMETERS

    @property
    def days(self) -> clock.LearnerDays:
        """The learner's days under these settings."""
        return clock.LearnerDays(clock.zone(self.timezone), self.rollover_hour)


def read_settings(log: Log) -> Settings:
    """The settings as last given.

    Raises: UsageError for a stored value that this version refuses, such as a time zone that was abolished.
    """
    known = {name: _checked(name, value) for name, value in log.settings().items() if name in _RULES}
    return Settings(**known)


def checked_setting(name: str, value: Any) -> Any:
    """The value, in the form to store it as JSON; text is read as the setting's own type, and None is the default.

    Raises: UsageError for an unknown name or an impossible value.
    """
    if name not in _RULES:
        raise UsageError(f"{name}: no such setting; expected one of {', '.join(_RULES)}.")
    accepted = _checked(name, value)
    if name == "interviews":
        return [{"date": each.date.isoformat(), "topics": list(each.topics)} for each in accepted]
    if isinstance(accepted, tuple):
        return list(accepted)
    return accepted.isoformat() if isinstance(accepted, date) else accepted


def _checked(name: str, value: Any) -> Any:
    """The value in its own type; the default for None."""
    return DEFAULTS[name] if value is None else _RULES[name](name, value)


def _one_of(choices: Collection[str]) -> Callable[[str, Any], str]:
    def rule(name: str, value: Any) -> str:
        if isinstance(value, str) and value in choices:
            return value
        raise UsageError(f"{name}: expected one of {', '.join(choices)}; found {value!r}.")

    return rule


def _integer(minimum: int, maximum: int) -> Callable[[str, Any], int]:
    def rule(name: str, value: Any) -> int:
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            number = None
        if isinstance(number, int) and not isinstance(number, bool) and minimum <= number <= maximum:
            return number
        raise UsageError(f"{name}: expected a whole number from {minimum} to {maximum}; found {value!r}.")

    return rule


def _retention(name: str, value: Any) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is not None and MIN_RETENTION <= number <= MAX_RETENTION:
        return number
    raise UsageError(f"{name}: expected a number from {MIN_RETENTION} to {MAX_RETENTION}; found {value!r}.")


def _timezone(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{name}: expected a name such as Europe/Berlin or Asia/Shanghai; found {value!r}.")
    clock.zone(value)
    return value


def _date(name: str, value: Any) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name}: expected a date such as 2027-03-31; found {value!r}.") from None


def _interviews(name: str, value: Any) -> tuple[Interview, ...]:
    """The interviews in the form that JSON gives them, each once; the topics of one are not checked against a bank."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
        return tuple(dict.fromkeys(each if isinstance(each, Interview) else _interview(name, **each) for each in found))
    except (TypeError, ValueError):
        raise UsageError(
            f'{name}: expected a list such as [{{"date": "2027-03-31", "topics": ["attention"]}}]; found {value!r}.'
        ) from None


def _interview(name: str, *, date: Any, topics: Any = ()) -> Interview:
    if not isinstance(topics, list | tuple) or not all(isinstance(topic, str) for topic in topics):
        raise TypeError("topics")
    return Interview(_date(name, date), tuple(topics))


def _parameters(name: str, value: Any) -> tuple[float, ...]:
    """The numbers as a list, or as text with commas between them."""
    try:
        numbers = json.loads(f"[{value.strip().strip('[]')}]") if isinstance(value, str) else value
        return checked_parameters(numbers)
    except SchedulingError as error:
        raise UsageError(f"{name}: {error}") from None
    except (TypeError, ValueError):
        raise UsageError(f"{name}: expected a list of numbers; found {value!r}.") from None


_RULES: dict[str, Callable[[str, Any], Any]] = {
    "language": _one_of(LANGUAGES),
    "new_per_day": _integer(0, 9999),
    "desired_retention": _retention,
    "rollover_hour": _integer(0, 23),
    "timezone": _timezone,
    "interview_date": _date,
    "interviews": _interviews,
    "answers_per_day": _integer(1, 9999),
    "minutes_per_day": _integer(1, 1440),
    "theme": _one_of(THEMES),
    "session_size": _integer(1, 500),
    "session_minutes": _integer(1, 240),
    "device": _one_of(DEVICES),
    "demo_timeout_s": _integer(1, 3600),
    "demo_memory_mib": _integer(256, 1024 * 1024),
    "leech_lapses": _integer(0, 99),
    "fsrs_parameters": _parameters,
}
DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Settings)}
