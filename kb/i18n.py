"""The interface in the learner's language: catalogues read as text; dates, numbers and intervals as each language writes them.

There are no compiled catalogues: `kb/locale/<language>/LC_MESSAGES/livecards.po` is read when it is first needed and again when
it has changed. Leaves out finding the strings in the source, which is kb/views/messages.py.
"""

import gettext
import io
import os
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date as babel_format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "livecards"
LANGUAGES = {"en": "English", "zh": "中文"}

_BABEL = {"en": Locale("en", "GB"), "zh": Locale("zh", "CN", script="Hans")}
_SOURCE_LANGUAGE = "en"


def catalogue_path(language: str) -> Path:
    """The file with the texts of this language."""
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


_UNTRANSLATED = gettext.NullTranslations()
_CATALOGUES = {language: catalogue_path(language) for language in LANGUAGES}


def translator(language: str) -> gettext.NullTranslations:
    """The texts of this language; English, in which the source is written, needs none."""
    if language == _SOURCE_LANGUAGE:
        return _UNTRANSLATED
    path = _CATALOGUES[language]
    try:
        return _translations(path, path.stat().st_mtime_ns)
    except OSError:
        return _UNTRANSLATED


@lru_cache(maxsize=8)
def _translations(path: Path, _mtime_ns: int) -> gettext.GNUTranslations:
    with path.open("rb") as file:
        catalogue = read_po(file)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def choose_language(setting: str | None = None, browser: str | None = None) -> str:
    """The language to use: the learner's setting, else the browser's, else that of the environment, else English.

    A browser or an environment names a locale: zh-CN, zh_CN.UTF-8, en-GB, C.
    """
    environment = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    for locale in (setting, browser, *environment):
        language = (locale or "").replace("_", "-").partition("-")[0].partition(".")[0].lower()
        if language in LANGUAGES:
            return language
    return _SOURCE_LANGUAGE


def format_date(day: date, language: str, *, year: bool = True) -> str:
    """The day in full, such as 4 December 2026 or 2026年12月4日; without the year where it is clear."""
    if year:
        return babel_format_date(day, "long", locale=_BABEL[language])
    return babel_format_date(day, "M月d日" if language == "zh" else "d MMM", locale=_BABEL[language])


def format_weekday(day: date, language: str) -> str:
    """The day of the week in short, such as Fri or 周五."""
    return babel_format_date(day, "EEE", locale=_BABEL[language])


def format_number(value: float, language: str, digits: int = 4) -> str:
    """The number with thousands separated and this many significant digits: 2,560, 0.9312, 1.2e-5."""
    if isinstance(value, bool) or value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value != 0 and not 1e-4 <= abs(value) < 1e15:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    if isinstance(value, int) or abs(value) >= 10**digits:
        return format_decimal(round(value), locale=_BABEL[language])
    return format_decimal(float(f"{value:.{digits}g}"), format=f"#,##0.{'#' * 12}", locale=_BABEL[language])


def format_share(share: float, language: str) -> str:
    """The share as a whole percentage: 93%."""
    return format_percent(share, locale=_BABEL[language])


def format_interval(interval: timedelta, language: str) -> str:
    """A time until the next review in one unit, short enough for a button: 10 min, 6 d, 2.5 mo, 1.2 y."""
    minutes = max(interval.total_seconds(), 0) / 60
    days = minutes / (24 * 60)
    if minutes < 59.5:
        value, unit = max(round(minutes), 1), 0
    elif minutes < 23.5 * 60:
        value, unit = round(minutes / 60), 1
    elif days < 30:
        value, unit = round(days), 2
    elif days < 365:
        return _with_unit(round(days / 30.4375, 1), 3, language)
    else:
        return _with_unit(round(days / 365.25, 1), 4, language)
    return _with_unit(value, unit, language)


_UNITS = {"en": ("min", "h", "d", "mo", "y"), "zh": ("分钟", "小时", "天", "个月", "年")}


def _with_unit(value: float, unit: int, language: str) -> str:
    return f"{value:g} {_UNITS[language][unit]}"


def format_seconds(seconds: float, language: str) -> str:
    """A running time: 0.2 s, 12 s, 3 min."""
    if seconds < 60:
        value = max(round(seconds, 1), 0.1) if seconds < 9.95 else round(seconds)
        return f"{value:g} {'秒' if language == 'zh' else 's'}"
    return _with_unit(round(seconds / 60), 0, language)
