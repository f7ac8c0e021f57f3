"""Progress, recall: what came back and was recalled, against the aim and by topic, and how far the learner's confidence holds."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from kb import history, study
from kb.bank import Bank
from kb.calibration import MIN_ANSWERS, Bin, Calibration, calibration
from kb.history import Week
from kb.i18n import format_date, format_share
from kb.retention import DAYS, Retention, true_retention
from kb.store import Store
from kb.study import Progress
from kb.views import shell
from kb.views.asking import confidence_name
from kb.views.progress_charts import named_bars, promises, recall_weeks, show_chart
from kb.views.rows import sentences
from kb.views.shell import _, ngettext


def show_recall(bank: Bank, store: Store, now: datetime, progress: Progress) -> None:
    """The weeks, the topics, the calibration."""
    desired = study.settings(store).desired_retention
    _show_weeks(history.weekly_recall(bank, store, now), progress, desired)
    _show_topics(true_retention(bank, store, now), desired)
    _show_calibration(calibration(bank, store, now))


def _show_weeks(weeks: Sequence[Week], progress: Progress, desired: float) -> None:
    """The share recalled in each week, against the retention that the schedule aims at."""
    language = shell.language()
    target = format_share(desired, language)
    tried = [week for week in weeks if week.recalls]
    if not tried:
        st.subheader(_("Recall by week"), anchor=False)
        first = next((day for day, count in progress.forecast if count), None)
        begins = _("The chart begins on {day}.", day=format_date(first, language)) if first else ""
        nothing = _("Nothing has come back yet. The schedule aims at {target}.", target=target)
        st.markdown(sentences(nothing, begins))
        return
    last = tried[-1]
    words = sentences(
        ngettext(
            "Since {day} {count} question came back and you recalled {share}.",
            "Since {day} {count} questions came back and you recalled {share}.",
            last.recalls,
            day=format_date(last.first, language, year=False),
            share=format_share(last.recalled / last.recalls, language),
        )
        if last is weeks[-1]
        else "",
        _("The schedule aims at {target}.", target=target),
        _compared(last.recalled / last.recalls, desired) if last.recalls >= MIN_ANSWERS else "",
    )
    data = (
        ("week_from", "recalls", "recalled"),
        *((week.first.isoformat(), week.recalls, week.recalled) for week in weeks),
    )
    show_chart(_("Recall by week"), recall_weeks(weeks, desired), words, "recall", data)


def _compared(share: float, desired: float) -> str:
    if share < desired - 0.05:
        return _("More slips than the schedule expects: fitting it to you, in the settings, may help.")
    return ""


def _show_topics(recalled: dict[str, Retention], desired: float) -> None:
    """The same by topic, over the last month."""
    if not recalled:
        return
    language = shell.language()
    known = [(topic, each.recalls, each.recalled / each.recalls) for topic, each in recalled.items()]
    worst = min(known, key=lambda each: each[2])
    words = _("Over {days} days; the mark is what the schedule aims at.", days=DAYS)
    if len(known) > 1:
        share = format_share(worst[2], language)
        words = sentences(words, _("Least recalled: {topic}, {share}.", topic=shell.topic_title(worst[0]), share=share))
    rows = [
        (
            shell.topic_title(topic),
            _("{share} of {count}", share=format_share(share, language), count=recalls),
            share,
        )
        for topic, recalls, share in known
    ]
    data = (
        ("topic", "recalls", "recalled"),
        *((topic, each.recalls, each.recalled) for topic, each in recalled.items()),
    )
    show_chart(_("Recall by topic"), named_bars(rows, 1, desired), words, "recall-by-topic", data)


def _show_calibration(found: Calibration) -> None:
    """How often the learner was right at each confidence, and the Brier score in a sentence."""
    heading = _("How far you can trust your confidence")
    predicted = _predicted(found)
    if found.brier is None:
        st.subheader(heading, anchor=False)
        missing = ngettext(
            "{count} more answer for which you say how sure you are, and a curve appears here.",
            "{count} more answers for which you say how sure you are, and a curve appears here.",
            MIN_ANSWERS - found.answers,
        )
        st.markdown(sentences(missing, predicted))
        return
    language = shell.language()
    bins = [each for each in found.bins if each.count]
    rows = []
    for each in bins:
        low, high = each.interval
        rows.append(
            {
                "said": confidence_name(each.confidence),
                "share": each.right / each.count,
                "low": low,
                "high": high,
                "expected": each.expected,
                "count": each.count,
                "last": each is bins[-1],
            }
        )
    words = sentences(*map(_kept, bins), _brier(found), predicted)
    data = (
        ("confidence", "answers", "right", "promised"),
        *((each.confidence, each.count, each.right, each.expected) for each in found.bins),
    )
    key = _(
        "The dot is how often you were right, the line through it how far chance alone could move it, the mark what the word "
        "promises: {promises}.",
        promises=" · ".join(
            f"{confidence_name(each.confidence)} {format_share(each.expected, language)}" for each in found.bins
        ),
    )
    show_chart(heading, promises(rows), words, "calibration", data, key)


def _kept(each: Bin) -> str:
    """Whether one confidence keeps what it promises."""
    language = shell.language()
    share = format_share(each.right / each.count, language)
    low, high = each.interval
    values = {"word": confidence_name(each.confidence), "share": share, "count": each.count}
    if high < each.expected:
        return _(
            "When you say “{word}”, you are right {share} of the time ({count} answers): less often than it promises.",
            **values,
        )
    if low > each.expected:
        return _(
            "When you say “{word}”, you are right {share} of the time ({count} answers): you know more than you think.",
            **values,
        )
    return _("When you say “{word}”, you are right {share} of the time ({count} answers).", **values)


def _brier(found: Calibration) -> str:
    """The Brier score, and what it is to be compared with."""
    if found.brier is None or found.always_same is None:
        return ""
    score, same = (f"{value:.2f}" for value in (found.brier, found.always_same))
    if found.brier < found.always_same:
        return _(
            "Brier score {score}, where 0 is perfect: your confidence tells more than always saying the same, {same}.",
            score=score,
            same=same,
        )
    return _(
        "Brier score {score}, where 0 is perfect: your confidence tells no more than always saying the same, {same}.",
        score=score,
        same=same,
    )


def _predicted(found: Calibration) -> str:
    if not found.predictions:
        return ""
    return ngettext(
        "{close} of {count} predicted figure was close to what the demo gave.",
        "{close} of {count} predicted figures were close to what the demo gave.",
        found.predictions,
        close=found.close,
    )
