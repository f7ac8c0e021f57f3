"""The learner's days: rollover, daylight saving, leap days, journeys, a clock set back, odd zones, impossible times."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import tzlocal
from hypothesis import given
from hypothesis import strategies as st
from small_bank import NOON, bank_of, new_store, question

from kb import study
from kb.clock import LearnerDays, utc, zone
from kb.errors import SchedulingError, UsageError
from kb.rating import Rating

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


@pytest.mark.parametrize("rollover_hour", [0, 4, 23])
@pytest.mark.parametrize("name", ZONES)
def test_a_leap_day_is_a_day_of_its_own_in_every_zone(name, rollover_hour):
    days = LearnerDays(ZoneInfo(name), rollover_hour)
    leap, march = days.start(date(2028, 2, 29)), days.start(date(2028, 3, 1))
    assert march - leap == timedelta(days=1)
    assert days.day(leap - timedelta(microseconds=1)) == date(2028, 2, 28)
    assert [days.day(leap), days.day(march - timedelta(microseconds=1))] == [date(2028, 2, 29)] * 2
    assert days.day(march) == date(2028, 3, 1)
    assert days.day(days.start(date(2027, 3, 1)) - timedelta(microseconds=1)) == date(2027, 2, 28)


@pytest.mark.parametrize("rollover_hour", [1, 2, 3])
def test_both_hours_of_the_night_in_which_clocks_go_back_are_of_one_day(rollover_hour):
    days = LearnerDays(BERLIN, rollover_hour)
    twice = [datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold).astimezone(UTC) for fold in (0, 1)]
    assert twice[1] - twice[0] == timedelta(hours=1)
    assert len({days.day(at) for at in twice}) == 1


# Days as the log keeps them

BANK = bank_of(question("a"), question("b"))


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path)


def answer(store, *times: datetime) -> None:
    for at in times:
        study.submit(BANK, store, study.start_attempt(BANK.question("a"), at), Rating.Good, at)


def streak(store, at: datetime) -> int:
    return study.progress(BANK, store, at).streak_days


def test_a_clock_set_back_in_the_middle_of_a_streak_takes_no_day_from_it(store):
    study.set_setting(store, "timezone", "UTC", NOON)
    day = timedelta(days=1)
    answer(store, NOON, NOON + day, NOON + 2 * day)
    answer(store, NOON - 300 * day, NOON + day)  # set back by most of a year, then by a day
    answer(store, NOON + 3 * day)
    assert streak(store, NOON + 3 * day) == 4
    assert study.undo(store, NOON + 3 * day) is not None
    assert streak(store, NOON + 3 * day) == 3, "today has no answer yet"
    assert streak(store, NOON + 4 * day) == 0


def test_a_journey_to_the_west_lives_a_day_twice_and_one_to_the_east_goes_on_where_it_is(store):
    study.set_setting(store, "timezone", "Asia/Tokyo", NOON)
    tokyo, honolulu = ZoneInfo("Asia/Tokyo"), ZoneInfo("Pacific/Honolulu")
    answer(store, *(datetime(2026, 3, day, 12, tzinfo=tokyo) for day in (2, 3, 4)))
    landed = datetime(2026, 3, 4, 9, tzinfo=honolulu)  # the same date again
    study.set_setting(store, "timezone", "Pacific/Honolulu", landed)
    answer(store, landed, datetime(2026, 3, 5, 20, tzinfo=honolulu))
    assert streak(store, datetime(2026, 3, 5, 21, tzinfo=honolulu)) == 4
    back = datetime(2026, 3, 6, 20, tzinfo=tokyo)
    study.set_setting(store, "timezone", "Asia/Tokyo", back)
    assert streak(store, back) == 4
    answer(store, back)
    assert streak(store, back) == 5


def test_another_rollover_hour_moves_no_past_day(store):
    study.set_setting(store, "timezone", "UTC", NOON)
    night = datetime(2026, 3, 3, 2, tzinfo=UTC)  # the night after 2 March
    answer(store, night, night + timedelta(days=1))
    study.set_setting(store, "rollover_hour", 0, night + timedelta(days=1))
    counted = study.progress(BANK, store, night + timedelta(days=1)).last_days
    assert [day for day, count in counted if count] == [date(2026, 3, 2), date(2026, 3, 3)]


def test_a_question_comes_back_at_the_rollover_hour_of_the_local_clock_also_after_it_was_changed(store):
    study.set_setting(store, "timezone", "Europe/Berlin", NOON)
    before = datetime(2026, 3, 28, 12, tzinfo=BERLIN)  # clocks go forward in the night after
    reviewed = study.submit(BANK, store, study.start_attempt(BANK.question("a"), before), Rating.Easy, before)
    assert reviewed.due.astimezone(BERLIN).hour == 4
    assert reviewed.due.utcoffset() == timedelta(0)
    assert reviewed.due.hour == 2
    assert "a" not in study.due(BANK, store, reviewed.due - timedelta(seconds=1)).next
    assert "a" in study.due(BANK, store, reviewed.due).next


def test_a_step_of_minutes_is_as_long_in_the_night_in_which_clocks_change(store):
    study.set_setting(store, "timezone", "Europe/Berlin", NOON)
    for at in (datetime(2026, 3, 29, 1, 55, tzinfo=BERLIN), datetime(2026, 10, 25, 2, 55, tzinfo=BERLIN)):
        shown = study.start_attempt(BANK.question("b"), at)
        reviewed = study.submit(BANK, store, shown, Rating.Again, at)
        assert timedelta(0) < reviewed.due - at.astimezone(UTC) <= timedelta(minutes=10)
