"""The end of a sitting: what slipped and why, where to read it up, what comes back when; and what to do when nothing is due."""

from collections import Counter
from datetime import timedelta

import streamlit as st

from kb import study
from kb.grading import numeric_truth
from kb.i18n import format_date, format_interval, format_number
from kb.questions import ChoiceQuestion, ClaimQuestion, MultipleQuestion, NumericQuestion, OpenQuestion
from kb.rating import Rating
from kb.settings import Settings
from kb.views import marking, question, shell
from kb.views.asking import verdict_name
from kb.views.keys import press_with
from kb.views.rows import escaped, sentences
from kb.views.shell import _, ngettext
from kb.views.sitting import Rated, Sitting, Turn

WEEK = timedelta(days=7)


def show_end(sitting: Sitting) -> None:
    """The summary of what was answered; without an answer, what there is to do instead."""
    if not sitting.rated:
        st.header(_("Done for now.") if sitting.aside else _("Nothing is due."), anchor=False)
        marking.show_aside(sitting)
        show_alternatives()
        if sitting.aside:
            _show_ways_on(sitting, 0)
        return
    st.header(_("Done for now."), anchor=False)
    st.markdown(_summary(sitting))
    with shell.sentences():
        st.caption(_coming_back(sitting.rated))
    slipped = _slipped(sitting.rated)
    if slipped:
        st.subheader(ngettext("This one slipped", "These {count} slipped", len(slipped)), anchor=False)
        for each, last in slipped:
            _show_slipped(each, last)
    remaining = 0
    with shell.sentences():
        remaining = len(
            study.due(shell.bank(), shell.store(), shell.now(), topics=sitting.topics, beyond=sitting.beyond).next
        )
    if not remaining:
        show_alternatives()
    _show_ways_on(sitting, remaining)


def _show_ways_on(sitting: Sitting, remaining: int) -> None:
    """On with the next questions, back to the last one, or away; always in the same place, within reach of a thumb."""

    def undo() -> None:
        with shell.sentences():
            marking.undo(sitting)

    keys = {"u": "undo"}
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", key="line-end"):
        if remaining:
            keys["enter"] = "study-on"
            label = ngettext("Keep going: {count} more", "Keep going: {count} more", remaining)
            if st.button(f"{label} `{_('enter')}`", type="primary", key="study-on"):
                shell.begin_study(topics=sitting.topics, beyond=sitting.beyond)
        st.button(f"{_('Undo')} `u`", type="tertiary", key="undo", on_click=undo)
        st.page_link(shell.TODAY, label=_("To today's page"), icon=":material/today:")
    press_with(keys)


def _slipped(rated: list[Rated]) -> list[tuple[Rated, Rated]]:
    """What slipped, each question once: its last slip and its last answer; what one was certain of stands first."""
    last = {each.turn.question.slug: each for each in rated}
    slips = {each.turn.question.slug: each for each in rated if each.rating is Rating.Again or each.correct is False}
    pairs = [(slip, last[slug]) for slug, slip in slips.items()]
    return sorted(pairs, key=lambda pair: not _certain(pair[0]))


def _certain(rated: Rated) -> bool:
    return rated.correct is False and rated.turn.confidence == "certain"


def _summary(sitting: Sitting) -> str:
    rated = sitting.rated
    answered = ngettext("{count} question answered", "{count} questions answered", len(rated))
    judged = [each for each in rated if each.correct is not None]
    right = sum(bool(each.correct) for each in judged)
    known = ngettext("{count} right", "{count} right", right)
    sure = [each for each in judged if each.turn.confidence == "certain"]
    parts = [answered, known] if judged else [answered]
    if sure:
        wrong = sum(not each.correct for each in sure)
        parts.append(_("certain and wrong: {wrong} of {sure}", wrong=wrong, sure=len(sure)))
    minutes = round((rated[-1].at - (sitting.begun_at or rated[-1].at)).total_seconds() / 60)
    if minutes:
        parts.append(ngettext("{count} minute", "{count} minutes", minutes))
    return " · ".join(parts)


def _coming_back(rated: list[Rated]) -> str:
    """How many of the questions come back today, tomorrow, within a week and later."""
    now, days = shell.now(), shell.settings().days
    today = days.day(now)
    counts: Counter[str] = Counter()
    for each in {each.turn.question.slug: each for each in rated}.values():
        if each.leech:
            continue
        ahead = days.day(each.due) - today
        name = "today" if ahead < timedelta(days=1) else "tomorrow" if ahead < timedelta(days=2) else "week"
        counts[name if ahead <= WEEK else "later"] += 1
    parts = (
        ngettext("{count} today", "{count} today", counts["today"]) if counts["today"] else "",
        ngettext("{count} tomorrow", "{count} tomorrow", counts["tomorrow"]) if counts["tomorrow"] else "",
        ngettext("{count} within a week", "{count} within a week", counts["week"]) if counts["week"] else "",
        ngettext("{count} later", "{count} later", counts["later"]) if counts["later"] else "",
    )
    return _("Comes back: {when}", when=" · ".join(filter(None, parts)))


