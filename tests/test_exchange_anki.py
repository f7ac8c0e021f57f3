"""The bank as an Anki package, given to Anki's own importer: every note once, in both languages, and updated the second time."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest
from anki.notes import Note
from small_bank import NOON

from demos._figures import config
from kb.__main__ import main
from kb.bank import load_bank
from kb.errors import FigureError
from kb.exchange.anki import Computed, Exported, export
from kb.exchange.html import to_html, to_inline_html
from kb.exchange.pictures import png
from kb.questions import Question, Value

BANK = load_bank(Path(__file__).parent / "bank")
PNG = b"\x89PNG\r\n\x1a\n of a figure"


def compute(demo: str, params: Mapping[str, Value]) -> Computed:
    """The results of the two demos of the small bank, the first with a figure."""
    if demo == "softmax_saturation":
        return Computed({"max_weight_unscaled": 0.92, "jacobian_mean_unscaled": 0.04}, PNG)
    heads, layers = params["num_kv_heads"], params["num_layers"]
    assert isinstance(heads, int)
    assert isinstance(layers, int)
    return Computed({"cache_bytes": 4 * heads * layers * 128 * 8192})


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    with closing(Collection(str(tmp_path / "collection.anki2"))) as opened:
        yield opened


def written(path: Path, *questions: Question, days: int = 0) -> Exported:
    chosen = questions or tuple(BANK.questions.values())
    return export(chosen, path, NOON + timedelta(days=days), compute, pictures=True)


def imported(collection: Collection, path: Path) -> dict[str, int]:
    """How many notes Anki says it added, updated, and found as they were."""
    request = ImportAnkiPackageRequest(package_path=str(path), options=ImportAnkiPackageOptions(with_scheduling=False))
    log = collection.import_anki_package(request).log
    kinds = ("new", "updated", "duplicate", "conflicting", "empty_first_field", "missing_notetype", "missing_deck")
    return {kind: len(found) for kind in kinds if (found := getattr(log, kind, ()))}


def note(collection: Collection, name: str) -> Note:
    (found,) = collection.find_notes(f'Id:"{name}"')
    return collection.get_note(found)


def test_anki_takes_every_question_once_in_each_language(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "bank.apkg"
    exported = written(path)
    assert exported == Exported(notes=12, pictures=1, left_out=())
    assert imported(collection, path) == {"new": 12}
    assert collection.note_count() == collection.card_count() == 12
    assert sorted(deck.name for deck in collection.decks.all_names_and_ids() if collection.decks.card_count(deck.id, False)) == [
        "Livecards::English",
        "Livecards::中文",
    ]  # fmt: skip
    assert note(collection, "scale-by-root (zh)")["Question"].startswith("注意力分数为什么要除以")


def test_a_second_import_updates_what_changed_and_duplicates_nothing(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "bank.apkg"
    written(path)
    imported(collection, path)
    before = {name: note(collection, f"scale-by-root ({name})").id for name in ("en", "zh")}
    question = BANK.question("scale-by-root")
    reworded = question.with_texts(
        {language: replace(text, title="Reworded?") for language, text in question.texts.items()}
    )
    written(path, *({**BANK.questions, question.slug: reworded}).values(), days=1)
    assert imported(collection, path) == {"updated": 12}
    assert collection.note_count() == collection.card_count() == 12
    for language, identity in before.items():
        changed = note(collection, f"scale-by-root ({language})")
        assert (changed.id, changed["Question"]) == (identity, "Reworded?")
    assert len(list(Path(collection.media.dir()).glob("livecards-*"))) == 1


def test_the_same_package_again_changes_nothing(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "bank.apkg"
    written(path)
    imported(collection, path)
    assert "new" not in imported(collection, path)
    assert collection.note_count() == 12


def test_tags_say_topic_kind_difficulty_and_revision(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "bank.apkg"
    written(path)
    imported(collection, path)
    assert note(collection, "scale-by-root (en)").tags == [
        "difficulty::2",
        "initialisation",
        "kind::choice",
        "revision::2",
        "softmax",
        "topic::attention",
    ]


def test_a_card_shows_the_question_first_and_what_is_right_only_on_the_back(
    collection: Collection, tmp_path: Path
) -> None:
    path = tmp_path / "bank.apkg"
    written(path)
    imported(collection, path)
    card = note(collection, "scale-by-root (en)").cards()[0]
    front, back = card.question(), card.answer()
    assert r"divided by \(\sqrt{d_k}\)?" in front
    assert "To keep the variance of the scores near 1" in front
    assert "Predict before you look" in front
    assert "✓" not in front
    assert "✓ <p>To keep the variance of the scores near 1" in back
    assert r"\[\mathrm{Var}(q \cdot k) = \sum_{i=1}^{d_k} \mathrm{Var}(q_i k_i) = d_k\]" in back
    assert "0.92" in re.sub(r".*<h4>Computed</h4>", "", back, flags=re.DOTALL)
    assert '<a href="https://arxiv.org/abs/1706.03762">Attention Is All You Need</a> (2017), section 3.2.1' in back
    (picture,) = re.findall(r'<img src="([^"]+)"', back)
    assert (Path(collection.media.dir()) / picture).read_bytes() == PNG
    claim = note(collection, "exploding-softmax (zh)").cards()[0]
    assert "<b>错</b>" in claim.answer()
    assert "<b>错</b>" not in claim.question()


def test_a_generated_question_is_one_drawn_example_with_its_computed_answer(
    collection: Collection, tmp_path: Path
) -> None:
    path = tmp_path / "bank.apkg"
    written(path)
    imported(collection, path)
    example = note(collection, "cache-of-a-model (en)")
    (layers,) = re.findall(r"with (\d+) layers\?", example["Question"])
    (heads,) = re.findall(r"It has (\d+) KV heads", example["Context"])
    gib = 4 * int(layers) * int(heads) * 128 * 8192 / 2**30
    assert example["Right"] == f"<p><b>{gib:.4g} GiB</b> ± 1%</p>"
    assert "param:" not in "".join(example.fields)


def test_what_a_demo_cannot_give_is_left_out_and_named(tmp_path: Path) -> None:
    def fails(demo: str, _params: Mapping[str, Value]) -> Computed:
        raise FigureError(f"demo {demo}: it cannot run.")

    exported = export(BANK.questions.values(), tmp_path / "bank.apkg", NOON, fails, pictures=True)
    assert exported.notes == 10
    assert exported.pictures == 0
    assert "cache-of-a-model: demo kv_cache_bytes: it cannot run." in exported.left_out
    assert "exploding-softmax: demo softmax_saturation: it cannot run." in exported.left_out
    assert len(set(exported.left_out)) == len(exported.left_out)


def test_a_picture_of_a_figure_shows_its_words() -> None:
    pictures = []
    for title in ("width", "depth"):
        axis = {"field": "x", "type": "quantitative", "title": title}
        figure = {"data": {"values": [{"x": 1}, {"x": 2}]}, "mark": "point", "encoding": {"x": axis}}
        pictures.append(png(figure, config()))
    assert pictures[0] != pictures[1]


def test_formulas_links_and_code_become_what_anki_shows() -> None:
    assert to_inline_html(r"$a < b$ costs \$5 and `$x`") == r"\(a &lt; b\) costs $5 and <code>$x</code>"
    assert to_html("- a\n\n  $$\n  x & y\n  $$") == "<ul>\n<li>\n<p>a</p>\n<div>\\[x &amp; y\\]</div>\n</li>\n</ul>"
    assert to_inline_html("[0.9](demo:d?a=1#f), [so](other.md)") == (
        '<span class="figure" title="demo:d?a=1#f">0.9</span>, <span class="figure" title="other.md">so</span>'
    )
    assert to_inline_html("<b>&") == "&lt;b&gt;&amp;"
    assert to_html("") == ""


@pytest.mark.slow
def test_the_command_computes_the_figures_and_writes_the_package(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bank.apkg"
    content = Path(__file__).parent / "bank"
    arguments = ["--db", str(tmp_path / "p.db"), "--content", str(content), "--lang", "en", "export", "anki"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--out", str(path)])
    assert ended.value.code == 0
    assert capsys.readouterr() == ("", f"12 notes and 2 pictures written to {path}\n")
    with zipfile.ZipFile(path) as package:
        assert package.read("0").startswith(b"\x89PNG\r\n\x1a\n")
