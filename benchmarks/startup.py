"""Promise: `kb due` and `kb list` take at most 3 times as long to start as a bare `import sqlite3, yaml, click`.

Measured with the bank of the day and with one of 10,000 generated questions, which are 20,000 files: each command looks at the
size and the times of every one of them, since a file that is edited in place leaves no other trace.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)  # run as a file, this module would hide packages of the same name

from benchmarks.review.generated import write_bank  # noqa: E402

LIMIT = 3.0
RUNS = 15
GENERATED = 10_000
FLOOR = [sys.executable, "-c", "import sqlite3, yaml, click"]
COMMANDS = {
    "kb due": [sys.executable, "-m", "kb", "due", "--json"],
    "kb list": [sys.executable, "-m", "kb", "list", "--json"],
}


def main() -> int:
    """Prints the ratios; 0 when all are within the promise."""
    ratios = {}
    with tempfile.TemporaryDirectory(prefix="startup-") as folder:
        generated = Path(folder) / "content"
        write_bank(generated, GENERATED)
        environment = os.environ | {"KB_DB": f"{folder}/progress.db", "XDG_CACHE_HOME": f"{folder}/cache"}
        for bank, name in (ROOT / "content", "the bank of today"), (generated, f"{GENERATED:,} generated questions"):
            ratios |= measured(name, environment | {"KB_CONTENT": str(bank)})
    return int(max(ratios.values()) > LIMIT)


def measured(bank: str, environment: dict[str, str]) -> dict[str, float]:
    """The ratio of each command to the floor with this bank, which is printed; all take turns."""
    commands = {"floor": FLOOR, **COMMANDS}
    for name, command in commands.items():  # the first run makes the tables and the index
        first = seconds(command, environment)
        if name == next(iter(COMMANDS)):
            print(f"\n{bank}: {first:.1f} s the first time")
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name in random.sample(list(commands), len(commands)):
            times[name].append(seconds(commands[name], environment))
    floor = statistics.median(times["floor"])
    print(f"floor      {1e3 * floor:6.0f} ms")
    ratios = {}
    for name in COMMANDS:
        ratios[f"{name}, {bank}"] = ratio = statistics.median(times[name]) / floor
        print(f"{name:10} {ratio:6.2f} x  promise: at most {LIMIT:g} x  {'kept' if ratio <= LIMIT else 'MISSED'}")
    return ratios


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """The wall time of one process from start to end."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
