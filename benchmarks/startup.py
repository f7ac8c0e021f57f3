"""Promise: `kb due` and `kb list` take at most 3 times as long to start as a bare `import sqlite3, yaml, click`."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 3.0
RUNS = 15
FLOOR = [sys.executable, "-c", "import sqlite3, yaml, click"]
COMMANDS = {
    "kb due": [sys.executable, "-m", "kb", "due", "--json"],
    "kb list": [sys.executable, "-m", "kb", "list", "--json"],
}


def main() -> int:
    """Prints the ratios; 0 when both are within the promise."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"KB_DB": str(Path(folder) / "progress.db")}
        for command in COMMANDS.values():  # the first run makes the tables and the index
            seconds(command, environment)
        times: dict[str, list[float]] = {name: [] for name in ("floor", *COMMANDS)}
        for _ in range(RUNS):
            times["floor"].append(seconds(FLOOR, environment))
            for name, command in COMMANDS.items():
                times[name].append(seconds(command, environment))
    floor = statistics.median(times["floor"])
    print(f"floor      {1e3 * floor:6.0f} ms")
    ratios = {name: statistics.median(times[name]) / floor for name in COMMANDS}
    for name, ratio in ratios.items():
        print(f"{name:10} {ratio:6.2f} x  promise: at most {LIMIT:g} x")
    return int(max(ratios.values()) > LIMIT)


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """The wall time of one process from start to end."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
