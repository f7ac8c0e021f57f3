"""The syllabus as a map: every topic with how much of it is known, and its points with their questions."""

from collections import defaultdict
from collections.abc import Mapping

import streamlit as st

from kb import history
from kb.bank import Bank
from kb.history import Memory, PointMastery, TopicMastery
from kb.i18n import format_share
from kb.views import shell
from kb.views.rows import sentences, show_row
from kb.views.shell import _, ngettext

KNOWN, HALF = 0.8, 0.4


def show_map(bank: Bank, remembered: Mapping[str, Memory]) -> None:
    """All topics in teaching order; one that is opened shows its points."""
    topics = history.syllabus_mastery(bank, remembered)
    if not topics:
        st.markdown(_("The syllabus cannot be read; its problems are named below."))
        return
    points = sum(len(topic.points) for topic in topics)
    unseen = sum(topic.unseen for topic in topics)
    st.caption(
        sentences(
            _("What an interview can touch: {points} points in {topics} topics.", points=points, topics=len(topics)),
            ngettext("{count} point you have not met yet.", "{count} points you have not met yet.", unseen),
        )
    )
    for topic in topics:
        _show_topic(bank, topic)


def _show_topic(bank: Bank, topic: TopicMastery) -> None:
    facts = [format_share(topic.mastery, shell.language())]
    if topic.unseen:
        facts.append(ngettext("{count} point never seen", "{count} points never seen", topic.unseen))
    name, bar = st.columns([3, 1], gap="small", vertical_alignment="top", wrap=False)
    label = f"**{shell.topic_title(topic.topic)}** {' · '.join(facts)}"
    opened = name.expander(label, key=f"map-{topic.topic}", on_change="rerun", type="compact")
    with bar, st.container(key=f"bar-{topic.topic}"):
        st.progress(topic.mastery)
    if opened.open:
        with opened:
            _show_points(bank, topic)


def _show_points(bank: Bank, topic: TopicMastery) -> None:
    """Each point with its mark and the questions that cover it."""
    titles = {point.id: point.title for each in bank.syllabus.topics for point in each.points}
    covering: dict[str, list[str]] = defaultdict(list)
    for slug, asked in bank.questions.items():
        for covered in asked.covers:
            covering[covered].append(slug)
    for place, point in enumerate(topic.points):
        title = f"{_mark(point)} {titles[point.point][shell.language()]}"
        slugs = covering[point.point]
        if not slugs:
            st.markdown(title)
            st.caption(_("no question yet"))
        elif len(slugs) == 1:
            show_row(f"point-{place}", shell.BROWSE, title, {"question": slugs[0]})
        else:
            st.markdown(title)
            for slug in slugs:
                label = bank.questions[slug].text(shell.language()).title
                show_row(f"point-{place}-{slug}", shell.BROWSE, label, {"question": slug})


def _mark(point: PointMastery) -> str:
    """A dot that fills with what is known of the point, said in a word for those who do not see it."""
    if not point.seen:
        return ":gray[○]"
    if point.mastery >= KNOWN:
        return ":green[●]"
    return ":blue[◑]" if point.mastery >= HALF else ":blue[◔]"
