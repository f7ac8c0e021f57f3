"""The syllabus as a map: every topic with a tile for each of its points, coloured by how much of it is known."""

from collections import defaultdict
from collections.abc import Mapping
from html import escape

import streamlit as st

from kb import history
from kb.bank import Bank, Outline
from kb.history import Memory, PointMastery, TopicMastery
from kb.i18n import format_share
from kb.plaintext import plain
from kb.views import question, shell
from kb.views.rows import sentences, show_row
from kb.views.shell import ASSETS, _, ngettext

KNOWN, HALF = 0.8, 0.4

_tiles = st.components.v2.component("livecards.map", js=(ASSETS / "map.js").read_text(encoding="utf-8"))


def show_map(bank: Bank, remembered: Mapping[str, Memory]) -> None:
    """All topics in teaching order; one that is opened shows its points."""
    topics = history.syllabus_mastery(bank, remembered)
    if not topics:
        st.markdown(_("The syllabus cannot be read; its problems are named below."))
        return
    points = [point for topic in topics for point in topic.points]
    asked = [point for point in points if point.questions]
    met = sum(point.seen > 0 for point in asked)
    st.caption(
        sentences(
            _(
                "What an interview can touch: {points} points in {topics} topics.",
                points=len(points),
                topics=len(topics),
            ),
            _("You have met {met} of the {asked} points that have questions.", met=met, asked=len(asked)),
        )
    )
    st.html(_legend())
    for topic in topics:
        _show_topic(bank, topic)
    _tiles(key="map-script")


def _legend() -> str:
    """What the colours mean, in the order in which a point goes through them."""
    levels = (
        ("none", _("no question yet")),
        ("new", _("not met yet")),
        ("low", _("shaky")),
        ("half", _("partly known")),
        ("known", _("known")),
    )
    parts = (f"<span>{_tile(level)} {escape(name)}</span>" for level, name in levels)
    return f'<div class="tiles tiles-legend">{"".join(parts)}</div>'


def _show_topic(bank: Bank, topic: TopicMastery) -> None:
    asked = [point for point in topic.points if point.questions]
    unseen = sum(point.seen == 0 for point in asked)
    facts = [format_share(topic.mastery, shell.language())] if asked else [_("no question yet")]
    if unseen:
        facts.append(ngettext("{count} point not met", "{count} points not met", unseen))
    with st.container(key=f"topic-{topic.topic}", gap=None):
        label = f"**{shell.topic_title(topic.topic)}** {' · '.join(facts)}"
        opened = st.expander(label, key=f"map-{topic.topic}", on_change="rerun", type="compact")
        st.html(_row(bank, topic))
        if opened.open:
            with opened:
                _show_points(bank, topic)


def _row(bank: Bank, topic: TopicMastery) -> str:
    """A tile for each point; the list of the topic says the same in words."""
    titles = {point.id: point.title for each in bank.syllabus.topics for point in each.points}
    tiles = []
    for point in topic.points:
        said = f"{plain(titles[point.point][shell.language()])}: {_level_name(point)}"
        tiles.append(_tile(_level(point), said, f'data-topic="{topic.topic}" data-point="{point.point}"'))
    return f'<div class="tiles" aria-hidden="true">{"".join(tiles)}</div>'


def _tile(level: str, title: str = "", data: str = "") -> str:
    """One tile; its colours are mixed from a token of the theme."""
    side = "theme.dark" if shell.dark() else "theme.light"
    colour = st.get_option(f"{side}.blueTextColor") or st.get_option("theme.blueTextColor")
    return f'<i class="tile-{level}" title="{escape(title)}" style="--tile: {colour}" {data}></i>'


def _level(point: PointMastery) -> str:
    if not point.questions:
        return "none"
    if not point.seen:
        return "new"
    return "known" if point.mastery >= KNOWN else "half" if point.mastery >= HALF else "low"


def _level_name(point: PointMastery) -> str:
    """How much of the point is known, as its tile says when one points at it."""
    if not point.questions:
        return _("no question yet")
    return format_share(point.mastery, shell.language()) if point.seen else _("not met yet")


def _show_points(bank: Bank, topic: TopicMastery) -> None:
    """Each point with how much of it is known, and the questions that cover it."""
    titles = {point.id: point.title for each in bank.syllabus.topics for point in each.points}
    covering: dict[str, list[Outline]] = defaultdict(list)
    for asked in bank.outlines:
        for covered in asked.covers:
            covering[covered].append(asked)
    if any(point.questions for point in topic.points) and st.button(
        _("Study this topic"), icon=":material/school:", key=f"study-{topic.topic}"
    ):
        shell.begin_study(topics=[topic.topic])
    for point in topic.points:
        with st.container(key=f"at-{point.point}", gap="xsmall"):
            st.markdown(f"**{titles[point.point][shell.language()]}** :gray[{_level_name(point)}]")
            for asked in covering[point.point]:
                label = question.label(asked.title(shell.language()))
                show_row(f"point-{point.point}-{asked.slug}", shell.BROWSE, label, {"question": asked.slug})
