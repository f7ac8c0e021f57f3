"""A question as it is put to the learner once: its drawn parameters and the order of its choices, both from one seed.

Leaves out which question it is (kb/choosing.py) and what becomes of the answer (kb/study.py).
"""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kb import clock
from kb.errors import UsageError
from kb.questions import NumericQuestion, Question

_SEEDS = random.SystemRandom()


@dataclass(frozen=True)
class Attempt:
    """A question put to the learner once; its id makes a second submission harmless.

    `order` is the order in which the choices are shown: positions in `Text.choices`. `changed` says that the meaning
    of the answer changed since the learner's last review of it, and `changes` what, revision by revision and by language.
    """

    attempt_id: str
    question_id: str
    revision: int
    seed: int
    params: Mapping[str, Any]
    order: tuple[int, ...]
    shown_at: datetime
    changed: bool = False
    changes: tuple[Mapping[str, str], ...] = ()


def start_attempt(
    question: Question, now: datetime, *, seed: int | None = None, attempt_id: str | None = None
) -> Attempt:
    """An attempt at this question; the seed, below 2**63, gives its parameters and the order of its choices."""
    seed = _SEEDS.getrandbits(32) if seed is None else checked_seed(seed)
    order = list(range(len(question.text("en").choices)))
    source = random.Random(seed)
    for last in range(len(order) - 1, 0, -1):  # not shuffle(): only random() promises the same sequence for ever
        other = int(source.random() * (last + 1))
        order[last], order[other] = order[other], order[last]
    return Attempt(
        attempt_id=uuid.uuid4().hex if attempt_id is None else attempt_id,
        question_id=question.slug,
        revision=question.revision,
        seed=seed,
        params=question.draw(seed) if isinstance(question, NumericQuestion) else {},
        order=tuple(order),
        shown_at=clock.utc(now),
    )


def checked_seed(seed: int) -> int:
    """The seed.

    Raises: UsageError for anything but a whole number from 0 to 2**63 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise UsageError(f"seed: expected a whole number from 0 to 2**63 - 1; found {seed!r}.")
    return seed
