"""A demo that does what it is told, so that every fault of a run can be tried for real.

Leaves out: everything useful. Source: none.
"""

import os
import signal
import time
from dataclasses import dataclass
from typing import Annotated

import torch

from demos import Field, Param


@dataclass(frozen=True)
class Result:
    process: Annotated[int, Field("id of the worker process")]
    drawn: Annotated[float, Field("a number drawn from the seed")]
    not_finite: Annotated[tuple[float, ...], Field("values that JSON has no word for")]


def run(
    *,
    fault: Annotated[
        str, Param("what to do", choices=("none", "raise", "exit", "kill", "hang", "allocate", "print", "sleep"))
    ] = "none",
    size: Annotated[int, Param("elements to allocate", minimum=1, maximum=1_000_000_000_000)] = 1,
    ratio: Annotated[float, Param("not used", minimum=0.0, maximum=1.0)] = 0.5,
    causal: Annotated[bool, Param("not used")] = False,
    device: torch.device,
) -> Result:
    if fault == "raise":
        raise ValueError("shapes (2, 3) and (4, 5) do not fit")
    if fault == "exit":
        os._exit(3)
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "print":
        print("noise from the demo")
    if fault == "sleep":
        time.sleep(0.5)
    while fault == "hang":
        time.sleep(0.05)
    if fault == "allocate":
        torch.ones(size, device=device)
    return Result(
        process=os.getpid(),
        drawn=torch.rand(1).item(),
        not_finite=(float("nan"), float("inf"), float("-inf"), 1.0),
    )


def claims(result: Result) -> dict[str, bool]:
    return {"the draw lies between 0 and 1": 0 <= result.drawn < 1}
