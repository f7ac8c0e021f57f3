"""The page Browse: every question, searched as one types and narrowed by filters; the syllabus; the myths; one question."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import streamlit as st

from kb import history, marks
from kb.bank import Bank, Outline
from kb.choosing import course_of
from kb.history import Memory, Standing
from kb.marks import Marks
from kb.questions import KINDS
from kb.search import Found, Hit, index_of
from kb.views import question, shell
from kb.views.browse_map import show_map
from kb.views.browse_question import kind_name, show_question, standing_name
from kb.views.keys import walk_list
from kb.views.marking import state_of
from kb.views.myths import is_myth, show_myths
from kb.views.rows import HARDEST, confirm_address, dots, escaped, show_row, style
from kb.views.shell import _, ngettext

PAGE = 40
MINE = ("new", "failed", "due", "known", "flagged", "note", "suspended", "buried")
VIEWS = ("list", "syllabus", "myths")


@dataclass(frozen=True)
class Filters:
    """What narrows the list, as the address holds it; an empty text narrows nothing."""

    view: str = "list"
    words: str = ""
    topic: str = ""
    kind: str = ""
    difficulty: str = ""
    mine: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str], topics: tuple[str, ...]) -> "Filters":
        """The filters that an address names, without values that do not exist."""
        known = {
            "view": VIEWS,
            "topic": topics,
            "kind": tuple(KINDS),
            "difficulty": tuple(str(level) for level in range(1, HARDEST + 1)),
            "mine": MINE,
        }
        chosen = {name: query[name] for name, values in known.items() if query.get(name) in values}
        return cls(**chosen, words=query.get("words", ""))

    def address(self) -> dict[str, str]:
        """The query of the page's address, without what narrows nothing."""
        defaults = Filters()
        return {name: value for name, value in asdict(self).items() if value != getattr(defaults, name)}

    def admits(self, asked: Outline, memory: Memory | None, has: Marks) -> bool:
        """Whether the question passes every filter but the words."""
        return (
            self.topic in ("", asked.topic)
            and self.kind in ("", asked.kind)
            and self.difficulty in ("", str(asked.difficulty))
            and (not self.mine or self.mine in mine(memory, has))
        )


def mine(memory: Memory | None, has: Marks) -> set[str]:
    """What the question is to the learner, in the words of the filter."""
    marked = {"flagged": has.flagged, "note": has.note, "suspended": has.suspended, "buried": has.buried}
    standings = set() if memory is None else {str(each) for each in memory.standings}
    return standings | {name for name, there in marked.items() if there}


def page() -> None:
    """One question where the address names one, else the list or the map."""
    style()
    slug = st.query_params.get("question")
    if slug is not None:
        show_question(slug, st.session_state.get("browse-address", {}))
        return
    _arrive()
    st.header(_("Browse"), anchor=False)
    shell.show_problems()
    _show()


def _arrive() -> None:
    """Sets the controls to what the address says, when it is not what this page wrote into it itself."""
    query = st.query_params.to_dict()
    confirm_address(query)
    if query == st.session_state.get("browse-address") and _key("view") in st.session_state:
        return
    filters = Filters.read(query, course_of(shell.bank()).topics)
    for field in fields(filters):
        st.session_state[_key(field.name)] = getattr(filters, field.name)
    st.session_state["browse-shown"] = PAGE


def _key(name: str) -> str:
    return f"browse-{name}"


@st.fragment
def _show() -> None:
    """The controls and what they leave, drawn again without the rest of the page as one types."""
    bank = shell.bank()
    view = st.segmented_control(
        _("View"),
        VIEWS,
        format_func=lambda each: {"list": _("Questions"), "syllabus": _("Syllabus"), "myths": _("Myths")}[each],
        key=_key("view"),
        required=True,
        label_visibility="collapsed",
    )
    if view == "myths":
        course = course_of(bank)
        claimed = [slug for slug in course.order if course.outlines[slug].kind == "claim"]
        claims = [asked for asked in map(bank.questions.get, claimed) if is_myth(asked)]
        topics = list(dict.fromkeys(asked.topic for asked in claims))
        topic = _choose("topic", _("Topic"), topics, shell.topic_title)
        _write_address(Filters(view="myths", topic=topic))
        show_myths([asked for asked in claims if topic in ("", asked.topic)])
        return
    remembered: dict[str, Memory] = {}
    marked: dict[str, Marks] = {}
    with shell.sentences():
        remembered = history.memories(bank, shell.store(), shell.now())
        marked = marks.marks(bank, shell.store(), shell.now())
    if view == "syllabus":
        _write_address(Filters(view="syllabus"))
        show_map(bank, remembered)
        return
    filters = _ask_filters(bank)
    _write_address(filters)
    _show_list(bank, filters, remembered, marked)
    walk_list(_key("words"), filters.words)


