"""What every page stands on: the bank, the store, the language, the demo runner, and errors told as a sentence.

A page opens what it needs on each run: `shell.bank()` is cached until a file changes, `shell.store()` is a path and nothing
more, `_()` speaks the language of the session. Leaves out torch: demos run in the workers of `demos._runner`.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from demos import (
    DemoCrashError,
    DemoError,
    DemoMemoryError,
    DemoTimeoutError,
    ParameterError,
    UnknownDemoError,
)
from demos._runner import DEVICES, MEMORY_BYTES, Run, Runner, shared
from kb import i18n, study
from kb.bank import Bank, load_bank
from kb.bank_cache import files_of, load_bank_quickly
from kb.errors import AnswerError, CorruptDatabaseError, KbError, NewerDatabaseError, StoreError, UnknownQuestionError
from kb.own import own_questions, with_own
from kb.paths import content_path, database_path, drafts_path
from kb.settings import Settings
from kb.store import Store
from kb.views import theme

ASSETS = Path(__file__).parent / "assets"
TODAY, STUDY, SETTINGS = (f"kb/views/{name}.py" for name in ("today", "study", "settings"))
LAB, BROWSE, PROGRESS, PLACEMENT = (f"kb/views/{name}.py" for name in ("lab", "browse", "progress", "placement"))
AUTO = DEVICES[0]
PAGE_LANGUAGES = {"en": "en", "zh": "zh-CN"}
_page = st.components.v2.component("livecards.page", js=(ASSETS / "page.js").read_text(encoding="utf-8"))


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


# Language


def language() -> str:
    """The language of the page, settled by `begin`."""
    chosen: str = st.session_state.get("language") or i18n.choose_language(None, st.context.locale)
    return chosen


def _(message: str, **values: Any) -> str:
    """The message in the language of the session, with its values filled in."""
    return i18n.translator(language()).gettext(message).format(**values)


def ngettext(one: str, many: str, count: int, **values: Any) -> str:
    """The message for this count, which is filled in as {count}."""
    message = i18n.translator(language()).ngettext(one, many, count)
    return message.format(count=i18n.format_number(count, language()), **values)


def translated(text: str) -> str:
    """A text of a demo (title, meaning of a parameter or a field, claim) in the language of the session."""
    return i18n.translator(language()).gettext(text) if text else ""


# The bank and the learner's progress


def bank() -> Bank:
    """The questions and the learner's own, read again when a file of them was added, removed or changed."""
    global _latest
    found = _on_disk()
    with _reading:  # one session reads for all
        if _latest is None or _latest[0] != found:
            root, own, _changes = found
            _latest = found, with_own(load_bank(root), own_questions(Path(own)))
        return _latest[1]


def bank_alone() -> Bank:
    """The questions of the bank without the learner's own."""
    return load_bank_quickly(content_path())


_latest: tuple[tuple[str, str, int], Bank] | None = None
_reading = threading.Lock()


@st.cache_data(ttl=1, show_spinner=False)
def _on_disk() -> tuple[str, str, int]:
    """The folders of the questions, and a number that changes with any file of them; looked up at most once a second."""
    root, own = content_path(), drafts_path(database_path())
    return str(root), str(own), hash((*files_of(root), *files_of(own)))


def store() -> Store:
    """The learner's database; one connection to it stays open between operations."""
    return Store(database_path(), keep_open=True)


def settings() -> Settings:
    """The learner's settings."""
    return study.settings(store())


def known_settings() -> Settings:
    """The learner's settings, or the defaults where they cannot be read; the page itself says what is wrong with the store."""
    with suppress(KbError):
        return settings()
    return Settings()


def seen() -> set[str]:
    """The questions that were answered at least once."""
    with store().reading() as transaction:
        return {card.question for card in transaction.cards.all()}


def topic_title(topic: str) -> str:
    """The title of a topic in the language of the session."""
    return next((each.title[language()] for each in bank().syllabus.topics if each.id == topic), topic)


# Demos


@st.cache_resource(show_spinner=False)
def runner() -> Runner:
    """The worker processes that this process shares; the first call has one import torch in the background."""
    shared().warm_up()
    return shared()


def submit(demo: str, params: Mapping[str, Any], device: str = AUTO, seed: int = 0, *, fresh: bool = False) -> Run:
    """The run, begun within the learner's limits, and on the device of the settings where it is left open.

    Raises: UnknownDemoError, BrokenDemoError, ParameterError, DeviceError.
    """
    known = known_settings()
    return runner().submit(
        demo,
        params,
        known.device if device == AUTO else device,
        seed,
        timeout_s=known.demo_timeout_s,
        memory_bytes=MEMORY_BYTES if known.demo_memory_mib is None else known.demo_memory_mib * 2**20,
        fresh=fresh,
    )


