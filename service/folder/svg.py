"""Plots as inline SVG: no script, no font, no file beside the page; every word is escaped.

Each takes series in one order, `colours` (label -> colour) among them, and returns one `<svg>`. What is uncertain is
hatched. Widths of words are estimated, on the wide side: the browser's font is not known here.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from unicodedata import combining, east_asian_width

WIDTH = 760
SIZE, STRONG = 12.5, 14
"""Heights of the fonts, as the page's style sets them."""
_NAMES = 220.0
_BAR = 22
_COLUMN, _GAP = 120.0, 12.0
_NARROW = frozenset("iljtfrI.,:;'’|!()[] -")
_BROAD = frozenset("mwMWQOGD@%—…&")

Counts = Mapping[str, int]


def text_width(words: str, size: float = SIZE) -> float:
    """Return about how wide some words are drawn."""
    return size * sum(map(_width, words))


def _width(character: str) -> float:
    """Return the width of a character in widths of an em: DejaVu Sans, the widest font that the page may get."""
    if combining(character):
        return 0
    if east_asian_width(character) in "WF" or character in _BROAD:
        return 1
    return 0.42 if character in _NARROW else 0.76 if character.isupper() else 0.65


def shorten(words: str, room: float) -> str:
    """Cut words at their end, with an ellipsis, until they fit into some room."""
    if text_width(words) <= room:
        return words
    while words and text_width(words) + SIZE > room:
        words = words[:-1]
    return words.rstrip() + "…"


