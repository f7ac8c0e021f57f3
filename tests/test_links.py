"""kb.links: what targets mean, and drawn values in their places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import QuestionError
from kb.inline import iter_links
from kb.links import demo_link, demo_target, fill, fill_text, parameter, reference, scalar, scalar_text
from kb.questions import Choice, DemoLink, Reference, Text

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
WORDS = st.from_regex(r"[A-Za-z][A-Za-z0-9._ +&=#%/:,-]{0,10}", fullmatch=True).filter(
    lambda word: word not in ("true", "false")
)
VALUES = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS
BOUNDS = st.none() | st.tuples(
    st.sampled_from([">", "<", ">=", "<="]), st.sampled_from([0.0, 1.5, -2.0, 1e-05, 1000.0])
)


@st.composite
def figures(draw: st.DrawFn) -> DemoLink:
    bound = draw(BOUNDS)
    return DemoLink(
        text="0.93",
        demo=draw(NAMES),
        params=draw(st.dictionaries(NAMES, VALUES, max_size=3)),
        field=draw(NAMES),
        index=draw(st.none() | st.integers(0, 99)),
        op=bound[0] if bound else "",
        bound=bound[1] if bound else None,
    )


@given(figures())
def test_a_figure_written_as_a_link_is_read_back(figure: DemoLink) -> None:
    markdown = f"text [0.93]({demo_target(figure)}) text"
    assert [demo_link(link.text, link.target) for link in iter_links(markdown)] == [figure]


def test_a_figure_names_demo_parameters_field_element_and_bound() -> None:
    assert demo_link(
        "far below", "demo:softmax?head_dim=512&scaled=true&fill=-1e9&preset=llama-2-7b#curve[3]>=1.5", 7
    ) == (
        DemoLink(
            text="far below",
            demo="softmax",
            params={"head_dim": 512, "scaled": True, "fill": "-1e9", "preset": "llama-2-7b"},
            field="curve",
            index=3,
            op=">=",
            bound=1.5,
        )
    )


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("demo:softmax", "expected [0.93](demo:name?param=value#field); found 'demo:softmax'"),
        ("demo:Softmax#f", "expected [0.93](demo:name?param=value#field); found 'demo:Softmax#f'"),
        ("demo:softmax#", "expected [0.93](demo:name?param=value#field); found 'demo:softmax#'"),
        ("demo:softmax#f[x]", "expected #field, #field[3], #field>1.5 or #field<2; found '#f[x]'"),
        ("demo:softmax#f>one", "expected a number after >; found 'one'"),
        ("demo:softmax?a=1&a=2#f", "expected param=value once for each parameter; found 'a=2'"),
        ("demo:softmax?a#f", "expected param=value once for each parameter; found 'a'"),
    ],
)
def test_a_target_that_is_no_figure_says_what_was_expected(target: str, message: str) -> None:
    with pytest.raises(QuestionError) as error:
        demo_link("0.93", target)
    assert str(error.value) == message


@given(VALUES)
def test_a_value_written_in_a_link_is_read_back(value: int | float | bool | str) -> None:
    assert scalar(scalar_text(value)) == value


def test_links_to_questions_name_slug_and_topic() -> None:
    assert reference("question:scale-by-root", 3) == Reference("scale-by-root", "", 3)
    assert reference("scale-by-root.md") == Reference("scale-by-root", ".")
    assert reference("../attention/scale-by-root.zh.md") == Reference("scale-by-root", "attention")
    assert [reference(target) for target in ("https://a.b/c.md", "../../README.md", "demo:a#b", "/etc/passwd.md")] == [
        None
    ] * 4


def test_links_to_drawn_parameters_name_the_parameter() -> None:
    assert parameter("param:num_layers") == "num_layers"
    assert parameter("demo:a#b") is None


@pytest.mark.parametrize(
    ("markdown", "params", "expected"),
    [
        ("[32](param:n) layers", {"n": 80}, "80 layers"),
        ("[512](param:n) tokens", {"n": 131072}, "131,072 tokens"),
        ("[2,048](param:n) tokens", {"n": 4096}, "4,096 tokens"),
        ("[2048](param:n) tokens", {"n": 4096}, "4096 tokens"),
        ("rate [0.1](param:p)", {"p": 1e-05}, "rate 1e-05"),
        ("model [llama-2-7b](param:preset)", {"preset": "mistral-7b"}, "model mistral-7b"),
        ("[true](param:causal)", {"causal": False}, "false"),
        ("[32](param:n) and [8](param:m)", {"n": 16}, "16 and 8"),
        ("`[32](param:n)` and $[32](param:n)$", {"n": 16}, "`[32](param:n)` and $[32](param:n)$"),
        ("[0.93](demo:a?n=32#f) of [32](param:n)", {"n": 16}, "[0.93](demo:a?n=32#f) of 16"),
    ],
)
def test_drawn_values_stand_where_their_links_stood(markdown: str, params: dict[str, int], expected: str) -> None:
    assert fill(markdown, params) == expected


def test_drawn_values_are_filled_into_every_part() -> None:
    link = "[32](param:n)"
    text = Text(link, link, (Choice(link, True, link),), link, link, (link,), (link,))
    assert fill_text(text, {"n": 16}) == Text("16", "16", (Choice("16", True, "16"),), "16", "16", ("16",), ("16",))
