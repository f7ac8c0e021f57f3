"""Settings, the schedule fitted to the learner: begun, followed, judged on answers it has not seen, kept or left."""

import streamlit as st

from kb import optimising
from kb.i18n import format_number, format_share
from kb.optimising import Finding, Optimising
from kb.settings import Settings
from kb.views import shell
from kb.views.rows import sentences
from kb.views.settings_data import part
from kb.views.shell import _, ngettext

POLL_S = 0.5
FITTING, SAID = "fitting", "fitting-said"


def show_fitting(settings: Settings) -> None:
    """What the parameters of FSRS are now, and the way to fit them to the answers in the log, or to go back."""
    opened = part(_("Fit the schedule to you"), "fit", ":material/tune:")
    if not opened.open:
        return
    with opened:
        fitted = settings.fsrs_parameters is not None
        now = _("It is fitted to you now.") if fitted else _("It has the usual parameters of FSRS now.")
        takes = _(
            "Fitting reads your own answers: seconds for some hundred, minutes for many thousand, while you go on."
        )
        st.caption(sentences(now, takes))
        said = st.session_state.pop(SAID, None)
        if said:
            st.success(said, icon=":material/check:")
        running = st.session_state.get(FITTING)
        if isinstance(running, Optimising) and not running.done:
            _show_running()
            return
        if isinstance(running, Optimising):
            _show_end(running)
        with st.container(horizontal=True, gap="small"):
            st.button(_("Fit"), key="fit", icon=":material/tune:", on_click=_begin)
            if fitted:
                st.button(_("Back to the usual parameters"), key="fit-reset", on_click=_reset)


def _begin() -> None:
    with shell.sentences():
        with shell.store().reading():  # a database that cannot be read is told so here
            pass
        st.session_state[FITTING] = optimising.start(shell.store().path)


@st.fragment(run_every=POLL_S)
def _show_running() -> None:
    """How far it is, with a way to end it; the page is drawn again when it is over."""
    running = st.session_state.get(FITTING)
    if not isinstance(running, Optimising) or running.done:
        st.rerun()
    share = min(max(running.share, 0.0), 1.0)
    st.progress(share, _("Fitting: {share}", share=format_share(share, shell.language())))
    if st.button(_("Cancel"), key="fit-cancel", type="tertiary"):
        running.cancel()
        st.session_state.pop(FITTING, None)
        st.rerun()


def _show_end(over: Optimising) -> None:
    """What was found, or in one sentence why nothing was."""
    finding = over.finding
    if finding is None:
        st.error(over.complaint or _("The fit ended without a result."), icon=":material/error:")
    elif not finding.enough or finding.before is None or finding.after is None:
        st.markdown(
            ngettext(
                "{count} recall so far; a fit needs {needed}.",
                "{count} recalls so far; a fit needs {needed}.",
                finding.recalls,
                needed=finding.needed,
            )
        )
    else:
        _show_finding(finding)


def _show_finding(finding: Finding) -> None:
    if finding.before is None or finding.after is None:
        return
    language = shell.language()
    usual, fitted = finding.before, finding.after
    st.markdown(
        _(
            "Judged on the {count} later recalls, each predicted from what came before it: log loss {usual} with the usual "
            "parameters, {fitted} with those fitted to you; less is better.",
            count=format_number(usual.recalls, language),
            usual=f"{usual.log_loss:.3f}",
            fitted=f"{fitted.log_loss:.3f}",
        )
    )
    st.markdown(
        _(
            "You recalled {recalled}; the usual parameters promised {usual}, the fitted ones {fitted}.",
            recalled=format_share(usual.recalled, language),
            usual=format_share(usual.expected, language),
            fitted=format_share(fitted.expected, language),
        )
    )
    if finding.better:
        st.button(_("Keep the fitted parameters"), key="fit-keep", type="primary", on_click=_keep, args=(finding,))
    else:
        st.markdown(_("That is no more than chance can give, so there is nothing to keep."))


def _keep(finding: Finding) -> None:
    with shell.sentences():
        optimising.keep(shell.store(), finding, shell.now())
        st.session_state.pop(FITTING, None)
        st.session_state[SAID] = _("Kept. Every question has its new date already.")


def _reset() -> None:
    with shell.sentences():
        optimising.reset(shell.store(), shell.now())
        st.session_state.pop(FITTING, None)
        st.session_state[SAID] = _("The usual parameters hold again.")
