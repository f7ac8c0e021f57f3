"""Numbers as a text prints them and as a learner types them, with the units that convert: % and bytes.

Leaves out other units (ms, tokens): those are labels, and a number beside one stays as it is.
"""

import math
import re
import unicodedata
from dataclasses import dataclass, replace

from kb.errors import AnswerError, QuestionError

SCALES: dict[str, float] = {
    "%": 0.01,
    "KiB": 1024.0,
    "MiB": 1024.0**2,
    "GiB": 1024.0**3,
    "TiB": 1024.0**4,
    "KB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "TB": 1e12,
}
BYTE_UNITS = tuple(unit for unit in SCALES if unit != "%")
NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""Floats that are not finite, by the text that a result holds for them."""
NON_FINITE_TEXTS = {"NaN": ("NaN",), "Infinity": ("∞", "Infinity"), "-Infinity": ("−∞", "-∞", "-Infinity")}
"""How a text may print each of them, the usual way first."""

_PRINTED = re.compile(
    r"(?P<sign>[-−+]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<decimals>\d+))?(?:[eE](?P<exponent>[-−+]?\d{1,3}))?"
    rf"(?P<gap> ?)(?P<suffix>{'|'.join(SCALES)})?"
)


@dataclass(frozen=True)
class Printed:
    """A number as a text shows it: `value` counts in `suffix`, `quantum` is one unit in the last printed place."""

    value: float
    quantum: float
    decimals: int
    suffix: str = ""
    gap: str = ""
    minus: str = "-"
    exponent: bool = False
    grouped: bool = True

    def agrees(self, value: float) -> bool:
        """Whether the value, rounded to the printed precision, may be printed like this."""
        shown = value / SCALES.get(self.suffix, 1.0)
        if not math.isfinite(shown):
            return False
        return abs(shown - self.value) <= self.quantum / 2 + 1e-9 * max(abs(shown), self.quantum)

    def reprint(self, value: float) -> str:
        """The value in the same form: as many decimals, an exponent or not, the same suffix unless that overflows."""
        shown = value / SCALES.get(self.suffix, 1.0)
        if not math.isfinite(shown):
            return replace(self, suffix="", gap="").reprint(value)
        if self.exponent:
            mantissa, _, exponent = f"{shown:.{self.decimals}e}".partition("e")
            text = f"{mantissa}e{int(exponent)}"
        else:
            text = f"{shown:,.{self.decimals}f}" if self.grouped else f"{shown:.{self.decimals}f}"
        if text.startswith("-") and not text.strip("-0.,"):
            text = text[1:]
        return text.replace("-", self.minus) + self.gap + self.suffix


def parse_printed(text: str) -> Printed:
    """The number that a link's text prints, such as `0.93`, `2,560`, `1.2e-5`, `12.5 %` or `4 GiB`.

    Raises: QuestionError where the text is no such number.
    """
    match = _PRINTED.fullmatch(text)
    if match is None or (match["gap"] and not match["suffix"]):
        raise QuestionError(f"expected a number such as 0.93, 2,560, 1.2e-5, 12.5 % or 4 GiB; found '{text}'")
    exponent = (match["exponent"] or "0").replace("−", "-")
    decimals = len(match["decimals"] or "")
    sign, whole = match["sign"].replace("−", "-"), match["whole"].replace(",", "")
    return Printed(
        value=float(f"{sign}{whole}.{match['decimals'] or 0}e{exponent}"),
        quantum=float(f"1e{int(exponent) - decimals}"),
        decimals=decimals,
        suffix=match["suffix"] or "",
        gap=match["gap"] if match["suffix"] else "",
        minus="−" if "−" in text else "-",
        exponent=match["exponent"] is not None,
        grouped="," in match["whole"] or len(whole) < 4,
    )


def in_unit(value: float, unit: str) -> float:
    """A field's value counted in the unit of the question: bytes in GiB, a share in %; other units are labels."""
    return value / SCALES.get(unit, 1.0)


