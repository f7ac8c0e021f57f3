"""Promise: the light demos, all at their defaults in one warm worker, take under 90 s; a worker adds under 15 ms to a call.

The floor of the second is the same demo called directly in this process, alternating with the call through the worker.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # run as a file, this module would hide the package of the same name

import demos  # noqa: E402
from demos._runner import Runner  # noqa: E402

CATALOGUE_S = 90.0
OVERHEAD_MS = 15.0
CALLS = 40
PROBE = ("softmax_saturation", {"num_queries": 128, "num_keys": 16})


def main() -> int:
    """Prints both measurements; 0 when both promises are kept."""
    runner = Runner(workers=1)
    runner.run(PROBE[0], PROBE[1], "cpu")
    catalogue_s = run_catalogue(runner)
    overhead_ms = worker_overhead(runner)
    runner.close()
    print(f"catalogue  {catalogue_s:6.1f} s   promise: under {CATALOGUE_S:.0f} s")
    print(f"overhead   {overhead_ms:6.1f} ms  promise: under {OVERHEAD_MS:.0f} ms at the median of {CALLS} calls")
    return int(catalogue_s >= CATALOGUE_S or overhead_ms >= OVERHEAD_MS)


def run_catalogue(runner: Runner) -> float:
    """The seconds that all light demos take one after another, each printed."""
    specs, _broken = demos.catalogue()
    started = time.perf_counter()
    for spec in specs.values():
        if not spec.slow:
            outcome = runner.run(spec.name, device="cpu", fresh=True)
            print(f"  {spec.name:28} {outcome.seconds:6.2f} s")
    return time.perf_counter() - started


def worker_overhead(runner: Runner) -> float:
    """The median over calls of time through the worker minus time in this process, in milliseconds."""
    from demos import _worker

    name, params = PROBE
    complete = demos.check_params(name, params)
    path = str(demos.describe(name).path)
    _worker.execute(path, complete, "cpu", 0)
    differences = []
    for _ in range(CALLS):
        started = time.perf_counter()
        _worker.execute(path, complete, "cpu", 0)
        direct = time.perf_counter()
        runner.run(name, params, "cpu", fresh=True)
        differences.append(1e3 * ((time.perf_counter() - direct) - (direct - started)))
    return statistics.median(differences)


if __name__ == "__main__":
    sys.exit(main())