def percent(share: float) -> str:
    """Return a share in whole percent; what is little is not called nothing, nor nearly all called all."""
    return "<1%" if 0 < share < 0.005 else ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _svg(height: float, title: str, parts: Sequence[str], hatch: str = "") -> str:
    pattern = (
        f'<defs><pattern id="{hatch}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path d="M1 0v6" stroke="#fff" stroke-width="2"/><path d="M2.5 0v6" stroke="#1f2933"/></pattern></defs>'
        if hatch
        else ""
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{pattern}{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", style: str = "", hint: str = "") -> str:
    cls = f' class="{style}"' if style else ""
    title = f"<title>{escape(hint)}</title>" if hint else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{cls}>{title}{escape(words)}</text>'


def _rect(x: float, y: float, width: float, height: float, colour: str, hint: str, hatch: str = "") -> str:
    place = f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'
    rect = f'<rect {place} fill="{escape(colour)}"><title>{escape(hint)}</title></rect>'
    return rect + (f'<rect {place} fill="url(#{hatch})" class="hatch"/>' if hatch else "")


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="rule"/>'


def legend(colours: Mapping[str, str], counts: Counts, unsure: Counts) -> str:
    """Return the labels with their colours, counts and shares, and what hatching means, as HTML."""
    whole = max(sum(counts.values()), 1)
    shown = [(f'style="background:{escape(colour)}"', label, counts.get(label, 0)) for label, colour in colours.items()]
    shown += [('class="hatched"', "uncertain", sum(unsure.values()))] if any(unsure.values()) else []
    items = (
        f"<span><i {mark}></i>{escape(label)} <b>{escape(percent(count / whole))}</b> ({count:,})</span>"
        for mark, label, count in shown
    )
    return f'<p class="legend">{"".join(items)}</p>'


def share_bar(counts: Counts, unsure: Counts, colours: Mapping[str, str]) -> str:
    """Draw one bar cut into shares, with share, label and count above each part that has room for them."""
    whole = max(sum(counts.values()), 1)
    parts, x = [], 0.0
    for label, colour in colours.items():
        count = counts.get(label, 0)
        width, share, told = WIDTH * count / whole, percent(count / whole), f"{label} {count:,}"
        if max(text_width(told), text_width(share, STRONG)) + 6 <= width:
            parts += [_text(x + 2, 14, share, style="strong"), _text(x + 2, 31, told)]
        elif text_width(share, STRONG) + 6 <= width:
            parts.append(_text(x + 2, 31, share, style="strong"))
        for part, hatch, what in _split(label, count, unsure):
            size = WIDTH * part / whole
            parts.append(_rect(x, 40, size, 44, colour, f"{what}: {part:,} ({percent(part / whole)})", hatch))
            x += size
    return _svg(86, "Shares of the stances", parts, "unsure" if any(unsure.values()) else "")


def _split(label: str, count: int, unsure: Counts) -> list[tuple[int, str, str]]:
    """Return the certain and the uncertain part of a count: size, hatching, and what it is."""
    doubted = unsure.get(label, 0)
    both = ((count - doubted, "", label), (doubted, "unsure", f"{label}, uncertain"))
    return [part for part in both if part[0]]


def stacked_rows(lines: Sequence[tuple[str, Counts]], colours: Mapping[str, str], title: str) -> str:
    """Draw a stacked bar for each line, as long as its count; the longest fills the width."""
    totals = [sum(counts.values()) for _, counts in lines]
    most = max(totals, default=1)
    left = min(max((text_width(name) for name, _ in lines), default=0.0), _NAMES) + 8
    room = WIDTH - left - max(text_width(f"{total:,}") for total in (most, *totals)) - 8
    parts: list[str] = []
    for number, (name, counts) in enumerate(lines):
        y, x = number * (_BAR + 6) + 2.0, left
        parts.append(_text(left - 8, y + 15, shorten(name, left - 8), anchor="end", hint=name))
        for label, colour in colours.items():
            count = counts.get(label, 0)
            if count:
                width = room * count / most
                parts.append(_rect(x, y, width, _BAR, colour, f"{name}, {label}: {count:,}"))
                x += width
        parts.append(_text(x + 6, y + 15, f"{totals[number]:,}", style="dim"))
    return _svg(len(lines) * (_BAR + 6) + 4, title, parts)


def stacked_columns(
    columns: Sequence[tuple[str, Counts]],
    colours: Mapping[str, str],
    title: str,
    *,
    below: str,
    unsure: Sequence[Counts] = (),
) -> str:
    """Draw a stacked column for each name over a scale; names are thinned out where they would touch.

    Args:
        columns: (name, label -> count).
        colours: label -> colour, bottom first.
        title: for those who cannot see it.
        below: what the horizontal axis is.
        unsure: of each column, label -> how many are uncertain; they stand at the bottom.
    """
    top, bottom = 12.0, 212.0
    most = max((sum(counts.values()) for _, counts in columns), default=1) or 1
    step = nice_step(most)
    ceiling = step * -(-most // step)
    names = [name for name, _ in columns]
    left = max(text_width(f"{ceiling:,}") + 14, *(text_width(name) / 2 for name in names[:1]))
    parts: list[str] = []
    for tick in range(0, ceiling + 1, step):
        y = bottom - (bottom - top) * tick / ceiling
        parts += [_line(left, y, WIDTH, y), _text(left - 6, y + 4, f"{tick:,}", anchor="end", style="dim")]
    width, every = spread(names, WIDTH - left)
    bar = min(width * 0.8, 60)
    for number, (name, counts) in enumerate(columns):
        middle, y = left + (number + 0.5) * width, bottom
        for label, count, hatch, what in _stack(counts, unsure[number] if unsure else {}, colours):
            height = (bottom - top) * count / ceiling
            y -= height
            parts.append(_rect(middle - bar / 2, y, bar, height, colours[label], f"{name}, {what}: {count:,}", hatch))
        if number % every == 0:
            parts.append(_text(middle, bottom + 19, name, anchor="middle", style="dim"))
    parts.append(_text(left, bottom + 39, below, style="dim"))
    return _svg(bottom + 46, title, parts, "unsure-columns" if unsure else "")


def _stack(counts: Counts, unsure: Counts, colours: Mapping[str, str]) -> list[tuple[str, int, str, str]]:
    """Return the parts of a column, bottom first: label, size, hatching, and what it is."""
    doubted = [(label, unsure.get(label, 0), "unsure-columns", f"{label}, uncertain") for label in colours]
    certain = [(label, counts.get(label, 0) - unsure.get(label, 0), "", label) for label in colours]
    return [part for part in (*doubted, *certain) if part[1]]


def spread(names: Sequence[str], room: float) -> tuple[float, int]:
    """Return how wide a column may be, so that the name of the last one fits below it, and each how manyth is named."""
    widest = max(map(text_width, names), default=0.0)
    count = max(len(names), 1)
    width = min(room / count, (room - widest / 2) / (count - 0.5), _COLUMN)
    return width, max(math.ceil((widest + _GAP) / width), 1)


def nice_step(most: int) -> int:
    """Return the distance of the ticks, 1, 2 or 5 times a power of ten, for about four of them."""
    rough, power = max(most, 1) / 4, 1
    while power * 10 <= rough:
        power *= 10
    return next((power * factor for factor in (1, 2, 5, 10) if power * factor >= rough), 1)
