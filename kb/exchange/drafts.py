"""Drafts: question files of the bank's format that are not questions yet, as whatever reads other formats writes them.

A draft is studied only once its author writes `ready: true` (`kb.drafts`). Leaves out where their text comes from.
"""

import contextlib
import itertools
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from kb.errors import UsageError
from kb.exchange.notes_text import escaped
from kb.front_matter import core_resolvers
from kb.markdown import LONGEST_TITLE
from kb.plaintext import plain
from kb.questions import Text
from kb.rendering import render_text

_SLUG_WORDS = 7
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_READY = re.compile(r"^ready: true$", re.MULTILINE)


class _Dumper(yaml.CSafeDumper):
    yaml_implicit_resolvers = core_resolvers()


class Slugs:
    """The slugs that are taken, and new ones that are not."""

    def __init__(self, taken: Collection[str]) -> None:
        self._taken = set(taken)
        self._last: dict[str, int] = {}

    def free(self, title: str, otherwise: str) -> str:
        """A slug of the first words of the title, or `otherwise` where it has none; it is taken from now on."""
        words = re.findall(r"[a-z0-9]+", plain(title).lower().replace("'", "").replace("’", ""))
        stem = "-".join(words[:_SLUG_WORDS]) or otherwise
        for number in itertools.count(self._last.get(stem, 0) + 1):
            slug = stem if number == 1 else f"{stem}-{number}"
            if slug not in self._taken:
                break
        self._taken.add(slug)
        self._last[stem] = number
        return slug


def short_title(title: str) -> tuple[str, str]:
    """The title, and what goes under it: all of it, where it is too long for a title."""
    if len(title) <= LONGEST_TITLE:
        return title, ""
    return escaped(f"{plain(title)[: LONGEST_TITLE - 10]}…")[:LONGEST_TITLE], title


def draft_file(
    text: Text, comment: str, tags: Sequence[str], follow_ups: Sequence[str], sources: Sequence[tuple[str, str]]
) -> str:
    """The file of a draft of kind open; `comment` says where it comes from, `sources` are addresses and their titles."""
    keys = {
        "tags": list(dict.fromkeys(tags)),
        "follow_ups": list(follow_ups),
        "sources": [{"title": _printable(name), "url": _printable(url)} for url, name in sources],
    }
    front = "ready: false\nkind: open\ndifficulty: 2\n" + "".join(
        _yaml(key, value) for key, value in keys.items() if value
    )
    return f"---\n# {_printable(comment)}\n{front}---\n{render_text(text)}"


@contextlib.contextmanager
def staging(into: Path) -> Iterator[Path]:
    """A folder to write drafts to before any of them is placed: on the same disk as `into`, and gone when the block ends."""
    near = next((each for each in into.absolute().parents if each.is_dir()), into)
    with _sentence(into), tempfile.TemporaryDirectory(dir=near, prefix=".livecards-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def placed(files: Iterable[Path], staged: Path, into: Path) -> Iterator[tuple[Path, ...]]:
    """The files under `staged`, moved to the same places under `into`; taken away again where the block raises.

    One that is there already as it is stays, also where it was marked ready; one that was changed is never written over,
    and the new one stands beside it. Raises: UsageError where the folder cannot be written.
    """
    written: list[Path] = []
    try:
        with _sentence(into):
            into.mkdir(parents=True, exist_ok=True)
            for file in files:
                target = _free_place(file, into / file.relative_to(staged))
                if target is not None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    written.append(target)
                    file.replace(target)
        yield tuple(written)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _sentence(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{folder}: the drafts cannot be written: {error.strerror}.") from error


def _free_place(file: Path, target: Path) -> Path | None:
    """Where the file can go; None where it is already."""
    content = file.read_bytes()
    for number in itertools.count(1):
        path = target if number == 1 else target.with_name(f"{target.stem}-again-{number}{target.suffix}")
        if not path.exists():
            return path
        if _unmarked(path.read_bytes(), path) == _unmarked(content, path):
            return None
    return None


def _unmarked(content: bytes, path: Path) -> bytes:
    """The content of a draft, whether ready or not."""
    if path.suffix != ".md":
        return content
    return _READY.sub("ready: false", content.decode("utf-8", "replace"), count=1).encode()


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(" ", " ".join(text.split()))


def _yaml(key: str, value: object) -> str:
    return yaml.dump({key: value}, Dumper=_Dumper, allow_unicode=True, default_flow_style=None, width=10_000)
