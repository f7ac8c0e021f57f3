"""The worker: every way a run can go wrong gives one sentence, and the next run works."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import demos
from demos._runner import Runner

FAULTY = Path(__file__).parent / "faulty_demos"


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    runner = Runner(workers=2, root=FAULTY)
    yield runner
    runner.close()


def sentence(runner: Runner, **options: object) -> str:
    """The message of the error that the run ends in, after a check that the next run works."""
    with pytest.raises(demos.DemoError) as caught:
        runner.run("misbehaves", **options)  # type: ignore[arg-type]
    assert runner.run("misbehaves", fresh=True).claims == {"the draw lies between 0 and 1": True}
    return f"{type(caught.value).__name__}: {caught.value}"


def test_a_demo_that_raises_gives_a_sentence_with_the_place(runner: Runner) -> None:
    lines = (FAULTY / "faults" / "misbehaves.py").read_text(encoding="utf-8").splitlines()
    place = 1 + next(number for number, line in enumerate(lines) if "raise ValueError" in line)
    assert sentence(runner, params={"fault": "raise"}) == (
        f"DemoFailedError: demo misbehaves: it raised ValueError at misbehaves.py:{place}: "
        "shapes (2, 3) and (4, 5) do not fit; try other parameters or the CPU."
    )


@pytest.mark.parametrize(("fault", "code"), [("exit", 3), ("kill", -9)])
def test_a_worker_that_dies_gives_a_sentence_with_the_exit_code(runner: Runner, fault: str, code: int) -> None:
    assert sentence(runner, params={"fault": fault}) == (
        f"DemoCrashError: demo misbehaves: its worker process died (exit code {code}); "
        "the next run gets a fresh one. Choose smaller sizes or the CPU if it happens again."
    )


def test_a_demo_that_hangs_is_ended_at_its_limit(runner: Runner) -> None:
    assert sentence(runner, params={"fault": "hang"}, timeout_s=0.3) == (
        "DemoTimeoutError: demo misbehaves: it ran longer than its limit of 0.3 s and was ended; "
        "choose smaller sizes or a longer limit."
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space of a process")
def test_an_allocation_over_the_limit_is_refused_and_the_worker_lives(runner: Runner) -> None:
    assert sentence(runner, params={"fault": "allocate", "size": 2**29}, memory_bytes=2**30) == (
        "DemoMemoryError: demo misbehaves: it needed more memory than the limit of 1 GiB; "
        "choose smaller sizes or a higher limit."
    )
    assert runner.run("misbehaves", {"fault": "allocate", "size": 2**29}, memory_bytes=2**32).claims


def test_a_cancelled_run_ends_its_worker_and_says_so(runner: Runner) -> None:
    run = runner.submit("misbehaves", {"fault": "hang"}, timeout_s=60)
    with pytest.raises(TimeoutError):
        run.result(wait_s=0.2)
    run.cancel()
    with pytest.raises(demos.DemoCancelledError, match=r"demo misbehaves: the run was cancelled\."):
        run.result()
    assert runner.run("misbehaves", fresh=True).claims


def test_a_missing_device_is_named(runner: Runner) -> None:
    assert "expected one of auto, cpu, cuda, mps; found 'tpu'" in sentence(runner, device="tpu")


def test_the_same_seed_gives_the_same_draw_and_another_seed_another(runner: Runner) -> None:
    draws = [runner.run("misbehaves", device="cpu", seed=seed, fresh=True).result["drawn"] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_identical_calls_at_the_same_time_share_one_run(runner: Runner) -> None:
    outcomes: list[demos.Outcome] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(runner.run("misbehaves", {"fault": "sleep"}, fresh=True)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(outcome.result["process"], outcome.seconds) for outcome in outcomes}) == 1


def test_a_finished_run_is_kept_until_a_fresh_one_is_asked_for(runner: Runner) -> None:
    first = runner.submit("misbehaves", {"fault": "none"}, seed=7)
    first.result()
    assert runner.submit("misbehaves", {"fault": "none"}, seed=7) is first
    assert runner.submit("misbehaves", {"fault": "none"}, seed=7, fresh=True) is not first


def test_floats_that_are_not_finite_become_json_texts(runner: Runner) -> None:
    outcome = runner.run("misbehaves")
    assert outcome.result["not_finite"] == ["NaN", "Infinity", "-Infinity", 1.0]
    assert json.loads(json.dumps(outcome.to_json(), allow_nan=False))["claims"] == [
        {"text": "the draw lies between 0 and 1", "holds": True}
    ]


def test_a_demo_edited_while_the_worker_lives_is_read_anew(tmp_path: Path) -> None:
    folder = tmp_path / "faults"
    folder.mkdir()
    source = (FAULTY / "faults" / "misbehaves.py").read_text(encoding="utf-8")
    path = folder / "misbehaves.py"
    path.write_text(source, encoding="utf-8")
    runner = Runner(workers=1, root=tmp_path)
    try:
        assert runner.run("misbehaves").result["not_finite"][-1] == 1.0
        time.sleep(0.01)
        path.write_text(source.replace('float("-inf"), 1.0)', 'float("-inf"), 2.0)'), encoding="utf-8")
        assert runner.run("misbehaves").result["not_finite"][-1] == 2.0
    finally:
        runner.close()


def test_running_demos_leaves_torch_out_of_the_callers_process() -> None:
    code = (
        "import sys, demos\n"
        "if __name__ == '__main__':\n"
        "    outcome = demos.run('softmax_saturation', {'num_queries': 128}, device='cpu')\n"
        "    heavy = {'torch', 'altair', 'numpy', 'pandas'} & set(sys.modules)\n"
        "    print(outcome.claims, sorted(heavy))\n"
    )
    root = Path(demos.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_what_a_demo_prints_stays_off_stdout(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from demos._runner import Runner\n"
        "if __name__ == '__main__':\n"
        f"    runner = Runner(workers=1, root=Path({str(FAULTY)!r}))\n"
        "    runner.run('misbehaves', {'fault': 'print'})\n"
        "    runner.close()\n"
        "    print('mine')\n"
    )
    script = tmp_path / "caller.py"
    script.write_text(code, encoding="utf-8")
    root = Path(demos.__file__).parents[1]
    done = subprocess.run([sys.executable, script], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "mine\n"
    assert "noise from the demo" in done.stderr


def test_a_runner_can_be_closed_while_its_workers_start_and_nothing_is_printed(tmp_path: Path) -> None:
    code = (
        "import time\n"
        "from demos._runner import Runner\n"
        "if __name__ == '__mp_main__':\n"  # in a worker, which starts by reading the script of its caller
        "    time.sleep(0.1)\n"
        "if __name__ == '__main__':\n"
        "    runner = Runner(workers=12)\n"
        "    runner.warm_up()\n"
        "    runner.close()\n"
    )
    script = tmp_path / "caller.py"
    script.write_text(code, encoding="utf-8")
    root = Path(demos.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_to_warm_up_does_not_wait_for_torch() -> None:
    code = (
        "from demos._runner import Runner\n"
        "runner = Runner()\n"
        "runner.warm_up()\n"
        "print(runner._warming.is_alive())\n"
        "runner.close()\n"
    )
    root = Path(demos.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
