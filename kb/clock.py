"""The learner's days: each begins at the rollover hour of the local clock, also where daylight saving moves it.

Leaves out reading the time: `now` is always an argument.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kb.errors import SchedulingError, UsageError

FIRST_YEAR, LAST_YEAR = 1970, 9000


@dataclass(frozen=True)
class LearnerDays:
    """Maps instants to the learner's days and back."""

    zone: tzinfo
    rollover_hour: int = 4

    def start(self, day: date) -> datetime:
        """The instant, in UTC, at which this day begins.

        Where the rollover hour is skipped it is the instant of the change; where it comes twice, the first time.
        """
        return datetime.combine(day, time(self.rollover_hour), self.zone).astimezone(UTC)

    def day(self, at: datetime) -> date:
        """The last day that has begun at this instant."""
        day = at.astimezone(self.zone).date()
        return day if at >= self.start(day) else day - timedelta(days=1)


def utc(at: datetime) -> datetime:
    """The same instant in UTC.

    Raises: SchedulingError for a time without a zone, and for a year that no clock in use can show.
    """
    if at.utcoffset() is None:
        raise SchedulingError(f"time: expected one with a time zone; found {at.isoformat()} without one.")
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise SchedulingError(
            f"time: expected a year between {FIRST_YEAR} and {LAST_YEAR}; found {at.isoformat()}.\n"
            "    Fix: set the clock of this computer."
        )
    return at.astimezone(UTC)


def zone(name: str | None) -> tzinfo:
    """The zone of this name, or without a name the one this computer is in.

    Where the computer's settings contradict each other, its present offset from UTC stands in: right until the next
    daylight saving change, and then an hour off at the rollover.

    Raises: UsageError for a name that the time zone database lacks.
    """
    if name is not None:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UsageError(
                f"timezone: expected a name such as Europe/Berlin or Asia/Shanghai; found {name!r}."
            ) from None
    import tzlocal

    try:
        return tzlocal.get_localzone()
    except (ZoneInfoNotFoundError, ValueError, LookupError):
        return datetime.now(UTC).astimezone().tzinfo or UTC
