"""`kb serve`: opens the app in the browser."""

import os
import sys
from pathlib import Path

import click

from kb.cli.session import Session, note, pass_session
from kb.errors import UsageError

APP = Path(__file__).resolve().parents[2] / "app.py"


@click.command("serve")
@click.option(
    "--port",
    default=8501,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port on 127.0.0.1; the next free one when it is taken.",
)
@click.option(
    "--browser/--no-browser", default=None, help="Open the browser (by itself only where there is a display)."
)
@pass_session
def serve_command(session: Session, port: int, browser: bool | None) -> None:
    """Open the app: http://127.0.0.1:PORT."""
    if not APP.exists():
        raise UsageError(f"{APP}: the app is not beside this package; run `kb serve` from a checkout of Livecards.")
    port = _free_port(port)
    show = _has_display() if browser is None else browser
    environment = os.environ | session.environment()
    note(f"Livecards: http://127.0.0.1:{port}  (Ctrl+C ends it)")
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    command += ["--server.headless", "false" if show else "true"]
    os.chdir(APP.parent)  # Streamlit looks for .streamlit/config.toml in the working folder
    os.execve(sys.executable, command, environment)


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _free_port(wanted: int) -> int:
    import socket

    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise UsageError(f"--port: expected a free port from {wanted} on; found none in the next hundred.")
