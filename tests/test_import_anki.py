"""Packages of the real Anki, in all its formats: answers to our questions enter the log once, other notes become drafts."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from anki.collection import Collection
from anki.notes import Note
from anki_packages import FORMATS, add_note, answer, collection, take_in, written

from kb import study
from kb.__main__ import main
from kb.bank import Bank, load_bank
from kb.errors import StoreUnavailableError, UsageError
from kb.exchange.anki import Computed, export
from kb.exchange.anki_drafts import LeftOut, LeftOutKind
from kb.exchange.anki_import import Imported, import_package
from kb.exchange.anki_reviews import Skipped
from kb.parsing import parse_question
from kb.rating import Rating
from kb.store import Store

BANK = load_bank(Path(__file__).parent / "bank")
NOW = datetime.now(UTC)  # Anki has no other clock
PICTURE = b"\x89PNG\r\n\x1a\n of a mask"


@pytest.fixture
def anki(tmp_path: Path) -> Iterator[Collection]:
    with collection(tmp_path / "anki") as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "progress.db")


def brought(store: Store, path: Path, bank: Bank = BANK, **options: bool) -> Imported:
    return import_package(bank, store, path, path.parent / "drafts", NOW, taken=bank.questions, **options)


def exported(tmp_path: Path) -> Path:
    """The small bank as an Anki package of ours."""
    path = tmp_path / "ours.apkg"
    questions = [each for each in BANK.questions.values() if each.slug != "cache-of-a-model"]
    export(
        questions,
        path,
        NOW,
        lambda demo, params: Computed({"max_weight_unscaled": 0.9, "jacobian_mean_unscaled": 0.04}),
        pictures=False,
    )
    return path


def ours(opened: Collection, name: str) -> Note:
    (found,) = opened.find_notes(f'Id:"{name}"')
    return opened.get_note(found)


def log_of(store: Store) -> list[tuple[str, Rating, datetime, int | None, str]]:
    """Question, rating, time, duration and origin of each review in the log."""
    with store.reading() as transaction:
        rows = transaction.log.raw(
            "SELECT question, rating, reviewed_at, day, duration_ms, origin FROM reviews ORDER BY reviewed_at"
        )
        return [
            (question, Rating(rating), datetime.fromisoformat(at), duration, origin)
            for question, rating, at, _, duration, origin in rows
        ]


@pytest.mark.parametrize("name", FORMATS)
def test_answers_given_in_anki_enter_the_log_once(anki: Collection, store: Store, tmp_path: Path, name: str) -> None:
    take_in(anki, exported(tmp_path))
    english, chinese = ours(anki, "scale-by-root (en)"), ours(anki, "scale-by-root (zh)")
    rows = {
        answer(anki, english, 1, days_ago=9): ("scale-by-root", Rating.Again),
        answer(anki, english, 3, days_ago=8): ("scale-by-root", Rating.Good),
        answer(anki, chinese, 2, days_ago=5): ("scale-by-root", Rating.Hard),
        answer(anki, ours(anki, "exploding-softmax (en)"), 4, days_ago=1): ("exploding-softmax", Rating.Easy),
    }
    anki.sched.set_due_date([ours(anki, "exploding-softmax (en)").cards()[0].id], "3")
    path = written(anki, tmp_path / name)

    imported = brought(store, path)
    assert (imported.added, imported.known, imported.drafts) == (4, 0, ())
    assert imported.matched["scale-by-root"] == 2
    assert imported.skipped == {Skipped.MOVED: 1}
    found = log_of(store)
    times = [datetime.fromtimestamp(row / 1000, UTC) for row in rows]
    assert [(question, rating, at) for question, rating, at, _, _ in found] == [
        (*expected, at) for expected, at in zip(rows.values(), times, strict=True)
    ]
    assert all(duration is not None and 6_900 <= duration <= 9_000 for _, _, _, duration, _ in found)
    days = study.settings(store).days
    with store.reading() as transaction:
        assert [day for (day,) in transaction.log.raw("SELECT day FROM reviews ORDER BY reviewed_at")] == [
            days.day(at).isoformat() for at in times
        ]
        card = transaction.cards.get("scale-by-root")
    assert card is not None
    assert (card.reviews, card.rating, card.last_day) == (3, Rating.Hard, days.day(times[2]))

    again = brought(store, path)
    assert (again.added, again.known, again.drafts) == (0, 4, ())
    assert log_of(store) == found
    assert study.rebuild(BANK, store) == 2
    with store.reading() as transaction:
        assert transaction.cards.get("scale-by-root") == card
    assert study.undo(store, NOW) is None


def test_the_revision_that_was_answered_in_anki_is_that_of_its_note(
    anki: Collection, store: Store, tmp_path: Path
) -> None:
    question = replace(BANK.question("scale-by-root"), revision=3)
    bank = replace(BANK, questions={**BANK.questions, question.slug: question})
    path = tmp_path / "ours.apkg"
    computed = Computed({"max_weight_unscaled": 0.9, "jacobian_mean_unscaled": 0.04})
    export([replace(question, revision=2)], path, NOW, lambda demo, params: computed, pictures=False)
    take_in(anki, path)
    answer(anki, ours(anki, "scale-by-root (en)"), 3, days_ago=2)
    brought(store, written(anki, tmp_path / "new.apkg"), bank)
    with store.reading() as transaction:
        assert [each.revision for each in transaction.log.reviews(["scale-by-root"])] == [2]
    attempt = study.next_attempt(bank, store, NOW)
    assert attempt is not None
    assert (attempt.question_id, attempt.changed) == ("scale-by-root", True)


def test_answers_in_a_filtered_deck_are_left_out_and_counted(anki: Collection, store: Store, tmp_path: Path) -> None:
    take_in(anki, exported(tmp_path))
    note = ours(anki, "scale-by-root (en)")
    answer(anki, note, 4, days_ago=3)
    deck = anki.sched.get_or_create_filtered_deck(0)
    deck.config.reschedule = True
    deck.config.search_terms[0].search = f"cid:{note.cards()[0].id}"
    anki.sched.add_or_update_filtered_deck(deck)
    answer(anki, anki.get_note(note.id), 3)
    imported = brought(store, written(anki, tmp_path / "new.apkg"))
    assert (imported.added, imported.skipped) == (1, {Skipped.FILTERED: 1})


def test_answers_here_and_in_anki_are_folded_in_the_order_of_their_times(
    anki: Collection, store: Store, tmp_path: Path
) -> None:
    take_in(anki, exported(tmp_path))
    question = BANK.question("scale-by-root")
    for days in (6, 2):
        attempt = study.start_attempt(question, NOW - timedelta(days=days))
        study.submit(BANK, store, attempt, Rating.Good, NOW - timedelta(days=days))
    answer(anki, ours(anki, "scale-by-root (en)"), 1, days_ago=4)
    brought(store, written(anki, tmp_path / "new.apkg"))
    with store.reading() as transaction:
        assert [each.rating for each in transaction.log.reviews(["scale-by-root"])] == [3, 1, 3]
        card = transaction.cards.get("scale-by-root")
    assert card is not None
    assert card.reviews == 3
    assert card.last_day == study.settings(store).days.day(NOW - timedelta(days=2))
    undone = study.undo(store, NOW)
    assert undone is not None
    assert undone.review_id == attempt.attempt_id


def test_a_note_of_another_deck_that_asks_the_same_brings_its_history_of_the_first_card(
    anki: Collection, store: Store, tmp_path: Path
) -> None:
    title = "WHY are attention scores divided by  \\(\\sqrt{d_k}\\)"
    note = add_note(anki, "Basic (and reversed card)", {"Front": f"<b>{title}</b>", "Back": "Variance."})
    answer(anki, note, 3, days_ago=2)
    answer(anki, note, 1, place=1, days_ago=1)
    imported = brought(store, written(anki, tmp_path / "new.apkg"))
    assert (imported.matched, imported.added) == ({"scale-by-root": 1}, 1)
    assert imported.skipped == {Skipped.CARD: 1}
    assert imported.drafts == ()


@pytest.mark.parametrize("name", FORMATS)
def test_other_notes_become_drafts_with_nothing_dropped(
    anki: Collection, store: Store, tmp_path: Path, name: str
) -> None:
    Path(anki.media.dir(), "mask.png").write_bytes(PICTURE)
    fields = {
        "Front": 'What does \\(QK^\\top\\) cost?<br><img src="mask.png" alt="mask">',
        "Back": "<ul><li>$n^2d$ is literal</li><li>[$]n^2 d[/$]</li></ul>"
        '<a href="https://arxiv.org/abs/1706.03762">Vaswani</a> [sound:gone.mp3]<style>b {}</style>',
    }
    basic = add_note(anki, "Basic (and reversed card)", fields, "Transformers::Attention", ("cost", "a::b"))
    cloze = {"Text": "{{c1::Softmax::what}} sums to {{c2::\\(1\\)}}.", "Back Extra": "Always."}
    add_note(anki, "Cloze", cloze)
    imported = brought(store, written(anki, tmp_path / name))
    assert [path.name for path in imported.drafts] == ["what-does-qk-cost.md", "what-sums-to.md"]
    assert (imported.notes, imported.unanswered, imported.matched) == (2, 0, {})
    first, second = (path.read_text(encoding="utf-8") for path in imported.drafts)
    assert first == (
        f"---\n# {name}, note {basic.id} of the type Basic (and reversed card), deck Transformers::Attention\n"
        "ready: false\nkind: open\ndifficulty: 2\ntags: [Transformers, Attention, 'a::b', cost]\n"
        "sources:\n- {title: Vaswani, url: 'https://arxiv.org/abs/1706.03762'}\n---\n"
        "# What does $QK^\\top$ cost?\n\n`![mask](mask.png)`\n\n"
        "## Answer\n\n- \\$n^2d\\$ is literal\n- $n^2 d$\n\nVaswani `[sound:gone.mp3]`\n"
    )
    assert "# [what] sums to […].\n\n## Answer\n\n**Softmax** sums to **$1$**.\n\nAlways.\n" in second
    assert second.endswith("## Key points\n\n- Softmax\n- $1$\n")
    for path in imported.drafts:
        assert parse_question(path.as_posix(), path.read_text(encoding="utf-8"), own=True).problems == ()
    assert [path.read_bytes() for path in imported.media] == [PICTURE]
    assert imported.left_out == (
        LeftOut(basic.id, LeftOutKind.PROGRAM, "b {}"),
        LeftOut(basic.id, LeftOutKind.CARD, "Basic (and reversed card): Card 2"),
        LeftOut(basic.id, LeftOutKind.MEDIUM, "gone.mp3"),
    )
    assert brought(store, tmp_path / name).drafts == ()


def test_fields_that_no_card_shows_and_words_of_the_template_are_in_the_draft(
    anki: Collection, store: Store, tmp_path: Path
) -> None:
    kind = anki.models.new("Capital")
    for field in ("Country", "City", "Hint", "Where from"):
        anki.models.add_field(kind, anki.models.new_field(field))
    template = anki.models.new_template("Card 1")
    template["qfmt"] = "What is the capital of {{Country}}?{{#Hint}} ({{hint:Hint}}){{/Hint}}{{^Hint}} no hint{{/Hint}}"
    template["afmt"] = "{{FrontSide}}<hr id=answer>{{type:City}}<script>run()</script>"
    anki.models.add_template(kind, template)
    anki.models.add_dict(kind)
    add_note(anki, "Capital", {"Country": "France", "City": "Paris", "Where from": "an atlas"})
    (path,) = brought(store, written(anki, tmp_path / "new.apkg")).drafts
    body = path.read_text(encoding="utf-8").split("---\n")[2]
    assert body == "# What is the capital of France? no hint\n\n## Answer\n\nParis\n\n**Where from**\n\nan atlas\n"


def test_a_note_without_text_is_listed(anki: Collection, store: Store, tmp_path: Path) -> None:
    note = add_note(anki, "Basic", {"Front": "<br>", "Back": ""})
    imported = brought(store, written(anki, tmp_path / "new.apkg"))
    assert imported.drafts == ()
    assert imported.left_out == (LeftOut(note.id, LeftOutKind.EMPTY, "Basic"),)


def test_a_draft_that_was_changed_stays_and_one_marked_ready_is_not_written_again(
    anki: Collection, store: Store, tmp_path: Path
) -> None:
    add_note(anki, "Basic", {"Front": "What is a mask?", "Back": "A matrix."})
    path = written(anki, tmp_path / "new.apkg")
    (draft,) = brought(store, path).drafts
    draft.write_text(draft.read_text(encoding="utf-8").replace("ready: false", "ready: true"), encoding="utf-8")
    assert brought(store, path).drafts == ()
    draft.write_text("changed", encoding="utf-8")
    assert [each.name for each in brought(store, path).drafts] == ["what-is-a-mask-again-2.md"]
    assert draft.read_text(encoding="utf-8") == "changed"


def test_a_dry_run_says_the_same_and_writes_nothing(anki: Collection, store: Store, tmp_path: Path) -> None:
    take_in(anki, exported(tmp_path))
    answer(anki, ours(anki, "scale-by-root (en)"), 3)
    add_note(anki, "Basic", {"Front": "What is a mask?", "Back": "A matrix."})
    path = written(anki, tmp_path / "new.apkg")
    before = sorted(tmp_path.iterdir())
    dry = brought(store, path, dry_run=True)
    assert sorted(tmp_path.iterdir()) == before
    assert dry == brought(store, path)
    assert (dry.added, [each.name for each in dry.drafts]) == (1, ["what-is-a-mask.md"])
    assert (brought(store, path, dry_run=True).known, brought(store, path, dry_run=True).added) == (1, 0)


def test_where_the_database_is_locked_no_draft_is_written(anki: Collection, store: Store, tmp_path: Path) -> None:
    take_in(anki, exported(tmp_path))
    answer(anki, ours(anki, "scale-by-root (en)"), 3)
    add_note(anki, "Basic", {"Front": "What is a mask?", "Back": "A matrix."})
    path = written(anki, tmp_path / "new.apkg")
    with store.writing(), pytest.raises(StoreUnavailableError):
        brought(Store(store.path, timeout_s=0.1), path)
    assert not list(tmp_path.glob("drafts/*"))
    assert not list(tmp_path.glob(".livecards-*"))


def test_where_drafts_cannot_be_written_no_answer_is_kept(anki: Collection, store: Store, tmp_path: Path) -> None:
    take_in(anki, exported(tmp_path))
    answer(anki, ours(anki, "scale-by-root (en)"), 3)
    add_note(anki, "Basic", {"Front": "What is a mask?", "Back": "A matrix."})
    path = written(anki, tmp_path / "new.apkg")
    (tmp_path / "drafts").write_text("a file", encoding="utf-8")
    with pytest.raises(UsageError, match="drafts: the drafts cannot be written"):
        brought(store, path)
    assert log_of(store) == []


def command(path: Path, *options: str) -> int:
    """The exit code of the command."""
    where = ["--db", str(path.parent / "progress.db"), "--content", str(BANK.root), "--lang", "en"]
    with pytest.raises(SystemExit) as ended:
        main([*where, "import", "anki", str(path), *options])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_command_prints_drafts_and_says_what_was_left_out(
    anki: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take_in(anki, exported(tmp_path))
    answer(anki, ours(anki, "scale-by-root (en)"), 3)
    note = add_note(anki, "Basic (and reversed card)", {"Front": "What is a mask?", "Back": "A matrix."})
    path = written(anki, tmp_path / "new.apkg")
    assert command(path) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{tmp_path / 'drafts' / 'what-is-a-mask.md'}\n"
    assert printed.err.splitlines() == [
        f"{path}: {note.id}: not placed, a further card, whose fields are in the draft: Basic (and reversed card): Card 2",
        "11 notes: 1 new drafts with 0 pictures or sounds, 10 that are questions of the bank",
        "Answers that were new here: 1; that were here already: 0",
        "Drafts are studied once they are marked ready: kb drafts --ready NAME",
    ]
    assert command(path, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["drafts"], again["added"], again["known"], again["matched"]["scale-by-root"]) == ([], 0, 1, 2)
    assert again["left_out"] == [{"note": note.id, "kind": "card", "text": "Basic (and reversed card): Card 2"}]
    path.write_text("no zip", encoding="utf-8")
    assert command(path) == 2
    assert (
        capsys.readouterr().err
        == f"kb: {path}: expected an Anki package (.apkg or .colpkg); found a file that is no zip file.\n"
    )
