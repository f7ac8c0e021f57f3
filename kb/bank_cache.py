"""The bank as it was read last, so that a command does not parse every file again.

One file in the user's cache folder for each bank: first an outline of every question, which is all that a list and a plan need,
then each question by itself, read when somebody asks for it. The file is good only while every file of the bank has the path,
size, inode and times of content and status that it had, and the program that wrote it is the same; anything else, damage
included, means reading the bank anew. The system sets the time of status, so that putting back the time of content, a checkout
within a second or a file moved over another one do not pass for no change; nor does a clock set back, unless it shows the very
tick of the change before. Files so young that a change after this look could bear the same time are not cached.
"""

import marshal
import os
import pickle
import struct
import sys
import threading
import time
import weakref
import zlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from io import FileIO
from itertools import accumulate
from pathlib import Path

from kb.bank import Bank, Outline, Shelf, load_bank
from kb.questions import Question

_PROGRAM = Path(__file__).parent
_MAGIC = b"livecards bank 2\n"
_HEAD = struct.Struct("<IQQ")  # checksum and length of the head, length of the questions
_SUM = struct.Struct("<I")
_File = tuple[str, int, int, int, int]
_TICK_S, _COARSE_TICK_S = 0.05, 2.0  # longer than any clock of a file system stands still


def load_bank_quickly(root: Path, folder: Path | None = None, load: Callable[[Path], Bank] = load_bank) -> Bank:
    """The same as `load(root)`, from the cache in `folder` where nothing has changed."""
    root = root.absolute()
    cache = (folder or _cache_folder()) / f"{root.name}-{zlib.crc32(os.fsencode(root)):08x}.bank"
    stamp = _stamp(root)
    known = _read(cache, stamp, lambda: load(root))
    if known is not None:
        return known
    bank = load(root)
    if _settled(stamp) and _stamp(root) == stamp:
        with suppress(OSError):  # a full disk or a folder that cannot be written costs speed, nothing else
            _write(cache, stamp, bank)
    return bank


def _cache_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("livecards", appauthor=False)


def _stamp(root: Path) -> bytes:
    """What changes with any file of the bank or the program."""
    program: list[_File] = []
    _look(str(_PROGRAM), 0, program)
    bank = files_of(root)
    return marshal.dumps((sys.version, program, str(root), bank), 2)  # version 2 writes equal values as equal bytes


def files_of(root: Path) -> list[_File]:
    """What the folder of a bank holds, with all that changes when a file of it does; nothing where there is no folder."""
    found: list[_File] = []
    _look(str(root), 1, found)
    return found


def _look(folder: str, depth: int, found: list[_File]) -> None:
    """Adds each file in the folder and, as deep as asked, in its folders: name, size, times of content and status, inode."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth and not entry.name.startswith("."):
                    found.append((entry.path, 0, 0, 0, entry.inode()))
                    _look(entry.path, depth - 1, found)
            else:
                status = entry.stat(follow_symlinks=False)
                found.append((entry.name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))


def _settled(stamp: bytes) -> bool:
    """Whether a change from now on bears a later time than the newest one; waits for a moment where that is enough."""
    newest = max((max(written, changed) for _, _, written, changed, _ in marshal.loads(stamp)[3]), default=0)
    tick = _TICK_S if newest % 10**9 else _COARSE_TICK_S
    age = time.time() - newest / 1e9
    if 0 <= age < tick <= _TICK_S:
        time.sleep(tick - age)
        return True
    return not abs(age) < tick


def _read(cache: Path, stamp: bytes, load: Callable[[], Bank]) -> Bank | None:
    """The bank in the cache; None where there is none, it is damaged, or something has changed since."""
    with suppress(OSError), ExitStack() as closing:
        file = closing.enter_context(cache.open("rb", buffering=0))
        start = len(_MAGIC) + _HEAD.size
        begin = file.read(start)
        if len(begin) < start or not begin.startswith(_MAGIC):
            return None
        checksum, head_length, length = _HEAD.unpack(begin[len(_MAGIC) :])
        if os.fstat(file.fileno()).st_size != start + head_length + length:
            return None
        head = file.read(head_length)
        if len(head) < head_length or zlib.crc32(head) != checksum:
            return None
        of, outlines, ends, rest = marshal.loads(head)
        if of == stamp:
            closing.pop_all()  # the questions are read from it when they are asked for
            reader = _Reader(file, start + head_length, ends, load)
            syllabus, problems, root, broken = pickle.loads(rest)
            return Bank(Shelf(map(Outline._make, outlines), reader), syllabus, problems, root, broken)
    return None


class _Reader:
    """Reads questions from an open cache, which stays the same file when another process writes a new one."""

    def __init__(self, file: FileIO, start: int, ends: list[int], load: Callable[[], Bank]) -> None:
        self._file = file
        weakref.finalize(self, file.close)
        self._lock = threading.Lock()
        self._start = start
        self._ends = ends
        self._load = load

    def __call__(self, number: int, slug: str) -> Question:
        """The question with this number; read anew from the bank where the cache was damaged."""
        begin = self._ends[number - 1] if number else 0
        with self._lock:
            self._file.seek(self._start + begin)
            data = self._file.read(self._ends[number] - begin)
        payload = data[_SUM.size :]
        if data[: _SUM.size] != _SUM.pack(zlib.crc32(payload)):
            return self._load().questions[slug]
        question: Question = pickle.loads(payload)
        return question


def _write(cache: Path, stamp: bytes, bank: Bank) -> None:
    """Writes the cache as a whole: a reader sees the one before or this one, whoever else writes at the same time."""
    import tempfile

    payloads = [pickle.dumps(each, protocol=pickle.HIGHEST_PROTOCOL) for each in bank.questions.values()]
    ends = list(accumulate(_SUM.size + len(payload) for payload in payloads))
    rest = pickle.dumps((bank.syllabus, bank.problems, bank.root, bank.broken), protocol=pickle.HIGHEST_PROTOCOL)
    head = marshal.dumps((stamp, [tuple(each) for each in bank.outlines], ends, rest))
    cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=cache.parent, delete=False) as file:
        try:
            file.write(_MAGIC + _HEAD.pack(zlib.crc32(head), len(head), ends[-1] if ends else 0) + head)
            for payload in payloads:
                file.write(_SUM.pack(zlib.crc32(payload)) + payload)
            file.close()
            Path(file.name).replace(cache)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
