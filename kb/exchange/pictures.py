"""Figures of demos as pictures. Leaves out what a figure shows: it is Vega-Lite, made by its demo."""

from collections.abc import Mapping
from typing import Any

import vl_convert


def png(figure: Mapping[str, Any], config: Mapping[str, Any]) -> bytes:
    """The PNG picture of a Vega-Lite figure in this look, on white, at twice its size so that it is sharp on every screen."""
    # a font of the app with a digit in its name, such as Source Sans 3, would leave a picture without any text
    look = {**config, "font": "sans-serif", "background": "white"}
    return bytes(vl_convert.vegalite_to_png({**figure, "config": look}, scale=2))
