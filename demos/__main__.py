"""`python -m demos NAME --param value`: runs one demo in this process, without the rest of the project.

Prints result and claims; with --json one JSON value on stdout, while whatever the demo itself prints goes to stderr.
Exit code: 0 when every claim holds, 1 when one does not, 2 for wrong usage or a run that failed.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence

import demos
from demos._runner import DEVICES, MEMORY_BYTES
from demos._text import describe_outcome


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the demo named on the command line and returns the exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        if not argv or argv[0] in ("-h", "--help"):
            _list()
            return 0
        return _run(argv[0], argv[1:])
    except demos.DemoError as error:
        print(error, file=sys.stderr)
        return 2


def _list() -> None:
    print("usage: python -m demos NAME [--param value ...] [--device auto|cpu|cuda|mps] [--seed N] [--json]\n")
    specs, broken = demos.catalogue()
    for spec in specs.values():
        print(f"{spec.name:28} {spec.title}")
    for error in broken:
        print(error, file=sys.stderr)


def _run(name: str, options: Sequence[str]) -> int:
    spec = demos.describe(name)
    parser = argparse.ArgumentParser(prog=f"python -m demos {name}", description=spec.title, allow_abbrev=False)
    for param in spec.params:
        text = param.help.replace("%", "%%") + f" (default {param.default})"
        if param.type == "bool":
            parser.add_argument(param.option, dest=param.name, action=argparse.BooleanOptionalAction, help=text)
        else:
            parser.add_argument(param.option, dest=param.name, metavar=param.type.upper(), help=text)
    parser.add_argument("--device", default="auto", choices=DEVICES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON value on stdout")
    chosen = vars(parser.parse_args(_joined(options)))
    device, seed, as_json = chosen.pop("device"), chosen.pop("seed"), chosen.pop("json")
    params = demos.check_params(name, {key: value for key, value in chosen.items() if value is not None})

    from demos import _worker  # imports torch: only now that the arguments are known to be right

    with contextlib.redirect_stdout(sys.stderr):
        values = _worker.execute(str(spec.path), params, device, seed, MEMORY_BYTES)
    outcome = demos.Outcome(name=name, params=params, seed=seed, **values)
    print(json.dumps(outcome.to_json(), ensure_ascii=False) if as_json else describe_outcome(outcome))
    return 0 if all(outcome.claims.values()) else 1


def _joined(options: Sequence[str]) -> list[str]:
    """The options with a value such as -inf tied to its option, since argparse would take it for an option itself."""
    joined: list[str] = []
    for word in options:
        if word.startswith("-") and not word.startswith("--") and joined and joined[-1].startswith("--"):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


if __name__ == "__main__":
    sys.exit(main())
