"""How does a week look in an email? One small PNG of what shipped on each day, since mail programs show no SVG; the words beside it say the same."""

from typing import Any

from jarvis_lib.doors.delivery.letter import Letter

INK, MUTED, BAR, EARLIER, BAND = "#1b1f24", "#57606a", "#0a5dab", "#7fa8d1", "#e8edf3"
WIDTH, HEIGHT, SCALE = 544, 96, 1.5


def week_png(letter: Letter) -> bytes | None:
    """The picture, or None where there is nothing to draw or nothing to draw with: the letter says the same in words."""
    if not any(count for _, count in letter.week):
        return None
    try:
        import vl_convert

        drawn: bytes = vl_convert.vegalite_to_png(_spec(letter), scale=SCALE)
    except (ImportError, ValueError):
        return None
    return drawn


def _spec(letter: Letter) -> dict[str, Any]:
    """Bars of a day with their number on top, over the band of the goal; the newest day is last."""
    low, high = letter.goal
    rows = [{"n": n, "day": day, "shipped": count, "last": n == len(letter.week) - 1} for n, (day, count) in enumerate(letter.week)]
    top = max([high, *(count for _, count in letter.week)]) + 0.6
    names = " : ".join([*(f"datum.value === {r['n']} ? '{r['day']}'" for r in rows), "''"])
    axis = {"labelExpr": names, "labelAngle": 0, "labelColor": INK, "labelFontSize": 12, "labelPadding": 6, "ticks": False, "domainColor": MUTED, "title": None}
    x = {"field": "n", "type": "ordinal", "axis": axis, "scale": {"paddingInner": 0.5, "paddingOuter": 0.25}}
    y = {"type": "quantitative", "axis": None, "scale": {"domain": [0, top]}}
    shade = {"condition": {"test": "datum.last", "value": BAR}, "value": EARLIER}
    bars = {"mark": "bar", "encoding": {"x": x, "y": y | {"field": "shipped"}, "color": shade}}
    numbers = {
        "mark": {"type": "text", "dy": -9, "fontSize": 13, "color": INK},
        "encoding": {"x": x, "y": y | {"field": "shipped"}, "text": {"field": "shipped", "type": "quantitative"}},
    }
    goal = {"y": y | {"field": "low"}, "y2": {"field": "high"}}
    band = {"data": {"values": [{"low": low, "high": high}]}, "mark": {"type": "rect", "color": BAND}, "encoding": goal}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "#ffffff",
        "width": WIDTH,
        "height": HEIGHT,
        "padding": {"left": 0, "right": 0, "top": 4, "bottom": 4},
        "config": {"view": {"stroke": None}, "font": "DejaVu Sans, Arial, sans-serif"},
        "data": {"values": rows},
        "layer": [band, bars, numbers],
    }
