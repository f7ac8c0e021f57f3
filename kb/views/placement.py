"""The page Placement: a few quick questions, and at the end what of the bank need not be answered one by one.

An answer is stored as soon as it is given; "not sure" stores nothing. A quiz lives in this process under an id in the address, as
a sitting does, so that a reload finds it again; leaving it loses nothing but the offer to skip.
"""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from kb import study
from kb.bank import Bank
from kb.errors import KbError
from kb.grading import grade, logged_answer
from kb.placement import ROUND, Place, Quiz, begin_quiz
from kb.questions import ClaimQuestion, NumericQuestion, Question
from kb.rating import Rating
from kb.views import question, shell
from kb.views.asking import NUMBER_KEYS, VERDICTS, numeral, verdict_name
from kb.views.keys import press_with
from kb.views.shell import _, ngettext

KEPT = 64
NOT_SURE = "0"


@dataclass
class Round:
    """A quiz with the attempt that is in front of the learner; `unread` says why an answer could not be read or stored."""

    id: str
    quiz: Quiz
    attempt: study.Attempt | None = None
    unread: KbError | None = None
    over: bool = False

    def ask(self, bank: Bank) -> None:
        """Puts the next question to the learner; none where the quiz is over."""
        slug = None if self.over else self.quiz.next()
        self.attempt = None if slug is None else study.start_attempt(bank.question(slug), shell.now())

    def end(self) -> None:
        """Asks nothing more."""
        self.over, self.attempt = True, None

    def go_on(self, bank: Bank, more: int) -> None:
        """Another round of so many questions."""
        self.over, self.quiz.limit = False, len(self.quiz.answers) + more
        self.ask(bank)


