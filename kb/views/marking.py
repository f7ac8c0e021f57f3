"""The learner's marks on a question, in Study and on its page: a flag, a note, put off, suspended, known already.

In Study three of them take the question away: the sitting goes on with the next one, and `take_back` brings it again.
"""

from collections.abc import Callable
from functools import partial

import streamlit as st

from demos import Outcome
from kb import marks, study
from kb.marks import LEECH, MAX_NOTE, Marks
from kb.questions import Question
from kb.views import question, shell
from kb.views.keys import Keys
from kb.views.rows import sentences
from kb.views.shell import _
from kb.views.sitting import Aside, Sitting, Turn

MARK_KEYS = {"flag": "f", "note": "n", "bury": "b", "suspend": "s", "know": "i"}
AWAY = ("bury", "suspend", "know")
ICONS = {
    "flag": ":material/flag:",
    "note": ":material/edit_note:",
    "bury": ":material/bedtime:",
    "suspend": ":material/block:",
    "know": ":material/done_all:",
}


def marks_of(asked: Question) -> Marks:
    """The marks of this question as they are in the store now."""
    return marks.marks(shell.bank(), shell.store(), shell.now()).get(asked.slug, Marks())


def mark_name(mark: str, has: Marks) -> str:
    """What pressing the mark does, as a button or a menu says it."""
    return {
        "flag": _("Remove the flag") if has.flagged else _("Flag"),
        "note": _("Note"),
        "bury": _("Bring back today") if has.buried else _("Not today"),
        "suspend": _("Bring back") if has.suspended else _("Suspend"),
        "know": _("I know this already"),
    }[mark]


def state_of(has: Marks) -> list[str]:
    """The marks in words, each with its sign; none where there is none."""
    said = []
    if has.flagged:
        said.append(f"{ICONS['flag']} {_('flagged')}")
    if has.suspended:
        said.append(f"{ICONS['suspend']} {_('suspended')}")
    if has.buried:
        said.append(f"{ICONS['bury']} {_('not today')}")
    if has.note:
        said.append(f"{ICONS['note']} {_('with a note')}")
    return said


def why_suspended(has: Marks) -> str:
    """Why the question does not come back, in a sentence; empty where it does."""
    if not has.suspended:
        return ""
    if has.reason == LEECH:
        return _("Suspended, because it slipped too often. Read it up, then bring it back.")
    return (
        _("Suspended: {reason}", reason=has.reason) if has.reason else _("Suspended: it does not come back by itself.")
    )


def change(mark: str, asked: Question, has: Marks) -> str | None:
    """Stores the mark, or takes it away where it is; returns the id of the review that "known" adds."""
    bank, store, now = shell.bank(), shell.store(), shell.now()
    match mark:
        case "flag":
            (marks.unflag if has.flagged else marks.flag)(bank, store, asked.slug, now)
        case "bury":
            (marks.unbury if has.buried else marks.bury)(bank, store, asked.slug, now)
        case "suspend":
            (marks.unsuspend if has.suspended else marks.suspend)(bank, store, asked.slug, now)
        case "know":
            return study.know(bank, store, asked.slug, now).review_id
    return None


# A note


def edit_note(asked: Question, note: str | None, key: str) -> None:
    """The field of the note, which is stored as soon as the cursor leaves it."""

    def keep() -> None:
        keep_note(asked, key)

    st.text_area(
        _("Your note on this question"),
        value=note or "",
        key=key,
        height=120,
        max_chars=MAX_NOTE,
        on_change=keep,
        placeholder=_("What confused you, how you remember it. Stored when you leave the field (Esc)."),
    )


def keep_note(asked: Question, key: str) -> bool:
    """Stores what the field holds; False where that failed, which the page then says."""
    with shell.sentences():
        marks.set_note(shell.bank(), shell.store(), asked.slug, st.session_state[key], shell.now())
        st.session_state.pop("marks", None)
        return True
    return False


def show_noted(note: str) -> None:
    """What the learner noted."""
    with st.container(key="panel-note", gap="xsmall"):
        st.caption(_("Your note"))
        st.markdown(note.replace("\n", "  \n"))


# On the page of a question


def show_buttons(asked: Question, has: Marks, keys: Keys) -> None:
    """A button for each mark, and under them the note or its editor."""
    noting, field = st.session_state.get("noting") == asked.slug, f"note-{asked.slug}"

    def press(mark: str) -> None:
        if mark == "note":
            if not noting:
                st.session_state["noting"] = asked.slug
            elif keep_note(asked, field):
                st.session_state["noting"] = None
            return
        with shell.sentences():
            change(mark, asked, has)

    there = {"flag": has.flagged, "note": noting, "bury": has.buried, "suspend": has.suspended, "know": False}
    with st.container(horizontal=True, gap="xsmall", key="marks"):
        for mark, key in MARK_KEYS.items():
            keys.buttons[key] = f"mark-{mark}"
            st.button(
                f"{mark_name(mark, has)} `{key}`",
                key=f"mark-{mark}",
                icon=ICONS[mark],
                type="secondary" if there[mark] else "tertiary",
                on_click=press,
                args=(mark,),
            )
    if noting:
        keys.focus = field
        edit_note(asked, has.note, field)
    elif has.note:
        show_noted(has.note)


# In Study


