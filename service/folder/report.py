"""`stance report`: the rows of a folder as one self-contained, printable HTML page with plots."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import Any

from model.errors import DocumentError
from service.folder.links import Links
from service.folder.page import PAGE
from service.folder.svg import legend, share_bar, stacked_columns, stacked_rows
from service.folder.tally import Summary
from service.folder.writers import read_rows

COLOURS = {"supportive": "#2a8c6a", "pessimistic": "#d99a2b", "accusatory": "#b8433a", "neutral": "#9aa5b1"}
OTHERS = ("#3b6ea8", "#8a5aa8", "#4aa3a2", "#c66b9a", "#7a8b3d", "#a0643c", "#5b6770", "#c2b23a")
SPEAKERS, STATEMENTS, BINS = 15, 6, 20
MAX_COPIED = 500_000
_UNKNOWN = "(not named)"


@dataclass
class Figures:
    """What the page shows, gathered in flat memory.

    Args:
        labels: the stances, in the checkpoint's order.
        summary: counts by stance, speaker and month.
        days: day -> stance -> statements.
        bins: confidence bin -> stance -> statements.
        documents: rows start a new document where the name changes, since they come in order.
        models: checkpoints that gave the rows.
        named: statements with a speaker.
        top: stance -> the statements to show.
    """

    labels: tuple[str, ...] = ()
    summary: Summary = field(default_factory=Summary)
    days: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    bins: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    documents: int = 0
    models: set[str] = field(default_factory=set)
    named: int = 0
    top: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)


def gather(results: Path) -> Figures:
    """Read the rows twice: who repeats whom, then everything else.

    Raises:
        DocumentError: it holds no rows of `stance score`.
    """
    copies: Counter[str] = Counter()
    for row in read_rows(results):
        if "stance" not in row or "duplicate_of" not in row:
            raise DocumentError(f"{results} holds no rows of stance score: give its JSONL, CSV or Parquet file")
        if row["duplicate_of"]:
            copies[row["duplicate_of"]] += 1
            if len(copies) > MAX_COPIED:
                copies = Counter(dict(copies.most_common(MAX_COPIED // 2)))
    figures = Figures()
    heaps: dict[str, list[tuple[tuple[Any, ...], int, dict[str, Any]]]] = defaultdict(list)
    last = None
    for number, row in enumerate(read_rows(results)):
        if not figures.labels:
            keys = list(row)
            figures.labels = tuple(keys[keys.index("confidence") + 1 : keys.index("sentiment")])
        figures.summary.add(row)
        figures.models.add(str(row["model"]))
        figures.documents += row["document"] != last
        last = row["document"]
        figures.named += bool(row["speaker"])
        if row["date"]:
            figures.days[row["date"]][row["stance"]] += 1
        figures.bins[min(int(row["confidence"] * BINS), BINS - 1)][row["stance"]] += 1
        if row["duplicate_of"] is None:
            rank = (not row["uncertain"], row["kind"] == "full", copies[row["statement"]], row["confidence"])
            heap = heaps[row["stance"]]
            if len(heap) < STATEMENTS or rank > heap[0][0]:
                entry = (rank, -number, row)
                (heapq.heappush if len(heap) < STATEMENTS else heapq.heapreplace)(heap, entry)
    figures.top = {
        label: [(copies[row["statement"]] + 1, row) for _, _, row in sorted(heaps[label], key=lambda e: e[:2])[::-1]]
        for label in figures.labels
    }
    return figures


def write_report(results: Path, out: Path, documents: str | None = None) -> Figures:
    """Write the page.

    Args:
        results: what `stance score` wrote, as JSONL, CSV or Parquet.
        out: the page.
        documents: folder or URL that the names of the documents are relative to; looked for where none is given.

    Raises:
        DocumentError: the rows cannot be read, or the page cannot be written.
    """
    figures = gather(results)
    page = render(figures, results.name, Links(documents, results, out))
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(page, encoding="utf-8")
        part.replace(out)
    except OSError as error:
        raise DocumentError(f"{out} cannot be written: {error.strerror or error}") from error
    return figures


def render(figures: Figures, name: str, links: Links) -> str:
    """Return the page."""
    summary = figures.summary
    others = iter(OTHERS * 9)
    colours = {label: COLOURS.get(label) or next(others) for label in figures.labels}
    speakers = sorted(summary.speakers.items(), key=lambda each: (-each[1].total(), each[0]))
    buckets, unit = over_time(figures.days)
    dated = sum(counts.total() for counts in figures.days.values())
    bins = [
        (f"{number / BINS:.2f}", figures.bins.get(number, Counter())) for number in range(_first_bin(figures), BINS)
    ]
    whole = max(summary.statements, 1)
    parts = {
        "NAME": escape(name),
        "MODEL": escape(", ".join(sorted(figures.models)) or "none"),
        "SPAN": escape(_span(figures.days)),
        "FACTS": "".join(
            f"<div><b>{value}</b>{escape(what)}</div>"
            for value, what in (
                (f"{summary.statements:,}", "statements"),
                (f"{summary.statements - summary.duplicates:,}", "of them distinct"),
                (f"{figures.documents:,}", "documents that quote"),
                (f"{len(speakers):,}", "speakers"),
                (f"{summary.uncertain / whole:.0%}", "uncertain"),
            )
        ),
        "LEGEND": legend(colours),
        "SHARES": share_bar(summary.stances, colours),
        "SPEAKERS": stacked_rows(speakers[:SPEAKERS], colours, "Statements by speaker")
        if speakers
        else _none("speaker"),
        "SPEAKERS_NOTE": f"{figures.named / whole:.0%} of the statements have a named speaker"
        + (f"; the {SPEAKERS} most quoted of {len(speakers):,} are shown." if len(speakers) > SPEAKERS else "."),
        "TIME": stacked_columns(buckets, colours, f"Statements by {unit}", below=unit) if buckets else _none("date"),
        "TIME_NOTE": f"{dated / whole:.0%} of the statements are from documents with a date." if dated else "",
        "CONFIDENCE": stacked_columns(bins, colours, "Statements by confidence", below="confidence, from"),
        "TOP": "".join(_statements(label, figures.top[label], colours[label], links) for label in figures.labels),
    }
    page = PAGE
    for key, value in parts.items():
        page = page.replace(f"<!--{key}-->", value)
    return page


def over_time(days: Mapping[str, Counter[str]]) -> tuple[list[tuple[str, Counter[str]]], str]:
    """Return counts by day, week or month, whichever gives a readable number of columns, gaps included."""
    known = sorted(day for day in days if _day(day))
    if not known:
        return [], "month"
    first, last = date.fromisoformat(known[0]), date.fromisoformat(known[-1])
    length = (last - first).days
    unit = "day" if length <= 31 else "week" if length <= 210 else "month" if length <= 3700 else "year"

    def start(day: date) -> date:
        if unit == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1, month=1 if unit == "year" else day.month) if unit in ("month", "year") else day

    counted: dict[date, Counter[str]] = {}
    at = start(first)
    while at <= last:
        counted[at] = Counter()
        at = start(at + timedelta(days={"day": 1, "week": 7, "month": 31, "year": 366}[unit]))
    for day in known:
        counted[start(date.fromisoformat(day))] += days[day]
    shape = {"day": "%d %b", "week": "%d %b %y", "month": "%b %Y", "year": "%Y"}[unit]
    return [(at.strftime(shape), counts) for at, counts in counted.items()], "week from" if unit == "week" else unit


def _day(text: str) -> bool:
    try:
        return date.fromisoformat(text).year > 1900
    except ValueError:
        return False


def _first_bin(figures: Figures) -> int:
    """Return the lowest bin that a most probable label can fall into."""
    return int(BINS / max(len(figures.labels), 1))


def _span(days: Mapping[str, Counter[str]]) -> str:
    known = sorted(day for day in days if _day(day))
    return f"{known[0]} to {known[-1]}" if known else "no dates"


def _none(what: str) -> str:
    return f'<p class="note">No statement has a {escape(what)}.</p>'


def _statements(label: str, found: Sequence[tuple[int, dict[str, Any]]], colour: str, links: Links) -> str:
    shown = []
    for count, row in found:
        where = escape(row["title"] or row["document"])
        link = links.to(row["document"], row["text"])
        facts = [
            f'<span class="who">{escape(row["speaker"] or row["speaker_mention"] or _UNKNOWN)}</span>',
            f'<a href="{escape(link)}">{where}</a>' if link else where,
            *([escape(row["date"])] if row["date"] else []),
            *([f"said {count:,} times"] if count > 1 else []),
            f"confidence {row['confidence']:.2f}" + (" (uncertain)" if row["uncertain"] else ""),
        ]
        shown.append(f"<li><q>{escape(_short(row['text']))}</q><p>{' · '.join(facts)}</p></li>")
    body = f"<ul>{''.join(shown)}</ul>" if shown else '<p class="note">None.</p>'
    return f'<article style="border-color:{escape(colour)}"><h3>{escape(label)}</h3>{body}</article>'


def _short(text: str) -> str:
    """Cut a long statement, and take off the comma that stood before "he said"."""
    text = text.rstrip().rstrip(",")
    return text if len(text) <= 420 else text[:400].rsplit(" ", 1)[0] + " …"