def _write_address(filters: Filters) -> None:
    address = filters.address()
    if st.session_state.get("browse-address") != address:
        st.session_state["browse-shown"] = PAGE
    st.session_state["browse-address"] = address
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)


def _ask_filters(bank: Bank) -> Filters:
    words = st.text_input(
        _("Search questions and answers"),
        type="search",
        live="200ms",
        key=_key("words"),
        placeholder=_("softmax saturation, KV cache, sqrt, …"),
    )
    topics = [topic for topic in course_of(bank).topics if course_of(bank).slugs(topic)]
    with st.grid(4, min_column_width=140, key="browse-filters"):
        topic = _choose("topic", _("Topic"), topics, shell.topic_title)
        kind = _choose("kind", _("Kind"), list(KINDS), kind_name)
        levels = [str(level) for level in range(1, HARDEST + 1)]
        difficulty = _choose("difficulty", _("Difficulty"), levels, lambda level: dots(int(level)))
        own = _choose("mine", _("Mine"), list(MINE), _mine_name)
    return Filters("list", (words or "").strip(), topic, kind, difficulty, own)


def _mine_name(name: str) -> str:
    named = {
        "flagged": _("flagged"),
        "note": _("with a note"),
        "suspended": _("suspended"),
        "buried": _("not today"),
    }
    return named.get(name) or standing_name(Standing(name))


def _clear() -> None:
    """Takes every filter away."""
    for field in fields(Filters):
        if field.name != "view":
            st.session_state[_key(field.name)] = ""


def _choose(name: str, label: str, options: list[Any], shown: Any) -> str:
    """A filter; its first option narrows nothing."""
    known = ["", *map(str, options)]
    if st.session_state.get(_key(name)) not in known:
        st.session_state[_key(name)] = ""
    return st.selectbox(
        label,
        known,
        key=_key(name),
        format_func=lambda option: shown(option) if option else _("all"),
    )


def _show_list(bank: Bank, filters: Filters, remembered: Mapping[str, Memory], marked: Mapping[str, Marks]) -> None:
    """What the filters leave, the best hit first or in teaching order."""
    hits: dict[str, Found] = {}
    index = index_of(bank)
    if filters.words:
        own = shell.language()
        languages = (own, *(each for each in ("en", "zh") if each != own))
        hits = {each.slug: each for each in index.find(filters.words, languages)}
    slugs = hits if filters.words else course_of(bank).order
    outlines = course_of(bank).outlines
    found = [
        outlines[slug]
        for slug in slugs
        if filters.admits(outlines[slug], remembered.get(slug), marked.get(slug, Marks()))
    ]
    with st.container(horizontal=True, vertical_alignment="center", key="browse-count"):
        if found:
            st.caption(ngettext("{count} question", "{count} questions", len(found)), width="content")
        else:
            st.markdown(_("No question fits. Take a filter away or search for fewer words."))
        if filters != Filters():
            st.button(_("Clear"), type="tertiary", icon=":material/close:", key="browse-clear", on_click=_clear)
        if filters.topic and filters == Filters(topic=filters.topic):
            st.space("stretch")
            if st.button(_("Study this topic"), icon=":material/school:", key="browse-study"):
                shell.begin_study(topics=[filters.topic])
    shown = st.session_state.get("browse-shown", PAGE)
    topic = None
    for asked in found[:shown]:
        if not filters.words and asked.topic != topic:
            topic = asked.topic
            st.subheader(shell.topic_title(topic), anchor=False)
        hit = index.hit(hits[asked.slug]) if asked.slug in hits else None
        _show_one(asked, hit, remembered.get(asked.slug), marked.get(asked.slug, Marks()))
    if len(found) > shown:
        st.button(
            ngettext("Show {count} more", "Show {count} more", min(PAGE, len(found) - shown)),
            key="browse-more",
            on_click=lambda: st.session_state.update({"browse-shown": shown + PAGE}),
        )


def _show_one(asked: Outline, hit: Hit | None, memory: Memory | None, has: Marks) -> None:
    title = question.label(asked.title(hit.language if hit else shell.language()))
    facts = [kind_name(asked.kind), dots(asked.difficulty)]
    if hit is not None:
        facts.insert(0, shell.topic_title(asked.topic))
    if memory is not None:
        facts += [standing_name(each) for each in Standing if each in memory.standings]
    facts += state_of(has)
    below = [" · ".join(facts)]
    if hit is not None and hit.marks:
        below.insert(0, _marked(hit))
    show_row(asked.slug, shell.BROWSE, title, {"question": asked.slug}, *below)


def _marked(hit: Hit) -> str:
    """The snippet as Markdown, in bold what was looked for."""
    parts, position = [], 0
    for start, end in hit.marks:
        parts += [escaped(hit.snippet[position:start]), f"**{escaped(hit.snippet[start:end])}**"]
        position = end
    return "".join([*parts, escaped(hit.snippet[position:])])


if __name__ == "__main__":
    page()
