"""The learner's days: rollover, daylight saving, odd zones, impossible times."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import tzlocal
from hypothesis import given
from hypothesis import strategies as st

from kb.clock import LearnerDays, utc, zone
from kb.errors import SchedulingError, UsageError

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana")


def test_a_day_begins_at_the_rollover_hour_of_the_local_clock():
    days = LearnerDays(ZoneInfo("Asia/Shanghai"), 4)
    assert days.start(date(2026, 3, 2)) == datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
    assert days.day(datetime(2026, 3, 1, 19, 59, 59, tzinfo=UTC)) == date(2026, 3, 1)
    assert days.day(datetime(2026, 3, 1, 20, 0, tzinfo=UTC)) == date(2026, 3, 2)


def test_the_day_on_which_clocks_go_forward_is_23_hours_long_and_the_one_they_go_back_25():
    days = LearnerDays(BERLIN, 2)  # 2:00 is skipped on 29 March and comes twice on 25 October
    for day, hours in ((date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        assert days.start(day + timedelta(days=1)) - days.start(day) == timedelta(hours=hours)
    assert days.start(date(2026, 3, 29)) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert days.day(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == date(2026, 10, 25)
    assert days.day(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)) == date(2026, 10, 25)


def test_a_date_that_a_zone_skipped_begins_with_the_one_after_it():
    days = LearnerDays(ZoneInfo("Pacific/Apia"), 4)  # 30 December 2011 did not exist there
    assert days.start(date(2011, 12, 30)) == days.start(date(2011, 12, 31))
    assert days.day(days.start(date(2011, 12, 30))) == date(2011, 12, 31)


@given(
    st.sampled_from(ZONES),
    st.integers(0, 23),
    st.integers(946_684_800, 1_893_456_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),  # 2000 to 2030
    st.timedeltas(timedelta(0), timedelta(days=2)),
)
def test_days_follow_each_other_without_gap_or_overlap(name, rollover_hour, at, later):
    days = LearnerDays(ZoneInfo(name), rollover_hour)
    day = days.day(at)
    assert days.start(day) <= at < days.start(day + timedelta(days=1))
    assert day <= days.day(at + later)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(
        SchedulingError, match=r"^time: expected one with a time zone; found 2026-03-02T12:00:00 without"
    ):
        utc(datetime(2026, 3, 2, 12, tzinfo=UTC).replace(tzinfo=None))


@pytest.mark.parametrize("year", [1969, 9001])
def test_a_year_that_no_clock_shows_is_refused(year):
    with pytest.raises(SchedulingError, match="expected a year between 1970 and 9000"):
        utc(datetime(year, 6, 1, tzinfo=UTC))


def test_a_time_of_another_zone_becomes_utc():
    at = utc(datetime(2026, 7, 1, 12, tzinfo=BERLIN))
    assert at.isoformat() == "2026-07-01T10:00:00+00:00"


@pytest.mark.parametrize("name", ["", "Europe/Atlantis", "Europe", "../../etc/passwd", "a\0b", "x" * 5000])
def test_an_unknown_zone_is_refused_by_name(name):
    with pytest.raises(UsageError, match=r"^timezone: expected a name such as Europe/Berlin"):
        zone(name)


def test_without_a_name_the_zone_is_that_of_the_computer():
    assert zone(None) == tzlocal.get_localzone()
