"""An outcome as plain text for a terminal."""

from collections.abc import Callable
from typing import Any

from demos._contract import Outcome
from demos._registry import describe

SHOWN_ITEMS = 9


def describe_outcome(outcome: Outcome, translate: Callable[[str], str] = str) -> str:
    """Title, parameters, every field with its unit, the claims with a mark, and where and how long it ran."""
    spec = describe(outcome.name)
    given = "  ".join(f"{name}={value}" for name, value in outcome.params.items())
    width = max(len(field.name) for field in spec.fields)
    lines = [translate(spec.title), given, ""]
    for field in spec.fields:
        value = f"{format_value(outcome.result[field.name])} {field.unit}".rstrip()
        lines.append(f"  {field.name:{width}}  {value}" + ("  (measured)" if field.measured else ""))
    lines.append("")
    lines += [f"  {'✓' if holds else '✗'} {translate(text)}" for text, holds in outcome.claims.items()]
    lines.append(
        f"\n{outcome.device} ({outcome.device_name}), torch {outcome.torch}, seed {outcome.seed}, {outcome.seconds:.2f} s"
    )
    return "\n".join(lines)


def format_value(value: Any) -> str:
    """A field's value for reading: four significant digits, thousands separated, long curves cut with their length."""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    shown = ", ".join(format_value(item) for item in value[:SHOWN_ITEMS])
    return f"[{shown}, …] ({len(value)})" if len(value) > SHOWN_ITEMS else f"[{shown}]"
