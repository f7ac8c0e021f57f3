"""`kb` and `python -m kb`: runs the command line, and turns every foreseen error into one sentence and an exit code."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command line and exits: 0 fine, 1 the answer is no, 2 wrong usage or something that cannot be done."""
    import click

    from kb.cli import kb

    try:
        # without its standalone mode click gives back the code of `ctx.exit`, and what the command returns, which is None
        code = kb.main(None if argv is None else list(argv), prog_name="kb", standalone_mode=False) or 0
    except click.Abort:
        print(file=sys.stderr)
        code = 2
    except click.ClickException as error:
        error.show()
        code = 2
    except _foreseen() as error:
        print(f"kb: {error}", file=sys.stderr)
        code = 2
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    sys.exit(code)


def _foreseen() -> tuple[type[Exception], ...]:
    """The errors that are reported as a sentence; imported only when something was raised."""
    from demos import DemoError
    from kb.errors import KbError

    return KbError, DemoError


if __name__ == "__main__":
    main()
