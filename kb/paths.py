"""Where things are: the learner's database and own questions, and the bank."""

import os
from pathlib import Path


def database_path(given: str | os.PathLike[str] | None = None) -> Path:
    """The database to use: the given one, else `KB_DB`, else `progress.db` in the platform's folder for user data."""
    chosen = given or os.environ.get("KB_DB")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs  # only here, so that naming a database costs no import

    return platformdirs.user_data_path("livecards", appauthor=False) / "progress.db"


def content_path(given: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the bank: the given one, else `KB_CONTENT`, else `content` beside this package."""
    chosen = given or os.environ.get("KB_CONTENT")
    return Path(chosen).expanduser() if chosen else Path(__file__).resolve().parent.parent / "content"


def drafts_path(database: Path) -> Path:
    """The folder of the learner's own questions, drafts or ready: `KB_DRAFTS`, else `drafts` beside the database."""
    chosen = os.environ.get("KB_DRAFTS")
    return Path(chosen).expanduser() if chosen else database.parent / "drafts"
