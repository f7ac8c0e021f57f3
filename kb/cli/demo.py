"""`kb demo`: list, show, run, check and record demos. Torch runs in a worker process, never here."""

import dataclasses
import json
import math
import time
from pathlib import Path
from typing import Any

import click

import demos
from demos._runner import DEVICES, SLOW_TIMEOUT_S, TIMEOUT_S, shared
from kb.cli.session import Session, json_option, note, pass_session, print_json

RECORDS = Path(demos.__file__).parent / "records"


@click.group("demo")
def demo_command() -> None:
    """List, show and run the demos."""


@demo_command.command("list")
@json_option
@pass_session
def list_command(session: Session, as_json: bool) -> None:
    """List all demos with their claims."""
    specs, broken = demos.catalogue()
    for error in broken:
        note(str(error))
    if as_json:
        print_json([_row(spec) for spec in specs.values()])
        return
    width = max(map(len, specs), default=0)
    for spec in specs.values():
        click.echo(f"{spec.name:{width}}  {spec.topic:20}  {session.translate(spec.title)}")


def _row(spec: demos.DemoSpec) -> dict[str, Any]:
    params = [dataclasses.asdict(param) for param in spec.params]
    fields = [{"name": field.name, "unit": field.unit, "measured": field.measured} for field in spec.fields]
    return {"name": spec.name, "topic": spec.topic, "title": spec.title, "params": params, "fields": fields}


@demo_command.command("show")
@click.argument("name")
@click.option("--source", is_flag=True, help="Print the program itself.")
@json_option
@pass_session
def show_command(session: Session, name: str, source: bool, as_json: bool) -> None:
    """Show what a demo claims, its parameters and its results."""
    spec = demos.describe(name)
    if as_json:
        more = {"leaves_out": spec.leaves_out, "source": spec.source, "claims": list(spec.claims), "slow": spec.slow}
        print_json(_row(spec) | more)
        return
    if source:
        click.echo(spec.path.read_text(encoding="utf-8"), nl=False)
        return
    say = session.translate
    click.echo(f"{say(spec.title)}\n\n{session._('Leaves out')}: {say(spec.leaves_out)}")
    click.echo(f"{session._('Source')}: {spec.source}\n")
    for param in spec.params:
        allowed = (
            ", ".join(map(str, param.choices))
            if param.choices
            else f"{param.minimum:g} to {param.maximum:g}"
            if param.minimum is not None and param.maximum is not None
            else param.type
        )
        click.echo(f"  {param.option:24} {say(param.help)} ({allowed}; default {param.default})")
    click.echo()
    for field in spec.fields:
        unit = f" [{field.unit}]" if field.unit else ""
        click.echo(f"  {field.name:28} {say(field.help)}{unit}{'  (measured)' if field.measured else ''}")
    click.echo()
    for claim in spec.claims:
        click.echo(f"  · {say(claim)}")


class Limit(click.FloatRange):
    """A finite number within the bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class RunGroup(click.Group):
    """`kb demo run NAME`, where every demo is a command whose options are read from its source."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(demos.names())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        spec = demos.describe(name)
        options: list[click.Parameter] = [_option(param) for param in spec.params]
        options += [
            click.Option(["--device"], type=click.Choice(DEVICES), help="Where it runs (else your setting)."),
            click.Option(["--seed"], type=click.IntRange(0), default=0, show_default=True),
            click.Option(["--timeout"], type=Limit(0, min_open=True), help=f"Seconds (default {_limit(spec):g})."),
            click.Option(["--memory-gib"], type=Limit(0, min_open=True), help="GiB (default 4)."),
            click.Option(["--json", "as_json"], is_flag=True, help="One JSON value on stdout, nothing else."),
        ]
        return click.Command(name, params=options, callback=_runs(name), help=spec.title)


def _option(param: demos.ParamSpec) -> click.Option:
    text = f"{param.help} (default {param.default})"
    if param.type == "bool":
        return click.Option([f"{param.option}/--no-{param.option[2:]}", param.name], default=None, help=text)
    return click.Option([param.option, param.name], metavar=param.type.upper(), help=text)


def _limit(spec: demos.DemoSpec) -> float:
    return SLOW_TIMEOUT_S if spec.slow else TIMEOUT_S


def _runs(name: str) -> Any:
    def callback(
        device: str | None, seed: int, timeout: float | None, memory_gib: float | None, as_json: bool, **options: Any
    ) -> None:
        session = click.get_current_context().find_object(Session) or Session()
        limits = session.demo_limits(device)
        if timeout is not None:
            limits["timeout_s"] = timeout
        if memory_gib is not None:
            limits["memory_bytes"] = int(memory_gib * 2**30)
        given = {key: value for key, value in options.items() if value is not None}
        outcome = shared().run(name, given, seed=seed, **limits)
        if as_json:
            print_json(outcome.to_json())
        else:
            from demos._text import describe_outcome

            click.echo(describe_outcome(outcome, session.translate))
        click.get_current_context().exit(0 if all(outcome.claims.values()) else 1)

    return callback


@demo_command.command("run", cls=RunGroup)
def run_command() -> None:
    """Run one demo: `kb demo run softmax_saturation --head-dim 512`."""


@demo_command.command("check")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1), help="How many seeds to try, from 0 on.")
@click.option("--device", type=click.Choice(DEVICES), default="cpu", show_default=True)
def check_command(seeds: int, device: str) -> None:
    """Run every demo at its defaults; exit 1 when a claim fails."""
    failed = 0
    names = demos.names()
    width = max(map(len, names))
    started = time.perf_counter()
    for name in names:
        outcomes = [shared().run(name, device=device, seed=seed) for seed in range(seeds)]
        broken = sorted({text for outcome in outcomes for text, holds in outcome.claims.items() if not holds})
        failed += bool(broken)
        figure = "figure" if outcomes[0].figure else "no figure"
        seconds = max(outcome.seconds for outcome in outcomes)
        click.echo(
            f"{'✗' if broken else '✓'} {name:{width}}  {len(outcomes[0].claims)} claims  {seconds:6.2f} s  {figure}"
        )
        for text in broken:
            click.echo(f"    does not hold: {text}")
    note(f"{len(names)} demos, {failed} with a claim that failed, {time.perf_counter() - started:.0f} s")
    click.get_current_context().exit(1 if failed else 0)


@demo_command.command("record")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.option("--only", multiple=True, metavar="NAME", help="Record only this demo (may be repeated).")
def record_command(device: str, only: tuple[str, ...]) -> None:
    """Run the demos at their defaults and write demos/records/<device>.json for readers who have no such device."""
    from kb.cli.recording import record

    path = record(RECORDS, device, only or demos.names())
    count = len(json.loads(path.read_text(encoding="utf-8"))["runs"])
    note(f"{path}: {count} runs recorded.")