def _show_slipped(rated: Rated, last: Rated) -> None:
    """The question, what was said of it and what is right, where to read it up, and when it comes back."""
    asked = rated.turn.question
    text = question.text_of(asked, rated.turn.attempt)
    with st.container(gap=None, key=f"slipped-{asked.slug}"):
        st.markdown(f"[{question.label(text.title)}]({shell.question_url(asked.slug)})")
        certain = f"**{_('You were certain.')}**" if _certain(rated) else ""
        st.markdown(sentences(*_why(rated), certain))
        read = _("To read: {source}", source=question.source_line(asked.sources[0]))
        if last.leech:
            put_aside = _(
                "It slipped so often that it was suspended. Read it up first, then bring it back on its page."
            )
            st.caption(sentences(put_aside, read))
            return
        with shell.sentences():
            back = format_interval(_until(last), shell.language())
            st.caption(sentences(_("Comes back in {interval}.", interval=back), read))


def _until(rated: Rated) -> timedelta:
    """The time until the question comes back: whole days of the learner, or minutes of today."""
    now, days = shell.now(), shell.settings().days
    ahead = days.day(rated.due) - days.day(now)
    return ahead if ahead >= timedelta(days=1) else max(rated.due - now, timedelta(minutes=1))


def _why(rated: Rated) -> list[str]:
    """The given answer against the right one, a sentence each."""
    if rated.correct:
        return [_("Right, and you rated it Again.")]
    turn = rated.turn
    match turn.question:
        case ChoiceQuestion():
            return _why_chosen(turn)
        case MultipleQuestion():
            return _why_ticked(turn)
        case ClaimQuestion(verdict=verdict):
            said, right = verdict_name(str(turn.answer)), verdict_name(verdict)
            return [_("You said: {answer}.", answer=said), _("Right is: {answer}.", answer=right)]
        case NumericQuestion() as asked:
            return _why_number(turn, asked)
        case OpenQuestion():
            points = question.text_of(turn.question).key_points
            missed = [point for place, point in enumerate(points) if place not in set(turn.answer or ())]
            return [_("Not ticked: {points}.", points=_listed(missed))] if missed else []
    return []


def _why_chosen(turn: Turn) -> list[str]:
    choices = question.text_of(turn.question).choices
    right = next(choice for choice in choices if choice.correct)
    said = []
    if isinstance(turn.answer, int):
        said.append(_("You said: {answer}.", answer=_inline(choices[turn.attempt.order[turn.answer]].text)))
    return [*said, _("Right is: {answer}.", answer=_inline(right.text))]


def _why_ticked(turn: Turn) -> list[str]:
    choices = question.text_of(turn.question).choices
    ticked = {turn.attempt.order[place] for place in turn.answer or ()}
    missed = [each.text for place, each in enumerate(choices) if each.correct and place not in ticked]
    wrong = [each.text for place, each in enumerate(choices) if not each.correct and place in ticked]
    said = [_("Not ticked: {points}.", points=_listed(missed))] if missed else []
    return [*said, _("Ticked, though wrong: {points}.", points=_listed(wrong))] if wrong else said


def _why_number(turn: Turn, asked: NumericQuestion) -> list[str]:
    said = [_("You answered {answer}.", answer=escaped(f"{turn.answer} {asked.unit}".strip()))]
    if not asked.generated or isinstance(turn.truth, int | float):
        truth = f"{format_number(numeric_truth(asked, turn.truth), shell.language())} {asked.unit}".strip()
        said.append(_("It is {truth}.", truth=truth))
    return said


def _listed(points: list[str]) -> str:
    return _("; ").join(map(_inline, points))


def _inline(markdown: str) -> str:
    """A choice or a key point inside a sentence."""
    return question.label(markdown).rstrip(".。")


def show_alternatives() -> None:
    """When the next question is due, and what else there is: more than the day's limit, a myth, the Lab."""
    bank, now = shell.bank(), shell.now()
    with shell.sentences():
        store = shell.store()
        progress, settings = study.progress(bank, store, now), shell.settings()
        more = study.due(bank, store, now, beyond=True, n=1)
        today, *later = progress.forecast
        coming = next(((day, count) for day, count in later if count), None)
        parts = []
        if coming is not None:
            day, count = coming
            date = format_date(day, shell.language(), year=False)
            parts.append(
                ngettext("Tomorrow {count} question comes back.", "Tomorrow {count} questions come back.", count)
                if (day - today[0]).days == 1
                else ngettext(
                    "On {date}, {count} question comes back.",
                    "On {date}, {count} questions come back.",
                    count,
                    date=date,
                )
            )
        if more.next:
            parts.append(_limit(study.plan(bank, store, now), settings))
        st.markdown(sentences(*parts))
        myths = [each.slug for each in bank.questions.values() if isinstance(each, ClaimQuestion)]
        with st.container(horizontal=True, key="line-instead"):
            if more.next and st.button(_("Go beyond it"), icon=":material/add:", key="learn-new"):
                shell.begin_study(beyond=True)
            if myths and st.button(_("Judge a myth"), icon=":material/quiz:", key="judge-myth"):
                shell.begin_study(question=myths[now.toordinal() % len(myths)])
            if st.button(_("Play with a demo"), icon=":material/science:", key="play"):
                st.switch_page(shell.LAB)


def _limit(plan: study.Plan, settings: Settings) -> str:
    """Which limit of the day ends it: that of answers towards an interview, or that of new questions."""
    if plan.interviews and plan.answered >= plan.answers_per_day:
        return ngettext(
            "The {count} answer of today is given.", "The {count} answers of today are given.", plan.answers_per_day
        )
    return ngettext(
        "Your limit is {count} new question a day.", "Your limit is {count} new questions a day.", settings.new_per_day
    )
