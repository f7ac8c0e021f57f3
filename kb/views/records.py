"""What the demos gave on recorded hardware: demos/records/<device>.json, read so that a damaged file is only left out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import streamlit as st

import demos
from kb.views.lab_form import Setting

RECORDS = Path(demos.__file__).parent / "records"


@dataclass(frozen=True)
class Record:
    """One recorded run: its parameters and result, and the device, date and versions it was made with."""

    params: Mapping[str, Any]
    seed: int
    result: Mapping[str, Any]
    seconds: float | None
    device: str
    driver: str
    torch: str
    recorded_on: date | None
    on_gpu: bool

    def is_of(self, setting: Setting) -> bool:
        """Whether the run was made with these parameters."""
        return dict(self.params) == dict(setting.params)


def records_of(setting: Setting, folder: Path | None = None) -> tuple[Record, ...]:
    """The recorded runs of the demo, one for each device, with the parameters of the setting where there is one."""
    chosen: dict[str, Record] = {}
    for record in recorded_runs(setting.demo, folder):
        if record.device not in chosen or (record.is_of(setting) and not chosen[record.device].is_of(setting)):
            chosen[record.device] = record
    return tuple(chosen.values())


def recorded_runs(demo: str, folder: Path | None = None) -> tuple[Record, ...]:
    """All recorded runs of this demo in the folder; without one, in that of the demos."""
    folder = folder or RECORDS
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return tuple(record for path in files for record in _runs(str(path), path.stat().st_mtime_ns).get(demo, ()))


@st.cache_data(max_entries=32, show_spinner=False)
def _runs(path: str, stamp: int) -> dict[str, list[Record]]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    runs: dict[str, list[Record]] = {}
    for name, record in _records(content):
        runs.setdefault(name, []).append(record)
    return runs


def _records(content: Any) -> Iterator[tuple[str, Record]]:
    if not isinstance(content, dict) or not isinstance(content.get("runs"), list):
        return
    device = _text(content.get("device_name")) or _text(content.get("device"))
    for run in content["runs"]:
        if not isinstance(run, dict) or not isinstance(run.get("result"), dict) or not device:
            continue
        params, seed, seconds = run.get("params"), run.get("seed"), run.get("seconds")
        yield (
            _text(run.get("name")),
            Record(
                params=params if isinstance(params, dict) else {},
                seed=seed if isinstance(seed, int) else 0,
                result=run["result"],
                seconds=seconds if isinstance(seconds, int | float) else None,
                device=device,
                driver=_text(content.get("driver")),
                torch=_text(content.get("torch")),
                recorded_on=_day(content.get("recorded_at")),
                on_gpu=content.get("device") != "cpu",
            ),
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _day(value: Any) -> date | None:
    try:
        return datetime.fromisoformat(value).date()
    except (TypeError, ValueError):
        return None
