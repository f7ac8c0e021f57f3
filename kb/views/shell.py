"""What every page stands on: the bank, the store, the language, the demo runner, and errors told as a sentence.

A page opens what it needs on each run: `shell.bank()` is cached until a file changes, `shell.store()` is a path and nothing
more, `_()` speaks the language of the session. Leaves out torch: demos run in the workers of `demos._runner`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from demos import DemoError, ParameterError, UnknownDemoError
from demos._runner import Runner, shared
from kb import i18n, study
from kb.bank import Bank, load_bank
from kb.errors import AnswerError, CorruptDatabaseError, KbError, NewerDatabaseError, StoreError
from kb.paths import content_path, database_path
from kb.settings import Settings
from kb.store import Store

ASSETS = Path(__file__).parent / "assets"
TODAY, STUDY, SETTINGS = (f"kb/views/{name}.py" for name in ("today", "study", "settings"))
LAB, BROWSE, PROGRESS = (f"kb/views/{name}.py" for name in ("lab", "browse", "progress"))


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
    """The questions, read again when a file of the bank was added, removed or changed."""
    root = content_path()
    return _bank(str(root), _stamp(root))


@st.cache_resource(max_entries=2, show_spinner=False)
def _bank(root: str, stamp: int) -> Bank:
    return load_bank(root)


@st.cache_data(ttl=1, max_entries=4, show_spinner=False)
def _stamp(root: Path) -> int:
    """A number that changes with any file of the bank; looked up at most once a second."""
    stamps = []
    for path in (*root.glob("*.*"), *root.glob("*/*.*")):
        with suppress(OSError):  # the file was just removed
            stamps.append((str(path), path.stat().st_mtime_ns))
    return hash(tuple(sorted(stamps)))


def store() -> Store:
    """The learner's database; each operation opens it for itself."""
    return Store(database_path())


def settings() -> Settings:
    """The learner's settings."""
    return study.settings(store())


def seen() -> set[str]:
    """The questions that were answered at least once."""
    with store().reading() as transaction:
        return {card.question for card in transaction.cards.all()}


def topic_title(topic: str) -> str:
    """The title of a topic in the language of the session."""
    known = {each.id: each for each in bank().syllabus.topics}
    return known[topic].title[language()] if topic in known else topic


# Demos


@st.cache_resource(show_spinner=False)
def runner() -> Runner:
    """The worker processes that this process shares; the first call has one import torch in the background."""
    shared().warm_up()
    return shared()


def dark() -> bool:
    """Whether the page is shown dark."""
    return st.context.theme.type == "dark"


# Addresses


def lab_url(demo: str, params: Mapping[str, Any] | None = None) -> str:
    """The Lab with this demo and these parameters."""
    written = {name: str(value).lower() if isinstance(value, bool) else value for name, value in (params or {}).items()}
    return "lab?" + urlencode({"demo": demo, **written})


def question_url(slug: str) -> str:
    """The page of this question."""
    return "browse?" + urlencode({"question": slug})


def begin_study(topics: Iterable[str] = (), question: str | None = None) -> None:
    """Opens Study with what is due, of these topics only where some are given, or with this one question."""
    chosen = {"topics": ",".join(topics)} if question is None else {"question": question}
    st.session_state.pop("sitting", None)
    st.switch_page(STUDY, query_params={name: value for name, value in chosen.items() if value})


# The frame of every page


def begin() -> None:
    """Settles the language and lays out the page; app.py calls it before the page runs."""
    st.html(ASSETS / "layout.css")
    if "language" not in st.session_state:
        chosen = None
        with suppress(KbError):  # the page itself says what is wrong with the store
            chosen = settings().language
        st.session_state["language"] = i18n.choose_language(chosen, st.context.locale)


@contextmanager
def sentences() -> Iterator[None]:
    """Shows an error of ours as a sentence where it happens; the rest of the page goes on, any other error is a bug."""
    try:
        yield
    except (KbError, DemoError) as error:
        show_error(error)


def show_error(error: Exception) -> None:
    """Says what went wrong and what to do, with the exact words below where the page is not in English."""
    message, _separator, fix = str(error).partition("\n    Fix: ")
    exact = message + (f"\n\n{fix[:1].upper()}{fix[1:]}" if fix else "")
    summary = _summary(error)
    st.error(exact if language() == "en" or summary is None else f"{summary}\n\n{exact}", icon=":material/error:")


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
        case DemoError():
            return _("The demo gave no result.")
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
