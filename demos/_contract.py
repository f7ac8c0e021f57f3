"""What a demo declares: `Param` and `Field` ride on annotations, `DemoSpec` is what the registry reads from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

Value = int | float | bool | str


@dataclass(frozen=True)
class Param:
    """The meaning of a parameter of `run` in one line, and the values it may take (bounds included)."""

    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Value, ...] | None = None


@dataclass(frozen=True)
class Field:
    """The meaning of a field of `Result` in one line, its unit, and whether it is measured (time, memory)."""

    help: str
    unit: str = ""
    measured: bool = False


@dataclass(frozen=True)
class ParamSpec:
    """One parameter of a demo as its source declares it; `type` is one of int, float, bool, str."""

    name: str
    type: str
    default: Value
    minimum: float | None
    maximum: float | None
    choices: tuple[Value, ...] | None
    help: str

    @property
    def option(self) -> str:
        """The parameter as an option of the command line: `head_dim` gives `--head-dim`."""
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class FieldSpec:
    """One field of a demo's result; `type` is int, float, bool, str or tuple[...]; a measured one is never graded."""

    name: str
    type: str
    unit: str
    measured: bool
    help: str


@dataclass(frozen=True)
class DemoSpec:
    """Everything known of a demo without running it."""

    name: str
    topic: str
    title: str
    leaves_out: str
    source: str
    params: tuple[ParamSpec, ...]
    fields: tuple[FieldSpec, ...]
    claims: tuple[str, ...]
    slow: bool
    has_figure: bool
    path: Path
    figure_texts: tuple[str, ...] = ()  # titles, names and labels that the figure shows

    def param(self, name: str) -> ParamSpec | None:
        """The parameter of that name, or None."""
        return next((param for param in self.params if param.name == name), None)

    def field(self, name: str) -> FieldSpec | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True)
class Outcome:
    """What one run of a demo gave: result and claims, with the device, versions, seed and seconds it took.

    `result` holds plain JSON values; a float that is not finite is the string NaN, Infinity or -Infinity.
    `seconds` is the wall time of the demo's own work in the worker, without queueing and transfer.
    """

    name: str
    params: dict[str, Value]
    device: str
    device_name: str
    torch: str
    seed: int
    result: dict[str, Any]
    claims: dict[str, bool]
    figure: dict[str, Any] | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The form that `kb demo run --json` prints."""
        return {
            "name": self.name,
            "params": self.params,
            "device": self.device,
            "device_name": self.device_name,
            "torch": self.torch,
            "seed": self.seed,
            "result": self.result,
            "claims": [{"text": text, "holds": holds} for text, holds in self.claims.items()],
            "figure": self.figure,
            "seconds": self.seconds,
        }
