"""What every command shares: the options of `kb` itself, the bank, the store, the language, and how results are printed."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.errors import UsageError
from kb.paths import content_path, database_path, drafts_path

if TYPE_CHECKING:
    from kb.bank import Bank
    from kb.store import Store

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout, nothing else.")
pass_session = click.pass_obj


class Session:
    """The bank and the store, opened when first asked for."""

    def __init__(self, db: Path | None = None, content: Path | None = None, language: str | None = None):
        self._db = db
        self._content = content
        self._language = language

    @cached_property
    def bank(self) -> "Bank":
        """The questions to study: those of the bank, and the learner's own that are ready."""
        if not self.drafts.is_dir():
            return self.shared_bank
        from kb.own import own_questions, with_own

        return with_own(self.shared_bank, own_questions(self.drafts))

    @property
    def drafts(self) -> Path:
        """The folder of the learner's own questions."""
        return drafts_path(database_path(self._db))

    @cached_property
    def shared_bank(self) -> "Bank":
        """The questions of the bank alone; files with problems are left out and named on stderr."""
        from kb.bank_cache import load_bank_quickly

        folder = content_path(self._content)
        if not folder.is_dir():
            raise UsageError(
                f"{folder}: expected the folder of a bank; found none. Fix: name it with KB_CONTENT or --content."
            )
        bank = load_bank_quickly(folder)
        broken = sorted({problem.path for problem in bank.problems})
        if broken:
            note(
                self._(
                    "{count} files have problems and are left out; `kb check` says which and why.", count=len(broken)
                )
            )
        return bank

    @cached_property
    def store(self) -> "Store":
        """The learner's progress."""
        from kb.store import Store

        return Store(database_path(self._db), keep_open=True)

    def close(self) -> None:
        """Lets go of the database, which then is a single file again."""
        if "store" in vars(self):
            self.store.close()

    @cached_property
    def language(self) -> str:
        """The language asked for with --lang, else the learner's setting, else that of the locale."""
        if self._language:
            return self._language
        from kb import study
        from kb.i18n import choose_language

        return choose_language(study.settings(self.store).language)

    @cached_property
    def translate(self) -> Callable[[str], str]:
        """The function that translates a message."""
        from kb.i18n import translator

        return translator(self.language).gettext

    def _(self, message: str, **values: Any) -> str:
        """The message in the learner's language with its values filled in."""
        return self.translate(message).format(**values)

    def demo_limits(self, device: str | None = None) -> dict[str, Any]:
        """How `demos` runs a demo: on this device or else that of the settings, within the limits that are set there."""
        from kb import study
        from kb.errors import KbError
        from kb.settings import Settings

        known = Settings()
        with suppress(KbError):  # a demo runs also where the progress cannot be read
            if self.store.path.is_file():
                known = study.settings(self.store)
        limits: dict[str, Any] = {"device": device or known.device}
        if known.demo_timeout_s is not None:
            limits["timeout_s"] = known.demo_timeout_s
        if known.demo_memory_mib is not None:
            limits["memory_bytes"] = known.demo_memory_mib * 2**20
        return limits

    def environment(self) -> dict[str, str]:
        """The variables that give a child process the same database and bank."""
        return {
            "KB_DB": str(database_path(self._db).absolute()),
            "KB_CONTENT": str(content_path(self._content).absolute()),
        }


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def note(text: str) -> None:
    """Prints a message for the person at the terminal, on stderr."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    """Prints one JSON value on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
