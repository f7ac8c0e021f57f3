"""Settings, the learner's progress as a file: where it is, its copies, what another computer adds, and the way back to a copy.

What a way back would take away is said first, and what was there before it is always kept.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from kb import clock
from kb.backups import Copy, copies
from kb.comparing import Loss, loss
from kb.errors import KbError
from kb.i18n import format_date, format_number
from kb.merging import merge
from kb.restoring import restore
from kb.views import shell
from kb.views.choosers import replaced
from kb.views.rows import sentences
from kb.views.shell import _, ngettext


def show_place() -> None:
    """Where the progress is, and what became of it a moment ago."""
    st.markdown(_("One file holds all of it. To use another, set `KB_DB` before you start the app."))
    st.code(str(shell.store().path), language=None, wrap_lines=True)
    for said in st.session_state.pop("settings-said", ()):
        st.success(said, icon=":material/check:")


def show_backups() -> None:
    """A copy on demand, and those there are."""
    if st.button(_("Back up now"), icon=":material/save:", key="back-up"):
        with shell.sentences():
            copy = shell.store().back_up_by_hand(shell.now())
            st.success(_("Copied to {path}", path=copy), icon=":material/check:")
    opened = part(_("Copies"), "copies", ":material/inventory_2:")
    if not opened.open:
        return
    with opened:
        found = copies(shell.store().path)
        st.caption(
            _("Studying makes them: one a day and one an hour. Old ones are removed, those made by hand are not.")
        )
        if not found:
            st.markdown(_("There are no copies yet; the first answer of a day makes one."))
            return
        zone = _zone()
        rows = [f"| {_('Made')} | {_('Copy')} | {_('Answers')} | {_('Size')} |", "|:--|:--|--:|--:|"]
        rows += [f"| {_when(copy, zone)} | {_kind(copy)} | {_held(copy)} | {_size(copy)} |" for copy in found]
        with st.container(key="table-copies"):
            st.markdown("\n".join(rows))
        st.caption(str(found[0].path.parent))


def show_merge() -> None:
    """What another database holds, added to this one."""
    opened = part(_("Add what another computer has"), "merge", ":material/merge:")
    if not opened.open:
        return
    with opened:
        st.caption(
            _(
                "Answers, marks and settings of that file that are not here yet are added. Nothing is lost on either side."
            )
        )
        upload = file_field(_("Database of the other computer"), "merge-file", "db")
        if st.button(_("Add"), key="merge", disabled=upload is None) and upload is not None:
            with read(upload) as path:
                added = merge(shell.store(), path, shell.now(), shell.bank())
                said = (
                    ngettext("{count} entry was new here.", "{count} entries were new here.", added)
                    if added
                    else _("Everything in that file was here already.")
                )
                _say(said)


def show_restore() -> None:
    """The way back to a copy, which says what it takes away and asks for a word before it does."""
    opened = part(_("Go back to a copy"), "restore", ":material/history:")
    if not opened.open:
        return
    with opened:
        zone = _zone()
        sound = [copy for copy in copies(shell.store().path) if copy.answers is not None]
        copy = st.selectbox(
            _("Copy"),
            sound,
            index=None,
            format_func=lambda copy: f"{_when(copy, zone)} · {_kind(copy)} · {_answers(copy.answers or 0)}",
            placeholder=_("Choose a copy") if sound else _("There are no copies yet"),
            disabled=not sound,
            key="restore-copy",
        )
        upload = file_field(_("Or a file"), "restore-file", "db")
        if upload is not None:
            with read(upload) as path:
                _confirm(path, upload.name)
        elif copy is not None:
            _confirm(copy.path, copy.path.name)


def _confirm(file: Path, name: str) -> None:
    """What is lost, a box to tick, and the button."""
    st.warning(_what_is_lost(file), icon=":material/warning:")
    agreed = st.checkbox(_("Put this copy in the place of my progress"), key=f"restore-agreed-{name}")
    if st.button(_("Go back"), key="restore", disabled=not agreed, icon=":material/history:"):
        with shell.sentences():
            done = restore(shell.store(), file, shell.now())
            said = [_("Back from {file}; answers: {count}", file=name, count=done.answers)]
            if done.kept is not None:
                said.append(_("What was there before is kept: {file}", file=done.kept))
            _say(*said)


def _what_is_lost(file: Path) -> str:
    kept = _("What is there now is kept beside it as a file, so that you can come back.")
    try:
        found = loss(shell.store(), file, shell.now())
    except KbError as error:
        if str(shell.store().path) not in str(error):
            raise
        return sentences(_("Your present progress cannot be read, so nobody can say what this copy lacks of it."), kept)
    return sentences(_said(found), kept)


def _said(found: Loss) -> str:
    if not found.answers and not found.events:
        return _("This copy has all that you have now.")
    parts = []
    if found.answers and found.since:
        parts.append(
            ngettext(
                "This copy lacks {count} answer, given on {day} or later.",
                "This copy lacks {count} answers, given on {day} or later.",
                found.answers,
                day=format_date(found.since, shell.language()),
            )
        )
    if found.events:
        parts.append(
            ngettext(
                "This copy lacks {count} change of settings, marks or notes.",
                "This copy lacks {count} changes of settings, marks or notes.",
                found.events,
            )
        )
    return sentences(*parts)


def _say(*said: str) -> None:
    """Draws the page anew with what is stored now, and with these sentences on it."""
    st.session_state["settings-said"] = said
    replaced()
    st.rerun()


@contextmanager
def read(upload: UploadedFile) -> Iterator[Path]:
    """An uploaded file as one on the disk, for as long as it is read; a file that is refused is a sentence."""
    with tempfile.TemporaryDirectory(prefix="livecards-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / Path(upload.name).name
        path.write_bytes(upload.getvalue())
        try:
            yield path
        except KbError as error:
            said = str(error)
            ours = folder not in said
            clear = type(error)(said.replace(f"{folder}{os.sep}", ""))
            shell.show_error(clear, None if ours else _("This file cannot be used. Your progress is as it was."))


def file_field(label: str, key: str, *types: str) -> UploadedFile | None:
    """A field for one file of these types."""
    choose = json.dumps(_("Choose a file"), ensure_ascii=False)
    with st.container(key=f"field-{key}"):
        st.html(f"<style>.st-key-field-{key} {{ --choose-file: {choose} }}</style>")
        return st.file_uploader(label, type=list(types), key=key)


def part(label: str, key: str, icon: str) -> Any:
    """A part that is drawn only while it is open."""
    return st.expander(label, key=f"part-{key}", on_change="rerun", icon=icon)


def _when(copy: Copy, zone: tzinfo) -> str:
    """The time at which it was made, which a line of a table keeps together."""
    made, now = copy.made_at.astimezone(zone), shell.now().astimezone(zone)
    day = format_date(made.date(), shell.language(), year=made.year != now.year)
    return f"{day} {made:%H:%M}".replace(" ", "\N{NO-BREAK SPACE}")


def _zone() -> tzinfo:
    return clock.zone(shell.known_settings().timezone)


def _kind(copy: Copy) -> str:
    return {"day": _("of the day"), "hour": _("of the hour"), "hand": _("made by hand")}[copy.kind]


def _held(copy: Copy) -> str:
    return _("damaged") if copy.answers is None else format_number(copy.answers, shell.language())


def _answers(count: int) -> str:
    return ngettext("{count} answer", "{count} answers", count)


def _size(copy: Copy) -> str:
    size = copy.path.stat().st_size
    return f"{size / 1024:.0f} KiB" if size < 2**20 else f"{size / 2**20:.1f} MiB"
