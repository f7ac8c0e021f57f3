"""The charts that demos share: what is drawn is what was given, names stand where they can be read, axes say what they are."""

from typing import Any

import altair as alt
import pytest

from demos._charts import bar_chart, dot_chart, line_chart, matrix_chart

CURVES = {"falls": (4.0, 2.0, 1.0), "stays": (1.0, 1.0, 1.0)}


def drawn(**options: Any) -> dict[str, Any]:
    chart = line_chart((1, 2, 4), CURVES, x_title="tokens", y_title="loss", **options).to_dict()
    alt.Chart.from_dict(chart)
    return chart


def marks(chart: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [layer for layer in chart["layer"] if layer["mark"]["type"] == kind]


def rows(chart: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (layer.get("data") or chart["data"])["values"]
    return found


def test_curves_named_on_the_spot_have_no_legend_and_names_begin_inside_the_chart() -> None:
    chart = drawn(at={"falls": -1, "stays": 0}, below=("stays",))
    line, *texts = marks(chart, "line") + marks(chart, "text")
    assert line["encoding"]["color"]["legend"] is None
    filters = [layer["transform"][0]["filter"] for layer in texts]
    assert filters == ["datum.name == 'falls' && datum.x == 4", "datum.name == 'stays' && datum.x == 1"]
    assert [layer["mark"]["align"] for layer in texts] == ["right", "left"]
    assert [layer["mark"]["dy"] > 0 for layer in texts] == [False, True]


def test_curves_without_a_place_for_names_have_a_legend_that_fits_on_a_phone() -> None:
    assert marks(drawn(), "line")[0]["encoding"]["color"]["legend"]["columns"] == 0
    names = ("a name of twenty letters", "another name of many letters", "a third")
    long = dict.fromkeys(names, (1.0, 2.0, 3.0))
    chart = line_chart((1, 2, 3), long, x_title="x", y_title="y").to_dict()
    assert marks(chart, "line")[0]["encoding"]["color"]["legend"]["columns"] == 1


def test_a_curve_breaks_off_where_a_logarithm_has_no_value() -> None:
    chart = line_chart((1, 2, 4), {"": (1.0, 0.0, -1.0)}, x_title="x", y_title="y (log scale)", log="y").to_dict()
    assert [row["y"] for row in rows(chart, marks(chart, "line")[0])] == [1.0]


@pytest.mark.parametrize(
    ("largest", "ticks"), [(1e-3, [1e-16, 1e-13, 1e-10, 1e-7, 1e-4]), (1e-12, [1e-16, 1e-15, 1e-14, 1e-13, 1e-12])]
)
def test_a_logarithmic_axis_has_lines_at_powers_of_ten_only(largest: float, ticks: list[float]) -> None:
    chart = line_chart((1, 2), {"": (1e-16, largest)}, x_title="x", y_title="y (log scale)", log="y").to_dict()
    assert marks(chart, "line")[0]["encoding"]["y"]["axis"]["values"] == pytest.approx(ticks)


def test_rules_stand_at_the_present_parameter_and_levels_carry_their_names() -> None:
    chart = drawn(here=2, levels={"uniform guess": 3.0})
    upright, level = marks(chart, "rule")
    assert rows(chart, upright) == [{"x": 2}]
    assert rows(chart, level) == [{"y": 3.0, "level": "uniform guess"}]
    assert marks(chart, "text")[-1]["encoding"]["text"]["field"] == "level"
    assert marks(drawn(), "rule") == []


def test_bars_dots_and_maps_keep_the_order_and_the_numbers_given() -> None:
    given = {"second": 2.0, "first": 1.0}
    for chart in (
        bar_chart(given, x_title="x").to_dict(),
        dot_chart(given, x_title="x", marked="first", text_format=".1f").to_dict(),
    ):
        assert [row["name"] for row in rows(chart, chart["layer"][0])] == list(given)
        assert chart["layer"][0]["encoding"]["y"]["sort"] == list(given)
    panels = {"a": (1.0, 0.0, -3.0, 2.0), "b": (0.0, 0.0, 0.0, 1.0)}
    chart = matrix_chart(panels, 2, x_title="key", y_title="query", colour_title="score").to_dict()
    assert chart["encoding"]["color"]["scale"]["domain"] == [-3.0, 3.0]
    assert {"name": "a", "row": 1, "column": 0, "value": -3.0} in rows(chart, {"data": chart.get("data")})
