"""Promise: the next question and its answer cost at most half of Anki's and 1.5 times a bare SQLite floor; more below.

One run measures three on the same generated learner, at 10,000 and at 100,000 cards of ten reviews each, a third of them due:

- Anki, the real package, with FSRS, its v3 scheduler, and synchronous=FULL in WAL mode, as it sets them itself;
- the floor: Python's sqlite3 with the same durability, one query for the next card and one transaction that appends the review
  and updates the card, with no index but those two need;
- Livecards, through `kb.study` and `kb.search`.

An answer is timed from asking for the next card until its answer is on the disk. Anki's is what its reviewer calls:
`get_queued_cards`, then `answer_card` with the state that came with it; "shown" adds what a person needs to answer, the text of
question and answer and the interval on each button. Steps of all three and of both sizes take turns in a random order, so that
the disk disturbs them alike. Opening, searching and counting are repeated in turns as well.

Promised are, at the median: next + answer at most 0.5 times Anki's and 1.5 times the floor's; finding a word that one text in
a thousand holds, in either language, at most 0.05 times Anki's search of the text of its notes; an answer at 100,000 cards
within 1.3 times one at 10,000; opening a database faster than Anki.
A rebuild makes every card anew from all reviews; Anki's peer is turning FSRS on, which computes every memory state.
A word that nearly every text holds is timed as well and promises nothing: Anki lists what it finds by number, we rank it.
Leaves out the start of the process, which is startup.py, and rendering, which both leave to a browser.
"""

import argparse
import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])  # run as a file, this module would hide packages of the same name

from benchmarks.review.generated import COMMON, RARE, REVIEWS_EACH, questions  # noqa: E402
from benchmarks.review.peers import Anki, Floor, Livecards  # noqa: E402
from kb.search import Index  # noqa: E402

OF_ANKI, OF_FLOOR, OF_SEARCH, OF_FEW_CARDS = 0.5, 1.5, 0.05, 1.3

Times = dict[str, list[float]]  # seconds, by what was done and by whom


def in_turns(arms: dict[str, Callable[[], Any]], rounds: int, times: Times) -> None:
    """Adds the times of so many calls of each; all take turns, in another order each round."""
    order = list(arms)
    gc.collect()
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            started = time.perf_counter()
            arms[name]()
            times.setdefault(name, []).append(time.perf_counter() - started)


def once(work: Callable[[], Any]) -> list[float]:
    """The time of one call."""
    started = time.perf_counter()
    work()
    return [time.perf_counter() - started]


def measure(sizes: tuple[int, int], answers: int, rounds: int, folder: Path) -> Times:
    """The times of everything: keys are "what, who, cards"."""
    now, times = datetime.now(UTC).replace(microsecond=0), Times()
    made = list(questions(sizes[-1]))
    all_of: dict[int, tuple[Floor, Anki, Livecards]] = {}
    for size in sizes:
        place = folder / str(size)
        place.mkdir()
        all_of[size] = tuple(kind(place, made[:size], now) for kind in (Floor, Anki, Livecards))  # type: ignore[assignment]
        told(f"{size:,} cards are ready")
    steps: dict[str, Callable[[], Any]] = {}
    for size, (floor, anki, ours) in all_of.items():
        for name, each in ("floor", floor), ("anki", anki), ("livecards", ours):
            steps[f"answer, {name}, {size}"] = each.answer
        steps[f"answer shown, anki, {size}"] = lambda anki=anki: anki.answer(shown=True)
        steps[f"answer shown, livecards, {size}"] = lambda ours=ours: ours.answer(shown=True)
    in_turns(steps, 20, {})  # everything warm, and the backup of the day made
    in_turns(steps, answers, times)
    told("answers are timed")
    for size, (floor, anki, ours) in all_of.items():
        for _ in range(rounds):
            for name, peer in random.sample([("floor", floor), ("anki", anki), ("livecards", ours)], 3):
                peer.close()
                times.setdefault(f"open, {name}, {size}", []).extend(once(peer.open))
                if not isinstance(peer, Floor):
                    times.setdefault(f"first, {name}, {size}", []).extend(once(peer.first))
        in_turns(
            {f"statistics, anki, {size}": anki.statistics, f"statistics, livecards, {size}": ours.statistics},
            rounds,
            times,
        )
        times[f"first search, livecards, {size}"] = once(lambda ours=ours: Index(ours.bank).find(RARE["en"]))
        ours.search(RARE["en"])
        for how, words in ("rare", RARE), ("common", COMMON):
            for language, word in words.items():
                what = f"search {how} {language}"
                assert min(anki.search(word), ours.search(word)) >= 1
                arms = {f"{what}, anki, {size}": lambda anki=anki, word=word: anki.search(word),
                        f"{what}, livecards, {size}": lambda ours=ours, word=word: ours.search(word)}  # fmt: skip
                in_turns(arms, rounds, times)
        told(f"{size:,} cards are opened, searched and counted")
    size = sizes[-1]
    floor, anki, ours = all_of[size]
    times[f"rebuild, floor, {size}"] = once(floor.read_rows)
    times[f"rebuild, livecards, {size}"] = [ours.rebuilt_s]
    anki.fsrs(False)
    times[f"rebuild, anki, {size}"] = once(lambda: anki.fsrs(True))
    for peers in all_of.values():
        for peer in peers:
            peer.close()
    return times


