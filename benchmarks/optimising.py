"""Promise: our fit of FSRS's parameters predicts later answers better than py-fsrs's optimiser does, in a fifth of its time.

Each simulated learner answers what is due on its day, and up to ten new questions of 300, under the default parameters; the
first four fifths of the log are fitted to, the last fifth is predicted. The learners are those of `interview_day.py`: as FSRS
has it with parameters drawn around the defaults, steeper than these, and two whose memory is not FSRS at all. Both optimisers
are given days as the learner counts them, and one thread. Promised are, over all of them: a held-out log loss below that of
py-fsrs's parameters, beyond the confidence interval, and at most a fifth of its processor time.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsrs

sys.path[0] = str(Path(__file__).parents[1])  # run as a file, this module would hide packages of the same name

from benchmarks.interview_day import QUESTIONS, START, Learner, interval  # noqa: E402
from kb.fitting import fit  # noqa: E402
from kb.memory import Memory  # noqa: E402
from kb.predicting import Answered, History, chances, loss, recalled  # noqa: E402
from kb.scheduling import DEFAULT_PARAMETERS, Card, Review, Scheduler, State  # noqa: E402

SIZE = 2000
KINDS = ("as assumed", "steeper", "exponential", "half-life")
SEEDS = range(2000, 2005)
NEW_PER_DAY = 10
AT_MOST = 0.2  # of the processor time that py-fsrs takes


def log_of(learner: Learner, count: int) -> list[History]:
    """So many answers of this learner."""
    scheduler = Scheduler()
    cards: dict[str, Card] = {}
    log: dict[str, list[Answered]] = {}
    place = 0
    for day in range(count):
        today = START + timedelta(days=day)
        now = datetime(today.year, today.month, today.day, 9, tzinfo=UTC)
        due = [name for name, card in cards.items() if card.due_at or card.due_on <= today]
        for name in (*due, *QUESTIONS[day * NEW_PER_DAY : (day + 1) * NEW_PER_DAY]):
            for _ in range(6):
                card = cards.get(name)
                waited = 0 if card is None else (today - card.last_day).days
                rating = learner.answer(name, day, State.LEARNING if card is None else card.state)
                now += timedelta(seconds=40)
                cards[name] = scheduler.review(name, card, Review(rating, now, today, now))
                log.setdefault(name, []).append(Answered(place, waited, rating, rating > 1 if waited else None))
                place += 1
                if place == count:
                    return list(log.values())
                if cards[name].due_on:
                    break
    raise AssertionError("too few days")


def fit_of_py_fsrs(log: Sequence[History]) -> tuple[float, ...]:
    """The parameters that py-fsrs's optimiser gives."""
    logs = []
    for card_id, history in enumerate(log):
        at = datetime(2026, 1, 1, tzinfo=UTC)
        for answer in history:
            at += timedelta(days=answer.days)
            logs.append(fsrs.ReviewLog(card_id, fsrs.Rating(answer.rating), at, None))
    return tuple(fsrs.Optimizer(logs).compute_optimal_parameters())


def first(log: Sequence[History], cut: int) -> list[History]:
    """The histories as far as they had come at this place."""
    shortened = ([answer for answer in history if answer.place < cut] for history in log)
    return [history for history in shortened if history]


def held_out(parameters: Sequence[float], log: Sequence[History], cut: int) -> float:
    """The mean log loss of the recalls from this place on."""
    places = [answer.place for history in log for answer in history if answer.recalled is not None]
    judged = zip(places, chances(Memory(parameters), log), recalled(log), strict=True)
    return statistics.fmean(loss(chance, success) for place, chance, success in judged if place >= cut)


def main() -> int:
    """Prints both beside each other; 0 when every promise is kept."""
    import torch

    torch.set_num_threads(1)
    cut = SIZE * 4 // 5
    print(f"{SIZE} answers; log loss of the last fifth:     default   py-fsrs      ours")
    saved, ours_s, theirs_s = [], 0.0, 0.0
    for kind in KINDS:
        losses = []
        for seed in SEEDS:
            log = log_of(Learner(kind, seed, DEFAULT_PARAMETERS), SIZE)
            known = first(log, cut)
            started = time.process_time()
            ours = fit(known)
            between = time.process_time()
            theirs = fit_of_py_fsrs(known)
            theirs_s += time.process_time() - between
            ours_s += between - started
            losses.append([held_out(each, log, cut) for each in (DEFAULT_PARAMETERS, theirs, ours)])
            saved.append(losses[-1][1] - losses[-1][2])
        means = map(statistics.fmean, zip(*losses, strict=True))
        print(f"  {kind:42}" + "".join(f"{value:10.4f}" for value in means), flush=True)
    mean, width = interval(saved)
    print(
        f"over {len(saved)} learners ours saves {mean:.4f} ± {width:.4f} a recall; promise: more than 0 beyond the interval"
    )
    print(f"{ours_s:.1f} s against {theirs_s:.1f} s, {ours_s / theirs_s:.2f} x; promise: at most {AT_MOST:g} x")
    return int(mean <= width or ours_s > AT_MOST * theirs_s)


if __name__ == "__main__":
    sys.exit(main())
