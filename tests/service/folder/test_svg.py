import re
from itertools import pairwise

import pytest

from service.folder.report import COLOURS, OTHERS
from service.folder.svg import (
    SIZE,
    STRONG,
    WIDTH,
    legend,
    nice_step,
    percent,
    share_bar,
    shorten,
    stacked_columns,
    stacked_rows,
    text_width,
)

TEXT = re.compile(
    r'<text x="([\d.-]+)" y="([\d.-]+)" text-anchor="(\w+)"(?: class="(\w+)")?>(?:<title>.*?</title>)?(.*?)<'
)
AB = {"a": "#27457a", "supportive": "#1f7f63"}


def places(svg):
    """Return (line, start, end, words) of every text of a plot."""
    found = []
    for x, y, anchor, style, words in TEXT.findall(svg):
        width = text_width(words.replace("&lt;", "<"), STRONG if style == "strong" else SIZE)
        start = float(x) - {"start": 0, "middle": width / 2, "end": width}[anchor]
        found.append((float(y), start, start + width, words))
    return sorted(found)


def assert_legible(svg):
    """Every text lies within the plot, and none touches the next on its line."""
    texts = places(svg)
    assert texts
    assert all(start >= -0.1 and end <= WIDTH + 0.1 for _, start, end, _ in texts)
    assert all(a[0] != b[0] or a[2] + 2 <= b[1] for a, b in pairwise(texts))
    return [words for *_, words in texts]


@pytest.mark.parametrize("counts", [(104, 104, 104, 688), (600, 106, 140, 154), (1, 1, 1, 3000), (1, 0, 0, 0)])
def test_labels_of_shares_never_touch_and_the_legend_has_them_all(counts):
    given = dict(zip(COLOURS, counts, strict=True))
    bar = share_bar(given, {}, COLOURS)
    assert_legible(bar)
    assert "hatch" not in bar
    shown = legend(COLOURS, given, {})
    assert all(f"({count:,})" in shown for count in counts)
    assert "uncertain" not in shown


def test_uncertain_parts_are_hatched_and_counted():
    bar = share_bar({"a": 6, "supportive": 4}, {"a": 2}, AB)
    assert re.findall(r"<title>([^<]*\))</title>", bar) == [
        "a: 4 (40%)",
        "a, uncertain: 2 (20%)",
        "supportive: 4 (40%)",
    ]
    assert bar.count('class="hatch"') == 1
    assert "uncertain <b>20%</b> (2)" in legend(AB, {"a": 6, "supportive": 4}, {"a": 2})
    columns = stacked_columns([("0.6", {"a": 6})], AB, "t", below="x", unsure=[{"a": 2}])
    assert re.findall(r"<title>(0[^<]*)</title>", columns) == ["0.6, a, uncertain: 2", "0.6, a: 4"]


@pytest.mark.parametrize(("share", "told"), [(0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.999, ">99%"), (1, "100%")])
def test_percent_calls_little_not_nothing(share, told):
    assert percent(share) == told


@pytest.mark.parametrize(
    "name", ["Sir Bartholomew Featherstonehaugh-Cholmondeley of Wolverhampton", "王" * 60, "WMWM" * 20]
)
def test_a_long_name_is_cut_at_its_end_and_whole_in_its_title(name):
    plot = stacked_rows([(name, {"a": 3}), ("Bo", {"a": 1_234_567})], AB, "t")
    words = assert_legible(plot)
    (cut,) = [each for each in words if each.endswith("…")]
    assert len(cut) > 8
    assert name.startswith(cut[:-1])
    assert f"<title>{name}</title>" in plot


def test_what_fits_is_not_cut():
    assert shorten("Anna Berg", 200) == "Anna Berg"


@pytest.mark.parametrize("count", [1, 2, 7, 31, 32, 60, 124])
@pytest.mark.parametrize("name", ["15 Aug", "30 Sep 2025", "2025"])
@pytest.mark.parametrize("most", [1, 900_000])
def test_names_of_columns_never_touch_and_the_last_fits(count, name, most):
    plot = stacked_columns([(name, {"a": most})] * count, AB, "t", below="day")
    named = assert_legible(plot).count(name)
    assert named >= min(count, 4)


def test_every_nth_column_is_named():
    plot = stacked_columns([(f"{n:05}", {"a": 1}) for n in range(60)], AB, "t", below="day")
    names = [int(words) for words in assert_legible(plot) if re.fullmatch(r"\d{5}", words)]
    steps = {b - a for a, b in pairwise(names)}
    assert names[0] == 0
    assert len(steps) == 1


def lightness(colour):
    """CIE L*, 0 to 100."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 116 * (0.2126 * r + 0.7152 * g + 0.0722 * b) ** (1 / 3) - 16


@pytest.mark.parametrize("colours", [tuple(COLOURS.values()), OTHERS[:4]])
def test_colours_differ_in_grey(colours):
    shades = sorted(map(lightness, colours))
    assert min(b - a for a, b in pairwise(shades)) >= 14


@pytest.mark.parametrize(("most", "step"), [(1, 1), (4, 1), (5, 2), (166, 50), (300, 100), (9000, 5000)])
def test_nice_step(most, step):
    assert nice_step(most) == step
