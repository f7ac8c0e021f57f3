"""The direction of imports: content <- kb core <- shells -> demos, and torch only inside demo files and their worker."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELLS = ("kb/cli/", "kb/views/", "kb/__main__.py")
CORE = sorted(path for path in (ROOT / "kb").rglob("*.py") if not path.relative_to(ROOT).as_posix().startswith(SHELLS))
DEMO_FILES = sorted((ROOT / "demos").glob("[!_]*/*.py"))
DEMO_FRAME = sorted((ROOT / "demos").glob("*.py"))
CHILD_ONLY = {"_worker.py", "_measure.py", "_charts.py"}  # imported by demos and their worker alone


def imported(path: Path) -> set[str]:
    """The first components of all modules that the file imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", CORE, ids=label)
def test_the_core_of_kb_imports_no_shell_no_demo_and_no_torch(path: Path) -> None:
    assert imported(path) & {"click", "streamlit", "torch", "altair", "pandas", "numpy"} == set()
    if path.name != "i18n.py" or path.parent.name != "kb":
        assert "demos" not in imported(path)


@pytest.mark.parametrize("path", DEMO_FILES + DEMO_FRAME, ids=label)
def test_demos_know_nothing_of_kb_or_streamlit(path: Path) -> None:
    assert imported(path) & {"kb", "streamlit", "click"} == set()


@pytest.mark.parametrize("path", [path for path in DEMO_FRAME if path.name not in CHILD_ONLY], ids=label)
def test_only_demo_files_and_their_worker_import_torch(path: Path) -> None:
    assert imported(path) & {"torch", "altair", "numpy"} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "kb").rglob("*.py")), ids=label)
def test_shells_never_import_torch(path: Path) -> None:
    assert "torch" not in imported(path)


def test_the_command_line_starts_without_anything_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom kb.__main__ import main\n"
        "try:\n    main(['due', '--json'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'streamlit', 'pandas', 'numpy', 'altair', 'sqlite_utils', 'pebble'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)\n"
    )
    environment = os.environ | {"KB_DB": str(tmp_path / "progress.db")}
    for heavy in ("['numpy', 'pandas', 'sqlite_utils']", "[]"):  # only the run that makes the tables needs sqlite_utils
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stderr.splitlines()[-1] == heavy
