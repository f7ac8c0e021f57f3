"""What a demo's figure shows in words, read from its source, so that an app can say it in another language."""

import ast
import re
from collections.abc import Iterator

OPTION = re.compile("align|baseline|format|interpolate|log|orient|range|scheme|text_format|type|y_format")
SHORTHAND = re.compile(r"(\w+):[QNOT]")
WORD = re.compile(r"[^\W\d_]{2}")
DRAWING = {"width", "height", "color", "left", "right", "center"}  # values that tell the chart how to draw


def figure_texts(tree: ast.Module, figure: ast.AST | None, choices: set[str]) -> tuple[str, ...]:
    """The constant texts that `figure` shows, those of the constants that it names included, in the order of the source.

    What only tells the chart how to draw is left out (names of fields, expressions over `datum`, options such as `align`), and
    so are formulas and the `choices` of its parameters, which stand alike in every language.
    """
    if figure is None:
        return ()
    named = {node.id for node in ast.walk(figure) if isinstance(node, ast.Name)}
    constants = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and named & {each.id for each in ast.walk(node.targets[0]) if isinstance(each, ast.Name)}
    ]
    strings = [*_strings(figure), *(text for node in constants for text in _strings(node))]
    fields = {match[1] for text in strings if (match := SHORTHAND.fullmatch(text))}
    silent = fields | set(re.findall(r"datum\.(\w+)", ast.unparse(figure))) | DRAWING | choices
    titles = {
        text
        for node in ast.walk(figure)
        if isinstance(node, ast.keyword) and node.arg and node.arg.endswith("title")
        for text in _strings(node.value)
    }
    shown = [
        text
        for text in strings
        if WORD.search(text)
        and (text in titles or not (text in silent or SHORTHAND.fullmatch(text) or "datum." in text))
    ]
    return tuple(dict.fromkeys(shown))


def _strings(node: ast.AST) -> Iterator[str]:
    """The string constants of an expression, without those of options, comparisons, subscripts that read, and f-strings."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        option = isinstance(child, ast.keyword) and OPTION.fullmatch(child.arg or "")
        read = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and child is node.slice
        if not (option or read or isinstance(child, ast.JoinedStr | ast.Compare)):
            yield from _strings(child)
