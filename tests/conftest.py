"""Keeps every test, and every process it starts, away from the progress and the caches of whoever runs it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_runner import Done, Kb, example_bank
from hypothesis import settings

if TYPE_CHECKING:
    from kb.store import Store

_folder = tempfile.TemporaryDirectory(prefix="livecards-tests-")
os.environ["KB_DB"] = f"{_folder.name}/progress.db"
os.environ["XDG_CACHE_HOME"] = _folder.name
os.environ.pop("KB_CONTENT", None)
os.environ.pop("KB_DRAFTS", None)

# CI decides whether a change may land: it tries the same cases each time. Everywhere else new ones are tried at every run.
# No case has to be quick: nothing is timed in tests.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def store() -> Iterator["Store"]:
    """A new store, in memory where that can be, of a learner whose days are those of UTC."""
    from small_bank import NOON, new_store, quick_folder

    from kb import study

    with quick_folder() as folder:
        made = new_store(folder)
        study.set_setting(made, "timezone", "UTC", NOON)
        yield made


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty database and a copy of the small bank, in the environment of the app."""
    from app_pages import environment

    return environment(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def workers() -> Iterator[None]:
    """Ends the workers that ran demos for the app."""
    from kb.views import shell

    yield
    shell.runner().close()


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """The folder of a bank of one question."""
    return example_bank(tmp_path / "content")


@pytest.fixture
def kb(bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Kb:
    """Runs a command of `kb` over that bank and tells what it did."""
    from kb.__main__ import main  # only now, when the variables above are set

    def run(*arguments: str, db: Path = tmp_path / "progress.db", lang: str = "en") -> Done:
        with pytest.raises(SystemExit) as ended:
            main(["--db", str(db), "--content", str(bank), "--lang", lang, *arguments])
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, printed.out, printed.err)

    return run
