"""A statement of the report as HTML: its words, who said them, and where they stand."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from service.folder.figures import Shown, counted
from service.folder.links import Links

LONGEST = 420
_CUT = " … "


def excerpt(shown: Shown, links: Links) -> str:
    """Return a statement as an item of a list."""
    row = shown.row
    where = escape(row["title"] or row["document"])
    link = links.to(row["document"], row["text"])
    facts = [
        speaker(row),
        f'<a href="{escape(link)}">{where}</a>' if link else where,
        *_occurrence(shown),
        *(["fragment"] if row["kind"] == "fragment" else []),
        f"confidence {row['confidence']:.2f}" + (" (uncertain)" if row["uncertain"] else ""),
    ]
    return f"<li>{words(row)}<p>{' · '.join(facts)}</p></li>"


def speaker(row: Mapping[str, Any]) -> str:
    """Return the name; what is written where nobody is named ("he") never looks like one."""
    if row["speaker"]:
        return f'<span class="who">{escape(row["speaker"])}</span>'
    mention = row["speaker_mention"]
    return "speaker unknown" + (f" (“{escape(mention)}”)" if mention else "")


def words(row: Mapping[str, Any]) -> str:
    """Return the quote, its spans set apart."""
    return f"<q>{escape(_short(_CUT.join(spoken(row))))}</q>"


def spoken(row: Mapping[str, Any]) -> list[str]:
    """Return the words of each span; the text as one where the spans do not fit it."""
    text, parts, at = row["text"], [], 0
    for length in _lengths(row.get("spans")):
        parts.append(text[at : at + length])
        at += length + 1
    return parts if at == len(text) + 1 else [text]


def _lengths(spans: str | Sequence[Mapping[str, int]] | None) -> list[int]:
    if isinstance(spans, str):  # a cell of a CSV: start:end, separated by spaces
        pairs = [each.split(":") for each in spans.split()]
        return [int(end) - int(start) for start, end in pairs]
    return [span["end"] - span["start"] for span in spans or ()]


def _occurrence(shown: Shown) -> list[str]:
    """Say when, and in how many documents; a date is the earliest of those that are known."""
    day = f"<time>{escape(shown.date)}</time>" if shown.date else ""
    if shown.documents == 1:
        return [day] if day else []
    return [f"in {counted(shown.documents, 'document')}" + (f", the earliest of {day}" if day else "")]


def _short(text: str) -> str:
    """Cut a long statement, and take off the comma that stood before "he said"."""
    text = text.rstrip().rstrip(",")
    return text if len(text) <= LONGEST else text[: LONGEST - 20].rsplit(" ", 1)[0] + " …"
