"""The parameters of FSRS fitted to the learner's own log, and kept only if they predict recalls they were not fitted to.

Judged by time, as they will be used: the later half of the recalls is predicted in five parts, each by parameters fitted to all
answers before it, and by the defaults. The fitted ones are better where they save more log loss than the standard error of that
saving; then parameters fitted to all of the log are the ones to keep. Of 40 simulated learners with the default parameters
this kept the fitted ones for 1 after 1,000 answers, and for none of 32 after more; one last part of a fifth alone kept 5.

`python -m kb.optimising DATABASE` does the work in a process of its own, as it takes a second for some thousand answers and
minutes for a hundred thousand: lines of JSON on stdout, `{"share": 0.5}` for how far it is and `{"finding": ...}` at the end.
`start` runs it and reads them. The database is only read; `keep` stores what was found.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from kb import study
from kb.errors import KbError, StoreUnavailableError, UsageError
from kb.fitting import fit
from kb.memory import Memory
from kb.predicting import History, Predicted, Quality, histories, loss, predicted, quality
from kb.scheduling import DEFAULT_PARAMETERS
from kb.store import Store

MIN_RECALLS = 400
PARTS = 5
PASSES = 70  # over the log for one fit, about; a guess for showing how far it is


@dataclass(frozen=True)
class Finding:
    """What the log says of the parameters; under `needed` recalls, only how many there are.

    `before` and `after` are how well the default and the fitted parameters predict the same held-out recalls, `gain` the log
    loss saved for each of these with its standard error, `parameters` those fitted to all of the log.
    """

    recalls: int
    needed: int = MIN_RECALLS
    before: Quality | None = None
    after: Quality | None = None
    gain: float = 0.0
    gain_error: float = 0.0
    parameters: tuple[float, ...] | None = None

    @property
    def enough(self) -> bool:
        """Whether there is enough to fit anything to."""
        return self.recalls >= self.needed

    @property
    def better(self) -> bool:
        """Whether the fitted parameters predict better, beyond what chance explains."""
        return self.parameters is not None and self.gain > self.gain_error


def found(log: Sequence[History], report: Callable[[float], None] = lambda share: None) -> Finding:
    """What these histories say of the parameters; `report` is told how far the work is, from 0 to 1."""
    places = sorted(answer.place for history in log for answer in history if answer.recalled is not None)
    if len(places) < MIN_RECALLS:
        return Finding(len(places))
    half = len(places) // 2
    cuts = [places[half + (len(places) - half) * part // PARTS] for part in range(PARTS)]
    parameters: tuple[float, ...] = DEFAULT_PARAMETERS
    before: list[Predicted] = []
    after: list[Predicted] = []
    for part, (cut, until) in enumerate(zip(cuts, [*cuts[1:], places[-1] + 1], strict=True)):
        parameters = fit(_first(log, cut), parameters, _counted(report, part))
        seen = _first(log, until)
        before += (each for each in predicted(Memory(DEFAULT_PARAMETERS), seen) if each.place >= cut)
        after += (each for each in predicted(Memory(parameters), seen) if each.place >= cut)
    gains = [
        loss(default.chance, default.recalled) - loss(fitted.chance, fitted.recalled)
        for default, fitted in zip(before, after, strict=True)
    ]
    return Finding(
        recalls=len(places),
        before=quality(before),
        after=quality(after),
        gain=fmean(gains),
        gain_error=stdev(gains) / sqrt(len(gains)),
        parameters=fit(log, parameters, _counted(report, PARTS)),
    )


def keep(store: Store, finding: Finding, now: datetime) -> None:
    """Stores the fitted parameters; every card is folded anew by the next operation.

    Raises: UsageError where they do not predict better than the defaults.
    """
    if not finding.better:
        raise UsageError("fsrs_parameters: expected parameters that predict held-out answers better; found none.")
    study.set_setting(store, "fsrs_parameters", finding.parameters, now)


def reset(store: Store, now: datetime) -> None:
    """Brings the default parameters back; every card is folded anew by the next operation."""
    study.set_setting(store, "fsrs_parameters", None, now)


class Optimising:
    """A search that goes on in a process of its own; `share` says how far it is.

    Once it is done, either `finding` is there or `complaint`, a sentence on why not.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.share = 0.0
        self.finding: Finding | None = None
        self.complaint: str | None = None
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def done(self) -> bool:
        """Whether it has ended, with a finding or without."""
        return not self._reader.is_alive()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it has ended, after so many seconds at most."""
        self._reader.join(timeout_s)
        return self.done

    def cancel(self) -> None:
        """Ends the search."""
        self._process.kill()
        self._reader.join()

    def _read(self) -> None:
        with self._process as process:
            for line in process.stdout or ():
                said = json.loads(line)
                self.share = said.get("share", self.share)
                self.complaint = said.get("complaint", self.complaint)
                if "finding" in said:
                    self.finding = _finding(**said["finding"])
        if self.finding is None and self.complaint is None:
            self.complaint = f"The search for parameters was ended before it was done (exit code {process.returncode})."


def start(database: Path) -> Optimising:
    """A search in the log of this database, begun in a process of its own; nothing is stored by it."""
    command = [sys.executable, "-m", "kb.optimising", str(database.absolute())]
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[1], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    return Optimising(process)


def _first(log: Sequence[History], cut: int) -> list[History]:
    """The histories as far as they had come at this place of the log."""
    shortened = ([answer for answer in history if answer.place < cut] for history in log)
    return [history for history in shortened if history]


def _counted(report: Callable[[float], None], part: int) -> Callable[[], None]:
    """A function that reports one pass over the log more."""
    passes = 0

    def count() -> None:
        nonlocal passes
        passes += 1
        report((part + min(passes / PASSES, 0.99)) / (PARTS + 1))

    return count


def _finding(before: Any, after: Any, parameters: Any, **numbers: Any) -> Finding:
    """The finding that JSON holds."""
    return Finding(
        **numbers,
        before=_quality(before),
        after=_quality(after),
        parameters=None if parameters is None else tuple(parameters),
    )


def _quality(held: Any) -> Quality | None:
    return None if held is None else Quality(**held | {"curve": tuple(map(tuple, held["curve"]))})


def main(database: Path) -> int:
    """Searches and prints what was found, line by line; 0 unless the database could not be read."""

    def say(**value: Any) -> None:
        print(json.dumps(value), flush=True)

    try:
        if not database.is_file():
            raise StoreUnavailableError(f"{database}: expected a database; found no file.")
        with Store(database).reading() as transaction:
            log = histories(transaction.log)
        say(finding=asdict(found(log, lambda share: say(share=round(share, 4)))))
    except KbError as error:
        say(complaint=str(error))
        return 2
    except BrokenPipeError:  # whoever began it is gone
        sys.stderr.close()
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m kb.optimising DATABASE")
    sys.exit(main(Path(sys.argv[1])))
