"""What a run in the Lab gave: figure, claims, and the fields as a table, alone or beside another run."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from demos import DemoSpec, FieldSpec, Outcome
from kb.i18n import format_date, format_number, format_seconds
from kb.questions import Value
from kb.views import shell
from kb.views.evidence import shown_value
from kb.views.figure import show_figure
from kb.views.lab_form import Setting, written
from kb.views.records import Record, records_of
from kb.views.rows import escaped, sentences
from kb.views.shell import _

BYTES = ("KiB", "MiB", "GiB", "TiB")


def show_ran(outcome: Outcome) -> None:
    """Where and how long it ran, and what draws the same again."""
    time = format_seconds(outcome.seconds, shell.language())
    where = _("this CPU") if outcome.device == "cpu" else outcome.device_name
    ran = _("Computed here in {time} on {device}.", time=time, device=where)
    st.caption(f"{ran} torch {outcome.torch} · {_('seed {seed}', seed=outcome.seed)}", width="content")


def show_claims(spec: DemoSpec, outcome: Outcome) -> None:
    """The claims, each with whether it holds for these values."""
    lines = []
    for text in spec.claims:
        holds = outcome.claims.get(text, False)
        mark = ":green[✓]" if holds else f":red[✗ {_('Does not hold with these values:')}]"
        lines.append(f"{mark} {escaped(shell.translated(text))}")
    with st.container(key="lab-claims"):
        st.markdown("  \n".join(lines))


def show_values(spec: DemoSpec, outcome: Outcome) -> None:
    """The single values of one run as a table, and its whole result."""
    _show_table(spec, {_("Value"): outcome.result})
    _show_all(outcome)


def show_both_figures(spec: DemoSpec, kept: tuple[Setting, Outcome], present: tuple[Setting, Outcome]) -> None:
    """The figures of two runs side by side, each with the values in which it differs and whether its claims hold."""
    differing = _differing(kept[0], present[0])
    for column, heading, (setting, outcome) in zip(st.columns(2), _headings(), (kept, present), strict=True):
        with column:
            st.markdown(f"**{heading}** {_named(setting, differing)}")
            show_figure(outcome)
            failing = [text for text in spec.claims if not outcome.claims.get(text, False)]
            if failing:
                st.caption("  \n".join(f":red[✗] {escaped(shell.translated(text))}" for text in failing))
            else:
                st.caption(f":green[✓] {_('All claims hold.')}")


def show_both_values(spec: DemoSpec, kept: Outcome, present: Outcome) -> None:
    """One table with the values of two runs."""
    _show_table(spec, dict(zip(_headings(), (kept.result, present.result), strict=True)))
    _show_all(present)


def _headings() -> tuple[str, str]:
    return _("Kept"), _("Now")


def show_records(spec: DemoSpec, setting: Setting, outcome: Outcome | None) -> None:
    """What other hardware gave, recorded; nothing where there is no record of this demo."""
    records = records_of(setting)
    if not records:
        return
    on_gpu = any(record.on_gpu for record in records)
    label = _("What does a GPU give?") if on_gpu else _("What did another computer give?")
    with st.expander(label, icon=":material/memory:"):
        for record in records:
            st.caption(_record_line(record, spec, setting))
        columns = {_("Here"): outcome.result} if outcome else {}
        columns |= {record.device: dict(record.result) for record in records}
        _show_table(spec, columns, "records")


def _record_line(record: Record, spec: DemoSpec, setting: Setting) -> str:
    """Where, when and with which values it was recorded."""
    when = format_date(record.recorded_on, shell.language()) if record.recorded_on else ""
    made = filter(None, (record.device, when, f"torch {record.torch}", record.driver and f"driver {record.driver}"))
    line = _("Recorded: {where}.", where=", ".join(made))
    if record.is_of(setting):
        return line
    names = [param.name for param in spec.params if record.params.get(param.name) != setting.params.get(param.name)]
    values = ", ".join(f"{name} {written(record.params[name])}" for name in names if name in record.params)
    return sentences(line, _("It was run with other values: {values}.", values=values))


def _differing(first: Setting, second: Setting) -> list[str]:
    """The parameters in which two settings differ, seed and device included."""
    names = [name for name in first.params if first.params[name] != second.params.get(name)]
    names += ["seed"] * (first.seed != second.seed)
    return names + ["device"] * (first.device != second.device)


def _named(setting: Setting, names: Sequence[str]) -> str:
    values: dict[str, Value] = {**setting.params, "seed": setting.seed, "device": setting.device}
    return ", ".join(f"{name} {written(values[name])}" for name in names) or _("the same values")


def _show_table(spec: DemoSpec, columns: dict[str, Any], key: str = "values") -> None:
    """The single values, one field in each row; curves are in the figure and in the full result."""
    rows = [field for field in spec.fields if not field.type.startswith("tuple")]
    if not rows:
        return
    heads = list(columns)
    lines = [
        f"| {_('Result')} | {' | '.join(heads)} |",
        f"|---|{'---:|' * len(heads)}",
    ]
    for field in rows:
        values = " | ".join(_cell(field, result.get(field.name)) for result in columns.values())
        measured = f" :gray-badge[{_('measured')}]" if field.measured else ""
        lines.append(f"| {escaped(shell.translated(field.help))} :gray[`{field.name}`]{measured} | {values} |")
    with st.container(key=f"table-{key}"):
        st.markdown("\n".join(lines))
    if any(field.measured for field in rows):
        st.caption(
            _("Measured values depend on this computer and change from run to run; all others follow from the seed.")
        )


def _cell(field: FieldSpec, value: Any) -> str:
    if value is None:
        return "–"
    if field.unit == "bytes" and isinstance(value, int) and value >= 1024:
        return _bytes(value)
    return escaped(shown_value(value, field.unit))


def _bytes(count: int) -> str:
    """A number of bytes in the largest binary unit that keeps it above 1."""
    power = min((count.bit_length() - 1) // 10, len(BYTES))
    return f"{format_number(count / 1024**power, shell.language())} {BYTES[power - 1]}"


def _show_all(outcome: Outcome) -> None:
    """The whole result as JSON, curves included, to copy; drawn when it is opened."""
    import json

    opened = st.expander(_("Whole result as JSON"), key=f"lab-json-{outcome.name}", type="compact", on_change="rerun")
    if opened.open:
        opened.code(json.dumps(outcome.result, ensure_ascii=False), language="json", wrap_lines=True, height=220)
