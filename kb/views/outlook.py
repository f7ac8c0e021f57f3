"""The interviews on the page Today: how far they are, what will be recalled then, and the honest choice where time is short."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from demos._figures import BLUE
from kb import aiming
from kb.i18n import format_date, format_share
from kb.planning import Interview
from kb.settings import Settings
from kb.study import Plan
from kb.views import shell
from kb.views.choosers import choose_interview_date
from kb.views.figure import show_spec
from kb.views.rows import sentences
from kb.views.shell import _, ngettext

if TYPE_CHECKING:
    from kb.planning.forecast import Choice, Estimate, Outlook, TopicOutlook

ROW = 38
WEAKEST = 3


def show_interviews(plan: Plan, settings: Settings) -> None:
    """A sentence or two for each interview ahead; after the last one, and without any, the way to set the next."""
    for place, outlook in enumerate(plan.interviews):
        if place == 0:
            st.caption(sentences(*_nearest(outlook, plan)), help=_in_four_of_five())
        else:
            st.caption(sentences(*_further(outlook)))
    if plan.interviews:
        return
    past = aiming.past_interviews(settings, plan.today)
    if past:
        _show_past(past[0], settings)


def show_no_date(plan: Plan, settings: Settings) -> None:
    """Where no interview is set: the field for one, out of the way."""
    if not plan.interviews and not aiming.past_interviews(settings, plan.today):
        with st.popover(_("Set the date of an interview"), icon=":material/event:", type="tertiary"):
            choose_interview_date(settings, _("Interview"))
            st.caption(_("The plan then aims at what you will recall on that day."))


def _nearest(outlook: "Outlook", plan: Plan) -> list[str]:
    if outlook.days == 0:
        today = _(
            "You know about {share} of {questions} questions now ({range}).",
            share=_share(outlook.if_stopped.mean),
            questions=outlook.questions,
            range=share_range(outlook.if_stopped),
        )
        return [_("Your interview is today."), today]
    expected = _(
        "With {per_day} answers a day you will recall about {share} of {questions} questions on that day ({range}).",
        per_day=plan.answers_per_day,
        share=_share(outlook.recall.mean),
        questions=outlook.questions,
        range=share_range(outlook.recall),
    )
    return [_days_to(outlook), expected]


def _days_to(outlook: "Outlook") -> str:
    day = format_date(outlook.interview.date, shell.language())
    return ngettext(
        "{count} day to your interview on {day}.", "{count} days to your interview on {day}.", outlook.days, day=day
    )


def _further(outlook: "Outlook") -> list[str]:
    """An interview after the nearest one."""
    words = ngettext(
        "{day}, in {count} day: about {share} of {questions} questions ({range}).",
        "{day}, in {count} days: about {share} of {questions} questions ({range}).",
        outlook.days,
        day=format_date(outlook.interview.date, shell.language()),
        share=_share(outlook.recall.mean),
        questions=outlook.questions,
        range=share_range(outlook.recall),
    )
    left = ngettext("{count} stays unseen.", "{count} stay unseen.", outlook.left_unseen) if outlook.left_unseen else ""
    return [words, left]


def _show_past(interview: Interview, settings: Settings) -> None:
    day = format_date(interview.date, shell.language())
    st.caption(_("Your interview on {day} is over. What you learnt comes back for the long term.", day=day))
    with st.container(horizontal=True, vertical_alignment="center", key="line-past"):
        with st.popover(_("Set the next date"), icon=":material/event:"):
            choose_interview_date(settings, _("Interview"))
        st.button(_("No other interview"), type="tertiary", key="forget-past", on_click=_forget_past)


def _forget_past() -> None:
    with shell.sentences():
        aiming.forget_past(shell.store(), shell.now())


# The honest choice


def show_choice(plan: Plan) -> None:
    """Where questions would stay unseen: so many more answers a day, or fewer topics, each by one press; and the way back."""
    short = next((each for each in plan.interviews if each.left_unseen and each.days), None)
    if short is not None:
        _show_short(short, plan)
    if plan.interviews:
        _show_left_out(plan.interviews[0])


def _show_short(outlook: "Outlook", plan: Plan) -> None:
    enough = next((each for each in outlook.choices if not each.left_unseen), None)
    with st.container(key="panel-choice"):
        st.markdown(
            ngettext(
                "At {per_day} answers a day, {count} question stays unseen.",
                "At {per_day} answers a day, {count} questions stay unseen.",
                outlook.left_unseen,
                per_day=plan.answers_per_day,
            )
        )
        if enough is not None:
            st.button(
                ngettext("{count} answer a day", "{count} answers a day", enough.answers_per_day),
                key="answer-more",
                on_click=_answer_more,
                args=(enough.answers_per_day, plan.seconds_per_answer),
            )
            st.caption(_what_it_takes(enough, plan))
        if outlook.leave_out:
            st.button(
                ngettext("Leave out {count} topic", "Leave out {count} topics", len(outlook.leave_out)),
                key="leave-out",
                on_click=_leave_out,
                args=(outlook.interview, outlook.leave_out),
            )
            st.caption(f"{_topics(outlook.leave_out)}")


def _what_it_takes(enough: "Choice", plan: Plan) -> str:
    return ngettext(
        "About {count} minute a day at your pace; about {share} recalled ({range}).",
        "About {count} minutes a day at your pace; about {share} recalled ({range}).",
        max(round(enough.answers_per_day * plan.seconds_per_answer / 60), 1),
        share=_share(enough.recall.mean),
        range=share_range(enough.recall),
    )


def _answer_more(per_day: int, seconds_per_answer: float) -> None:
    with shell.sentences():
        aiming.answer_more(shell.store(), per_day, seconds_per_answer, shell.now())


def _leave_out(interview: Interview, topics: Sequence[str]) -> None:
    with shell.sentences():
        aiming.leave_out(shell.bank(), shell.store(), interview, topics, shell.now())


def _show_left_out(outlook: "Outlook") -> None:
    """What this interview does not ask about, in the shorter of two ways, and the way to have it asked again."""
    without = aiming.left_out(shell.bank(), outlook.interview)
    if not without:
        return
    asked = [each.topic for each in outlook.topics]
    words = (
        _("It asks only about {topics}.", topics=_topics(asked))
        if len(asked) < len(without)
        else _("Left out: {topics}.", topics=_topics(without))
    )

    def everything() -> None:
        with shell.sentences():
            interview = outlook.interview
            aiming.change_interview(shell.store(), interview, Interview(interview.date), shell.now())

    with st.container(horizontal=True, vertical_alignment="center", key="line-left-out"):
        st.caption(words, width="content")
        st.button(_("Ask about everything"), type="tertiary", key="ask-everything", on_click=everything)


# By topic


def show_topics_on_the_day(outlook: "Outlook") -> None:
    """The topics with the lowest recall on that day, each with a way to study it alone; all of them on demand."""
    topics = [_On(topic, outlook.days) for topic in outlook.topics]
    weakest = sorted(topics, key=lambda each: (not each.begun, each.recall.mean))[:WEAKEST]
    st.subheader(_("Weakest on that day") if outlook.days else _("Weakest today"), anchor=False)
    for topic in weakest:
        show_topic(topic.topic, topic.recall.mean, topic.words())
    if len(topics) > len(weakest):
        label = (
            ngettext("{count} topic on that day", "All {count} topics on that day", len(topics))
            if outlook.days
            else ngettext("{count} topic today", "All {count} topics today", len(topics))
        )
        with st.expander(label):
            show_spec(_topics_spec(topics), alt=_topics_alt(topics))
            st.caption(_in_four_of_five())


def show_topic(topic: str, share: float, words: str) -> None:
    """One topic as a line: its name, which studies it alone, what is said of it, and a bar."""
    with st.container(key=f"topic-{topic}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", key=f"line-{topic}"):
            if st.button(
                shell.topic_title(topic),
                type="tertiary",
                icon=":material/chevron_right:",
                icon_position="right",
                key=f"study-{topic}",
            ):
                shell.begin_study(topics=[topic])
            st.space("stretch")
            st.caption(words, width="content")
        st.progress(share)


class _On:
    """A topic on the day of an interview: as the plan leaves it, or as it is where that day is today."""

    def __init__(self, topic: "TopicOutlook", days: int) -> None:
        self.topic = topic.topic
        self.recall = topic.recall if days else topic.if_stopped
        self.begun = topic.unseen < topic.questions or days > 0
        self._questions = topic.questions
        self._unseen = topic.unseen
        self._left_unseen = topic.left_unseen if days else 0

    def words(self) -> str:
        """The expected recall with its range, and what is or stays unseen."""
        if self._left_unseen == self._questions:
            return ngettext("stays unseen: {count} question", "stays unseen: {count} questions", self._questions)
        if not self.begun:
            return _("not begun")
        unseen = ""
        if self._left_unseen:
            unseen = ngettext("{count} stays unseen", "{count} stay unseen", self._left_unseen)
        elif self._unseen:
            unseen = ngettext("{count} not seen yet", "{count} not seen yet", self._unseen)
        return " · ".join(filter(None, (_("about {recall}", recall=self.recall_words()), unseen)))

    def recall_words(self) -> str:
        """The expected recall with its range."""
        return f"{_share(self.recall.mean)} ({share_range(self.recall)})"


def _topics_alt(topics: Sequence[_On]) -> str:
    return "; ".join(f"{shell.topic_title(each.topic)} {each.recall_words()}" for each in topics)


def _topics_spec(topics: Sequence[_On]) -> dict[str, Any]:
    """A line for each topic: its name above it, a dot at the expected recall, and the range around the dot."""
    rows = [
        {
            "topic": shell.topic_title(each.topic),
            "words": each.recall_words(),
            "mean": each.recall.mean,
            "low": each.recall.low,
            "high": each.recall.high,
            "none": 0,
            "all": 1,
        }
        for each in topics
    ]
    y = {"field": "topic", "type": "nominal", "sort": None, "axis": None, "scale": {"paddingInner": 0}}

    def x(field: str) -> dict[str, Any]:
        return {"field": field, "type": "quantitative", "axis": None, "scale": {"domain": [0, 1]}}

    def band(low: str, high: str, **mark: Any) -> dict[str, Any]:
        return {
            "mark": {"type": "rule", "yOffset": 10, **mark},
            "encoding": {"y": y, "x": x(low), "x2": {"field": high}},
        }

    def words(field: str, align: str, place: int | str) -> dict[str, Any]:
        return {
            "mark": {"type": "text", "align": align, "baseline": "middle", "dy": -6},
            "encoding": {"y": y, "x": {"value": place}, "text": {"field": field}},
        }

    return {
        "data": {"values": rows},
        "height": ROW * len(rows),
        "layer": [
            band("none", "all", opacity=0.3),
            band("low", "high", strokeWidth=5, opacity=0.45, color=BLUE),
            {
                "mark": {"type": "point", "yOffset": 10, "color": BLUE, "opacity": 1},
                "encoding": {"y": y, "x": x("mean")},
            },
            words("topic", "left", 0),
            words("words", "right", "width"),
        ],
    }


# Words


def _in_four_of_five() -> str:
    return _("In brackets: where it will lie in four cases of five, as memory and its model are uncertain.")


def share_range(estimate: "Estimate") -> str:
    """The range of an estimate, as in 81–99%."""
    language = shell.language()
    return f"{format_share(estimate.low, language).rstrip('%')}–{format_share(estimate.high, language)}"


def _share(share: float) -> str:
    return format_share(share, shell.language())


def _topics(topics: Sequence[str]) -> str:
    return _(", ").join(map(shell.topic_title, topics))
