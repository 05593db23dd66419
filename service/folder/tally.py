"""What a run did: counted row by row, or read again from the rows of a run that was cut off."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHOWN_FAILURES = 20
MAX_SPEAKERS = 200_000
"""Beyond this the rarest speakers are forgotten, so that memory stays flat."""


@dataclass
class Summary:
    """What a run did.

    Args:
        documents: documents that were scored.
        empty: of those, documents in which nobody is quoted.
        failed: documents that could not be read.
        failures: the first of them with the reason; all are in the errors file.
        statements: rows written.
        duplicates: of those, rows whose words stood in an earlier row.
        uncertain: rows marked `uncertain`.
        stances: stance -> rows.
        speakers: speaker -> stance -> rows.
        months: `2025-11` -> stance -> rows; rows without a date are in none.
        left_out: ending -> files without a reader.
        kept: documents that an earlier, interrupted run had done.
        changed: the first file that changed since that run, if its rows were scored anew.
    """

    documents: int = 0
    empty: int = 0
    failed: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    statements: int = 0
    duplicates: int = 0
    uncertain: int = 0
    stances: Counter[str] = field(default_factory=Counter)
    speakers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    months: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    left_out: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    changed: str | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row."""
        stance = row["stance"]
        self.statements += 1
        self.duplicates += row["duplicate_of"] is not None
        self.uncertain += row["uncertain"]
        self.stances[stance] += 1
        if row["speaker"]:
            self.speakers[row["speaker"]][stance] += 1
            if len(self.speakers) > MAX_SPEAKERS:
                kept = sorted(self.speakers.items(), key=lambda each: -each[1].total())[: MAX_SPEAKERS // 2]
                self.speakers.clear()
                self.speakers.update(kept)
        if row["date"]:
            self.months[row["date"][:7]][stance] += 1

    def fail(self, document: str, reason: str) -> None:
        """Count a document that could not be read."""
        self.failed += 1
        if len(self.failures) < SHOWN_FAILURES:
            self.failures[document] = reason


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Args:
        files_done: files read and scored, those of an earlier, interrupted run included.
        files: files in all.
        documents_per_s: rate of this run, counted from its first scored parcel (starting up is left out).
        statements_per_s: the same in rows.
        seconds_left: at that rate, by bytes; None while unknown.
        summary: the counts so far.
    """

    files_done: int
    files: int
    documents_per_s: float
    statements_per_s: float
    seconds_left: float | None
    summary: Summary
