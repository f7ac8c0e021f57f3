"""The end of a sitting: what slipped and where to read it up; and what to do when nothing is due."""

import streamlit as st

from kb import study
from kb.i18n import format_date, format_interval
from kb.questions import ClaimQuestion
from kb.rating import Rating
from kb.views import question, shell
from kb.views.shell import _, ngettext
from kb.views.sitting import Rated, Sitting


def show_end(sitting: Sitting) -> None:
    """The summary of what was answered; without an answer, what there is to do instead."""
    if not sitting.rated:
        st.header(_("Nothing is due."), anchor=False)
        show_alternatives()
        return
    st.header(_("Done for now."), anchor=False)
    st.markdown(_summary(sitting.rated))
    slipped = list({each.turn.question.slug: each for each in sitting.rated if _slipped(each)}.values())
    if slipped:
        st.subheader(ngettext("This one slipped", "These {count} slipped", len(slipped)), anchor=False)
        for each in slipped:
            _show_slipped(each)
    with st.container(horizontal=True, vertical_alignment="center", key="line-end"):
        remaining = 0
        with shell.sentences():
            remaining = len(study.due(shell.bank(), shell.store(), shell.now()).next)
        if remaining:
            label = ngettext("Study on: {count} more is due", "Study on: {count} more are due", remaining)
            if st.button(label, type="primary", key="study-on"):
                shell.begin_study(topics=sitting.topics)
        st.page_link(shell.TODAY, label=_("To today's page"), icon=":material/today:")
    if not remaining:
        show_alternatives()


def _slipped(rated: Rated) -> bool:
    return rated.rating is Rating.Again or rated.correct is False


def _summary(rated: list[Rated]) -> str:
    answered = ngettext("{count} question answered", "{count} questions answered", len(rated))
    judged = [each for each in rated if each.correct is not None]
    right = sum(bool(each.correct) for each in judged)
    known = ngettext("{count} right", "{count} right", right)
    sure = [each for each in judged if each.turn.confidence == "certain"]
    parts = [answered, known] if judged else [answered]
    if sure:
        wrong = sum(not each.correct for each in sure)
        parts.append(_("certain and wrong: {wrong} of {sure}", wrong=wrong, sure=len(sure)))
    return " · ".join(parts)


def _show_slipped(rated: Rated) -> None:
    asked = rated.turn.question
    text = question.text_of(asked, rated.turn.attempt)
    back = format_interval(rated.due - shell.now(), shell.language())
    st.markdown(f"[{question.label(text.title)}]({shell.question_url(asked.slug)})")
    st.caption(
        _("Comes back in {interval}. To read: {source}", interval=back, source=question.source_line(asked.sources[0]))
    )


def show_alternatives() -> None:
    """When the next question is due, and what else there is: a new question, a myth, the Lab."""
    bank, now = shell.bank(), shell.now()
    progress, seen = None, set()
    with shell.sentences():
        progress = study.progress(bank, shell.store(), now)
        seen = shell.seen()
    if progress is None:
        return
    today, *later = progress.forecast
    coming = next(((day, count) for day, count in later if count), None)
    if coming is not None:
        day, count = coming
        date = format_date(day, shell.language(), year=False)
        st.markdown(
            ngettext("Tomorrow {count} question comes back.", "Tomorrow {count} questions come back.", count)
            if (day - today[0]).days == 1
            else ngettext(
                "On {date}, {count} question comes back.", "On {date}, {count} questions come back.", count, date=date
            )
        )
    fresh = next((slug for slug in bank.questions if slug not in seen), None)
    myths = [each.slug for each in bank.questions.values() if isinstance(each, ClaimQuestion)]
    with st.container(horizontal=True, key="line-instead"):
        if fresh and st.button(_("Learn a new one"), icon=":material/add:", type="primary", key="learn-new"):
            shell.begin_study(question=fresh)
        if myths and st.button(_("Judge a myth"), icon=":material/quiz:", key="judge-myth"):
            shell.begin_study(question=myths[now.toordinal() % len(myths)])
        if st.button(_("Play with a demo"), icon=":material/science:", key="play"):
            st.switch_page(shell.LAB)
