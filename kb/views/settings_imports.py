"""Settings, what comes from other programs: notes and Anki decks as drafts, and the drafts on their way to being studied."""

from pathlib import Path

import streamlit as st

import demos
from kb.drafts import Draft, mark, read_drafts
from kb.errors import UsageError
from kb.own import of_the_bank
from kb.paths import database_path, drafts_path
from kb.views import shell
from kb.views.rows import escaped, sentences
from kb.views.settings_data import file_field, part, read
from kb.views.shell import _, ngettext

NOTES, ANKI = ("md", "markdown", "txt"), ("apkg", "colpkg")
SHOWN_DRAFTS = 20
SAID = "imported"


def show_imports() -> None:
    """A page of notes or an Anki package, as drafts; what was answered in Anki to questions of ours is kept."""
    opened = part(_("Take in notes or an Anki deck"), "import", ":material/upload_file:")
    if not opened.open:
        return
    with opened:
        st.caption(
            _(
                "Questions of a Markdown page, and notes of an Anki package, become drafts of your own questions. What you "
                "answered in Anki to questions of this bank is added to your answers. A second time adds nothing twice."
            )
        )
        upload = file_field(_("Page of notes, or Anki package"), "import-file", *NOTES, *ANKI)
        if st.button(_("Take in"), key="import", disabled=upload is None) and upload is not None:
            with read(upload) as path:
                is_deck = path.suffix.lower().removeprefix(".") in ANKI
                st.session_state[SAID] = _anki_taken(path) if is_deck else _notes_taken(path)
                st.rerun()
        said = st.session_state.pop(SAID, None)
        if said:
            st.success(said, icon=":material/check:")


def _notes_taken(path: Path) -> str:
    """What became of a page of notes, in sentences."""
    from kb.exchange.files import page_text
    from kb.exchange.notes import read_notes, write_drafts

    notes = read_notes(page_text(path), path.name, of_the_bank(shell.bank()))
    if not notes.drafts:
        raise UsageError(f"{path}: expected questions under headings, in bold or in a list; found none.")
    written = write_drafts(notes, _folder())
    unanswered = sum(not draft.text.answer for draft in notes.drafts)
    lines = sum(unplaced.last - unplaced.first + 1 for unplaced in notes.unplaced)
    return sentences(
        ngettext("{count} question found.", "{count} questions found.", len(notes.drafts)),
        _new(len(written)),
        _unanswered(unanswered),
        ngettext("{count} line is in no draft.", "{count} lines are in no draft.", lines) if lines else "",
    )


def _anki_taken(path: Path) -> str:
    """What became of an Anki package, in sentences."""
    from kb.exchange.anki_import import import_package

    bank = shell.bank()
    imported = import_package(bank, shell.store(), path, _folder(), shell.now(), taken=of_the_bank(bank))
    matched, skipped = sum(imported.matched.values()), sum(imported.skipped.values())
    return sentences(
        ngettext("{count} note found.", "{count} notes found.", imported.notes),
        _new(len(imported.drafts)),
        _unanswered(imported.unanswered),
        ngettext("{count} is a question of this bank.", "{count} are questions of this bank.", matched)
        if matched
        else "",
        ngettext("{count} answer was added.", "{count} answers were added.", imported.added) if imported.added else "",
        ngettext("{count} answer of Anki has no place here.", "{count} answers of Anki have no place here.", skipped)
        if skipped
        else "",
    )


def _new(count: int) -> str:
    return ngettext("{count} draft is new.", "{count} drafts are new.", count)


def _unanswered(count: int) -> str:
    return ngettext("{count} has no answer yet.", "{count} have no answer yet.", count) if count else ""


def _folder() -> Path:
    return drafts_path(database_path())


def show_drafts() -> None:
    """The learner's own questions: which are studied, and what the others lack."""
    opened = part(_("Your own questions"), "drafts", ":material/edit_document:")
    if not opened.open:
        return
    with opened:
        folder = _folder()
        specs, _broken = demos.catalogue()
        drafts = read_drafts(shell.bank_alone(), folder, specs) if folder.is_dir() else ()
        if not drafts:
            st.markdown(_("There are none yet. Notes and Anki decks that you take in become drafts here."))
            return
        ready = sum(draft.ready and not draft.problems for draft in drafts)
        st.caption(
            sentences(
                ngettext("{count} file in {folder}.", "{count} files in {folder}.", len(drafts), folder=f"`{folder}`"),
                ngettext("{count} is studied.", "{count} are studied.", ready),
                _("A draft is studied once you say that it is ready; any editor can change it."),
            )
        )
        for draft in sorted(drafts, key=lambda each: (each.ready, len(each.problems)))[:SHOWN_DRAFTS]:
            _show_draft(draft)
        if len(drafts) > SHOWN_DRAFTS:
            more = len(drafts) - SHOWN_DRAFTS
            st.caption(ngettext("{count} more: `kb drafts`", "{count} more: `kb drafts`", more))


def _show_draft(draft: Draft) -> None:
    st.markdown(escaped(draft.title) if draft.title else f"`{draft.slug}`")
    lacks = [f"{problem.message} {problem.fix}" for problem in draft.problems]
    facts = [f"`{draft.path.name}`"]
    if lacks:
        facts.append(ngettext("lacks {count} thing", "lacks {count} things", len(lacks)))
    st.caption(" · ".join(facts), help="\n\n".join(map(escaped, lacks)) or None)
    st.toggle(
        _("Ready to be studied"),
        value=draft.ready and not draft.problems,
        key=f"ready-{draft.slug}",
        disabled=bool(lacks) and not draft.ready,
        on_change=_mark,
        args=(draft,),
    )


def _mark(draft: Draft) -> None:
    with shell.sentences():
        mark(draft, bool(st.session_state[f"ready-{draft.slug}"]))
