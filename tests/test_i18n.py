"""The interface speaks both languages: every message is translated, and dates, numbers and intervals are written as each does."""

from datetime import date, timedelta

import pytest

from kb.i18n import (
    choose_language,
    format_date,
    format_interval,
    format_number,
    format_seconds,
    format_share,
    format_weekday,
    translator,
)
from kb.views import messages


def test_every_message_is_translated_and_none_is_fuzzy() -> None:
    assert messages.missing("zh") == []


def test_messages_inside_f_strings_are_found() -> None:
    found = {message.id if isinstance(message.id, str) else message.id[0] for message in messages.template()}
    assert {"Undo", "Not right.", "Open in the Lab"} <= found


def test_what_demos_say_of_themselves_is_a_message() -> None:
    found = {str(message.id) for message in messages.template()}
    assert "largest weight of a row, mean over rows, scores q·k" in found
    assert "without the root the largest weight grows with head_dim" in found


def test_a_translation_with_another_placeholder_is_a_problem(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.i18n.LOCALES", tmp_path)
    messages.update("zh")
    path = tmp_path / "zh" / "LC_MESSAGES" / "livecards.po"
    text = path.read_text(encoding="utf-8")
    asked = 'msgid "{number} of {total}"\nmsgstr ""'
    assert asked in text
    path.write_text(text.replace(asked, asked[:-2] + '"{numero}"'), encoding="utf-8")
    assert any("'{number} of {total}' has other {placeholders}" in problem for problem in messages.missing("zh"))


def test_an_update_keeps_translations_and_changes_nothing_else(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.i18n.LOCALES", tmp_path)
    messages.update("zh")
    path = tmp_path / "zh" / "LC_MESSAGES" / "livecards.po"
    once = path.read_text(encoding="utf-8").replace('msgid "Today"\nmsgstr ""', 'msgid "Today"\nmsgstr "今天"')
    path.write_text(once, encoding="utf-8")
    messages.update("zh")
    assert path.read_text(encoding="utf-8") == once
    assert translator("zh").gettext("Today") == "今天"


@pytest.mark.parametrize(
    ("setting", "browser", "environment", "language"),
    [
        ("zh", "en-GB", "en_GB.UTF-8", "zh"),
        (None, "zh-CN", "en_GB.UTF-8", "zh"),
        (None, "fr-FR", "zh_CN.UTF-8", "zh"),
        (None, None, "C", "en"),
        ("eo", None, "", "en"),
    ],
)
def test_the_language_is_the_setting_then_the_browser_then_the_environment(
    monkeypatch: pytest.MonkeyPatch, setting: str | None, browser: str | None, environment: str, language: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", environment)
    assert choose_language(setting, browser) == language


@pytest.mark.parametrize(
    ("minutes", "english", "chinese"),
    [
        (0, "1 min", "1 分钟"),
        (10, "10 min", "10 分钟"),
        (90, "2 h", "2 小时"),
        (24 * 60, "1 d", "1 天"),
        (6 * 24 * 60, "6 d", "6 天"),
        (75 * 24 * 60, "2.5 mo", "2.5 个月"),
        (438 * 24 * 60, "1.2 y", "1.2 年"),
    ],
)
def test_an_interval_is_short_enough_for_a_button(minutes: int, english: str, chinese: str) -> None:
    assert format_interval(timedelta(minutes=minutes), "en") == english
    assert format_interval(timedelta(minutes=minutes), "zh") == chinese


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.93123456, "0.9312"), (2560, "2,560"), (0, "0"), (3.0, "3"), (1.23e-5, "1.23e-5"), (131072.0, "131,072")],
)
def test_a_number_keeps_four_significant_digits(value: float, shown: str) -> None:
    assert format_number(value, "en") == shown
    assert format_number(value, "zh") == shown


def test_dates_shares_and_times_are_written_in_the_language() -> None:
    day = date(2026, 12, 4)
    assert [format_date(day, language) for language in ("en", "zh")] == ["4 December 2026", "2026年12月4日"]
    assert [format_date(day, language, year=False) for language in ("en", "zh")] == ["4 Dec", "12月4日"]
    assert [format_weekday(day, language) for language in ("en", "zh")] == ["Fri", "周五"]
    assert [format_share(0.934, language) for language in ("en", "zh")] == ["93%", "93%"]
    assert [format_seconds(seconds, "en") for seconds in (0.02, 0.23, 12.4, 130)] == ["0.1 s", "0.2 s", "12 s", "2 min"]
    assert format_seconds(0.23, "zh") == "0.2 秒"
