"""Small PyTorch programs that compute or prove the answers of the bank; importing this package never imports torch."""

from collections.abc import Mapping
from typing import Any

from demos._contract import DemoSpec, Field, FieldSpec, Outcome, Param, ParamSpec
from demos._errors import (
    BrokenDemoError,
    DemoCancelledError,
    DemoCrashError,
    DemoError,
    DemoFailedError,
    DemoMemoryError,
    DemoTimeoutError,
    DeviceError,
    ParameterError,
    UnknownDemoError,
)
from demos._registry import catalogue, check_params, describe, names

__all__ = [
    "BrokenDemoError",
    "DemoCancelledError",
    "DemoCrashError",
    "DemoError",
    "DemoFailedError",
    "DemoMemoryError",
    "DemoSpec",
    "DemoTimeoutError",
    "DeviceError",
    "Field",
    "FieldSpec",
    "Outcome",
    "Param",
    "ParamSpec",
    "ParameterError",
    "UnknownDemoError",
    "catalogue",
    "check_params",
    "describe",
    "names",
    "run",
]


def run(name: str, params: Mapping[str, Any] | None = None, device: str = "auto", **options: Any) -> Outcome:
    """The outcome of one run in a warm worker process; see `demos._runner.Runner.submit` for options and errors."""
    from demos._runner import shared

    return shared().run(name, params, device, **options)