def marks_in(turn: Turn) -> Marks:
    """The marks of the question in front of the learner; read once for each, as every mark made here is known."""
    kept = st.session_state.get("marks")
    if kept is None or kept[0] != turn.id:
        kept = st.session_state["marks"] = turn.id, marks_of(turn.question)
    has: Marks = kept[1]
    return has


def actions(sitting: Sitting, turn: Turn) -> dict[str, Callable[[], None]]:
    """What the keys of the marks do."""
    return {key: partial(_act, sitting, turn, mark) for mark, key in MARK_KEYS.items()}


def show_menu(sitting: Sitting, turn: Turn) -> None:
    """The menu of the marks."""
    has = Marks()
    with shell.sentences():
        has = marks_in(turn)
    key = f"menu-{turn.id}"
    st.menu_button(
        _("Marks"),
        list(MARK_KEYS),
        key=key,
        type="tertiary",
        icon=":material/more_horiz:",
        format_func=lambda mark: f"{ICONS[mark]} {mark_name(mark, has)} `{MARK_KEYS[mark]}`",
        on_click=lambda: _act(sitting, turn, st.session_state[key]),
    )


def signs(turn: Turn) -> list[str]:
    """The marks of the question in front of the learner, as signs for the head of the page."""
    has = Marks()
    with shell.sentences():
        has = marks_in(turn)
    shown = {"flag": has.flagged, "note": has.note}
    return [ICONS[mark] for mark, there in shown.items() if there]


def show_note(turn: Turn, keys: Keys) -> None:
    """The editor of the note where it was asked for; else the note, once it no longer gives the answer away."""
    has = Marks()
    with shell.sentences():
        has = marks_in(turn)
    if st.session_state.get("noting") == turn.id:
        keys.focus = keys.fields[MARK_KEYS["note"]] = field = f"note-{turn.id}"

        def close() -> None:
            if keep_note(turn.question, field):
                st.session_state.pop("noting", None)

        with st.container(key=f"panel-noting-{turn.id}"):
            edit_note(turn.question, has.note, field)
            st.button(_("Done"), key=f"noted-{turn.id}", on_click=close)
    elif has.note and turn.committed_at is not None:
        show_noted(has.note)


def show_aside(sitting: Sitting) -> None:
    """What became of the question before this one, where a mark took it out of the sitting."""
    if _taken_last(sitting):
        mark = sitting.aside[-1].mark
        st.caption(f"{ICONS[mark]} {sentences(_said(mark), _('Undo takes it back.'))}")


def show_leech(sitting: Sitting) -> None:
    """A word on the question that was suspended by the answer just given, because it slipped so often, and what to read."""
    last = sitting.rated[-1] if sitting.rated else None
    if last is None or not last.leech:
        return
    asked = last.turn.question
    text = question.text_of(asked, last.turn.attempt)
    before = [shell.bank().questions[slug] for slug in asked.requires if slug in shell.bank().questions]
    with st.container(key="panel-leech", gap="xsmall"):
        st.markdown(
            _(
                "**{question}** has slipped too often and is suspended now. Read it up, then bring it back.",
                question=question.linked_title(asked, text),
            )
        )
        if before:
            first = "; ".join(question.linked_title(each, question.text_of(each)) for each in before)
            st.caption(_("Know first: {questions}", questions=first))
        st.caption(_("To read: {source}", source=question.source_line(asked.sources[0])))


def _act(sitting: Sitting, turn: Turn, mark: str) -> None:
    """Does what the mark says, if this question is still in front of the learner."""
    if sitting.turn is not turn:
        return
    if mark == "note":
        st.session_state["noting"] = turn.id
        return
    with shell.sentences():
        has = marks_in(turn)
        review = change(mark, turn.question, has)
        st.session_state.pop("marks", None)
        brought_back = (mark == "suspend" and has.suspended) or (mark == "bury" and has.buried)
        if mark not in AWAY or brought_back:
            return
        sitting.aside.append(Aside(turn, mark, len(sitting.rated), review))
        if sitting.length.size == 1:
            sitting.end()
        else:
            turn.leave()
            sitting.advance(shell.bank(), shell.store(), shell.now())


def _said(mark: str) -> str:
    return {
        "bury": _("Put off until tomorrow."),
        "suspend": _("Suspended: it does not come back by itself."),
        "know": _("Noted as known: it comes back in a while, to make sure."),
    }[mark]


def undo(sitting: Sitting) -> None:
    """Takes back what was done last in this sitting: a rating, or a mark that took a question out of it."""
    if _taken_last(sitting):
        _take_back(sitting, sitting.aside[-1])
    else:
        sitting.undo(shell.store(), shell.now())


def _taken_last(sitting: Sitting) -> bool:
    """Whether what was done last in this sitting was to take a question out of it."""
    return bool(sitting.aside) and sitting.aside[-1].rated == len(sitting.rated)


def _take_back(sitting: Sitting, last: Aside) -> None:
    bank, store, now, asked = shell.bank(), shell.store(), shell.now(), last.turn.question
    match last.mark:
        case "bury":
            marks.unbury(bank, store, asked.slug, now)
        case "suspend":
            marks.unsuspend(bank, store, asked.slug, now)
        case _:
            undone = study.undo(store, now)
            if undone is not None and undone.review_id != last.review:
                sitting.undone_elsewhere = undone.question
                return
    sitting.aside.pop()
    if sitting.turn is not None:
        sitting.turn.leave()
    if not isinstance(last.turn.outcome, Outcome):
        last.turn.evidence = None
    sitting.turn, sitting.left = last.turn, sitting.left + 1
