"""Finds the demos and reads their contract from the source, so that torch is never imported for a list or a form.

A demo is any module of a topic folder whose name does not begin with an underscore. Its first line is the title, the
signature of `run` gives the parameters, the annotations of `Result` the fields, the string keys in `claims` the claims.
"""

import ast
import difflib
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from demos._contract import DemoSpec, Field, FieldSpec, Param, ParamSpec, Value
from demos._errors import BrokenDemoError, ParameterError, UnknownDemoError
from demos._figure_texts import figure_texts

ROOT = Path(__file__).parent
PARAM_TYPES = ("int", "float", "bool", "str")


def names(root: Path = ROOT) -> tuple[str, ...]:
    """The names of all demos in the topic folders below `root`, sorted."""
    return tuple(sorted(_paths(root)))


def describe(name: str, root: Path = ROOT) -> DemoSpec:
    """What the source of the demo declares; read again when the file has changed.

    Raises: UnknownDemoError with the nearest name, BrokenDemoError with file and line.
    """
    path = _found.get((root, name))
    if path is None or not path.exists():
        path = _found[root, name] = _path(name, root)
    return _read(path, path.stat().st_mtime_ns)


def catalogue(root: Path = ROOT) -> tuple[dict[str, DemoSpec], tuple[BrokenDemoError, ...]]:
    """All demos that keep the contract, by name, and what is wrong with the others."""
    specs: dict[str, DemoSpec] = {}
    broken: list[BrokenDemoError] = []
    for name in names(root):
        try:
            specs[name] = describe(name, root)
        except BrokenDemoError as error:
            broken.append(error)
    return specs, tuple(broken)


