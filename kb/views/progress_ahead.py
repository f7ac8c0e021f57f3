"""Progress, the weeks ahead: what will still be recalled of what was seen so far, with its reviews and without them."""

from collections.abc import Sequence
from datetime import datetime

from demos._figures import BLUE, VERMILION
from kb.bank import Bank
from kb.forecasting import WeekAhead, expected_retention
from kb.i18n import format_number, format_share
from kb.store import Store
from kb.views import shell
from kb.views.progress_charts import HEIGHT, Spec, labelled, short, show_chart
from kb.views.rows import sentences
from kb.views.shell import _


def show_ahead(bank: Bank, store: Store, now: datetime) -> None:
    """Two lines over the coming weeks; nothing where no question was seen."""
    weeks = expected_retention(bank, store, now)
    if not weeks:
        return
    last, language = weeks[-1], shell.language()
    words = sentences(
        _(
            "Of what you have seen, you will recall about {share} in {weeks} weeks if you answer what comes back, {stopped} if "
            "you stop today.",
            share=format_share(last.recall, language),
            weeks=len(weeks),
            stopped=format_share(last.if_stopped, language),
        ),
        _(
            "That takes about {reviews} reviews a week.",
            reviews=format_number(round(sum(week.reviews for week in weeks) / len(weeks)), language),
        ),
    )
    data = (
        ("day", "recall", "if_stopped", "reviews"),
        *(
            (week.day.isoformat(), round(week.recall, 4), round(week.if_stopped, 4), round(week.reviews, 1))
            for week in weeks
        ),
    )
    show_chart(_("What you will still know"), _lines(weeks), words, "weeks-ahead", data)


def _lines(weeks: Sequence[WeekAhead]) -> Spec:
    names = {week.day.isoformat(): short(week.day) for week in weeks}
    rows = [
        {"day": week.day.isoformat(), "label": short(week.day), "recall": week.recall, "stopped": week.if_stopped}
        for week in weeks
    ]
    lowest = min(week.if_stopped for week in weeks)
    x = {"field": "day", "type": "ordinal", "axis": {"title": None, "values": list(names)[1::2], **labelled(names)}}
    scale = {"domain": [max(0.0, round(lowest - 0.15, 1)), 1.0]}
    axis = {
        "title": _("recalled"),
        "titlePadding": 10,
        "format": ".0%",
        "tickCount": 4,
        "domain": False,
        "ticks": False,
    }

    def line(field: str, colour: str, said: str, above: int) -> list[Spec]:
        y = {"field": field, "type": "quantitative", "scale": scale, "axis": axis}
        tooltip = [{"field": "label", "title": _("day")}, {"field": field, "title": said, "format": ".0%"}]
        point = {"color": colour, "opacity": 1, "size": 40}
        return [
            {
                "mark": {"type": "line", "color": colour, "point": point},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
            {
                "data": {"values": [{**rows[-1], "said": said}]},
                "mark": {"type": "text", "align": "right", "dx": 4, "dy": above, "color": colour},
                "encoding": {"x": x, "y": y, "text": {"field": "said"}},
            },
        ]

    layers = [
        *line("recall", BLUE, _("with reviews"), -13),
        *line("stopped", VERMILION, _("if you stop"), 15),
    ]
    return {"data": {"values": rows}, "height": HEIGHT, "layer": layers}
