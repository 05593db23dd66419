"""The rows of a folder -> what the report shows, gathered in flat memory."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from model.errors import DocumentError
from service.folder.tally import Summary
from service.folder.writers import read_rows

STATEMENTS, BINS = 6, 20
MAX_COPIED = 500_000
Row = dict[str, Any]
_Ranked = tuple[tuple[Any, ...], int, Row]
"""How high a row ranks, its negative number (the earlier row wins), the row."""


@dataclass(slots=True)
class Copies:
    """Where the words of a statement stood again.

    Args:
        last: the document that was counted last; at first, that of the statement.
        documents: other documents that hold the words.
        earliest: the earliest known day among them.
    """

    last: str
    documents: int = 0
    earliest: str | None = None

    def add(self, document: str, day: str | None) -> None:
        """Count a copy; those of one document come one after another."""
        self.documents += document != self.last
        self.last = document
        self.earliest = earlier(self.earliest, day)


@dataclass(frozen=True, slots=True)
class Shown:
    """A statement that the report shows.

    Args:
        row: where its words stood first.
        documents: documents that hold them.
        date: the earliest known day, or None.
    """

    row: Row
    documents: int
    date: str | None


@dataclass
class Figures:
    """What the page shows.

    Args:
        labels: the stances, in the checkpoint's order.
        summary: counts by stance, speaker and month.
        days: day -> stance -> statements.
        bins: confidence bin -> stance -> statements.
        unsure: the same for those marked uncertain.
        documents: rows start a new document where the name changes, since they come in order.
        models: checkpoints that gave the rows.
        named: statements with a speaker.
        top: stance -> the statements to show.
    """

    labels: tuple[str, ...] = ()
    summary: Summary = field(default_factory=Summary)
    days: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    bins: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unsure: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    documents: int = 0
    models: set[str] = field(default_factory=set)
    named: int = 0
    top: dict[str, list[Shown]] = field(default_factory=dict)

    @property
    def uncertain(self) -> Counter[str]:
        """Stance -> statements marked uncertain."""
        return sum(self.unsure.values(), Counter())

    @property
    def told(self) -> str:
        """How much was read, in words."""
        return f"{counted(self.summary.statements, 'statement')} of {counted(self.documents, 'document')}"

    def add(self, row: Row) -> None:
        """Count a row, all but the document that it stands in."""
        if not self.labels:
            keys = list(row)
            self.labels = tuple(keys[keys.index("confidence") + 1 : keys.index("sentiment")])
        self.summary.add(row)
        self.models.add(str(row["model"]))
        self.named += bool(row["speaker"])
        if row["date"]:
            self.days[row["date"]][row["stance"]] += 1
        number = min(int(row["confidence"] * BINS), BINS - 1)
        self.bins[number][row["stance"]] += 1
        if row["uncertain"]:
            self.unsure[number][row["stance"]] += 1


def gather(results: Path) -> Figures:
    """Read the rows twice: who repeats whom, then everything else.

    Raises:
        DocumentError: it holds no rows of `stance score`, or is a workbook.
    """
    if results.suffix.lower() == ".xlsx":
        raise DocumentError(f"{results} is a workbook: score to JSONL, CSV or Parquet for a report")
    copies = _copies(results)
    figures = Figures()
    heaps: dict[str, list[_Ranked]] = defaultdict(list)
    last = None
    for number, row in enumerate(read_rows(results)):
        figures.add(row)
        figures.documents += row["document"] != last
        last = row["document"]
        if row["duplicate_of"] is None:
            _keep(heaps[row["stance"]], row, number, _shown(row, copies).documents)
    figures.top = {
        label: [_shown(row, copies) for _, _, row in sorted(heaps[label], key=lambda each: each[:2], reverse=True)]
        for label in figures.labels
    }
    return figures


def _copies(results: Path) -> dict[str, Copies]:
    """Return statement -> where its words stood again; the least repeated are forgotten where they grow too many."""
    copies: dict[str, Copies] = {}
    for row in read_rows(results):
        if "stance" not in row or "duplicate_of" not in row:
            raise DocumentError(f"{results} holds no rows of stance score: give its JSONL, CSV or Parquet file")
        first = row["duplicate_of"]
        if not first:
            continue
        copies.setdefault(first, Copies(first.rsplit("#", 1)[0])).add(row["document"], row["date"])
        if len(copies) > MAX_COPIED:
            kept = sorted(copies.items(), key=lambda each: -each[1].documents)
            copies = dict(kept[: MAX_COPIED // 2])
    return copies


def _keep(heap: list[_Ranked], row: Row, number: int, documents: int) -> None:
    """Keep a row among the best of its stance."""
    rank = (not row["uncertain"], row["kind"] == "full", documents, row["confidence"])
    entry = (rank, -number, row)
    if len(heap) < STATEMENTS:
        heapq.heappush(heap, entry)
    elif rank > heap[0][0]:
        heapq.heapreplace(heap, entry)


def _shown(row: Row, copies: Mapping[str, Copies]) -> Shown:
    again = copies.get(row["statement"])
    if again is None:
        return Shown(row, 1, row["date"])
    return Shown(row, again.documents + 1, earlier(row["date"], again.earliest))


def earlier(one: str | None, other: str | None) -> str | None:
    """Return the earlier of two days; what is no day gives way."""
    return min((day for day in (one, other) if day and is_day(day)), default=None)


def is_day(text: str) -> bool:
    """Tell a day that a time axis can show."""
    try:
        return date.fromisoformat(text).year > 1900
    except ValueError:
        return False


def counted(count: int, what: str, plural: str = "") -> str:
    """Return a count with its noun: `1 statement`, `2 statements`."""
    return f"{count:,} {what if count == 1 else plural or what + 's'}"
