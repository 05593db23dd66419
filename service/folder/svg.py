"""Plots as inline SVG: no script, no font, no file beside the page; every word is escaped.

Each takes series in one order, `colours` (label -> colour) among them, and returns one `<svg>`.
"""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 760
_LABEL = 190
_BAR = 22


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", style: str = "") -> str:
    cls = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{cls}>{escape(words)}</text>'


def _rect(x: float, y: float, width: float, height: float, colour: str, hint: str) -> str:
    size = f'width="{max(width, 0):.2f}" height="{max(height, 0):.2f}"'
    return f'<rect x="{x:.2f}" y="{y:.2f}" {size} fill="{escape(colour)}"><title>{escape(hint)}</title></rect>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="rule"/>'


def legend(colours: Mapping[str, str]) -> str:
    """Return the labels with their colours, as HTML."""
    marks = (f'<span><i style="background:{escape(c)}"></i>{escape(label)}</span>' for label, c in colours.items())
    return f'<p class="legend">{"".join(marks)}</p>'


def share_bar(counts: Mapping[str, int], colours: Mapping[str, str]) -> str:
    """Draw one bar cut into shares, with share and count above each part that has room."""
    whole = max(sum(counts.values()), 1)
    parts, x = [], 0.0
    for label, colour in colours.items():
        width = WIDTH * counts.get(label, 0) / whole
        share = counts.get(label, 0) / whole
        parts.append(_rect(x, 40, width, 44, colour, f"{label}: {counts.get(label, 0):,} ({share:.1%})"))
        if width > 78:
            parts.append(_text(x + 2, 14, f"{share:.0%}", style="strong"))
            parts.append(_text(x + 2, 31, f"{label} {counts.get(label, 0):,}"))
        elif width > 34:
            parts.append(_text(x + 2, 31, f"{share:.0%}", style="strong"))
        x += width
    return _svg(86, "Shares of the stances", parts)


def stacked_rows(lines: Sequence[tuple[str, Mapping[str, int]]], colours: Mapping[str, str], title: str) -> str:
    """Draw a stacked bar for each line, as long as its count; the longest fills the width."""
    most = max((sum(counts.values()) for _, counts in lines), default=1)
    room = WIDTH - _LABEL - 60
    parts: list[str] = []
    for number, (name, counts) in enumerate(lines):
        y, x = number * (_BAR + 6) + 2.0, float(_LABEL)
        shown = name if len(name) <= 30 else name[:29] + "…"
        parts.append(_text(_LABEL - 8, y + 15, shown, anchor="end"))
        for label, colour in colours.items():
            count = counts.get(label, 0)
            if count:
                width = room * count / most
                parts.append(_rect(x, y, width, _BAR, colour, f"{name}, {label}: {count:,}"))
                x += width
        parts.append(_text(x + 6, y + 15, f"{sum(counts.values()):,}", style="dim"))
    return _svg(len(lines) * (_BAR + 6) + 4, title, parts)


def stacked_columns(
    columns: Sequence[tuple[str, Mapping[str, int]]], colours: Mapping[str, str], title: str, *, below: str = ""
) -> str:
    """Draw a stacked column for each name over a scale; names are thinned out where they would touch.

    Args:
        columns: (name, label -> count).
        colours: label -> colour, bottom first.
        title: for those who cannot see it.
        below: what the horizontal axis is.
    """
    top, bottom, left = 12.0, 212.0, 46.0
    most = max((sum(counts.values()) for _, counts in columns), default=1) or 1
    step = nice_step(most)
    ceiling = step * -(-most // step)
    parts: list[str] = []
    for tick in range(0, ceiling + 1, step):
        y = bottom - (bottom - top) * tick / ceiling
        parts += [_line(left, y, WIDTH, y), _text(left - 6, y + 4, f"{tick:,}", anchor="end", style="dim")]
    width = (WIDTH - left) / max(len(columns), 1)
    bar = min(width * 0.8, 60)
    every = -(-max((len(name) for name, _ in columns), default=1) * 7 // max(int(width), 1)) or 1
    for number, (name, counts) in enumerate(columns):
        x, y = left + number * width + (width - bar) / 2, bottom
        for label, colour in colours.items():
            count = counts.get(label, 0)
            if count:
                height = (bottom - top) * count / ceiling
                y -= height
                parts.append(_rect(x, y, bar, height, colour, f"{name}, {label}: {count:,}"))
        if number % every == 0:
            parts.append(_text(x + bar / 2, bottom + 17, name, anchor="middle", style="dim"))
    if below:
        parts.append(_text((WIDTH + left) / 2, bottom + 37, below, anchor="middle", style="dim"))
    return _svg(bottom + (44 if below else 24), title, parts)


def nice_step(most: int) -> int:
    """Return the distance of the ticks, 1, 2 or 5 times a power of ten, for about four of them."""
    rough, power = max(most, 1) / 4, 1
    while power * 10 <= rough:
        power *= 10
    return next((power * factor for factor in (1, 2, 5, 10) if power * factor >= rough), 1)
