"""Records what the demos give on real hardware, for readers who have none: demos/records/<device>.json."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import demos
from demos._runner import shared
from kb.cli.session import note


def record(folder: Path, device: str, names: Sequence[str]) -> Path:
    """The file written: device, driver, torch, date, commit, and one run of each demo at its defaults.

    Runs of other demos that the file holds already are kept when torch is the same.
    Raises: DemoError when a demo cannot run on the device.
    """
    outcomes = []
    for name in names:
        note(f"{name} …")
        outcomes.append(shared().run(name, device=device, fresh=True))
    first = outcomes[0]
    path = folder / f"{_slug(first.device_name)}.json"
    runs = {outcome.name: _run(outcome) for outcome in outcomes}
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        if before["torch"] == first.torch:
            runs = {run["name"]: run for run in before["runs"] if run["name"] in demos.names()} | runs
    recorded = {
        "device": first.device,
        "device_name": first.device_name,
        "driver": _driver() if first.device == "cuda" else None,
        "torch": first.torch,
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _output(["git", "rev-parse", "HEAD"], cwd=folder.parent),
        "runs": [runs[name] for name in sorted(runs)],
    }
    folder.mkdir(exist_ok=True)
    path.write_text(_lines(recorded), encoding="utf-8")
    return path


def _lines(recorded: dict[str, Any]) -> str:
    """The record as JSON with one run on a line, so that a new record differs from the old one run by run."""
    head = {key: value for key, value in recorded.items() if key != "runs"}
    opening = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    runs = ",\n".join(json.dumps(run, ensure_ascii=False, separators=(",", ":")) for run in recorded["runs"])
    return f'{opening},\n "runs": [\n{runs}\n]}}\n'


def _run(outcome: demos.Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "params": outcome.params,
        "seed": outcome.seed,
        "result": outcome.result,
        "claims": outcome.claims,
        "figure": outcome.figure,
        "seconds": round(outcome.seconds, 4),
    }


def _slug(device_name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", device_name.lower()).strip("-")


def _driver() -> str | None:
    return _output(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"])


def _output(command: list[str], cwd: Path | None = None) -> str | None:
    """The first line that the command prints, None when it is not there or fails."""
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else None
