"""The child's side of a run: imports torch once, then runs demos one after another.

The forkserver imports this module before it forks, so a new worker is ready in a few hundredths of a second. Nothing here
may touch CUDA at import: a CUDA context does not survive a fork.
"""

import dataclasses
import importlib.util
import math
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import altair as alt
import torch

from demos._errors import DemoFailedError, DemoMemoryError, DeviceError, ParameterError

try:
    import resource
except ImportError:  # Windows has no limit on the address space of a process
    resource = None  # type: ignore[assignment]

torch.set_num_threads(1)
alt.theme.enable("none")


def start() -> None:
    """Prepares a fresh worker: whatever a demo prints goes to stderr, so that stdout stays the caller's."""
    sys.stdout.flush()
    os.dup2(2, 1)


def execute(
    path: str, params: dict[str, Any], device: str, seed: int, memory_bytes: int | None = None
) -> dict[str, Any]:
    """Runs the demo in that file and returns result, claims, figure, device, device_name, torch and seconds as plain values.

    Raises: DeviceError, DemoMemoryError (more than `memory_bytes` above what the worker has), DemoFailedError.
    """
    name = Path(path).stem
    target = _device(device)
    try:
        demo = _load(path, Path(path).stat().st_mtime_ns)
        torch.manual_seed(seed)
        with _memory_limit(memory_bytes if target.type == "cpu" else None):
            started = time.perf_counter()
            result = demo.run(**params, device=target)
            seconds = time.perf_counter() - started
            claims = {text: bool(holds) for text, holds in demo.claims(result).items()}
            figure = _plain(demo.figure(result).to_dict(), None) if hasattr(demo, "figure") else None
    except ParameterError as error:  # parameters that do not go together, which bounds cannot say
        raise ParameterError(f"demo {name}: {error}") from None
    except Exception as error:  # noqa: BLE001  # the boundary: whatever a demo raises becomes one sentence
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
            limit = f"the limit of {memory_bytes / 2**30:.3g} GiB" if memory_bytes else "what the device has"
            raise DemoMemoryError(
                f"demo {name}: it needed more memory than {limit}; choose smaller sizes or a higher limit."
            ) from None
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        raise DemoFailedError(
            f"demo {name}: it raised {type(error).__name__} at {where}: {error}; try other parameters or the CPU."
        ) from None
    return {
        "result": _plain(dataclasses.asdict(result)),
        "claims": claims,
        "figure": figure,
        "device": target.type,
        "device_name": device_name(target),
        "torch": str(torch.__version__),
        "seconds": seconds,
    }


def device_name(device: torch.device) -> str:
    """The name that the hardware gives itself, for example that of the graphics card or of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _device(wanted: str) -> torch.device:
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise DeviceError("device: 'cuda' was asked for, but torch sees no CUDA device here; use 'auto' or 'cpu'.")
    if wanted == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("device: 'mps' was asked for, but torch sees no Apple GPU here; use 'auto' or 'cpu'.")
    return torch.device(wanted)


@lru_cache(maxsize=512)
def _load(path: str, _mtime_ns: int) -> ModuleType:
    """The demo's module, loaded anew when its file has changed."""
    name = ".".join(["demos", *Path(path).with_suffix("").parts[-2:]])
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    demo = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up by name
    spec.loader.exec_module(demo)
    return demo


@contextmanager
def _memory_limit(extra_bytes: int | None) -> Iterator[None]:
    """Lets the address space grow by so many bytes at most; without effect where the system has no such limit."""
    statm = Path("/proc/self/statm")
    if extra_bytes is None or resource is None or not statm.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + extra_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _plain(value: Any, not_finite: dict[str, str] | None = NOT_FINITE) -> Any:
    """The value as JSON knows it; a float that is not finite becomes its name, or null where no names are given."""
    if isinstance(value, dict):
        return {key: _plain(item, not_finite) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, not_finite) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return not_finite[str(value)] if not_finite else None
    return value
