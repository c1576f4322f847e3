"""Pictures: plain Vega-Lite specifications, drawn as SVG on the server, with nothing fetched.

Each function takes the figures as `publish` gives them. Shape, place and number carry the meaning; colour
only repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from staydown.core.states import ItemState
from staydown.plugs.reports.html.document import Pairs, Point, Spread, read
from staydown.plugs.reports.html.drawing import BLUE, GRID, ORANGE, SOFT, Spec, draw
from staydown.plugs.reports.html.words import Words

WIDE, NARROW = 720, 330
MOST_PROVIDERS = 15
"""More rows than this are summed into one; the table has them all."""
MOST_STEPS = 120
"""More steps of a curve than this cannot be told apart, on a screen or in a table."""

_TICKS_HOURS = (0, 1, 4, 12, 24, 72, 168, 336, 720, 1440)


def by_provider_and_state(figures: Mapping[str, object], words: Words, *, narrow: bool = False) -> str:
    """Items by provider (rows) and state (columns), each number beside its bar."""
    found = foremost(read(figures).by_provider_and_state, words)
    states = states_of(found)
    most = max((n for part in found.values() for n in part.values()), default=0)
    values = [
        {
            "provider": provider,
            "state": words.item_state(state),
            "n": part.get(state, 0),
            "label": words.number(part[state]) if part.get(state) else "",
        }
        for provider, part in found.items()
        for state in states
    ]
    columns = min(len(states), 3 if narrow else 7) or 1
    labels, gap = min(max(map(len, found), default=0) * 7 + 14, 96 if narrow else 150), 12
    width = ((NARROW if narrow else WIDE) - labels - gap * (columns - 1) - 8) / columns
    beside = len(words.number(most)) * 7 + 10  # what the number takes beside the longest bar
    y = {"field": "provider", "type": "nominal", "sort": list(found), "title": None}
    x = {
        "field": "n",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, max(most, 1) * width / max(width - beside, 12)], "nice": False},
    }
    quiet = {"domain": False, "ticks": False, "labelLimit": labels - 8, "labelPadding": 6}
    spec: Spec = {
        "data": {"values": values},
        "facet": {
            "field": "state",
            "type": "nominal",
            "sort": [words.item_state(state) for state in states],
            "title": None,
            "header": {"labelAnchor": "start", "labelPadding": 5},
        },
        "columns": columns,
        "spacing": {"row": 14, "column": gap},
        "spec": {
            "width": width,
            "height": {"step": 23},
            "encoding": {"y": {**y, "axis": quiet}, "x": x},
            "layer": [
                {"mark": {"type": "rule", "color": GRID}, "encoding": {"x": {"datum": 0}, "y": None}},
                {"mark": {"type": "bar", "height": 14, "color": BLUE}},
                {
                    "mark": {"type": "text", "align": "left", "dx": 4},
                    "encoding": {"text": {"field": "label"}},
                },
            ],
        },
    }
    return draw(spec, words, words.say("Bars: items by provider and state. The table has the same numbers."))


def removals_by_day(figures: Mapping[str, object], words: Words, *, narrow: bool = False) -> str:
    """Verified removals by day, as bars over a calendar."""
    days = read(figures).removals_by_day
    values = [{"day": day.isoformat(), "n": n} for day, n in days.items()]
    x = {
        "field": "day",
        "type": "temporal",
        "timeUnit": "utcyearmonthdate",
        "title": None,
        "scale": {"type": "utc"},
        "axis": {
            "format": "%-d %b",
            "grid": False,
            "labelOverlap": True,
            "tickCount": 4 if narrow else 9,
            "labelFlush": True,
        },
    }
    y = {
        "field": "n",
        "type": "quantitative",
        "title": words.say("items verified offline"),
        "axis": {"tickMinStep": 1, "tickCount": 5, "domain": False, "ticks": False, "format": ",d"},
    }
    spec: Spec = {
        "data": {"values": values},
        "width": _inner(narrow),
        "height": 200,
        "mark": {"type": "bar", "color": BLUE},
        "encoding": {"x": x, "y": y},
    }
    return draw(
        spec, words, words.say("Bars: items verified offline, by day. The table has the same numbers.")
    )


def hours_by_provider(figures: Mapping[str, object], words: Words, *, narrow: bool = False) -> str:
    """Median (disc) and 90th percentile (diamond) of the hours to removal, by provider."""
    spreads = quickest(read(figures).hours_by_provider)
    median, p90 = words.say("median"), words.say("90th percentile")
    ends = [
        {"provider": name, "median": one.median, "p90": one.p90}
        for name, one in list(spreads.items())[:MOST_PROVIDERS]
    ]
    marks = [
        {"provider": row["provider"], "what": what, "hours": row[field]}
        for row in ends
        for what, field in ((median, "median"), (p90, "p90"))
    ]
    longest = max((one.p90 or 0 for one in spreads.values()), default=1)
    y = {
        "field": "provider",
        "type": "nominal",
        "sort": [row["provider"] for row in ends],
        "title": None,
        "axis": {"domain": False, "ticks": False, "grid": True, "labelLimit": 110, "labelPadding": 8},
    }
    x = {
        "type": "quantitative",
        "title": words.say("hours, on a logarithmic scale"),
        "scale": {"type": "symlog", "constant": 1, "domain": [0, max(longest * 1.15, 4)], "nice": False},
        "axis": {
            "values": [tick for tick in _TICKS_HOURS if tick <= max(longest * 1.15, 4)],
            "format": ",d",
            "labelOverlap": True,
        },
    }
    legend = {"title": None, "orient": "top", "direction": "horizontal", "symbolStrokeWidth": 1.5}
    spec: Spec = {
        "width": _inner(narrow) - 40,
        "height": {"step": 27},
        "layer": [
            {
                "data": {"values": ends},
                "mark": {"type": "rule", "color": SOFT, "strokeWidth": 1.5},
                "encoding": {"y": y, "x": {**x, "field": "median"}, "x2": {"field": "p90"}},
            },
            {
                "data": {"values": marks},
                "mark": {"type": "point", "filled": True, "size": 95, "opacity": 1},
                "encoding": {
                    "y": y,
                    "x": {**x, "field": "hours"},
                    "shape": {
                        "field": "what",
                        "type": "nominal",
                        "scale": {"domain": [median, p90], "range": ["circle", "diamond"]},
                        "legend": legend,
                    },
                    "color": {
                        "field": "what",
                        "type": "nominal",
                        "scale": {"domain": [median, p90], "range": [BLUE, ORANGE]},
                    },
                },
            },
        ],
    }
    return draw(
        spec,
        words,
        words.say(
            "Hours from receipt to verified removal by provider: a disc for the median, a diamond for the "
            "90th percentile. The table has the same numbers."
        ),
    )


def survival(figures: Mapping[str, object], words: Words, *, narrow: bool = False) -> str:
    """The Kaplan-Meier curve of removals without a return, with the number at risk under it."""
    curve = thinned(read(figures).survival)
    steps = [{"order": place, "days": p.days, "share": p.share} for place, p in enumerate(curve)]
    longest = max((point.days for point in curve), default=0.0) or 1.0
    watched = [
        {"days": point.days, "at_risk": words.number(point.at_risk)}
        for point in spread_out(curve, 4 if narrow else 7)
    ]
    x = {
        "field": "days",
        "type": "quantitative",
        "title": words.say("days since the verified removal"),
        "scale": {"domain": [0, longest * 1.02], "nice": False},
        "axis": {"grid": False, "tickCount": 5 if narrow else 9, "tickMinStep": 1},
    }
    y = {
        "field": "share",
        "type": "quantitative",
        "title": words.say("without a return"),
        "scale": {"domain": [0, 1]},
        "axis": {"format": ".0%", "tickCount": 5, "domain": False, "ticks": False},
    }
    width = _inner(narrow)
    line: Spec = {
        "data": {"values": steps},
        "width": width,
        "height": 220,
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.25, "color": BLUE},
        "encoding": {"x": x, "y": y, "order": {"field": "order", "type": "quantitative"}},
    }
    row: Spec = {
        "data": {"values": watched},
        "title": {
            "text": words.say("number at risk"),
            "anchor": "start",
            "fontSize": 12.5,
            "fontWeight": "normal",
            "color": SOFT,
            "offset": 4,
        },
        "width": width,
        "height": 18,
        "mark": {"type": "text"},
        "encoding": {"x": {**x, "axis": None}, "text": {"field": "at_risk"}},
    }
    return draw(
        {"vconcat": [line, row], "spacing": 10},
        words,
        words.say(
            "Step line: the share of removed items without a confirmed return, by days since the removal, with "
            "the number at risk. The table has the same numbers."
        ),
    )


def _inner(narrow: bool) -> int:
    return (NARROW if narrow else WIDE) - 62


def foremost(table: Mapping[str, Pairs], words: Words) -> dict[str, Pairs]:
    """Providers by their number of items, the most first; beyond `MOST_PROVIDERS` they are summed."""
    ordered = sorted(table.items(), key=lambda row: (-sum(row[1].values()), row[0]))
    if len(ordered) <= MOST_PROVIDERS:
        return dict(ordered)
    summed: dict[str, int] = {}
    rest = ordered[MOST_PROVIDERS - 1 :]
    for _, part in rest:
        for state, n in part.items():
            summed[state] = summed.get(state, 0) + n
    name = words.say("%(n)s others", n=words.number(len(rest)))
    return {**dict(ordered[: MOST_PROVIDERS - 1]), name: summed}


def states_of(table: Mapping[str, Pairs]) -> list[str]:
    """The states that occur, in the order of an item's life; unknown ones last."""
    occur = {state for part in table.values() for state, n in part.items() if n}
    known = [state.value for state in ItemState if state.value in occur]
    return known + sorted(occur - set(known))


def quickest(spreads: Mapping[str, Spread]) -> dict[str, Spread]:
    """Providers with a median, the quickest first."""
    there = {name: one for name, one in spreads.items() if one.median is not None}
    return dict(sorted(there.items(), key=lambda row: (row[1].median or 0.0, row[0])))


def thinned(curve: Sequence[Point]) -> list[Point]:
    """At most `MOST_STEPS` steps of a curve, evenly chosen, the first and the last among them."""
    if len(curve) <= MOST_STEPS:
        return list(curve)
    last = len(curve) - 1
    return [curve[place * last // (MOST_STEPS - 1)] for place in range(MOST_STEPS)]


def spread_out(curve: Sequence[Point], most: int) -> list[Point]:
    """At most `most` steps of the curve that stand well apart, the first and the last among them.

    The numbers at risk are known at the steps alone, so they are shown there and nowhere between.
    """
    if not curve:
        return []
    apart = (curve[-1].days - curve[0].days) / most
    chosen = [curve[0]]
    for point in curve[1:-1]:
        if point.days - chosen[-1].days >= apart and curve[-1].days - point.days >= apart:
            chosen.append(point)
    return [*chosen, curve[-1]] if curve[-1].days > chosen[-1].days else chosen
