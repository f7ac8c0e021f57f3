"""Keeps every test, and every process it starts, away from the progress and the caches of whoever runs it."""

import os
import tempfile

_folder = tempfile.TemporaryDirectory(prefix="livecards-tests-")
os.environ["KB_DB"] = f"{_folder.name}/progress.db"
os.environ["XDG_CACHE_HOME"] = _folder.name
os.environ.pop("KB_CONTENT", None)
