"""Markdown as plain text for lists, search and a terminal: formulas in Unicode, links as their text, no marks.

Leaves out layout: paragraphs, lists and tables become one line.
"""

import re
from functools import lru_cache

from kb.inline import Link, segments

_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi varphi chi"
    " psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
_BINARY = (
    "cdot times div pm le leq ge geq ne neq approx sim propto equiv ll gg to rightarrow leftarrow Rightarrow mapsto in"
    " notin subset cup cap odot oplus otimes mid"
)
_OTHER = (
    "ell partial nabla infty top intercal sum prod int forall exists ldots dots cdots langle rangle lfloor rfloor lceil"
    " rceil lVert rVert Vert lvert rvert vert"
)
LETTERS = {
    **dict(zip(_GREEK.split(), "αβγδεεζηθικλμνξπρστφφχψωΓΔΘΛΞΠΣΦΨΩ", strict=True)),
    **dict(zip(_OTHER.split(), "ℓ∂∇∞ᵀᵀ∑∏∫∀∃……⋯⟨⟩⌊⌋⌈⌉‖‖‖|||", strict=True)),
}
OPERATORS = dict(zip(_BINARY.split(), "·×÷±≤≤≥≥≠≠≈∼∝≡≪≫→→←⇒↦∈∉⊂∪∩⊙⊕⊗|", strict=True))
_UNSEEN = (
    "mathrm mathbf mathbb mathcal mathsf mathit boldsymbol bm text textrm textbf texttt operatorname"
    " left right big Big bigg Bigg bigl bigr displaystyle limits nolimits hline"
)
_SILENT = frozenset(_UNSEEN.split())
_SUPERSCRIPTS = str.maketrans("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ")

_LATEX = re.compile(r"\\[A-Za-z]+|\\.|\s+|[A-Za-z0-9]|.", re.DOTALL)
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[a-z*]+\}(?:\{[a-z|]*\})?")
_SIMPLE = re.compile(r"\w[\w,.]*|[√∂∇-]?\w+(?:_\w+)?")
_LINE_MARK = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|(?:[-+*]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?|\|[-:| ]+\|$)")
_EMPHASIS = re.compile(r"(?<![\\\w])(\*{1,3}|_{1,2})(?=\S)(.+?)(?<=\S)\1(?!\w)", re.DOTALL)
_UNMARKED = re.compile(r"[^\n*_\\|#>+`-]*")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def plain(markdown: str) -> str:
    """The text in one line without Markdown; `$\\sqrt{d_k}$` reads √d_k and `[0.93](demo:...)` reads 0.93."""
    parts, position = [], 0
    for segment in segments(markdown):
        parts.append(_prose(markdown[position : segment.start]))
        source = markdown[segment.start : segment.end].strip()
        if isinstance(segment, Link):
            parts.append(plain(segment.text))
        elif segment.kind == "math":
            parts.append(formula(source.strip("$")))
        elif segment.kind == "code":
            parts.append(_code(source))
        else:
            parts.append(_prose(source))
        position = segment.end
    parts.append(_prose(markdown[position:]))
    return " ".join("".join(parts).split())


@lru_cache(maxsize=4096)
def formula(latex: str) -> str:
    """A formula in one line of Unicode: roots, Greek letters and operators by their signs, a fraction with a slash.

    A command without a sign of its own keeps its name, so that it can still be searched for.
    """
    tokens = _LATEX.findall(_ENVIRONMENT.sub(" ", latex))
    return " ".join(_read(tokens[::-1]).split())


def _read(tokens: list[str], closer: str = "") -> str:
    """What the tokens, taken from the end of the list, say up to the one that closes."""
    parts = []
    while tokens and tokens[-1] != closer:
        parts.append(_one(tokens))
    if tokens:
        tokens.pop()
    return "".join(parts)


def _one(tokens: list[str]) -> str:
    token = tokens.pop()
    if token == "{":
        return _read(tokens, "}")
    if token in "_^":
        return _script(token, _argument(tokens))
    if token in "&~":
        return " "
    if not token.startswith("\\") or token == "\\":
        return "" if token == "}" else token
    name = token[1:]
    if name in ("frac", "dfrac", "tfrac"):
        return f"{_bracketed(_argument(tokens))}/{_bracketed(_argument(tokens))}"
    if name == "sqrt":
        degree = _read(tokens, "]")[1:] if tokens and tokens[-1] == "[" else ""
        return degree.translate(_SUPERSCRIPTS) + "√" + _bracketed(_argument(tokens))
    if name in (" ", "quad", "qquad"):
        return " "
    if name in _SILENT or name in ",;:!":
        return ""
    if name in OPERATORS:
        return f" {OPERATORS[name]} "
    if name in LETTERS:
        return LETTERS[name]
    return f"{name} " if name.isalpha() else "‖" if name == "|" else " " if name == "\\" else name


def _argument(tokens: list[str]) -> str:
    while tokens and tokens[-1].isspace():
        tokens.pop()
    return _one(tokens).strip() if tokens else ""


def _script(mark: str, part: str) -> str:
    if mark == "^" and part == "ᵀ":
        return part
    if mark == "^" and part and not part.strip("0123456789+-n"):
        return part.translate(_SUPERSCRIPTS)
    return mark + _bracketed(part)


def _bracketed(part: str) -> str:
    """The part of a formula, in brackets where it is more than one name or number."""
    return part if not part or _SIMPLE.fullmatch(part) else f"({part})"


def _prose(markdown: str) -> str:
    if _UNMARKED.fullmatch(markdown):
        return markdown
    lines = []
    for line in markdown.split("\n"):
        text = _LINE_MARK.sub("", line)
        lines.append(text.replace("|", " ") if line.lstrip().startswith("|") else text)
    text = _EMPHASIS.sub(r"\2", "\n".join(lines))
    return _ESCAPE.sub(r"\1", text)


def _code(source: str) -> str:
    if source.startswith(("```", "~~~")):
        return " ".join(source.split("\n")[1:-1])
    ticks = len(source) - len(source.lstrip("`"))
    return source[ticks:-ticks].strip()
