"""What analysts say a label should be: an append-only SQLite file, so that nothing that was said is ever lost.

A correction holds for the words that were classified, wherever they stand: syndicated copies share it, and a labelled
CSV made from it never gives the same words two labels. The latest line about some words is what counts; a line
without a label takes the earlier one back.
"""

import csv
import functools
import io
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from model.encoding import normalise
from service.folder.writers import csv_cell
from service.http_errors import ServiceUnavailable

SCHEMA = """
CREATE TABLE IF NOT EXISTS corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    target TEXT NOT NULL,
    words TEXT NOT NULL,
    text TEXT NOT NULL,
    context TEXT,
    document TEXT,
    speaker TEXT,
    model TEXT NOT NULL,
    model_label TEXT,
    model_confidence REAL,
    label TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS latest ON corrections (target, words, id);
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON corrections
    BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON corrections
    BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;
"""
LABELLED_FIELDS = (
    *("text", "stance", "secondary", "sentiment", "group", "split", "id", "document", "speaker"),
    *("model_label", "corrected_by", "corrected_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One line of the trail.

    Args:
        text: the statement's words.
        label: what it should be; None takes the earlier correction back.
        who: who says so.
        target: what stance is toward; corrections for other targets are kept apart.
        model: the checkpoint whose label was judged.
        model_label: what it gave.
        model_confidence: how sure it was, 0 to 1.
        context: what was classified, where that is not the text itself.
        document: where the words were read.
        speaker: who said them there.
        id: number of the line; 0 until it is stored.
        at: ISO 8601, UTC; empty until it is stored.
    """

    text: str
    label: str | None
    who: str = ""
    target: str = ""
    model: str = ""
    model_label: str | None = None
    model_confidence: float | None = None
    context: str | None = None
    document: str | None = None
    speaker: str | None = None
    id: int = 0
    at: str = ""

    @property
    def classified(self) -> str:
        """What the label is about: the context where there is one, else the text."""
        return self.context or self.text


_COLUMNS = tuple(field.name for field in fields(Correction))


class CorrectionStore:
    """The corrections of one installation. Safe for several threads and processes: each call opens the file anew.

    Args:
        path: the SQLite file; made with its folder at the first write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=5.0)) as connection:
                connection.executescript(SCHEMA)
                with connection:
                    yield connection
        except (OSError, sqlite3.Error) as error:
            raise ServiceUnavailable(f"the corrections cannot be read or stored: {error}") from error

    def add(self, correction: Correction) -> Correction:
        """Append a line.

        Returns:
            It, with its number and time.

        Raises:
            EmptyTextError: the text holds nothing to read.
            TextTooLongError: the text is over the classifier's limit.
            ServiceUnavailable: the file cannot be written.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        values = {name: getattr(correction, name) for name in _COLUMNS if name != "id"}
        values |= {"at": at, "words": normalise(correction.classified).casefold()}
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        with self._open() as connection:
            cursor = connection.execute(f"INSERT INTO corrections ({names}) VALUES ({marks})", values)
            (row,) = _rows(connection, "WHERE id = ?", (cursor.lastrowid,))
        return row

    def latest(self, target: str) -> list[Correction]:
        """Return the corrections that hold, newest first."""
        where = (
            "WHERE label IS NOT NULL AND id IN (SELECT max(id) FROM corrections WHERE target = ? GROUP BY words) "
            "ORDER BY id DESC"
        )
        with self._open() as connection:
            return _rows(connection, where, (target,))

    def trail(self, target: str, limit: int) -> list[Correction]:
        """Return every line, newest first, those taken back included."""
        with self._open() as connection:
            return _rows(connection, "WHERE target = ? ORDER BY id DESC LIMIT ?", (target, limit))

    def withdraw(self, number: int, who: str) -> Correction | None:
        """Take a correction back by another line.

        Returns:
            The new line, or None where that correction does not hold (any more).
        """
        with self._open() as connection:
            found = _rows(
                connection,
                "WHERE id = ? AND label IS NOT NULL AND id = (SELECT max(later.id) FROM corrections AS later "
                "WHERE later.target = corrections.target AND later.words = corrections.words)",
                (number,),
            )
        if not found:
            return None
        values = {name: getattr(found[0], name) for name in _COLUMNS}
        return self.add(Correction(**{**values, "label": None, "who": who}))

    def labelled_csv(self, target: str, more: Sequence[Mapping[str, str]] = ()) -> str:
        """Return the corrections that hold as a labelled CSV, as `stance train` reads it.

        Args:
            target: what stance is toward.
            more: rows of a corpus to put before them; those with the words of a correction give way to it.
        """
        held = self.latest(target)
        known = {normalise(item.classified).casefold() for item in held}
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, LABELLED_FIELDS)
        writer.writeheader()
        for row in more:
            if normalise(row["text"]).casefold() not in known:
                writer.writerow({name: csv_cell(row.get(name, "")) for name in LABELLED_FIELDS})
        for item in reversed(held):
            told = {
                "text": item.classified,
                "stance": item.label,
                "group": item.document,
                "id": f"correction-{item.id}",
                "document": item.document,
                "speaker": item.speaker,
                "model_label": item.model_label,
                "corrected_by": item.who,
                "corrected_at": item.at,
            }
            writer.writerow({name: csv_cell(value) for name, value in told.items()})
        return stream.getvalue()


@functools.lru_cache(4)
def corpus_rows(paths: tuple[Path, ...], labels: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    """Return the rows of labelled CSVs, those set aside for measuring among them.

    Returns:
        None at all where their labels are others than `labels`, or a file is missing.
    """
    rows: list[dict[str, str]] = []
    for path in paths:
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                rows.extend(csv.DictReader(stream))
        except OSError:
            return ()
    return tuple(rows) if {row["stance"] for row in rows} == set(labels) else ()


def _rows(connection: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Correction]:
    found = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM corrections {where}", values)
    return [Correction(**dict(zip(_COLUMNS, row, strict=True))) for row in found]
