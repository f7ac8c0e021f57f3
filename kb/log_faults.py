"""What no answer and no setting can be, counted in a log: impossible ratings, times, and values that cannot be read.

The database refuses most of it; it comes from other programs that wrote to the file, from wrong clocks and damaged disks.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from kb.errors import UsageError
from kb.log import Log
from kb.settings import DEFAULTS, checked_setting

_POSSIBLE = {"review": range(1, 5), "known": (4,)}  # the ratings of each kind
CLOCKS_DIFFER = timedelta(days=1)  # two computers, or the two ends of the world


class LogFault(StrEnum):
    """A kind of fault in the log."""

    RATINGS = "impossible_ratings"
    FUTURE = "dated_in_the_future"
    REVIEWS = "unreadable_reviews"
    EVENTS = "unreadable_events"
    UNDOS = "undos_of_unknown_reviews"


def log_faults(log: Log, now: datetime) -> Counter[LogFault]:
    """How many rows have each kind of fault; each row is counted once."""
    latest = now.astimezone(UTC) + CLOCKS_DIFFER
    counts: Counter[LogFault] = Counter(dict.fromkeys(LogFault, 0))
    for row in log.raw(
        "SELECT kind, rating, reviewed_at, ordered_at, day, revision, spread, answer, params, prediction FROM reviews"
    ):
        counts.update(_review_faults(row, latest))
    for row in log.raw("SELECT kind, name, value, at, ordered_at FROM events"):
        counts.update(_event_faults(row, latest))
    (orphans,) = next(
        log.raw(
            "SELECT count(*) FROM reviews AS undo WHERE kind = 'undo' AND NOT EXISTS"
            " (SELECT 1 FROM reviews AS review WHERE review.id = undo.target AND review.kind <> 'undo')"
        )
    )
    counts[LogFault.UNDOS] = orphans
    return counts


def _review_faults(row: tuple[Any, ...], latest: datetime) -> Iterator[LogFault]:
    kind, rating, reviewed_at, ordered_at, day, revision, spread, *values = row
    if kind in _POSSIBLE and (type(rating) is not int or rating not in _POSSIBLE[kind]):
        yield LogFault.RATINGS
        return
    try:
        on = date.fromisoformat(day)
        first = min(_instant(reviewed_at), _instant(ordered_at))
        for value in values:
            json.loads(value or "null")
    except (TypeError, ValueError):
        yield LogFault.REVIEWS
        return
    possible = spread is None or (type(spread) is float and 0 <= spread < 1)
    if type(revision) is not int or not possible or kind not in ("undo", *_POSSIBLE):
        yield LogFault.REVIEWS
    elif first > latest or on > latest.date() + CLOCKS_DIFFER:
        yield LogFault.FUTURE


def _event_faults(row: tuple[Any, ...], latest: datetime) -> Iterator[LogFault]:
    kind, name, value, at, ordered_at = row
    try:
        first = min(_instant(at), _instant(ordered_at))
        given = json.loads(value or "null")
        if kind == "setting" and name in DEFAULTS:
            checked_setting(name, given)
        elif kind in ("bury", "demo_run"):
            date.fromisoformat(given)
        elif kind in ("suspend", "note") and not isinstance(given, str | None):
            raise TypeError(kind)
    except (TypeError, ValueError, UsageError):
        yield LogFault.EVENTS
        return
    if first > latest:
        yield LogFault.FUTURE


def _instant(text: str) -> datetime:
    """The time as the log holds it.

    Raises: ValueError for another form, such as one without a zone.
    """
    at = datetime.fromisoformat(text)
    if at.utcoffset() != timedelta(0):
        raise ValueError(text)
    return at
