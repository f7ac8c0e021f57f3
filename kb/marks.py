"""What the learner marks: a question put aside, put off until tomorrow, flagged or noted, and the days a demo was run.

Each is an event of the log; the last one about a question counts, also under a former slug and after a merge.
Leaves out what marks do to the choice of questions (kb/choosing.py).
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

from kb import clock
from kb.bank import Bank
from kb.choosing import Desk, reading, writing
from kb.errors import UsageError
from kb.log import Mark
from kb.scheduling import Card
from kb.settings import read_settings
from kb.store import Store

MAX_NOTE = 10_000
LEECH = "leech"  # the reason of a question that was put aside because it slipped too often
_UNMARKED = Mark("", None, None)
_OPPOSITE = {"suspend": "unsuspend", "flag": "unflag", "bury": "unbury"}
_OPPOSITE |= {after: before for before, after in _OPPOSITE.items()}


@dataclass(frozen=True)
class Marks:
    """The marks of one question; `reason` says why it is suspended, and a buried one comes back tomorrow."""

    suspended: bool = False
    reason: str | None = None
    flagged: bool = False
    note: str | None = None
    buried: bool = False


@dataclass(frozen=True)
class DemoRuns:
    """On how many of the learner's days a demo was run, and the last of them."""

    days: int
    last: date


def marks(bank: Bank, store: Store, now: datetime) -> dict[str, Marks]:
    """The marks of the questions that have any."""
    with reading(bank, store, now) as desk:
        put_aside = desk.log.last_marks("suspend", "unsuspend")
        flags = desk.log.last_marks("flag", "unflag")
        notes = desk.log.last_marks("note")
        buried = desk.log.buried(desk.today)
    marked = {*put_aside, *flags, *notes, *buried}
    found = {}
    for slug in (each for each in bank.questions if each in marked):
        aside, flag, noted = put_aside.get(slug), flags.get(slug), notes.get(slug)
        suspended = aside is not None and aside.kind == "suspend"
        each = Marks(
            suspended=suspended,
            reason=aside.value if aside is not None and suspended else None,
            flagged=flag is not None and flag.kind == "flag",
            note=None if noted is None else noted.value,
            buried=slug in buried,
        )
        if each != Marks():
            found[slug] = each
    return found


def suspend(bank: Bank, store: Store, question_id: str, now: datetime, *, reason: str | None = None) -> None:
    """Puts the question aside until `unsuspend`."""
    _mark(bank, store, question_id, now, "suspend", _checked("reason", reason))


def unsuspend(bank: Bank, store: Store, question_id: str, now: datetime) -> None:
    """Brings back a question that was put aside."""
    _mark(bank, store, question_id, now, "unsuspend")


def flag(bank: Bank, store: Store, question_id: str, now: datetime) -> None:
    """Flags the question, to be found again."""
    _mark(bank, store, question_id, now, "flag")


def unflag(bank: Bank, store: Store, question_id: str, now: datetime) -> None:
    """Takes the flag away."""
    _mark(bank, store, question_id, now, "unflag")


def set_note(bank: Bank, store: Store, question_id: str, text: str | None, now: datetime) -> None:
    """Notes this text about the question in the place of the one before; None or "" takes it away.

    Raises: UsageError for more than 10,000 characters.
    """
    _mark(bank, store, question_id, now, "note", _checked("note", text))


def bury(bank: Bank, store: Store, question_id: str, now: datetime) -> None:
    """Puts the question off until the learner's next day."""
    _mark(bank, store, question_id, now, "bury")


def unbury(bank: Bank, store: Store, question_id: str, now: datetime) -> None:
    """Brings a question that was put off back today."""
    _mark(bank, store, question_id, now, "unbury")


def suspend_leech(desk: Desk, before: Card, after: Card, review_id: str) -> None:
    """Suspends the question if with this review it slipped as often as the setting says, or half as often again since."""
    limit = desk.settings.leech_lapses
    beyond = after.lapses - limit
    slipped = after.lapses > before.lapses and limit > 0
    if slipped and beyond >= 0 and beyond % ceil(limit / 2) == 0 and after.question not in desk.log.suspended():
        desk.log.add_event("suspend", desk.now, question=after.question, name=review_id, value=LEECH)


def is_leech_by(desk: Desk, slug: str, review_id: str) -> bool:
    """Whether the question is suspended because this review made it a leech."""
    return desk.log.last_marks("suspend", "unsuspend").get(slug) == Mark("suspend", review_id, LEECH)


def note_demo_run(store: Store, demo: str, now: datetime) -> None:
    """Notes that the demo was run today; a second run on the same day changes nothing."""
    now = clock.utc(now)
    with store.writing() as transaction:
        today = read_settings(transaction.log).days.day(now)
        if (demo, today) not in transaction.log.demo_days():
            transaction.log.add_event("demo_run", now, name=demo, value=today.isoformat())


def demos_run(store: Store) -> dict[str, DemoRuns]:
    """On how many days each demo was run, and when last; none that never was."""
    days: dict[str, list[date]] = defaultdict(list)
    with store.reading() as transaction:
        for demo, day in transaction.log.demo_days():
            days[demo].append(day)
    return {demo: DemoRuns(len(on), max(on)) for demo, on in days.items()}


def _mark(bank: Bank, store: Store, question_id: str, now: datetime, kind: str, value: str | None = None) -> None:
    """Appends the event, unless it is what was decided last about this question."""
    slug = bank.question(question_id).slug
    with writing(bank, store, now) as desk:
        if kind == "bury":
            value = desk.today.isoformat()
        last = desk.log.last_marks(kind, _OPPOSITE.get(kind, kind)).get(slug, _UNMARKED)
        takes_away = kind.startswith("un") or (kind == "note" and value is None)
        if (last.kind, last.value) != (kind, value) and not (last is _UNMARKED and takes_away):
            desk.log.add_event(kind, desk.now, question=slug, value=value)


def _checked(what: str, text: str | None) -> str | None:
    text = (text or "").strip()
    if len(text) > MAX_NOTE:
        raise UsageError(f"{what}: expected at most {MAX_NOTE:,} characters; found {len(text):,}.")
    return text or None