def within(given: float, truth: float, tolerance: float) -> bool:
    """Whether a number is near enough; the tolerance is relative, and absolute where the truth is 0."""
    if not (math.isfinite(given) and math.isfinite(truth)):
        return False
    return abs(given - truth) <= (tolerance + 1e-9) * (abs(truth) or 1.0)


_MULTIPLES = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12, "千": 1e3, "万": 1e4, "亿": 1e8}
_SIGNS = str.maketrans({"−": "-", "–": "-", "。": ".", "\N{FRACTION SLASH}": "/"})
_SUPERSCRIPT = re.compile(r"[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_VULGAR_FRACTION = re.compile(r"[¼½¾⅐-⅞]")
_TYPED = re.compile(
    r"(?P<number>[-+]?(?:\d{1,3}(?:[, _']\d{3})+|\d+)?(?:\.\d*)?(?:[eE][-+]?\d{1,3})?)"
    r"(?:\s*/\s*(?P<divisor>\d+(?:\.\d+)?))?"
    r"(?:\s*(?:[x*×·]\s*(?P<base>10|2)|\^)\s*\^?\s*(?P<power>[-+]?\d{1,3}))?"
    r"\s*(?P<rest>.*)"
)


def read_number(text: str, unit: str = "") -> float:
    """The number that a learner typed, counted in the unit that was asked for.

    Understands 1,024; 1.5e3; 1.5 × 10^3; 2^20; 3/4; 12 %; 4 GiB; 7B and 1.2 亿; full-width digits and signs.
    Raises: AnswerError with what could not be read.
    """
    match = _TYPED.fullmatch(_plain(text))
    if match is None or not re.search(r"\d", match["number"]):
        raise AnswerError(f"expected a number such as 1,024, 1.5e3, 3/4 or 12 %; found '{text.strip()}'.")
    value = _value(match, text)
    rest = match["rest"].strip().replace("字节", "bytes")
    if not rest or rest.casefold().rstrip("s") == unit.casefold().rstrip("s"):
        return value
    typed = next((known for known in SCALES if known.casefold() == rest.casefold()), None)
    if typed == "%" and unit not in BYTE_UNITS:
        return in_unit(value * SCALES["%"], unit)
    if typed in BYTE_UNITS and (unit in BYTE_UNITS or unit.casefold() in ("bytes", "byte")):
        return in_unit(value * SCALES[typed], unit)
    if unit in BYTE_UNITS and rest.casefold() in ("byte", "bytes", "b"):
        return in_unit(value, unit)
    if rest[0] in _MULTIPLES and unit not in BYTE_UNITS and rest[1:].strip().casefold() in ("", unit.casefold()):
        return value * _MULTIPLES[rest[0]]
    expected = f"a number in {unit}" if unit else "a number without a unit"
    raise AnswerError(f"expected {expected}; found '{rest}' after it in '{text.strip()}'.")


def _plain(text: str) -> str:
    """The typed text in ASCII where it has an equal there; NFKC alone would turn 10³ into 103 and 1½ into 11/2."""
    text = _SUPERSCRIPT.sub(lambda found: "^" + found.group(), text)
    text = _VULGAR_FRACTION.sub(r" \g<0>", text)
    return unicodedata.normalize("NFKC", text).translate(_SIGNS).strip().lstrip("≈~=").strip()


def _value(match: re.Match[str], text: str) -> float:
    number = float(re.sub(r"[, _']", "", match["number"]))
    if match["divisor"]:
        if float(match["divisor"]) == 0:
            raise AnswerError(f"expected a number; found a division by zero in '{text.strip()}'.")
        number /= float(match["divisor"])
    try:
        if match["base"]:
            return number * float(match["base"]) ** int(match["power"])
        value = number ** int(match["power"]) if match["power"] else number
    except (OverflowError, ZeroDivisionError) as error:
        raise AnswerError(f"expected a number that a computer can hold; found '{text.strip()}'.") from error
    if not math.isfinite(value):
        raise AnswerError(f"expected a number that a computer can hold; found '{text.strip()}'.")
    return value
