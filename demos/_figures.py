"""The look that all figures share: colour-blind safe colours, sizes, and a Vega-Lite `config` for light and dark.

Colours: Okabe and Ito 2008, https://jfly.uni-koeln.de/color/. A demo takes its colours from here and leaves fonts, sizes
and backgrounds to `config`, so that one figure serves the app, the README and an export. This module imports nothing heavy.
"""

from typing import Any

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)

WIDTH = 560
HEIGHT = 280
PANEL = 150  # each of several panels: two fit beside each other on a phone

LIGHT = {"ink": "#1F2328", "quiet": "#5B6470", "line": "#DDD9CF", "paper": "#FBFAF7"}
DARK = {"ink": "#E7E9EC", "quiet": "#9AA4B0", "line": "#2C333B", "paper": "#14171B"}
FONT = "Source Sans, Source Sans 3, Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif"


def config(dark: bool = False) -> dict[str, Any]:
    """The Vega-Lite `config` of every figure, for a light or a dark page; the background stays transparent."""
    tone = DARK if dark else LIGHT
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None, "continuousWidth": WIDTH, "continuousHeight": HEIGHT, "discreteWidth": PANEL},
        "range": {"category": list(PALETTE), "heatmap": {"scheme": "blues"}, "ramp": {"scheme": "blues"}},
        "axis": {
            "labelColor": tone["quiet"],
            "titleColor": tone["ink"],
            "titleFontWeight": "normal",
            "labelFontSize": 12,
            "titleFontSize": 13,
            "labelSeparation": 6,
            "gridColor": tone["line"],
            "domainColor": tone["line"],
            "tickColor": tone["line"],
        },
        "header": {"labelColor": tone["ink"], "titleColor": tone["ink"], "labelFontSize": 12, "titleFontSize": 13},
        "legend": {"labelColor": tone["ink"], "titleColor": tone["quiet"], "labelFontSize": 12, "orient": "top"},
        "title": {"color": tone["ink"], "fontSize": 14, "fontWeight": "normal", "anchor": "start"},
        "mark": {"aria": False},  # a figure is told as a whole, in words beside it, and not mark by mark
        "text": {"color": tone["ink"], "fontSize": 12},
        "rule": {"color": tone["quiet"]},
        "line": {"strokeWidth": 2.5},
        "point": {"size": 50, "filled": True},
    }
