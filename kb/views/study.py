"""The page Study: one question at a time, from what the learner commits to, through the answer, to its rating."""

import streamlit as st

from kb import study
from kb.errors import UnknownQuestionError
from kb.views import evidence, marking, question, shell
from kb.views.asking import ask
from kb.views.keys import Keys, press_with
from kb.views.rows import show_back
from kb.views.shell import _, ngettext
from kb.views.sitting import Length, Sitting, Sittings, Turn
from kb.views.summary import show_end
from kb.views.telling import tell


def page() -> None:
    """Draws the question in front of the learner, or the end of the sitting."""
    sitting = open_sitting()
    if sitting is None:
        show_ways_on()
        return
    try:
        sitting.follow(shell.bank(), shell.now())
    except UnknownQuestionError as error:
        if sitting.turn is not None and sitting.turn.committed_at is None:
            show_gone(sitting)
            return
        sitting.unsaved = error
    turn = sitting.turn
    if turn is None:
        show_end(sitting)
        return
    text = question.text_of(turn.question, turn.attempt)
    if turn.evidence is None:
        turn.prepare(evidence.evidence_of(turn.question, text, turn.attempt))
    keys = Keys(show_header(sitting, turn), actions=marking.actions(sitting, turn))
    with st.container(key=f"turn-{turn.id}"):
        question.show_title(text)
        if turn.attempt.changed:
            st.caption(_("The answer to this question has changed since you last gave it."))
        if turn.question.slug in shell.bank().broken:
            st.caption(_("The file of this question has a problem now; here it is as it was before."))
        if turn.committed_at is None:
            ask(turn, text, keys)
        else:
            tell(sitting, turn, text, keys)


def show_ways_on() -> None:
    """What to do where no sitting began: what is due instead of a question that there is not, or another try."""
    if "question" in st.query_params:
        if st.button(_("Study what is due"), icon=":material/school:", key="study-due"):
            shell.begin_study()
        show_back(shell.BROWSE, _("All questions"))
    else:
        st.button(_("Try again"), icon=":material/replay:", key="try-again")


def show_gone(sitting: Sitting) -> None:
    """Says that the question in front of the learner is no longer in the bank, and leads on."""

    def go_on() -> None:
        with shell.sentences():
            sitting.skip(shell.bank(), shell.store(), shell.now())

    st.header(_("This question is gone."), anchor=False)
    st.markdown(
        _("Its file was removed while the question was in front of you. What you answered before it is stored.")
    )
    st.button(f"{_('Next question')} `{_('enter')}`", type="primary", key="go-on", on_click=go_on)
    press_with({"enter": "go-on"})


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
    if left is not None and left.turn is not None and not {"question", "topics", "beyond"} & set(address):
        return left
    with shell.sentences():
        sitting = begin_sitting(address)
        st.session_state["sitting"] = sitting.id
        st.query_params.from_dict({"session": sitting.id})
        return sitting
    return None


def begin_sitting(address: dict[str, str]) -> Sitting:
    """A new sitting with its first question: the one that the address asks for, or the first that is due."""
    bank, store, now = shell.bank(), shell.store(), shell.now()
    if "question" in address:
        slug = bank.question(address["question"]).slug
        sitting = sittings().begin(Length(1))
        sitting.ask(bank, store, slug, now)
        return sitting
    topics = [topic for topic in address.get("topics", "").split(",") if topic in bank.syllabus.topic_ids]
    length = Length.of(study.settings(store))
    sitting = sittings().begin(length, topics, address.get("session"), beyond="beyond" in address)
    sitting.advance(bank, store, now)
    return sitting


def show_header(sitting: Sitting, turn: Turn) -> dict[str, str]:
    """Where one is, how far, and the way back and out; returns the keys of its buttons."""
    now, number, minutes = shell.now(), len(sitting.rated) + 1, sitting.length.minutes
    if minutes is None:
        place = _("{number} of {total}", number=number, total=max(sitting.total, number))
    else:
        place = ngettext(
            "{spent} of {count} minute",
            "{spent} of {count} minutes",
            minutes,
            spent=min(int(sitting.minutes_spent(now)), minutes),
        )
    level = "●" * turn.question.difficulty + "○" * (5 - turn.question.difficulty)
    with st.container(key="head", gap=None):
        with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="xsmall", key="line-header"):
            facts = (shell.topic_title(turn.question.topic), place, level, *marking.signs(turn))
            st.caption(" · ".join(facts), width="stretch")
            st.button(
                f"{_('Undo')} `u`",
                type="tertiary",
                key="undo",
                disabled=not (sitting.rated or sitting.aside),
                on_click=undo,
                args=(sitting,),
            )
            st.button(f"{_('Keys')} `?`", type="tertiary", key="help", on_click=ask_for_keys)
            marking.show_menu(sitting, turn)
            st.button(_("End"), type="tertiary", key="end", on_click=sitting.end)
        st.progress(sitting.share_done(now))
    if st.session_state.pop("keys-asked", False):
        show_keys()
    if sitting.undone_elsewhere:
        slug, sitting.undone_elsewhere = sitting.undone_elsewhere, None
        st.info(_("The last rating was given in another window, to {question}. It was taken back.", question=slug))
    with st.container(key="words"):  # always there, so that the question below keeps its place on the page
        marking.show_aside(sitting)
        marking.show_leech(sitting)
    return {"?": "help", "u": "undo"}


def ask_for_keys() -> None:
    """Has the list of keys opened."""
    st.session_state["keys-asked"] = True


def undo(sitting: Sitting) -> None:
    """Takes back the last rating, or brings back the question that a mark took away since."""
    with shell.sentences():
        marking.undo(sitting)


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
                    ("f n", _("flag the question, write a note on it")),
                    ("b s i", _("not today, suspend, I know this already: on to the next question")),
                    ("u", _("take the last rating or mark back")),
                    ("?", _("this list")),
                )
            )
        )
        st.caption(_("Keys work wherever the focus is, except in a text field."))

    keys()


if __name__ == "__main__":
    page()
