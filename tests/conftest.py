"""Keeps every test, and every process it starts, away from the progress and the caches of whoever runs it."""

import os
import tempfile

from hypothesis import settings

_folder = tempfile.TemporaryDirectory(prefix="livecards-tests-")
os.environ["KB_DB"] = f"{_folder.name}/progress.db"
os.environ["XDG_CACHE_HOME"] = _folder.name
os.environ.pop("KB_CONTENT", None)

# CI decides whether a change may land: it tries the same cases each time. Everywhere else new ones are tried at every run.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
