"""Progress, mastery: what is known of each point of the syllabus, what slips most, and what was suspended for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import streamlit as st

from kb import history, marks
from kb.bank import Bank
from kb.history import Memory, Standing
from kb.i18n import format_share
from kb.marks import LEECH, Marks
from kb.questions import Question
from kb.store import Store
from kb.study import Progress
from kb.views import question, shell
from kb.views.marking import why_suspended
from kb.views.progress_charts import point_map, show_chart
from kb.views.rows import sentences, show_row
from kb.views.shell import _, ngettext

HARDEST, SHOWN_SUSPENDED = 8, 5
KNOWN = 0.8


def show_known(bank: Bank, store: Store, now: datetime, _progress: Progress) -> None:
    """The points, the hardest questions, the suspended ones."""
    remembered = history.memories(bank, store, now)
    suspended = {slug: each for slug, each in marks.marks(bank, store, now).items() if each.suspended}
    _show_points(bank, remembered)
    _show_hardest(bank, remembered, suspended)
    _show_suspended(bank, remembered, suspended)


def _show_points(bank: Bank, remembered: Mapping[str, Memory]) -> None:
    """How much of each point is known today, topic by topic; topics that were not begun are only counted."""
    topics = history.syllabus_mastery(bank, remembered)
    titles = {point.id: point.title[shell.language()] for topic in bank.syllabus.topics for point in topic.points}
    points = [point for topic in topics for point in topic.points]
    if not points:
        return
    begun = [topic for topic in topics if topic.unseen < len(topic.points)]
    seen = sum(point.seen > 0 for point in points)
    known = sum(point.mastery >= KNOWN for point in points)
    recall = [memory.recall for memory in remembered.values() if Standing.NEW not in memory.standings]
    words = sentences(
        _(
            "{seen} of {points} points of the syllabus met, {known} of them known.",
            seen=seen,
            points=len(points),
            known=known,
        ),
        _("{begun} of {topics} topics begun.", begun=len(begun), topics=len(topics)),
        _(
            "Asked now, you would recall about {share} of the questions you have answered ({count}).",
            share=format_share(sum(recall) / len(recall), shell.language()),
            count=len(recall),
        )
        if recall
        else "",
    )
    data = (
        ("topic", "point", "title", "questions", "seen", "mastery"),
        *(
            (topic.topic, point.point, titles[point.point], point.questions, point.seen, round(point.mastery, 4))
            for topic in topics
            for point in topic.points
        ),
    )
    key = _("A cell is a point; the stronger its colour, the more of it you know today. Grey ones you never met.")
    show_chart(_("The syllabus, point by point"), point_map(begun, titles), words, "points", data, key)
    st.page_link(
        shell.BROWSE,
        label=_("All points with their questions"),
        query_params={"view": "syllabus"},
        icon=":material/map:",
    )


def _show_hardest(bank: Bank, remembered: Mapping[str, Memory], suspended: Mapping[str, Marks]) -> None:
    """The questions that slipped most often and still come back."""
    hard = history.hardest({slug: memory for slug, memory in remembered.items() if slug not in suspended}, HARDEST)
    st.subheader(_("Hardest for you"), anchor=False)
    if not hard:
        st.markdown(_("No question has slipped so far."))
        return
    for memory in hard:
        asked = bank.questions[memory.question]
        show_row(f"hard-{asked.slug}", shell.BROWSE, _title(asked), {"question": asked.slug}, _facts(asked, memory))


def _show_suspended(bank: Bank, remembered: Mapping[str, Memory], suspended: Mapping[str, Marks]) -> None:
    """What does not come back any more: why, what to read, and the way to bring it back."""
    st.subheader(_("Suspended"), anchor=False)
    if not suspended:
        st.markdown(
            _("Nothing is suspended. A question that slips too often is, so that it takes no more of your time.")
        )
        return
    leeches = sum(each.reason == LEECH for each in suspended.values())
    if leeches:
        st.markdown(
            ngettext(
                "{count} question slipped too often and was suspended. Read it up, then bring it back.",
                "{count} questions slipped too often and were suspended. Read them up, then bring them back.",
                leeches,
            )
        )
    slugs = sorted(suspended, key=lambda slug: (suspended[slug].reason != LEECH, -remembered[slug].lapses, slug))
    for slug in slugs[:SHOWN_SUSPENDED]:
        _show_one(bank, remembered[slug], suspended[slug])
    more = len(slugs) - SHOWN_SUSPENDED
    if more > 0:
        rest = st.expander(
            ngettext("{count} more", "{count} more", more), key="more-suspended", type="compact", on_change="rerun"
        )
        if rest.open:
            with rest:
                for slug in slugs[SHOWN_SUSPENDED:]:
                    _show_one(bank, remembered[slug], suspended[slug])


def _show_one(bank: Bank, memory: Memory, has: Marks) -> None:
    asked = bank.questions[memory.question]
    why = "" if has.reason == LEECH else why_suspended(has)
    lines = filter(None, (why, _facts(asked, memory), _to_read(bank, asked)))
    show_row(f"aside-{asked.slug}", shell.BROWSE, _title(asked), {"question": asked.slug}, *lines)
    st.button(
        _("Bring back"),
        key=f"bring-back-{asked.slug}",
        type="tertiary",
        icon=":material/undo:",
        on_click=_bring_back,
        args=(asked.slug,),
    )


def _bring_back(slug: str) -> None:
    with shell.sentences():
        marks.unsuspend(shell.bank(), shell.store(), slug, shell.now())


def _title(asked: Question) -> str:
    return question.label(asked.text(shell.language()).title)


def _facts(asked: Question, memory: Memory) -> str:
    """Topic, slips and answers; a question that never slipped after it was learnt slipped at its last answer."""
    slips = max(memory.lapses, Standing.FAILED in memory.standings)
    facts = (
        shell.topic_title(asked.topic),
        ngettext("slipped {count} time", "slipped {count} times", slips) if slips else "",
        ngettext("{count} answer", "{count} answers", memory.reviews),
    )
    return " · ".join(filter(None, facts))


def _to_read(bank: Bank, asked: Question) -> str:
    """The sources of the question, and the questions it builds on."""
    read = [f"[{each.title}]({each.url})" if each.url else each.title for each in asked.sources]
    first = [bank.questions[slug] for slug in asked.requires if slug in bank.questions]
    read += [f"[{_title(each)}]({shell.question_url(each.slug)})" for each in first]
    return _("Read: {sources}", sources=_joined(read)) if read else ""


def _joined(parts: Sequence[str]) -> str:
    return " · ".join(parts)