def told(text: str) -> None:
    """Says on stderr how far the measuring is."""
    print(f"... {text}", file=sys.stderr, flush=True)


def milliseconds(values: list[float], share: float = 0.5) -> float:
    """The median, or another quantile."""
    return 1e3 * sorted(values)[min(int(share * len(values)), len(values) - 1)]


def promises(times: Times, sizes: tuple[int, int]) -> list[tuple[str, float, float]]:
    """Each promise with its ratio and its limit."""
    found = []

    def ratio(what: str, mine: str, other: str, limit: float) -> None:
        found.append((what, milliseconds(times[mine]) / milliseconds(times[other]), limit))

    for size in sizes:
        ours = f"answer, livecards, {size}"
        ratio(f"next + answer against Anki's, {size:,} cards", ours, f"answer, anki, {size}", OF_ANKI)
        ratio(f"next + answer against the floor's, {size:,} cards", ours, f"answer, floor, {size}", OF_FLOOR)
        ratio(f"opening against Anki's, {size:,} cards", f"open, livecards, {size}", f"open, anki, {size}", 1.0)
        for what in sorted({key.split(",")[0] for key in times if key.startswith("search rare")}):
            ratio(
                f"{what} against Anki's, {size:,} cards",
                f"{what}, livecards, {size}",
                f"{what}, anki, {size}",
                OF_SEARCH,
            )
    few, many = (f"answer, livecards, {size}" for size in sizes)
    ratio(f"an answer at {sizes[1]:,} cards against {sizes[0]:,}", many, few, OF_FEW_CARDS)
    return found


def table(times: Times, sizes: tuple[int, int]) -> str:
    """What was measured, in milliseconds: the median and, where there are many, the 95th percentile."""
    lines = []
    for size in sizes:
        lines.append(f"\n{size:>7,} cards, ms{'floor':>20}{'Anki':>19}{'Livecards':>19}")
        for what in dict.fromkeys(key.split(",")[0] for key in times if key.endswith(f", {size}")):
            cells = []
            for who in ("floor", "anki", "livecards"):
                values = times.get(f"{what}, {who}, {size}", [])
                p95 = f" p95 {milliseconds(values, 0.95):7.2f}" if len(values) > 50 else ""
                cells.append(f"{milliseconds(values):.3f}{p95}" if values else "")
            lines.append(f"{what:20}" + "".join(f"{cell:>19}" for cell in cells))
    return "\n".join(lines)


def main() -> int:
    """Prints what was measured and which promises were kept; 0 when all were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="few cards: to see that it runs; its ratios promise nothing"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON value on stdout: the medians in ms, and the promises"
    )
    options = parser.parse_args()
    sizes, answers, rounds = ((1_000, 5_000), 60, 3) if options.quick else ((10_000, 100_000), 300, 5)
    random.seed(1)
    with tempfile.TemporaryDirectory(prefix="review-loop-") as folder:
        times = measure(sizes, answers, rounds, Path(folder))
    found = promises(times, sizes)
    reviews = sizes[-1] * 9 // 10 * REVIEWS_EACH
    per_review = 1e3 * milliseconds(times[f"rebuild, livecards, {sizes[-1]}"]) / reviews
    if options.json:
        medians = {key: milliseconds(values) for key, values in times.items()}
        kept = [
            {"promise": what, "ratio": ratio, "limit": limit, "kept": ratio <= limit} for what, ratio, limit in found
        ]
        print(json.dumps({"medians_ms": medians, "rebuild_us_per_review": per_review, "promises": kept}, indent=1))
    else:
        print(table(times, sizes))
        print(f"\nrebuilt from {reviews:,} reviews: {per_review:.1f} µs a review\n")
        for what, ratio, limit in found:
            print(f"{what:55}{ratio:8.3f} x  promise: at most {limit:g} x  {'kept' if ratio <= limit else 'MISSED'}")
    return int(any(ratio > limit for _, ratio, limit in found))


if __name__ == "__main__":
    sys.exit(main())
