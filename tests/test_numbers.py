"""kb.numbers: numbers as texts print them, and as learners type them."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import AnswerError, QuestionError
from kb.numbers import SCALES, Printed, in_unit, parse_printed, read_number, within

FORMS = st.builds(
    Printed,
    value=st.just(0.0),
    quantum=st.just(1.0),
    decimals=st.integers(0, 6),
    suffix=st.sampled_from(["", *SCALES]),
    gap=st.sampled_from(["", " "]),
    minus=st.sampled_from(["-", "−"]),
    exponent=st.booleans(),
    grouped=st.booleans(),
).map(lambda form: form if form.suffix else Printed(**{**form.__dict__, "gap": ""}))
NUMBERS = st.integers(-(10**12), 10**12) | st.floats(-1e12, 1e12)


@given(FORMS, NUMBERS)
def test_a_number_printed_in_any_form_is_read_back_and_agrees(form: Printed, value: float) -> None:
    text = form.reprint(value)
    assert parse_printed(text).agrees(value)
    assert parse_printed(text).reprint(value) == text


@pytest.mark.parametrize(
    ("text", "value", "quantum"),
    [
        ("0.93", 0.93, 0.01),
        ("2,560", 2560, 1),
        ("2560", 2560, 1),
        ("1.2e-5", 1.2e-5, 1e-6),
        ("3e8", 3e8, 1e8),
        ("−0.5", -0.5, 0.1),
        ("12.5 %", 12.5, 0.1),
        ("12%", 12, 1),
        ("0.125 GiB", 0.125, 0.001),
        ("1,048,576", 1048576, 1),
    ],
)
def test_a_printed_number_has_a_value_and_a_precision(text: str, value: float, quantum: float) -> None:
    printed = parse_printed(text)
    assert (printed.value, printed.quantum) == pytest.approx((value, quantum))


@pytest.mark.parametrize(
    "text", ["", "about 1", "1,02", "1.2.3", "3 ms", "1 ", " 1", "1e", "0x10", "½", "1,0240", "NaN", ".5"]
)
def test_other_texts_are_no_printed_number(text: str) -> None:
    with pytest.raises(QuestionError) as error:
        parse_printed(text)
    assert str(error.value) == f"expected a number such as 0.93, 2,560, 1.2e-5, 12.5 % or 4 GiB; found '{text}'"


@pytest.mark.parametrize(
    ("text", "value", "agrees"),
    [
        ("0.93", 0.9349, True),
        ("0.93", 0.925, True),
        ("0.93", 0.935, True),
        ("0.93", 0.9351, False),
        ("2,560", 2560.4, True),
        ("2,560", 2561, False),
        ("92 %", 0.9222, True),
        ("93 %", 0.9222, False),
        ("128 KiB", 131072, True),
        ("131 KB", 131072, True),
        ("1.2e-5", 1.249e-5, True),
        ("1.2e-5", 1.26e-5, False),
        ("0", 0.0, True),
        ("0.00", 0.004, True),
        ("1", float("nan"), False),
        ("1", float("inf"), False),
    ],
)
def test_a_value_agrees_within_half_a_unit_of_the_last_place(text: str, value: float, agrees: bool) -> None:
    assert parse_printed(text).agrees(value) is agrees


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("0.93", 0.1249, "0.12"),
        ("2,560", 1234567, "1,234,567"),
        ("2560", 1234567, "1234567"),
        ("256", 1234567, "1,234,567"),
        ("1.2e-5", 3.456e-9, "3.5e-9"),
        ("1.2e-5", 345600, "3.5e5"),
        ("12.5 %", 0.3333, "33.3 %"),
        ("4 GiB", 2**31, "2 GiB"),
        ("−0.5", -0.26, "−0.3"),
        ("-0.5", -0.01, "0.0"),
        ("0.00", 0.0512, "0.05"),
    ],
)
def test_a_new_value_is_printed_in_the_same_form(text: str, value: float, expected: str) -> None:
    assert parse_printed(text).reprint(value) == expected


@pytest.mark.parametrize(
    ("typed", "unit", "value"),
    [
        ("1,024", "", 1024),
        ("1024", "", 1024),
        ("1_024", "", 1024),
        ("1 024", "", 1024),
        ("1'024", "", 1024),
        ("  0.5 ", "", 0.5),
        (".5", "", 0.5),
        ("-3", "", -3),
        ("−3", "", -3),
        ("+3", "", 3),
        ("≈ 3.1", "", 3.1),
        ("1.5e3", "", 1500),
        ("1.5E-3", "", 0.0015),
        ("1.5 × 10^3", "", 1500),
        ("1.5*10^-3", "", 0.0015),
        ("1.5×10⁻³", "", 0.0015),
        ("10³", "", 1000),
        ("2^20", "", 1048576),
        ("3/4", "", 0.75),
        ("½", "", 0.5),
        ("12 %", "", 0.12),
        ("12%", "%", 12),
        ("12", "%", 12),
        ("4", "GiB", 4),
        ("4 GiB", "GiB", 4),
        ("4gib", "GiB", 4),
        ("4 GiB", "MiB", 4096),
        ("4,096 MiB", "GiB", 4),
        ("1 GB", "MB", 1000),
        ("1073741824 bytes", "GiB", 1),
        ("2 KiB", "bytes", 2048),
        ("512 字节", "bytes", 512),
        ("7B", "parameters", 7e9),
        ("7 M parameters", "parameters", 7e6),
        ("32 k", "tokens", 32000),
        ("1.2亿", "", 1.2e8),
        ("３.２ 万", "", 32000),
        ("１，０２４", "", 1024),
        ("１２％", "%", 12),
        ("0。5", "", 0.5),
        ("3 tokens", "tokens", 3),
        ("1 token", "tokens", 1),
    ],
)
def test_what_a_learner_types_is_read_as_it_was_meant(typed: str, unit: str, value: float) -> None:
    assert read_number(typed, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("typed", "unit", "message"),
    [
        ("", "", "expected a number such as 1,024, 1.5e3, 3/4 or 12 %; found ''."),
        ("a lot", "", "expected a number such as 1,024, 1.5e3, 3/4 or 12 %; found 'a lot'."),
        ("3,5", "", "expected a number without a unit; found ',5' after it in '3,5'."),
        ("1½", "", "expected a number without a unit; found '1/2' after it in '1½'."),
        ("4 GiB", "", "expected a number without a unit; found 'GiB' after it in '4 GiB'."),
        ("12 apples", "tokens", "expected a number in tokens; found 'apples' after it in '12 apples'."),
        ("12 %", "GiB", "expected a number in GiB; found '%' after it in '12 %'."),
        ("1/0", "", "expected a number; found a division by zero in '1/0'."),
        ("1e999", "", "expected a number that a computer can hold; found '1e999'."),
        ("10^999", "", "expected a number that a computer can hold; found '10^999'."),
    ],
)
def test_what_cannot_be_read_is_named(typed: str, unit: str, message: str) -> None:
    with pytest.raises(AnswerError) as error:
        read_number(typed, unit)
    assert str(error.value) == message


@given(st.text(max_size=20), st.sampled_from(["", "%", "GiB", "tokens"]))
def test_any_text_is_a_finite_number_or_an_error(typed: str, unit: str) -> None:
    with suppress(AnswerError):
        assert math.isfinite(read_number(typed, unit))


@given(NUMBERS)
def test_a_number_that_was_printed_can_be_typed(value: float) -> None:
    assert read_number(f"{value:,}") == pytest.approx(value)


def test_a_field_is_counted_in_the_unit_asked_for() -> None:
    assert in_unit(2**32, "GiB") == 4
    assert in_unit(2e9, "GB") == 2
    assert in_unit(0.25, "%") == pytest.approx(25)
    assert in_unit(7, "ms") == 7


@pytest.mark.parametrize(
    ("given_value", "truth", "tolerance", "near"),
    [
        (101, 100, 0.01, True),
        (101.1, 100, 0.01, False),
        (-101, -100, 0.01, True),
        (0.1 + 0.2, 0.3, 0, True),
        (4, 4, 0, True),
        (5, 4, 0, False),
        (0.005, 0, 0.01, True),
        (0.02, 0, 0.01, False),
        (float("nan"), 1, 1, False),
        (1, float("inf"), 1, False),
    ],
)
def test_the_tolerance_is_relative_and_absolute_at_zero(
    given_value: float, truth: float, tolerance: float, near: bool
) -> None:
    assert within(given_value, truth, tolerance) is near
