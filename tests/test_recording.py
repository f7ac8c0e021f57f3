"""A record of real runs: one run on a line, nothing typed by hand, and other demos kept when one is recorded anew."""

import json
from pathlib import Path

from kb.cli.recording import record


def test_a_record_names_the_device_and_holds_what_the_demos_gave(tmp_path: Path) -> None:
    path = record(tmp_path, "cpu", ["softmax_saturation", "kv_cache_bytes"])
    recorded = json.loads(path.read_text(encoding="utf-8"))
    assert set(recorded) == {"device", "device_name", "driver", "torch", "recorded_at", "commit", "runs"}
    assert [run["name"] for run in recorded["runs"]] == ["kv_cache_bytes", "softmax_saturation"]
    assert all(all(run["claims"].values()) and run["figure"] for run in recorded["runs"])


def test_recording_one_demo_anew_keeps_the_others(tmp_path: Path) -> None:
    record(tmp_path, "cpu", ["softmax_saturation", "kv_cache_bytes"])
    path = record(tmp_path, "cpu", ["softmax_saturation"])
    assert len(json.loads(path.read_text(encoding="utf-8"))["runs"]) == 2
    assert len(path.read_text(encoding="utf-8").splitlines()) < 15
