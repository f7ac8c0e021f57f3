"""What `kb check` does: the rules of the bank against the demos that exist, and with --run every figure computed anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import demos
from demos._runner import Run, Runner
from kb import check, figures
from kb.cli.session import Session
from kb.errors import FigureError
from kb.problems import Problem, in_order
from kb.questions import Value

SEED = 0
DEVICE = "cpu"


@dataclass(frozen=True)
class CheckReport:
    """What was checked and what is wrong; `fixed` counts figures that were rewritten."""

    questions: int
    demos: int
    syllabus_points: int
    uncovered: tuple[str, ...]
    links: int
    problems: tuple[Problem, ...]
    fixed: int = 0

    def to_json(self) -> dict[str, Any]:
        """The form that `kb check --json` prints."""
        problems = [
            {"path": problem.path, "line": problem.line, "message": problem.message, "fix": problem.fix}
            for problem in self.problems
        ]
        return {
            "questions": self.questions,
            "demos": self.demos,
            "syllabus_points": self.syllabus_points,
            "uncovered": list(self.uncovered),
            "links": self.links,
            "problems": problems,
        }

    def summary(self) -> str:
        """One line for the person at the terminal."""
        covered = self.syllabus_points - len(self.uncovered)
        fixed = f", {self.fixed} figures rewritten" if self.fixed else ""
        return (
            f"{self.questions} questions, {self.links} figures, {self.demos} demos, "
            f"{covered} of {self.syllabus_points} points covered{fixed}; {len(self.problems)} problems"
        )


def check_bank(session: Session, *, run: bool, fix: bool) -> CheckReport:
    """The report on the whole bank; with `run` every figure is computed anew, with `fix` the drifted ones are rewritten."""
    bank = session.shared_bank
    specs, broken = demos.catalogue()
    problems = [_problem(error) for error in broken] + list(check.check(bank, specs))
    fixed = 0
    if run:
        computer = _Computer()
        try:
            drifts = figures.recompute(bank, computer.result)
            if fix:
                remaining = figures.fix(drifts)
                fixed, drifts = len(drifts) - len(remaining), remaining
            problems += [drift.problem for drift in drifts] + computer.problems
        finally:
            computer.close()
    return CheckReport(
        questions=len(bank.questions),
        demos=len(specs),
        syllabus_points=len(bank.syllabus.points),
        uncovered=check.uncovered(bank),
        links=sum(len(text.links) for question in bank.questions.values() for text in question.texts.values()),
        problems=in_order(problems),
        fixed=fixed,
    )


def _problem(error: demos.BrokenDemoError) -> Problem:
    place, _, message = str(error).partition(": ")
    path, _, line = place.partition(":")
    return Problem(path, int(line or 1), message, "demos/README.md shows the form.")


class _Computer:
    """Runs demos for `figures.recompute` on the CPU, with the seed of the bank, and notes every claim that fails."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._runner = Runner()

    def result(self, demo: str, params: Mapping[str, Value]) -> Mapping[str, Any]:
        """The result fields of one run. Raises: FigureError with the demo's own sentence."""
        try:
            run: Run = self._runner.submit(demo, params, DEVICE, SEED)
            outcome = run.result()
        except demos.DemoError as error:
            raise FigureError(str(error)) from error
        for claim, holds in outcome.claims.items():
            if not holds:
                given = " ".join(f"{name}={value}" for name, value in params.items())
                path = run.spec.path.relative_to(run.spec.path.parents[2]).as_posix()
                message = f"claims: expected '{claim}' to hold at {given or 'the defaults'}; found that it fails."
                self.problems.append(Problem(path, 1, message, "state the condition in the claim, or mend the demo."))
        return outcome.result

    def close(self) -> None:
        """Ends the workers."""
        self._runner.close()
