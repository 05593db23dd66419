"""`stance report`: the rows of a folder as one self-contained, printable HTML page with plots."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape
from pathlib import Path

from model.errors import DocumentError
from service.folder.excerpts import excerpt
from service.folder.figures import BINS, Figures, counted, gather, is_day
from service.folder.links import WEB, Links
from service.folder.page import EMPTY, PAGE, SECTIONS
from service.folder.svg import legend, percent, share_bar, stacked_columns, stacked_rows

COLOURS = {"supportive": "#1f7f63", "pessimistic": "#d99a35", "accusatory": "#7a1f1f", "neutral": "#cfd5dc"}
OTHERS = ("#27457a", "#a9d3e8", "#9a4f8f", "#8fb04a", "#5a2e5e", "#e8d9a0", "#4f9d97", "#c66b9a")
"""Far apart in lightness (of the others, the first four), so that a page printed in grey still tells them apart."""
SPEAKERS = 15


def write_report(results: Path, out: Path, documents: str | None = None) -> Figures:
    """Write the page.

    Args:
        results: what `stance score` wrote, as JSONL, CSV or Parquet.
        out: the page.
        documents: folder or URL that the names of the documents are relative to, or None: then nothing is linked.

    Raises:
        DocumentError: the rows cannot be read, there are no such documents, or the page cannot be written.
    """
    if documents and not documents.startswith(WEB) and not Path(documents).exists():
        raise DocumentError(f"there is no folder {documents}: give the one that was scored, or its http(s) address")
    figures = gather(results)
    page = render(figures, results.name, Links(documents, out))
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(page, encoding="utf-8")
        part.replace(out)
    except OSError as error:
        raise DocumentError(f"{out} cannot be written: {error.strerror or error}") from error
    return figures


def render(figures: Figures, name: str, links: Links) -> str:
    """Return the page; one without statements says so."""
    if not figures.summary.statements:
        return _filled(PAGE, {"BODY": EMPTY, "NAME": escape(name), "ABOUT": ""})
    others = iter(OTHERS * 9)
    colours = {label: COLOURS.get(label) or next(others) for label in figures.labels}
    about = f" · {_span(figures.days)} · checkpoint {escape(', '.join(sorted(figures.models)))}"
    parts = {
        "BODY": SECTIONS,
        "NAME": escape(name),
        "ABOUT": about,
        "FACTS": _facts(figures),
        "SHARES": share_bar(figures.summary.stances, figures.uncertain, colours),
        "LEGEND": legend(colours, figures.summary.stances, figures.uncertain),
        "UNCERTAIN": _uncertain(figures),
        **_by_speaker(figures, colours),
        **_by_time(figures, colours),
        "CONFIDENCE": _confidence(figures, colours),
        "TOP": "".join(_top(label, figures, colours[label], links) for label in figures.labels),
    }
    return _filled(PAGE, parts)


def _filled(page: str, parts: Mapping[str, str]) -> str:
    for key, value in parts.items():
        page = page.replace(f"<!--{key}-->", value)
    return page


def _facts(figures: Figures) -> str:
    summary = figures.summary
    one = summary.statements == 1
    facts = (
        (f"{summary.statements:,}", "statement" if one else "statements"),
        (f"{summary.statements - summary.duplicates:,}", "of them distinct"),
        (f"{figures.documents:,}", "document that quotes" if figures.documents == 1 else "documents that quote"),
        (f"{len(summary.speakers):,}", "speaker" if len(summary.speakers) == 1 else "speakers"),
        (percent(summary.uncertain / summary.statements), "uncertain"),
    )
    return "".join(f"<div><b>{escape(value)}</b>{what}</div>" for value, what in facts)


def _uncertain(figures: Figures) -> str:
    summary, count = figures.summary, figures.summary.uncertain
    if not count:
        return "No statement is marked uncertain."
    verb = "is" if count == 1 else "are"
    whole = counted(summary.statements, "statement")
    return f"{count:,} of {whole} ({_share(figures, count)}) {verb} marked uncertain (hatched)."


def _share(figures: Figures, count: int) -> str:
    return escape(percent(count / figures.summary.statements))


def _by_speaker(figures: Figures, colours: Mapping[str, str]) -> dict[str, str]:
    speakers = sorted(figures.summary.speakers.items(), key=lambda each: (-each[1].total(), each[0]))
    shown = f"; the {SPEAKERS} most quoted of {len(speakers):,} are shown" if len(speakers) > SPEAKERS else ""
    return {
        "SPEAKERS": stacked_rows(speakers[:SPEAKERS], colours, "Statements by speaker") if speakers else "",
        "SPEAKERS_NOTE": f"{_share(figures, figures.named)} of the statements have a named speaker{shown}."
        if speakers
        else "No statement has a named speaker.",
    }


def _by_time(figures: Figures, colours: Mapping[str, str]) -> dict[str, str]:
    buckets, unit = over_time(figures.days)
    if not buckets:
        return {"TIME": "", "TIME_NOTE": "No statement has a date."}
    columns, below = named_columns(buckets, unit)
    dated = sum(counts.total() for counts in figures.days.values())
    return {
        "TIME": stacked_columns(columns, colours, f"Statements by {unit}", below=below),
        "TIME_NOTE": f"{_share(figures, dated)} of the statements are from documents with a date.",
    }


def _confidence(figures: Figures, colours: Mapping[str, str]) -> str:
    lowest = int(BINS / max(len(figures.labels), 1))  # what the most probable label cannot fall below
    columns = [(f"{number / BINS:.2f}", figures.bins.get(number, Counter())) for number in range(lowest, BINS)]
    unsure = [figures.unsure.get(number, Counter()) for number in range(lowest, BINS)]
    return stacked_columns(columns, colours, "Statements by confidence", below="confidence, from", unsure=unsure)


def over_time(days: Mapping[str, Counter[str]]) -> tuple[list[tuple[date, Counter[str]]], str]:
    """Return counts by day, week, month or year, whichever gives a readable number of columns, gaps included."""
    known = sorted(day for day in days if is_day(day))
    if not known:
        return [], "month"
    first, last = date.fromisoformat(known[0]), date.fromisoformat(known[-1])
    length = (last - first).days
    unit = "day" if length <= 31 else "week" if length <= 210 else "month" if length <= 3700 else "year"

    def start(day: date) -> date:
        if unit == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1, month=1 if unit == "year" else day.month) if unit in ("month", "year") else day

    found: dict[date, Counter[str]] = {}
    at = start(first)
    while at <= last:
        found[at] = Counter()
        at = start(at + timedelta(days={"day": 1, "week": 7, "month": 31, "year": 366}[unit]))
    for day in known:
        found[start(date.fromisoformat(day))] += days[day]
    return list(found.items()), unit


def named_columns(
    buckets: Sequence[tuple[date, Counter[str]]], unit: str
) -> tuple[list[tuple[str, Counter[str]]], str]:
    """Return the columns with their names, and what the axis is: a year that all days share stands there alone."""
    years = {at.year for at, _ in buckets}
    alone = unit in ("day", "week") and len(years) == 1
    day = "{0.day} {0:%b}" if alone else "{0.day} {0:%b} {0.year}"
    shape = {"month": "{0:%b} {0.year}", "year": "{0.year}"}.get(unit, day)
    below = ("week from Monday" if unit == "week" else unit) + (f" ({years.pop()})" if alone else "")
    return [(shape.format(at), counts) for at, counts in buckets], below


def _span(days: Mapping[str, Counter[str]]) -> str:
    known = sorted(day for day in days if is_day(day))
    return " to ".join(f"<time>{escape(day)}</time>" for day in dict.fromkeys((*known[:1], *known[-1:]))) or "no dates"


def _top(label: str, figures: Figures, colour: str, links: Links) -> str:
    shown = "".join(excerpt(each, links) for each in figures.top[label])
    body = f"<ul>{shown}</ul>" if shown else '<p class="note">None.</p>'
    return f'<article style="border-color:{escape(colour)}"><h3>{escape(label)}</h3>{body}</article>'