def check_params(name: str, params: Mapping[str, Any], root: Path = ROOT) -> dict[str, Value]:
    """All parameters of the demo in the order of the signature: the given ones validated, the others at their defaults.

    Text is converted ("512" for an int), as it comes from a command line or a URL.
    Raises: ParameterError naming the demo, the parameter, what was expected and what was found.
    """
    spec = describe(name, root)
    known = {param.name for param in spec.params}
    for given in params:
        if given not in known:
            near = difflib.get_close_matches(given, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"it takes {', '.join(sorted(known)) or 'none'}."
            raise ParameterError(f"demo {name}: parameter '{given}' does not exist; {hint}")
    return {p.name: _convert(name, p, params[p.name]) if p.name in params else p.default for p in spec.params}


_found: dict[tuple[Path, str], Path] = {}


def _path(name: str, root: Path) -> Path:
    paths = _paths(root)
    if name not in paths:
        near = difflib.get_close_matches(name, paths, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "`kb demo list` shows them all."
        raise UnknownDemoError(f"demo '{name}': there is no demo of that name; {hint}")
    return paths[name]


def _paths(root: Path) -> dict[str, Path]:
    return {path.stem: path for path in root.glob("[!_]*/[!_]*.py")}


def _convert(demo: str, param: ParamSpec, value: Any) -> Value:
    converted = _parse(param.type, value)
    if converted is None:
        raise ParameterError(f"demo {demo}: {param.name}: expected {_expected(param)}; found {value!r}.")
    if param.choices is not None and converted not in param.choices:
        raise ParameterError(f"demo {demo}: {param.name}: expected {_expected(param)}; found {value!r}.")
    if not isinstance(converted, str | bool) and (
        (param.minimum is not None and converted < param.minimum)
        or (param.maximum is not None and converted > param.maximum)
    ):
        raise ParameterError(f"demo {demo}: {param.name}: expected {_expected(param)}; found {value!r}.")
    return converted


def _parse(kind: str, value: Any) -> Value | None:
    """The value in the declared type, or None where it is not one."""
    if kind == "str":  # a choice may look like a number, and come as one from YAML or JSON
        return None if isinstance(value, bool) else str(value)
    if kind == "bool":
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    if kind == "float":
        return number
    if number != int(number):
        return None
    return int(value) if isinstance(value, int) else int(number)


def _expected(param: ParamSpec) -> str:
    if param.choices is not None:
        return "one of " + ", ".join(str(choice) for choice in param.choices)
    if param.type == "bool":
        return "true or false"
    if param.type == "str":
        return "text"
    kind = "a whole number" if param.type == "int" else "a number"
    if param.minimum is not None and param.maximum is not None:
        return f"{kind} from {param.minimum:g} to {param.maximum:g}"
    if param.minimum is not None:
        return f"{kind} of at least {param.minimum:g}"
    if param.maximum is not None:
        return f"{kind} of at most {param.maximum:g}"
    return kind


@lru_cache(maxsize=1024)
def _read(path: Path, _mtime_ns: int) -> DemoSpec:
    where = path.relative_to(path.parents[2]).as_posix()
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise BrokenDemoError(f"{where}: the file is not readable as Python: {error}") from error
    parts = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    title, leaves_out, source = _docstring(where, ast.get_docstring(tree))
    run, result, claims = parts.get("run"), parts.get("Result"), parts.get("claims")
    if not isinstance(run, ast.FunctionDef):
        raise BrokenDemoError(f"{where}:1: expected a function `run`; found none.")
    if not isinstance(result, ast.ClassDef):
        raise BrokenDemoError(f"{where}:1: expected a frozen dataclass `Result`; found none.")
    if not isinstance(claims, ast.FunctionDef):
        raise BrokenDemoError(f"{where}:1: expected a function `claims`; found none.")
    params = _params(where, run)
    choices = {str(choice) for param in params for choice in param.choices or ()}
    slow = any(
        isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SLOW" and ast.literal_eval(node.value)
        for node in tree.body
    )
    return DemoSpec(
        name=path.stem,
        topic=path.parent.name,
        title=title,
        leaves_out=leaves_out,
        source=source,
        params=params,
        fields=tuple(_field(where, node) for node in result.body if isinstance(node, ast.AnnAssign)),
        claims=_claims(where, claims),
        slow=slow,
        has_figure="figure" in parts,
        path=path,
        figure_texts=figure_texts(tree, parts.get("figure"), choices),
    )


def _docstring(where: str, text: str | None) -> tuple[str, str, str]:
    """The first line, and what follows the words `Leaves out:` and `Source:`."""
    title, _, rest = (text or "").partition("\n")
    before, has_source, source = rest.partition("Source:")
    _, has_leaves_out, leaves_out = before.partition("Leaves out:")
    if not (title and has_source and has_leaves_out):
        raise BrokenDemoError(
            f"{where}:1: docstring: expected the claim in the first line, then 'Leaves out:', then 'Source:'."
        )
    return title, " ".join(leaves_out.split()), " ".join(source.split())


def _params(where: str, run: ast.FunctionDef) -> tuple[ParamSpec, ...]:
    if run.args.args or run.args.vararg or run.args.kwarg or "device" not in {arg.arg for arg in run.args.kwonlyargs}:
        raise BrokenDemoError(f"{where}:{run.lineno}: run: expected keyword parameters only, `device` among them.")
    pairs = zip(run.args.kwonlyargs, run.args.kw_defaults, strict=True)
    return tuple(_param(where, arg, default) for arg, default in pairs if arg.arg != "device")


def _param(where: str, arg: ast.arg, default: ast.expr | None) -> ParamSpec:
    kind, meta = _annotated(where, arg.arg, arg.annotation, "Param")
    param = Param(**meta)
    if default is None or kind not in PARAM_TYPES or (kind == "str" and not param.choices):
        raise BrokenDemoError(
            f"{where}:{arg.lineno}: {arg.arg}: expected int, float, bool, or str with choices, with a literal default."
        )
    value = _literal(where, default)
    spec = ParamSpec(arg.arg, kind, value, param.minimum, param.maximum, param.choices, param.help)
    if kind in ("int", "float") and not param.choices and (param.minimum is None or param.maximum is None):
        raise BrokenDemoError(f"{where}:{arg.lineno}: {arg.arg}: expected a minimum and a maximum, or choices.")
    _convert(where, spec, value)
    return spec


def _field(where: str, node: ast.AnnAssign) -> FieldSpec:
    name = ast.unparse(node.target)
    kind, meta = _annotated(where, name, node.annotation, "Field")
    field = Field(**meta)
    return FieldSpec(name, kind, field.unit, field.measured, field.help)


def _annotated(where: str, name: str, annotation: ast.expr | None, wanted: str) -> tuple[str, dict[str, Any]]:
    """The type and the literal arguments in `Annotated[type, Param("help", minimum=1)]`."""
    match annotation:
        case ast.Subscript(
            value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, ast.Call(func=ast.Name(id=given)) as call])
        ) if given == wanted and call.args:
            meta = {keyword.arg: _literal(where, keyword.value) for keyword in call.keywords if keyword.arg}
            return ast.unparse(kind), {"help": _literal(where, call.args[0]), **meta}
    line = annotation.lineno if annotation else 1
    raise BrokenDemoError(f'{where}:{line}: {name}: expected `Annotated[type, {wanted}("meaning in one line", ...)]`.')


def _literal(where: str, node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        found = ast.unparse(node)
        raise BrokenDemoError(f"{where}:{node.lineno}: expected a literal; found `{found}`.") from error


def _claims(where: str, claims: ast.FunctionDef) -> tuple[str, ...]:
    returned = next((node.value for node in ast.walk(claims) if isinstance(node, ast.Return)), None)
    if not isinstance(returned, ast.Dict) or not returned.keys:
        raise BrokenDemoError(f"{where}:{claims.lineno}: claims: expected `return {{'a sentence': condition, ...}}`.")
    keys = [ast.literal_eval(key) for key in returned.keys if isinstance(key, ast.Constant)]
    if len(keys) != len(returned.keys):
        raise BrokenDemoError(f"{where}:{claims.lineno}: claims: expected constant texts, since they are translated.")
    return tuple(keys)
