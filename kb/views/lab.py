"""The page Lab: every demo with its form, its result as the values change, its program, and the questions it serves."""

import streamlit as st

import demos
from demos import DemoCancelledError, DemoError, DemoSpec, Outcome
from kb.questions import NumericQuestion, Question
from kb.views import question, shell
from kb.views.figure import show_figure
from kb.views.lab_bench import Bench, bench, show_waiting, wait_a_moment
from kb.views.lab_form import Setting, fill_controls, packed, read_address, show_form, unpacked
from kb.views.lab_result import (
    show_both_figures,
    show_both_values,
    show_claims,
    show_ran,
    show_records,
    show_values,
)
from kb.views.rows import confirm_address, escaped, show_back, show_row, style
from kb.views.shell import _, ngettext

FIGURE_HEIGHT = 330
SERVED = 6


def page() -> None:
    """The list of demos, or the demo that the address names."""
    style()
    name = st.query_params.get("demo")
    if name is None:
        show_list()
        shell.runner()
        return
    try:
        spec = demos.describe(name)
    except DemoError as error:
        shell.show_error(error)
        show_list()
        return
    show_demo(spec)


# All demos


def show_list() -> None:
    """Every demo by topic, with its claim, narrowed as one types."""
    st.header(_("Lab"), anchor=False)
    st.markdown(
        _("Each demo is a small program that computes or proves one claim on this computer. Change its values and see.")
    )
    _show_last()

    @st.fragment
    def listed() -> None:
        words = st.text_input(
            _("Search the demos"), type="search", live=True, key="lab-search", placeholder=_("saturation, KV cache, …")
        )
        specs = _described()
        found = [spec for spec in specs if _matches(spec, words or "")]
        for topic in dict.fromkeys(spec.topic for spec in found):
            st.subheader(shell.topic_title(topic), anchor=False)
            for spec in found:
                if spec.topic == topic:
                    _show_link(spec)
        if not found:
            st.markdown(_("No demo has all these words."))

    listed()


def _show_link(spec: DemoSpec) -> None:
    slow = f" · {_('trains a model, takes some seconds')}" if spec.slow else ""
    show_row(spec.name, shell.LAB, escaped(shell.translated(spec.title)), {"demo": spec.name}, f"`{spec.name}`{slow}")


def _show_last() -> None:
    """The way back to what was last on the bench."""
    known = st.session_state.get("lab-bench")
    query = st.session_state.get("lab-address")
    if isinstance(known, Bench) and isinstance(query, dict) and query.get("demo") == known.demo:
        show_back(shell.LAB, _("Back to {demo} as you left it", demo=f"`{known.demo}`"), query)


def _described() -> list[DemoSpec]:
    """Every demo that can be read, in teaching order."""
    order = {topic: place for place, topic in enumerate(shell.bank().syllabus.topic_ids)}
    specs = []
    for name in demos.names():
        try:
            specs.append(demos.describe(name))
        except DemoError as error:
            shell.show_error(error)
    return sorted(specs, key=lambda spec: (order.get(spec.topic, len(order)), spec.topic, spec.name))


def _matches(spec: DemoSpec, words: str) -> bool:
    """Whether every word typed stands somewhere in what is known of the demo, in either language."""
    texts = [
        spec.name,
        spec.name.replace("_", " "),
        spec.title,
        shell.translated(spec.title),
        shell.topic_title(spec.topic),
    ]
    texts += [*spec.claims, *map(shell.translated, spec.claims), spec.leaves_out]
    everything = "\n".join(texts).casefold()
    return all(word in everything for word in words.casefold().split())


# One demo


def show_demo(spec: DemoSpec) -> None:
    """Title, form and result side by side, and under them what belongs to the demo."""
    kept_bench = bench(spec.name)
    _arrive(spec, kept_bench)
    show_back(shell.LAB, _("All demos"))
    st.header(escaped(shell.translated(spec.title)), anchor=False)
    with st.container(key="names-demo"):
        st.caption(f"{shell.topic_title(spec.topic)} · `{spec.name}`")
    for problem in st.session_state["lab-problems"]:
        shell.show_error(problem)
    if st.session_state["lab-problems"]:
        st.caption(_("The defaults are used in their place."))
    _experiment(spec, kept_bench)
    st.space("small")
    about, questions = st.columns([3, 2], gap="medium")
    with about:
        _show_about(spec)
    with questions, st.container(key="lab-served"):
        _show_questions(spec)


def _arrive(spec: DemoSpec, on_bench: Bench) -> None:
    """Takes over what the address says, when it is not what this page wrote into it itself."""
    if on_bench.drawn_again():
        return
    query = st.query_params.to_dict()
    confirm_address(query)
    if "lab-setting" in st.session_state and st.session_state.get("lab-address") == query:
        return
    values = {name: value for name, value in query.items() if name not in ("demo", "with")}
    setting, problems = read_address(spec.name, values)
    kept = None
    if "with" in query:
        kept, more = unpacked(spec.name, query["with"])
        problems += more
    fill_controls(setting)
    on_bench.keep(kept)
    st.session_state["lab-setting"] = setting
    st.session_state["lab-problems"] = problems


