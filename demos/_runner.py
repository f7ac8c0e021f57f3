"""Runs demos in warm worker processes, so that a crash, a hang or a full memory ends there and not in the caller.

Pebble keeps the pool and ends a worker that exceeds its time. On Linux the workers are forked from a server that has torch
imported and has never touched CUDA; elsewhere they are spawned. Callers that ask for the same run at the same time share one
result, and the last results are kept, so that going back to a setting is instant.
"""

import atexit
import multiprocessing
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from demos._contract import DemoSpec, Outcome, Value
from demos._errors import (
    DemoCancelledError,
    DemoCrashError,
    DemoTimeoutError,
    DeviceError,
    ParameterError,
)
from demos._registry import ROOT, check_params, describe

DEVICES = ("auto", "cpu", "cuda", "mps")
WORKERS = 2
TIMEOUT_S = 30.0
SLOW_TIMEOUT_S = 180.0
MEMORY_BYTES = 4 * 2**30
KEPT = 256
RARELY_NEEDED = ("torch._dynamo",)  # torch's FLOP counter brings it, a second that one command need not pay

Key = tuple[Any, ...]


class Run:
    """A run under way: `result` waits for its outcome, `cancel` ends it together with its worker."""

    def __init__(self, spec: DemoSpec, params: dict[str, Value], seed: int, timeout_s: float, future: Future[Any]):
        self.spec = spec
        self.params = params
        self.seed = seed
        self.timeout_s = timeout_s
        self._future = future

    def done(self) -> bool:
        """Whether the outcome, or the error, is there."""
        return self._future.done()

    def cancel(self) -> None:
        """Ends the run and its worker; callers who share it get DemoCancelledError."""
        self._future.cancel()

    def result(self, wait_s: float | None = None) -> Outcome:
        """The outcome, once it is there.

        Raises: DemoTimeoutError, DemoMemoryError, DemoCrashError, DemoFailedError, DeviceError, DemoCancelledError;
        TimeoutError when `wait_s` passed and the run still goes on.
        """
        name = self.spec.name
        try:
            values = self._future.result(timeout=wait_s)
        except FutureTimeoutError:
            if not self._future.done():
                raise
            raise DemoTimeoutError(
                f"demo {name}: it ran longer than its limit of {self.timeout_s:g} s and was ended; "
                "choose smaller sizes or a longer limit."
            ) from None
        except CancelledError:
            raise DemoCancelledError(f"demo {name}: the run was cancelled.") from None
        except ProcessExpired as error:
            raise DemoCrashError(
                f"demo {name}: its worker process died (exit code {error.exitcode}); "
                "the next run gets a fresh one. Choose smaller sizes or the CPU if it happens again."
            ) from None
        return Outcome(name=name, params=self.params, seed=self.seed, **values)


class Runner:
    """A small pool of warm workers. Safe to share between threads; close it when done."""

    def __init__(self, workers: int = WORKERS, root: Path = ROOT):
        self._workers = workers
        self._root = root
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._first: list[BaseProcess] = []  # the workers that the pool began with
        self._warming: threading.Thread | None = None
        self._runs: OrderedDict[Key, Run] = OrderedDict()

    def submit(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        device: str = "auto",
        seed: int = 0,
        *,
        timeout_s: float | None = None,
        memory_bytes: int = MEMORY_BYTES,
        fresh: bool = False,
    ) -> Run:
        """Starts the run, or joins an identical one; `fresh` measures again even where a result is kept.

        Raises: UnknownDemoError, BrokenDemoError, ParameterError, DeviceError.
        """
        spec = describe(name, self._root)
        complete = check_params(name, params or {}, self._root)
        if device not in DEVICES:
            raise DeviceError(f"device: expected one of {', '.join(DEVICES)}; found '{device}'.")
        if not 0 <= seed < 2**63:
            raise ParameterError(f"demo {name}: seed: expected a whole number from 0 to 2^63 - 1; found {seed}.")
        limit = timeout_s or (SLOW_TIMEOUT_S if spec.slow else TIMEOUT_S)
        modified = spec.path.stat().st_mtime_ns
        key = (name, tuple(complete.items()), device, seed, limit, memory_bytes, modified)
        with self._lock:
            known = self._runs.get(key)
            if known is not None and not _failed(known) and not (fresh and known.done()):
                self._runs.move_to_end(key)
                return known
            future = self._open_pool().schedule(
                _execute, args=[str(spec.path), complete, device, seed, memory_bytes], timeout=limit
            )
            run = Run(spec, complete, seed, limit, future)
            self._runs[key] = run
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)
            return run

    def run(self, name: str, params: Mapping[str, Any] | None = None, device: str = "auto", **options: Any) -> Outcome:
        """The outcome of the run, waiting for it; options and errors as for `submit` and `Run.result`."""
        return self.submit(name, params, device, **options).result()

    def warm_up(self) -> None:
        """Starts a worker in the background for a process that will live for a while, with all that a demo may import."""

        def start() -> None:  # which takes as long as to import torch
            with self._lock:
                self._open_pool(RARELY_NEEDED).schedule(_ready)

        self._warming = threading.Thread(target=start, name="demos-warm-up")
        self._warming.start()

    def close(self) -> None:
        """Ends the workers; the next run would start new ones."""
        if self._warming is not None:
            self._warming.join()
        with self._lock:
            pool, self._pool = self._pool, None
            workers, self._first = self._first, []
            self._runs.clear()
        if pool is not None:
            pool.stop()
            for (
                worker
            ) in workers:  # pebble closes their channels first, of which one that is still starting would complain
                worker.terminate()
                worker.join()
            pool.join()

    def _open_pool(self, preload: Sequence[str] = ()) -> ProcessPool:
        if self._pool is None or not self._pool.active:
            others = multiprocessing.active_children()
            self._pool = ProcessPool(max_workers=self._workers, context=_context(preload), initializer=_start)
            if self._pool.active:  # to ask starts the workers
                self._first = [each for each in multiprocessing.active_children() if each not in others]
        return self._pool


def _context(preload: Sequence[str]) -> Any:
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["demos._worker", *preload])
    # The server imports its preload by name in a new interpreter: make the package importable there from any folder.
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(ROOT.parent) not in folders:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT.parent), *filter(None, folders)])
    return context


def _failed(run: Run) -> bool:
    return run.done() and (run._future.cancelled() or run._future.exception() is not None)


def _start() -> None:
    from demos import _worker

    _worker.start()


def _ready() -> bool:
    return True


def _execute(path: str, params: dict[str, Value], device: str, seed: int, memory_bytes: int) -> dict[str, Any]:
    from demos import _worker

    return _worker.execute(path, params, device, seed, memory_bytes)


_shared = Runner()
atexit.register(_shared.close)


def shared() -> Runner:
    """The runner that everything in this process shares."""
    return _shared