class Rounds:
    """The quizzes of this process, the ones begun last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Round] = OrderedDict()

    def find(self, name: str) -> Round | None:
        """The quiz with this id, if it is still known."""
        with self._lock:
            return self._kept.get(name)

    def keep(self, quiz: Quiz) -> Round:
        """This quiz under a new id."""
        begun = Round(uuid.uuid4().hex[:12], quiz)
        with self._lock:
            self._kept[begun.id] = begun
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return begun


@st.cache_resource(show_spinner=False)
def rounds() -> Rounds:
    """The quizzes of this process."""
    return Rounds()


def page() -> None:
    """Draws the question in front of the learner, or what the quiz found."""
    here = None
    with shell.sentences():
        here = open_round()
    if here is None:
        st.button(_("Try again"), icon=":material/replay:", key="try-again")
    elif here.attempt is None:
        show_places(here)
    else:
        show_question(here, here.attempt)


def open_round() -> Round:
    """The quiz of the address, or a new one with its first question."""
    found = rounds().find(st.query_params.get("quiz", ""))
    bank = shell.bank()
    if found is None:
        found = rounds().keep(begin_quiz(bank, shell.store(), shell.now()))
        found.ask(bank)
        st.query_params["quiz"] = found.id
    elif found.attempt is not None and found.attempt.question_id not in bank.questions:
        found.quiz.answer(found.attempt.question_id, False)  # its file is gone
        found.ask(bank)
    return found


# A question


def show_question(here: Round, attempt: study.Attempt) -> None:
    """One question with its options, and nothing else to say."""
    asked = shell.bank().questions[attempt.question_id]
    text = question.text_of(asked, attempt)
    number, most = len(here.quiz.answers) + 1, here.quiz.limit
    with st.container(key="head", gap=None):
        with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="xsmall", key="line-header"):
            place = _("{number} of at most {total}", number=number, total=most)
            st.caption(f"{shell.topic_title(asked.topic)} · {place}", width="stretch")
            st.button(_("End"), type="tertiary", key="end", on_click=here.end)
        st.progress((number - 1) / most)
    fields: Mapping[str, str] = {}
    with st.container(key=f"quick-{attempt.attempt_id}"):
        question.show_title(text)
        if isinstance(asked, NumericQuestion):
            buttons, fields = _ask_number(here, attempt, asked)
        elif isinstance(asked, ClaimQuestion):
            buttons = _ask_one(here, attempt, {verdict: verdict_name(verdict) for verdict in VERDICTS})
        else:
            labels = [question.label(text.choices[place].text) for place in attempt.order]
            buttons = _ask_one(here, attempt, dict(enumerate(labels)))
        buttons[NOT_SURE] = f"not-sure-{attempt.attempt_id}"
        st.button(
            f"{_('Not sure')} `{NOT_SURE}`",
            type="tertiary",
            key=buttons[NOT_SURE],
            on_click=_pass,
            args=(here, attempt.attempt_id),
        )
    if here.unread is not None:
        shell.show_error(here.unread)
    press_with(buttons, fields)


def _ask_one(here: Round, attempt: study.Attempt, options: dict[int, str] | dict[str, str]) -> dict[str, str]:
    """Buttons of which the first pressed is the answer."""
    keys = {}
    with st.container(gap="xsmall"):
        for place, (answer, label) in enumerate(options.items()):
            keys[str(place + 1)] = f"option-{place}-{attempt.attempt_id}"
            st.button(
                label,
                key=keys[str(place + 1)],
                icon=numeral(place),
                width="stretch",
                on_click=_answer,
                args=(here, attempt.attempt_id, answer),
            )
    return keys


def _ask_number(here: Round, attempt: study.Attempt, asked: NumericQuestion) -> tuple[dict[str, str], dict[str, str]]:
    name = f"number-{attempt.attempt_id}"

    def note() -> None:
        _answer(here, attempt.attempt_id, st.session_state[name].strip())

    with st.form(f"form-{attempt.attempt_id}", border=False):
        st.text_input(
            _("Your answer in {unit}", unit=asked.unit) if asked.unit else _("Your answer"),
            key=name,
            placeholder=_("a number, such as 1,024 or 1.5e3"),
            width=320,
            autocomplete="off",
        )
        st.form_submit_button(_("That is my answer"), type="primary", on_click=note)
    return {}, dict.fromkeys(NUMBER_KEYS.replace(NOT_SURE, ""), name)


def _answer(here: Round, attempt_id: str, answer: int | str) -> None:
    """Stores the answer and goes on; one to another attempt than the present one was pressed twice, and is ignored."""
    attempt, bank = here.attempt, shell.bank()
    if attempt is None or attempt.attempt_id != attempt_id or answer == "":
        return
    try:
        asked = bank.question(attempt.question_id)
        correct = grade(asked, answer, order=attempt.order or None).correct
        _store(bank, asked, attempt, answer, correct)
    except KbError as error:
        here.unread = error
        return
    here.unread = None
    here.quiz.answer(asked.slug, correct)
    here.ask(bank)


def _store(bank: Bank, asked: Question, attempt: study.Attempt, answer: int | str, correct: bool) -> None:
    now = shell.now()
    study.submit(
        bank,
        shell.store(),
        attempt,
        Rating.Good if correct else Rating.Again,
        now,
        answer=logged_answer(asked, answer, attempt.order),
        correct=correct,
        duration_s=max((now - attempt.shown_at).total_seconds(), 0.0),
    )


def _pass(here: Round, attempt_id: str) -> None:
    """Goes on without an answer."""
    if here.attempt is not None and here.attempt.attempt_id == attempt_id:
        here.unread = None
        here.quiz.answer(here.attempt.question_id, False)
        here.ask(shell.bank())


# What it found


def show_places(here: Round) -> None:
    """Where the learner stands in each topic, and the ways on: without the questions that may be skipped, or with all."""
    places = here.quiz.places()
    skipped = [slug for place in places for slug in place.skipped if slug in shell.bank().questions]
    if not here.quiz.answers and not here.quiz.more():
        st.header(_("There is nothing to place."), anchor=False)
        st.markdown(_("Every topic that a quick quiz can ask about has been begun."))
    elif not here.quiz.answers:
        st.header(_("Nothing is skipped."), anchor=False)
        st.markdown(_("You answered no question, so every topic begins from the start."))
    else:
        st.header(_("Where you stand"), anchor=False)
        st.markdown("\n".join(f"- {_place_words(place)}" for place in places))
        unasked = [topic for topic in here.quiz.topics if topic not in {place.topic for place in places}]
        if unasked:
            st.caption(_("All other topics begin from the start."))
    _show_ways_on(here, skipped)
    if here.quiz.answers:
        with st.expander(_("Your answers")):
            st.markdown("\n".join(_answers(here.quiz)))
    if skipped:
        with st.expander(ngettext("{count} question to skip", "{count} questions to skip", len(skipped))):
            st.caption(_("Each comes back once, some days from now, as a check. Open questions are never skipped."))
            st.markdown("\n".join(f"- {_link(slug)}" for slug in skipped))


def _place_words(place: Place) -> str:
    topic = f"**{shell.topic_title(place.topic)}**"
    if not place.right:
        return _("{topic}: from the start.", topic=topic)
    if not place.skipped:
        return _("{topic}: you know some of it; nothing is skipped on one right answer alone.", topic=topic)
    if place.right == 1:
        return ngettext(
            "{topic}: you know some of it; {count} question that it rests on can be skipped.",
            "{topic}: you know some of it; {count} questions that it rests on can be skipped.",
            len(place.skipped),
            topic=topic,
        )
    return ngettext(
        "{topic}: you know the basics; {count} easier question can be skipped.",
        "{topic}: you know the basics; {count} easier questions can be skipped.",
        len(place.skipped),
        topic=topic,
    )


def _show_ways_on(here: Round, skipped: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="line-places"):
        if skipped:
            label = ngettext("Skip {count} and begin", "Skip {count} and begin", len(skipped))
            if st.button(f"{label} `{_('enter')}`", type="primary", key="begin") and _skip(skipped):
                shell.begin_study(beyond=True)
            if st.button(_("Begin, skip nothing"), key="begin-all"):
                shell.begin_study(beyond=True)
        elif st.button(f"{_('Begin')} `{_('enter')}`", type="primary", key="begin"):
            shell.begin_study(beyond=True)
        if here.quiz.more():
            st.button(
                _("More questions, for more topics"),
                type="tertiary",
                key="more",
                on_click=lambda: here.go_on(shell.bank(), ROUND),
            )
    press_with({"enter": "begin"})


def _skip(skipped: list[str]) -> bool:
    """Whether these questions were taken as known."""
    with shell.sentences():
        bank, store, now = shell.bank(), shell.store(), shell.now()
        for slug in skipped:
            study.know(bank, store, slug, now)
        return True
    return False


def _answers(quiz: Quiz) -> list[str]:
    right, wrong = f":green[:material/check: {_('right')}]", f":red[:material/close: {_('not right')}]"
    lines = [f"- {right if each.correct else wrong} · {_link(each.question)}" for each in quiz.answers]
    return [*lines, "", _("A wrong answer comes back within minutes of study, with its explanation.")]


def _link(slug: str) -> str:
    known = shell.bank().questions
    if slug not in known:
        return slug
    return f"[{question.label(known[slug].text(shell.language()).title)}]({shell.question_url(slug)})"


if __name__ == "__main__":
    page()
