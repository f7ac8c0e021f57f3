"""The runs of the Lab: started as the values change, waited for a moment, then followed with a way to cancel.

A light demo runs at once and is usually over before the page is drawn; one that trains a model runs when asked to.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field

import streamlit as st

from demos import DemoError, Outcome, describe
from demos._runner import Run
from kb import marks
from kb.errors import KbError
from kb.i18n import format_seconds
from kb.views import shell
from kb.views.evidence import outcome_of
from kb.views.lab_form import Setting
from kb.views.shell import _

PATIENCE_S = 0.8
"""So long the page waits for a run before it is drawn without its result; most runs are over by then."""

POLL_S = 0.3
CANCEL_AFTER_S = 1.0


@dataclass
class Trial:
    """A run of one setting, or why it could not begin."""

    setting: Setting
    run: Run | DemoError
    since: float = field(default_factory=time.monotonic)

    @property
    def outcome(self) -> Outcome | DemoError | None:
        """What the run gave, or why it gave nothing; None while it goes on."""
        return outcome_of(self.run)


@dataclass
class Bench:
    """What one session has on the Lab's bench for one demo: the present trial, the one kept beside it, the last result."""

    demo: str
    now: Trial | None = None
    kept: Setting | None = None
    kept_trial: Trial | None = None
    last: Outcome | None = None
    redraws: bool = False
    noted: bool = False

    def follow(self, setting: Setting) -> None:
        """Makes the present trial one of this setting; a slow demo waits until it is asked to run."""
        if self.now is not None and self.now.setting == setting:
            return
        self.stop()
        self.now = None if describe(self.demo).slow else start(setting)

    def run(self, setting: Setting, *, fresh: bool = False) -> None:
        """Runs the setting, also a slow demo or one that was cancelled; `fresh` measures anew."""
        self.stop()
        self.now = start(setting, fresh=fresh)

    def stop(self) -> None:
        """Ends the present run, if it goes on and is not the one kept: nobody waits for it any more."""
        trial = self.now
        if trial is not None and trial is not self.kept_trial and isinstance(trial.run, Run) and not trial.run.done():
            trial.run.cancel()

    def note(self) -> None:
        """Notes in the learner's log that this demo was run, once; what is wrong with the log, other pages say."""
        if not self.noted:
            self.noted = True
            with suppress(KbError):
                marks.note_demo_run(shell.store(), self.demo, shell.now())

    def draw_again(self) -> None:
        """Draws the whole page again, as it stands."""
        self.redraws = True
        st.rerun()

    def drawn_again(self) -> bool:
        """Whether this run of the page comes from `draw_again`; then its address may be older than its controls.

        Such a run carries the address of the request that led to it, which the browser may have sent before it heard
        of the values that have moved since.
        """
        redraws, self.redraws = self.redraws, False
        return redraws

    def keep(self, setting: Setting | None) -> None:
        """Keeps a setting beside the present one, or none."""
        self.kept = setting
        self.kept_trial = None

    def follow_kept(self) -> Trial | None:
        """The trial of the setting that is kept."""
        if self.kept is not None and self.kept_trial is None:
            same = self.now is not None and self.now.setting == self.kept
            self.kept_trial = self.now if same else start(self.kept)
        return self.kept_trial


def bench(demo: str) -> Bench:
    """The bench of this session; another demo clears it."""
    known = st.session_state.get("lab-bench")
    if not isinstance(known, Bench) or known.demo != demo:
        if isinstance(known, Bench):
            known.stop()
        known = st.session_state["lab-bench"] = Bench(demo)
    return known


def start(setting: Setting, *, fresh: bool = False) -> Trial:
    """The trial, begun, or with the reason why it cannot begin."""
    try:
        run = shell.submit(setting.demo, setting.params, setting.device, setting.seed, fresh=fresh)
    except DemoError as error:
        return Trial(setting, error)
    return Trial(setting, run)


def wait_a_moment(*trials: Trial | None) -> None:
    """Returns when the trials are over, at the latest after `PATIENCE_S`."""
    deadline = time.monotonic() + PATIENCE_S
    for trial in trials:
        while trial is not None and trial.outcome is None and time.monotonic() < deadline:
            time.sleep(0.005)


def show_waiting(on_bench: Bench, trial: Trial, which: str = "now") -> None:
    """One line that says what goes on and for how long, with Cancel; the page is drawn again when it is over."""

    @st.fragment(run_every=POLL_S)
    def waiting() -> None:
        if trial.outcome is not None:
            on_bench.draw_again()
        run = trial.run
        seconds = time.monotonic() - trial.since
        spoken = format_seconds(seconds, shell.language())
        limit = format_seconds(run.timeout_s, shell.language()) if isinstance(run, Run) else ""
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.caption(
                _("Runs on this computer for {time} now; it may take {limit} at most.", time=spoken, limit=limit),
                width="stretch",
            )
            if seconds >= CANCEL_AFTER_S and isinstance(run, Run):
                st.button(_("Cancel"), key=f"lab-cancel-{which}", icon=":material/stop_circle:", on_click=run.cancel)

    waiting()
