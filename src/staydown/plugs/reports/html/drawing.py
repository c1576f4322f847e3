"""How a picture is drawn: the engine, the look that all pictures share, and their names for those who cannot see.

Blue and orange stay apart for every sort of colour vision, and both reach 4.5 : 1 on white.
"""

from __future__ import annotations

import re
from hashlib import sha256
from html import escape

from staydown.core.errors import Outside
from staydown.plugs.reports.html.words import Words

Spec = dict[str, object]

BLUE, ORANGE, INK, SOFT, GRID = "#1f4e79", "#a8480a", "#22262b", "#565d66", "#e3e1dc"
_CONFIG: Spec = {
    "aria": False,
    "background": "white",
    "font": "sans-serif",
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "domainColor": SOFT,
        "gridColor": GRID,
        "labelColor": INK,
        "labelFontSize": 12.5,
        "tickColor": SOFT,
        "titleColor": SOFT,
        "titleFontSize": 12.5,
        "titleFontWeight": "normal",
    },
    "header": {"labelColor": INK, "labelFontSize": 12.5, "labelFontWeight": "bold"},
    "legend": {"labelColor": INK, "labelFontSize": 12.5, "symbolSize": 80},
    "text": {"color": INK, "fontSize": 12},
}


def draw(spec: Spec, words: Words, name: str) -> str:
    """Draw a specification as SVG text that stands inside a page or in a file of its own.

    Args:
        name: What a person who cannot see it is told.

    Raises:
        Outside: The drawing engine refuses the specification.
    """
    import vl_convert

    try:
        drawn = vl_convert.vegalite_to_svg(
            {**spec, "$schema": "https://vega.github.io/schema/vega-lite/v6.json"},
            vl_version="6.4",
            config=_CONFIG,
            allowed_base_urls=[],  # the data stand in the specification; nothing is ever fetched
            format_locale=words.number_format(),
            time_format_locale=words.time_format(),
        )
    except ValueError as error:
        raise Outside(f"a picture cannot be drawn: {error}", permanent=True) from error
    return _named(str(drawn), name)


def _named(svg: str, name: str) -> str:
    """The picture with an accessible name, and ids that no other picture on the page has."""
    prefix = f"p{sha256(svg.encode()).hexdigest()[:8]}-"
    unique = re.sub(
        r"<[^>]*>", lambda tag: re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{prefix}", tag.group()), svg
    )
    return unique.replace("<svg ", f'<svg role="img" aria-label="{escape(name)}" ', 1)
