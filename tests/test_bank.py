"""kb.bank: a folder of files becomes questions, and whatever is wrong with one of them leaves the others usable."""

import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.bank import load_bank
from kb.errors import UnknownQuestionError
from kb.parsing import parse_question
from kb.questions import (
    KINDS,
    Choice,
    ChoiceQuestion,
    ClaimQuestion,
    DemoLink,
    MultipleQuestion,
    NumericQuestion,
    OpenQuestion,
    Predict,
    Reference,
    Source,
)
from kb.translation import parse_translation

HERE = Path(__file__).parent
SMALL = HERE / "bank"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the small bank that a test may break."""
    return Path(shutil.copytree(SMALL, tmp_path / "content"))


def messages(root: Path) -> list[str]:
    return [str(problem).split("\n")[0] for problem in load_bank(root).problems]


def test_the_small_bank_has_a_question_of_every_kind_in_teaching_order() -> None:
    bank = load_bank(SMALL)
    assert bank.problems == ()
    assert {slug: type(question) for slug, question in bank.questions.items()} == {
        "exploding-softmax": ClaimQuestion,
        "scale-by-root": ChoiceQuestion,
        "separate-projections": OpenQuestion,
        "weights-of-heads": NumericQuestion,
        "cache-of-a-model": NumericQuestion,
        "smaller-cache": MultipleQuestion,
    }
    assert all(question.languages == ("en", "zh") for question in bank.questions.values())


def test_every_key_of_the_front_matter_is_read() -> None:
    question = load_bank(SMALL).questions["scale-by-root"]
    assert question.path == "bank/attention/scale-by-root.md"
    assert (question.topic, question.difficulty, question.revision) == ("attention", 2, 2)
    assert question.covers == ("attn-scaling-why",)
    assert question.tags == ("softmax", "initialisation")
    assert question.demos == ("softmax_saturation",)
    assert (question.requires, question.follow_ups) == (("weights-of-heads",), ("exploding-softmax",))
    assert question.formerly == ("scale-by-sqrt",)
    assert question.predict == Predict(
        "softmax_saturation", "max_weight_unscaled", {"head_dim": 512, "num_keys": 128}, tolerance=0.1
    )
    url = "https://arxiv.org/abs/1706.03762"
    assert question.sources == (Source("Attention Is All You Need", 2017, "section 3.2.1", url),)
    assert (question.lines["requires"], question.lines["predict.params.num_keys"]) == (7, 9)


def test_every_part_of_the_body_is_read() -> None:
    text = load_bank(SMALL).questions["scale-by-root"].text("en")
    assert text.title == r"Why are attention scores divided by $\sqrt{d_k}$?"
    assert text.stem == ""
    assert text.choices == (
        Choice(
            "To keep the gradient from exploding on its way back through the softmax",
            False,
            "The softmax cannot do that: the norm of its Jacobian never exceeds $1/2$.",
        ),
        Choice(
            "To keep the variance of the scores near 1, so that the softmax stays soft",
            True,
            "The product of $d_k$ independent components has a variance of $d_k$.",
        ),
        Choice("To let the weights of a row sum to 1, however wide the head happens to be", False),
    )
    assert text.predict.startswith("Heads are 512 wide")
    assert text.answer.startswith("To keep the softmax out of saturation")
    assert "\n$$\n\\mathrm{Var}" in text.answer
    assert text.answer.endswith("that many repeat.")
    assert len(text.key_points) == 3
    assert text.pitfalls == (r"Writing $\sqrt{d_{\mathrm{model}}}$: under the root stands the width of one head",)


def test_the_links_of_a_text_are_read_with_their_lines() -> None:
    question = load_bank(SMALL).questions["scale-by-root"]
    params = {"head_dim": 512, "num_keys": 128}
    assert question.text("en").links == (
        DemoLink("0.92", "softmax_saturation", params, "max_weight_unscaled"),
        DemoLink("0.07", "softmax_saturation", params, "max_weight_scaled"),
        DemoLink("92 %", "softmax_saturation", params, "max_weight_unscaled"),
        DemoLink("0.945", "softmax_saturation", {"num_keys": 128}, "curve_unscaled", index=8),
    )
    assert [link.line for link in question.text("en").links] == [34, 35, 36, 37]
    assert [link.line for link in question.text("zh").links] == [20, 21, 22, 23]
    assert question.text("en").references == (Reference("weights-of-heads", "."), Reference("exploding-softmax"))


def test_a_generated_question_knows_what_varies() -> None:
    question = load_bank(SMALL).questions["cache-of-a-model"]
    assert isinstance(question, NumericQuestion)
    assert question.generated
    assert (question.demo, question.asks, question.unit, question.tolerance) == (
        "kv_cache_bytes",
        "cache_bytes",
        "GiB",
        0.01,
    )
    assert question.params == {"head_dim": 128, "seq_len": 8192, "batch": 1}
    assert question.vary == {"num_layers": (16, 32, 80), "num_kv_heads": (1, 8, 32)}


def test_a_broken_question_is_left_out_and_the_rest_stays(root: Path) -> None:
    (root / "attention/scale-by-root.md").write_text("---\nkind: choice\n---\n")
    bank = load_bank(root)
    assert "scale-by-root" not in bank.questions
    assert bank.broken == {"scale-by-root"}
    assert len(bank.questions) == 5
    assert {problem.path for problem in bank.problems} == {"content/attention/scale-by-root.md"}


def test_a_broken_translation_leaves_the_english_text(root: Path) -> None:
    (root / "attention/scale-by-root.zh.md").write_text("# 标题\n")
    assert load_bank(root).questions["scale-by-root"].languages == ("en",)


def test_every_problem_of_a_file_is_reported_at_once(root: Path) -> None:
    file = root / "attention/weights-of-heads.md"
    text = file.read_text(encoding="utf-8").replace("difficulty: 1", "difficulty: 9").replace("value: ", "valu: ")
    file.write_text(text.replace("no biases", "no $biases <b>"), encoding="utf-8")
    where = "content/attention/weights-of-heads.md"
    assert messages(root) == [
        f"{where}:2: value: expected either value or demo; found neither.",
        f"{where}:3: difficulty: expected a whole number from 1 to 5; found 9.",
        f"{where}:5: valu: expected one of kind, difficulty, covers, tags, demos, requires, follow_ups, sources, revision, "
        "changes, formerly, predict, value, demo, params, vary, asks, unit, tolerance; found an unknown key.",
        f"{where}:12: formula: expected every `$` closed in its paragraph; found one that is not.",
        f"{where}:12: text: expected Markdown without raw HTML; found '<b>'.",
    ]


def test_windows_line_ends_and_a_byte_order_mark_are_read(root: Path) -> None:
    expected = load_bank(root)
    for file in root.rglob("*.md"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    bank = load_bank(root)
    assert bank.problems == ()
    assert bank.questions == expected.questions


@pytest.mark.skipif(os.name == "nt", reason="making a symbolic link needs rights there")
def test_symbolic_links_are_named_and_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.md"
    outside.write_text("secret")
    (root / "attention/secret.md").symlink_to(outside)
    (root / "masks").symlink_to(tmp_path)
    bank = load_bank(root)
    assert [str(problem) for problem in bank.problems] == [
        "content/attention/secret.md: file: expected an ordinary file or folder; found a symbolic link.\n"
        "    Fix: copy the file into the bank.",
        "content/masks: file: expected an ordinary file or folder; found a symbolic link.\n"
        "    Fix: copy the file into the bank.",
    ]
    assert len(bank.questions) == 6


def test_a_bank_without_syllabus_keeps_its_questions(root: Path) -> None:
    (root / "syllabus.yaml").unlink()
    bank = load_bank(root)
    assert [str(problem) for problem in bank.problems] == [
        "content/syllabus.yaml: syllabus: expected the file; found none.\n"
        "    Fix: write the topics and their points there; content/README.md has the form."
    ]
    assert len(bank.questions) == 6


def test_a_folder_that_is_not_there_is_an_empty_bank_with_a_problem(tmp_path: Path) -> None:
    bank = load_bank(tmp_path / "content")
    assert (dict(bank.questions), len(bank.problems)) == ({}, 1)
    assert str(bank.problems[0]).startswith("content: bank: expected a folder; found none at this path.")


def test_pages_and_hidden_files_are_no_questions(root: Path) -> None:
    (root / "attention/README.md").write_text("About attention.")
    (root / "attention/.DS_Store").write_bytes(b"\x00\xff")
    (root / ".git").mkdir()
    assert load_bank(root).problems == ()


def test_a_question_is_found_by_its_former_slug_too() -> None:
    bank = load_bank(SMALL)
    assert bank.question("scale-by-sqrt") is bank.questions["scale-by-root"]
    assert bank.question("scale-by-root") is bank.questions["scale-by-root"]


def test_an_unknown_slug_is_an_error_that_names_the_nearest(root: Path) -> None:
    (root / "attention/weights-of-heads.md").write_text("")
    bank = load_bank(root)
    with pytest.raises(UnknownQuestionError, match=r"question 'scale-by-roof': .* did you mean scale-by-root\?"):
        bank.question("scale-by-roof")
    with pytest.raises(UnknownQuestionError, match="its file has problems; `kb check` shows them"):
        bank.question("weights-of-heads")


def test_a_path_of_the_bank_leads_to_its_file() -> None:
    bank = load_bank(SMALL)
    question = bank.questions["smaller-cache"]
    assert bank.file(question.path_in("zh")) == SMALL / "kv_cache/smaller-cache.zh.md"


@settings(deadline=None)
@given(st.text(), st.sampled_from(["", "---\n", "---\nkind: open\n---\n", "# T\n\n## Choices\n"]))
def test_any_text_gives_problems_and_never_an_exception(text: str, start: str) -> None:
    parsed = parse_question("content/attention/a.md", start + text)
    assert parsed.problems
    parse_translation("content/attention/a.zh.md", start + text, parsed)


SPLIT = st.sampled_from(
    re.split(r"(\n|[-:#$`\[\]{}(),]| )", (SMALL / "attention/scale-by-root.md").read_text(encoding="utf-8"))
)


@settings(deadline=None)
@given(st.lists(SPLIT, max_size=80).map("".join))
def test_pieces_of_a_question_in_any_order_never_raise(text: str) -> None:
    for start in ("", "---\n", "---\nkind: choice\n---\n# T\n"):
        parsed = parse_question("content/attention/a.md", start + text)
        assert parsed.problems
        assert all(problem.line <= (start + text).count("\n") + 2 for problem in parsed.problems)


EXAMPLES = re.findall(
    r"^```markdown\n(---\n.*?)^```$", (HERE.parent / "content/README.md").read_text(encoding="utf-8"), re.S | re.M
)


def test_the_documentation_has_an_example_of_every_kind() -> None:
    assert {example.split("\n")[1] for example in EXAMPLES} == {f"kind: {kind}" for kind in KINDS}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split("\n")[1])
def test_the_examples_of_the_documentation_are_sound(example: str) -> None:
    assert parse_question("content/attention/example.md", example).problems == ()
