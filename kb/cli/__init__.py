"""The command line: one module for each family of commands, imported only when one of them is called.

A command is a few lines over `kb/`: it reads options, calls the core and prints. Results go to stdout, everything else to stderr.
"""

import importlib
from pathlib import Path

import click

from kb.cli.session import Session
from kb.version import __version__

COMMANDS = {
    "study": "kb.cli.study",
    "due": "kb.cli.progress",
    "answer": "kb.cli.progress",
    "undo": "kb.cli.progress",
    "stats": "kb.cli.progress",
    "plan": "kb.cli.plan",
    "optimise": "kb.cli.optimise",
    "know": "kb.cli.marks",
    "suspend": "kb.cli.marks",
    "unsuspend": "kb.cli.marks",
    "bury": "kb.cli.marks",
    "unbury": "kb.cli.marks",
    "flag": "kb.cli.marks",
    "unflag": "kb.cli.marks",
    "note": "kb.cli.marks",
    "rebuild": "kb.cli.progress",
    "list": "kb.cli.bank",
    "show": "kb.cli.bank",
    "search": "kb.cli.bank",
    "check": "kb.cli.bank",
    "new": "kb.cli.new",
    "demo": "kb.cli.demo",
    "export": "kb.cli.exchange",
    "import": "kb.cli.exchange",
    "drafts": "kb.cli.drafts",
    "backup": "kb.cli.keeping",
    "restore": "kb.cli.keeping",
    "merge": "kb.cli.keeping",
    "doctor": "kb.cli.keeping",
    "sync": "kb.cli.keeping",
    "serve": "kb.cli.serve",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for, so that `kb due` does not pay for `kb study`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[name]), f"{name}_command")
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--db",
    type=click.Path(path_type=Path),
    help="Your progress: an SQLite file (else KB_DB, else the user data folder).",
)
@click.option(
    "--content",
    type=click.Path(path_type=Path),
    help="The bank: a folder of questions (else KB_CONTENT, else ./content).",
)
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), help="Language of questions and messages (else your setting or locale)."
)
@click.version_option(__version__, prog_name="livecards")
@click.pass_context
def kb(ctx: click.Context, db: Path | None, content: Path | None, lang: str | None) -> None:
    """Prepare for an interview on transformers: questions, demos that compute the answers, reviews until the day."""
    ctx.obj = Session(db, content, lang)
    ctx.call_on_close(ctx.obj.close)
