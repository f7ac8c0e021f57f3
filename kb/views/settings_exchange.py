"""Settings, other programs: the answers and the bank as files to download. Leaves out what comes in (settings_imports.py)."""

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

import streamlit as st

from demos import DemoError
from demos._figures import config
from kb.errors import FigureError
from kb.questions import Question, Value
from kb.store import Store
from kb.views import shell
from kb.views.rows import escaped, sentences
from kb.views.settings_data import part
from kb.views.shell import _, ngettext

SHOWN_LEFT_OUT = 8


def show_exports() -> None:
    """Every answer as a table or as JSON, made when it is asked for; the bank as an Anki package, which takes a while."""
    from kb.exchange.reviews import write_csv, write_json

    with st.container(horizontal=True, gap="small"):
        for name, label, mime, write in (
            ("csv", _("Answers as CSV"), "text/csv", write_csv),
            ("json", _("Answers as JSON"), "application/json", write_json),
        ):
            st.download_button(
                label,
                data=written(shell.store(), write),
                file_name=f"livecards-answers.{name}",
                mime=mime,
                key=f"export-{name}",
                icon=":material/download:",
                on_click="ignore",
            )
    opened = part(_("The questions as an Anki package"), "anki", ":material/style:")
    if opened.open:
        with opened:
            _show_anki()


def written(store: Store, write: Callable[[Store, TextIO], int]) -> Callable[[], str]:
    """What makes the file once somebody downloads it."""

    def made() -> str:
        file = io.StringIO()
        write(store, file)
        return file.getvalue()

    return made


def _show_anki() -> None:
    st.caption(
        sentences(
            _("A note for each question and language; importing a later package updates them."),
            _("The numbers in it are computed anew, which takes a minute or two."),
        )
    )
    pictures = st.toggle(_("With the figures of the demos, which takes longer"), key="anki-pictures")
    if st.button(_("Make the package"), key="anki", icon=":material/build:"):
        with shell.sentences():
            st.session_state["anki-package"] = _package(pictures)
    made = st.session_state.get("anki-package")
    if made is None:
        return
    content, notes, left_out = made
    st.download_button(
        _("livecards.apkg, {size} MiB", size=f"{len(content) / 2**20:.1f}"),
        data=content,
        file_name="livecards.apkg",
        mime="application/octet-stream",
        key="export-anki",
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption(ngettext("{count} note.", "{count} notes.", notes))
    if left_out:
        st.markdown(_("Left out:"))
        st.markdown("\n".join(f"- {escaped(sentence)}" for sentence in left_out[:SHOWN_LEFT_OUT]))
        if len(left_out) > SHOWN_LEFT_OUT:
            st.caption(ngettext("{count} more", "{count} more", len(left_out) - SHOWN_LEFT_OUT))


def _package(pictures: bool) -> tuple[bytes, int, tuple[str, ...]]:
    """The package, how many notes it has, and what it lacks; says how far it is meanwhile."""
    from kb.exchange.anki import Computed, export

    def compute(demo: str, params: Mapping[str, Value]) -> Computed:
        try:
            outcome = shell.runner().run(demo, params, "cpu")
        except DemoError as error:
            raise FigureError(str(error)) from error
        if not pictures or outcome.figure is None:
            return Computed(outcome.result)
        from kb.exchange.pictures import png

        return Computed(outcome.result, png(outcome.figure, config()))

    questions = shell.bank().questions
    bar = st.progress(0.0, _("Beginning …"))

    def counted() -> Iterator[Question]:
        for number, asked in enumerate(questions.values()):
            bar.progress(number / len(questions), _("{done} of {all} questions", done=number, all=len(questions)))
            yield asked

    with tempfile.TemporaryDirectory(prefix="livecards-") as folder:
        path = Path(folder) / "livecards.apkg"
        exported = export(counted(), path, shell.now(), compute, pictures=pictures)
        bar.empty()
        return path.read_bytes(), exported.notes, exported.left_out