def dark() -> bool:
    """Whether the page is shown dark."""
    chosen = theme.chosen()
    return (st.context.theme.type if chosen == theme.AUTO else chosen) == "dark"


# Addresses


def lab_url(demo: str, params: Mapping[str, Any] | None = None) -> str:
    """The Lab with this demo and these parameters."""
    written = {name: str(value).lower() if isinstance(value, bool) else value for name, value in (params or {}).items()}
    return "lab?" + urlencode({"demo": demo, **written})


def question_url(slug: str) -> str:
    """The page of this question."""
    return "browse?" + urlencode({"question": slug})


def begin_study(topics: Iterable[str] = (), question: str | None = None, *, beyond: bool = False) -> None:
    """Opens Study with what is due, of these topics only where some are given, or with this one question.

    With `beyond`, the limits of the day do not hold.
    """
    chosen = (
        {"topics": ",".join(topics), "beyond": "1" if beyond else ""} if question is None else {"question": question}
    )
    st.session_state.pop("sitting", None)
    st.switch_page(STUDY, query_params={name: value for name, value in chosen.items() if value})


# The frame of every page


def begin() -> None:
    """Settles the language and lays out the page; app.py calls it first."""
    st.html(ASSETS / "layout.css")
    if "language" not in st.session_state:
        known = known_settings()
        st.session_state["language"] = i18n.choose_language(known.language, st.context.locale)
        st.session_state["theme"] = known.theme


def tell_browser() -> None:
    """Has the browser show the learner's theme and know the language; app.py calls it once the page is known.

    Before that, whatever has the page drawn again would lead to the first page.
    """
    wanted = st.session_state.pop("theme", None)
    if wanted is not None and theme.choose(wanted):
        st.rerun()
    data = {"language": PAGE_LANGUAGES[language()], "scheme": "dark" if dark() else "light"}
    _page(key="page", data=data, on_language_change=lambda: None)


@contextmanager
def sentences() -> Iterator[None]:
    """Shows an error of ours as a sentence where it happens; the rest of the page goes on, any other error is a bug."""
    try:
        yield
    except (KbError, DemoError) as error:
        show_error(error)


def show_error(error: Exception, summary: str | None = None) -> None:
    """Says what went wrong and what to do."""
    st.error(told(error, summary), icon=":material/error:")


def told(error: Exception, summary: str | None = None) -> str:
    """What went wrong and what to do; where the page is not in English, the exact words stand below what they mean."""
    message, _separator, fix = str(error).partition("\n    Fix: ")
    exact = message + (f"\n\n{fix[:1].upper()}{fix[1:]}" if fix else "")
    summary = summary or _summary(error)
    return exact if language() == "en" or summary is None else f"{summary}\n\n{exact}"


def _summary(error: Exception) -> str | None:
    """What the error means in the language of the session; None where only the error itself knows."""
    match error:
        case NewerDatabaseError():
            return _(
                "Your progress was written by a newer version of Livecards. Update it, or choose another database."
            )
        case CorruptDatabaseError():
            return _("The database with your progress is damaged. It was left as it is.")
        case StoreError():
            return _("Your progress cannot be read or written right now. Nothing was changed.")
        case UnknownDemoError():
            return _("There is no such demo.")
        case ParameterError():
            return _("A value is outside what this demo takes.")
        case DemoCrashError():
            return _("The process that ran the demo died. The next run gets a new one.")
        case DemoTimeoutError():
            return _("The demo took longer than its limit, and was ended.")
        case DemoMemoryError():
            return _("The demo needed more memory than its limit.")
        case DemoError():
            return _("The demo gave no result.")
        case UnknownQuestionError():
            return _("There is no such question in the bank.")
        case AnswerError():
            return _("This cannot be read as a number. Write it like 1,024, 1.5e3, 3/4 or 12 %.")
    return None


def show_problems() -> None:
    """Tells, quietly, which files of the bank are left out and why; nothing where all is well."""
    problems = bank().problems
    if not problems:
        return
    files = len({problem.path for problem in problems})
    label = ngettext("{count} file of the bank has a problem", "{count} files of the bank have problems", files)
    with st.expander(label, icon=":material/rule:"):
        st.caption(_("Everything else works. A file is read again as soon as it is saved."))
        for problem in problems:
            st.code(str(problem), language=None, wrap_lines=True)
