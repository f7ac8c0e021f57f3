"""Markdown reads as plain text, formulas in Unicode."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.plaintext import formula, plain


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (r"divided by $\sqrt{d_k}$, the **root**", "divided by √d_k, the root"),
        (r"$\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_{\text{head}}}}\right)V$", "softmax(QKᵀ/√d_head)V"),
        (r"$\alpha_{ij} \cdot \beta^{2}$ and $e^{-(x-y)^2}$", "α_ij · β² and e^(-(x-y)²)"),
        ("[0.22](demo:x?a=1#b) of `head_dim`, 2*3, a_b_c", "0.22 of head_dim, 2*3, a_b_c"),
        ("- [x] one\n- two\n\n```python\ny = a_b\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |", "one two y = a_b a b 1 2"),
        (r"价格 \$5 和 $\sqrt[3]{x}$", "价格 $5 和 ³√x"),
        ("$$\n\\sum_{i=1}^{n} x_i\n$$", "∑_(i=1)ⁿ x_i"),
        ("a stray $ and an unclosed `", "a stray $ and an unclosed `"),
    ],
)
def test_markdown_reads_as_plain_text(markdown: str, expected: str) -> None:
    assert plain(markdown) == expected


@given(st.text(alphabet="\\{}[]_^&~ $abc12|frcsqt", max_size=60))
def test_any_formula_reads_as_something(latex: str) -> None:
    assert "\n" not in formula(latex)