@st.fragment
def _experiment(spec: DemoSpec, on_bench: Bench) -> None:
    """The form and the result, drawn again without the rest of the page when a value changes."""
    with st.container(key="lab-grid"):
        form, figure, rest = (st.container(key=f"lab-{part}") for part in ("form", "figure", "rest"))
    with form:
        setting = show_form(spec, st.session_state["lab-setting"])
        _write_address(setting, on_bench)
        _show_actions(spec, setting, on_bench)
    with figure:
        place = st.empty()
    if on_bench.last is None and not spec.slow:
        place.skeleton(height=FIGURE_HEIGHT)  # the first run may have to wait for its worker
    on_bench.follow(setting)
    kept = on_bench.follow_kept()
    wait_a_moment(on_bench.now, kept)
    with place.container():
        outcome = _show_run(setting, on_bench)
        shown = on_bench.last
        beside = kept.outcome if kept is not None else None
        if shown is not None and kept is not None and isinstance(beside, Outcome):
            show_both_figures(spec, (kept.setting, beside), (setting, shown))
        elif shown is not None:
            show_figure(shown)
    with rest:
        if shown is not None and isinstance(beside, Outcome):
            show_both_values(spec, beside, shown)
        elif shown is not None:
            show_claims(spec, shown)
            show_values(spec, shown)
        show_records(spec, setting, outcome)


def _write_address(setting: Setting, on_bench: Bench) -> None:
    address = {"demo": setting.demo, **setting.address()}
    if on_bench.kept is not None:
        address["with"] = packed(on_bench.kept)
    st.session_state["lab-setting"] = setting
    st.session_state["lab-address"] = address
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)


def _show_actions(spec: DemoSpec, setting: Setting, on_bench: Bench) -> None:
    """What can be done with the present values: run, keep to compare, go back to the defaults, copy."""
    if spec.slow:
        st.button(
            _("Run"),
            key="lab-run",
            type="primary",
            icon=":material/play_arrow:",
            on_click=on_bench.run,
            args=(setting,),
            kwargs={"fresh": True},
        )
    with st.container(horizontal=True, gap="xsmall"):
        if on_bench.kept is None:
            st.button(
                _("Keep to compare"), key="lab-keep", icon=":material/compare:", on_click=on_bench.keep, args=(setting,)
            )
        else:
            st.button(
                _("End comparison"), key="lab-unkeep", icon=":material/close:", on_click=on_bench.keep, args=(None,)
            )
        defaults = read_address(spec.name, {})[0]
        st.button(
            _("Defaults"),
            key="lab-defaults",
            icon=":material/restart_alt:",
            disabled=setting == defaults,
            on_click=fill_controls,
            args=(defaults,),
        )
        if not spec.slow:
            st.button(
                _("Run again"),
                key="lab-again",
                icon=":material/replay:",
                on_click=on_bench.run,
                args=(setting,),
                kwargs={"fresh": True},
            )
    st.caption(_("The same in a terminal"))
    st.code(setting.command(), language=None, wrap_lines=True)


def _show_run(setting: Setting, on_bench: Bench) -> Outcome | None:
    """One line that says how the run goes, and while it goes on, that what follows is the result before."""
    trial, kept = on_bench.now, on_bench.kept_trial
    outcome = trial.outcome if trial is not None else None
    with st.container(key="lab-state"):
        if isinstance(outcome, Outcome):
            on_bench.last = outcome
            on_bench.note()
            show_ran(outcome)
        elif isinstance(outcome, DemoError):
            if isinstance(outcome, DemoCancelledError):
                st.caption(_("You cancelled this run."))
            else:
                shell.show_error(outcome)
            st.button(_("Run again"), key="lab-retry", icon=":material/replay:", on_click=on_bench.run, args=(setting,))
        elif trial is not None:
            show_waiting(on_bench, trial)
        else:
            st.caption(_("This demo trains a model and takes some seconds: press Run."))
        if kept is not None and isinstance(kept.outcome, DemoError):
            shell.show_error(kept.outcome)
        elif kept is not None and kept.outcome is None and kept is not trial:
            show_waiting(on_bench, kept, "kept")
    if on_bench.last is None and trial is not None and outcome is None:
        st.skeleton(height=FIGURE_HEIGHT)
    if isinstance(outcome, Outcome):
        return outcome
    if on_bench.last is not None:
        st.caption(_("Below is the result before, with other values."))
    return None


def _show_about(spec: DemoSpec) -> None:
    """What it leaves out, the source, the program itself."""
    st.markdown(f"**{_('Leaves out')}** {escaped(shell.translated(spec.leaves_out))}")
    st.markdown(f"**{_('Source')}** {spec.source}")
    _show_program(spec)


@st.fragment
def _show_program(spec: DemoSpec) -> None:
    """The source of the demo, drawn when it is opened: a slider must not wait for its lines."""
    opened = st.expander(_("The program"), key=f"lab-program-{spec.name}", icon=":material/code:", on_change="rerun")
    if opened.open:
        with opened:
            st.caption(f"demos/{spec.topic}/{spec.name}.py")
            st.code(spec.path.read_text(encoding="utf-8"), line_numbers=True)


def _show_questions(spec: DemoSpec) -> None:
    """The questions that quote or run this demo."""
    served = [each for each in shell.bank().questions.values() if _uses(each, spec.name)]
    if not served:
        return
    st.markdown(f"**{ngettext('The question it serves', 'The {count} questions it serves', len(served))}**")
    for each in served[:SERVED]:
        _show_served(each)
    if len(served) > SERVED:
        more = len(served) - SERVED
        with st.expander(ngettext("{count} more", "{count} more", more), type="compact"):
            for each in served[SERVED:]:
                _show_served(each)


def _show_served(asked: Question) -> None:
    title = question.label(asked.text(shell.language()).title)
    show_row(f"served-{asked.slug}", shell.BROWSE, title, {"question": asked.slug})


def _uses(asked: Question, demo: str) -> bool:
    links = {link.demo for text in asked.texts.values() for link in text.links}
    generated = isinstance(asked, NumericQuestion) and asked.demo == demo
    predicted = asked.predict is not None and asked.predict.demo == demo
    return demo in asked.demos or demo in links or generated or predicted


if __name__ == "__main__":
    page()
