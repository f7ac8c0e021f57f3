"""The page Study: one question at a time, from what the learner commits to, through the answer, to its rating."""

import streamlit as st

from kb.views import evidence, question, shell
from kb.views.asking import ask
from kb.views.shell import _
from kb.views.sitting import SIZE, Sitting, Sittings, Turn
from kb.views.summary import show_end
from kb.views.telling import tell


def page() -> None:
    """Draws the question in front of the learner, or the end of the sitting."""
    sitting = open_sitting()
    if sitting is None:
        st.button(_("Try again"), icon=":material/replay:", key="try-again")
        return
    turn = sitting.turn
    if turn is None:
        show_end(sitting)
        return
    text = question.text_of(turn.question, turn.attempt)
    if turn.evidence is None:
        turn.prepare(evidence.evidence_of(turn.question, text, turn.attempt))
    buttons = show_header(sitting, turn)
    with st.container(key=f"turn-{turn.id}"):
        question.show_title(text)
        if turn.attempt.changed:
            st.caption(_("The answer to this question has changed since you last gave it."))
        if turn.committed_at is None:
            ask(turn, text, buttons)
        else:
            tell(sitting, turn, text, buttons)


@st.cache_resource(show_spinner=False)
def sittings() -> Sittings:
    """The sittings of this process."""
    return Sittings()


def open_sitting() -> Sitting | None:
    """The sitting of the address, else the one this session was in, else a new one; None where none can begin.

    The address is written only when a sitting begins, so that the back button leads out of the page.
    """
    address = st.query_params.to_dict()
    named = sittings().find(address.get("session", ""))
    if named is not None:
        st.session_state["sitting"] = named.id
        return named
    left = sittings().find(st.session_state.get("sitting", ""))
    if left is not None and left.turn is not None and not {"question", "topics"} & set(address):
        return left
    with shell.sentences():
        sitting = begin_sitting(address)
        st.session_state["sitting"] = sitting.id
        st.query_params.from_dict({"session": sitting.id})
        return sitting
    return None


def begin_sitting(address: dict[str, str]) -> Sitting:
    """A new sitting with its first question: the one that the address asks for, or the first that is due."""
    bank, now = shell.bank(), shell.now()
    if "question" in address:
        asked = bank.question(address["question"])
        sitting = sittings().begin(1)
        sitting.ask(asked, now)
        return sitting
    topics = [topic for topic in address.get("topics", "").split(",") if topic in bank.syllabus.topic_ids]
    sitting = sittings().begin(SIZE, topics, address.get("session"))
    sitting.advance(bank, shell.store(), now)
    return sitting


def show_header(sitting: Sitting, turn: Turn) -> dict[str, str]:
    """Where one is, how far, and the way back and out; returns the keys of its buttons."""
    number = len(sitting.rated) + 1
    place = _("{number} of {total}", number=number, total=max(sitting.total, number))
    level = "●" * turn.question.difficulty + "○" * (5 - turn.question.difficulty)
    with st.container(key="head", gap=None):
        with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="xsmall", key="line-header"):
            st.caption(f"{shell.topic_title(turn.question.topic)} · {place} · {level}", width="stretch")
            st.button(
                f"{_('Undo')} `u`",
                type="tertiary",
                key="undo",
                disabled=not sitting.rated,
                on_click=undo,
                args=(sitting,),
            )
            st.button(f"{_('Keys')} `?`", type="tertiary", key="help", on_click=ask_for_keys)
            st.button(_("End"), type="tertiary", key="end", on_click=sitting.end)
        st.progress(min(len(sitting.rated) / max(sitting.total, 1), 1.0))
    if st.session_state.pop("keys-asked", False):
        show_keys()
    if sitting.undone_elsewhere:
        slug, sitting.undone_elsewhere = sitting.undone_elsewhere, None
        st.info(_("The last rating was given in another window, to {question}. It was taken back.", question=slug))
    return {"?": "help", "u": "undo"}


def ask_for_keys() -> None:
    """Has the list of keys opened."""
    st.session_state["keys-asked"] = True


def undo(sitting: Sitting) -> None:
    """Takes back the last rating."""
    with shell.sentences():
        sitting.undo(shell.store(), shell.now())


def show_keys() -> None:
    """Opens the list of keys."""

    @st.dialog(_("Keys"))
    def keys() -> None:
        st.markdown(
            "\n".join(
                f"- `{key}` {meaning}"
                for key, meaning in (
                    ("1 … 9", _("choose or tick an option")),
                    ("j k l", _("guess, likely, certain")),
                    ("p", _("type a prediction; Enter or Esc leaves the field")),
                    (_("space"), _("show the answer of an open question")),
                    ("enter", _("commit to what is ticked or typed")),
                    ("a h g e", _("rate: Again, Hard, Good, Easy")),
                    ("u", _("take the last rating back")),
                    ("?", _("this list")),
                )
            )
        )
        st.caption(_("Keys work wherever the focus is, except in a text field."))

    keys()


if __name__ == "__main__":
    page()
