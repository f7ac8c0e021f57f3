"""The figure of a demo in another language: its texts, read from the source, are replaced, and it stays the same chart."""

from typing import Any

import altair as alt
import pytest

import demos
from kb.i18n import translator
from kb.views.figure import in_words

# Curves with direct labels (found by an expression over the data), with a legend, bars, panels, and one drawn by hand.
DRAWN = ("loss_masking", "alibi_bias", "mlm_leak", "deberta_disentangled", "rope_decay", "sdpa_from_scratch")


def test_the_texts_of_a_figure_are_read_from_its_source_without_what_only_draws() -> None:
    assert demos.describe("flash_vs_naive").figure_texts == (
        "naive",
        "fused",
        "tokens (log scale)",
        "peak memory, MiB (log scale)",
    )
    named_elsewhere = demos.describe("deberta_disentangled").figure_texts
    assert {"content to position", "their sum", "term of the score"} <= set(named_elsewhere)


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_in_chinese_is_the_same_chart_with_every_text_replaced(name: str) -> None:
    figure = demos.run(name, device="cpu").figure
    words = {text: translator("zh").gettext(text) for text in demos.describe(name).figure_texts}
    shown: Any = in_words(figure, words)
    alt.Chart.from_dict(shown)
    changed = {text for text, word in words.items() if word != text}
    assert changed
    left = [text for text in strings(shown) if text in changed]
    assert left == []
    assert structure(shown) == structure(figure)


def test_names_of_columns_stay_and_expressions_follow_the_data() -> None:
    figure = {
        "data": {"values": [{"weight": 1, "name": "no mask"}]},
        "encoding": {"x": {"field": "weight", "type": "quantitative", "title": "weight"}},
        "transform": [{"filter": "datum.name == 'no mask' && datum.weight > 0"}],
    }
    assert in_words(figure, {"weight": "权重", "no mask": "无掩码"}) == {
        "data": {"values": [{"weight": 1, "name": "无掩码"}]},
        "encoding": {"x": {"field": "weight", "type": "quantitative", "title": "权重"}},
        "transform": [{"filter": "datum.name == '无掩码' && datum.weight > 0"}],
    }


def strings(part: Any) -> list[str]:
    """Every text of the figure but the names of columns."""
    if isinstance(part, dict):
        return [text for key, value in part.items() if key not in ("field", "type") for text in strings(value)]
    if isinstance(part, list | tuple):
        return [text for each in part for text in strings(each)]
    return [part] if isinstance(part, str) else []


def structure(part: Any) -> Any:
    """The figure without its texts."""
    if isinstance(part, dict):
        return {key: structure(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [structure(each) for each in part]
    return "" if isinstance(part, str) else part
