"""The journal beside the output: how far a run has come, so that the same command goes on after any interruption.

An SQLite file. Rows go to `<out>.part`; after each parcel they are flushed to disk, and one transaction then records
where the parcel ended, how long the file is by then, which files were read, what failed, and the first occurrence of
each statement. Whatever stands in `<out>.part` beyond the recorded length was written by a run that died, and is cut.

    meta      what the run was begun with; the same command must ask for the same
    files     the listing, in the order of the rows, each with size, time of change and the hash of the bytes read
    parcels   one row a parcel that is done
    firsts    words of a statement -> where they stood first, and the labels; on disk, so memory stays flat
    errors    documents that could not be read
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from model.errors import DocumentError
from service.folder.listing import Found
from service.folder.parcels import Position, digest_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    number INTEGER PRIMARY KEY, name TEXT, location BLOB, size INTEGER, stamp TEXT, problem TEXT, digest BLOB);
CREATE TABLE IF NOT EXISTS parcels (
    number INTEGER PRIMARY KEY, file INTEGER, document INTEGER, length INTEGER, documents INTEGER, empty INTEGER);
CREATE TABLE IF NOT EXISTS firsts (
    words BLOB PRIMARY KEY, parcel INTEGER, statement TEXT, labels BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS errors (parcel INTEGER, document TEXT, error TEXT);
"""
_CACHE_KIB = 64 * 1024
_PAGE = 500


@dataclass(frozen=True, slots=True)
class First:
    """Where some words stood first.

    Args:
        statement: id of that statement.
        labels: its packed labels.
    """

    statement: str
    labels: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """How far a run has come.

    Args:
        parcel: number of the next parcel.
        position: where reading goes on.
        length: bytes of `<out>.part` that count.
        documents: documents that were scored.
        empty: of those, documents without a statement.
        failed: documents that could not be read.
    """

    parcel: int = 0
    position: Position = field(default_factory=Position)
    length: int = 0
    documents: int = 0
    empty: int = 0
    failed: int = 0


class Journal:
    """Opens or creates a journal, and holds it against any other run.

    Args:
        path: the SQLite file.

    Raises:
        DocumentError: it cannot be written, or another run holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            # One process, and folders on network drives: no write-ahead log, no shared memory.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            self._db.execute("BEGIN EXCLUSIVE")
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            why = "another run is writing it" if "locked" in str(error) else str(error)
            raise DocumentError(f"{path} cannot be opened: {why}") from error
        except (sqlite3.DatabaseError, OSError) as error:
            raise DocumentError(f"{path} cannot be used: {error}; remove it or score with --restart") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def meta(self) -> dict[str, str]:
        """Return what the run was begun with; empty for a new journal."""
        return dict(self._db.execute("SELECT key, value FROM meta"))

    def begin(self, meta: Mapping[str, str], files: Iterable[Found]) -> None:
        """Record what a new run is begun with, and its listing, in one transaction."""
        self._db.execute("BEGIN")
        for table in ("meta", "files", "parcels", "firsts", "errors"):
            self._db.execute(f"DELETE FROM {table}")
        self._db.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        self._list("files", files)
        self._db.execute("COMMIT")

    def resume(self, files: Iterable[Found], length: int) -> tuple[Done, str | None]:
        """Compare a new listing with the recorded one, and go back to before the first file that differs.

        Args:
            files: the listing of now.
            length: bytes of `<out>.part`.

        Returns:
            Where to go on, and the name of the first file that changed, appeared or went, if it had been read.
        """
        self._db.execute("BEGIN")
        before = self.done()
        self._db.execute(
            "CREATE TEMP TABLE fresh (number INTEGER PRIMARY KEY, name TEXT, location BLOB, size INTEGER, "
            "stamp TEXT, problem TEXT, digest BLOB)"
        )
        self._list("fresh", files)
        changed, name = self._first_change(before.position)
        self._db.execute("DELETE FROM parcels WHERE length > ?", (length,))  # the rows are gone
        if changed is not None:
            # A parcel's end depends on the file that follows it, so that file must be unchanged as well.
            self._db.execute("DELETE FROM parcels WHERE file >= ?", (changed,))
        after = self.done()
        for table in ("firsts", "errors"):
            self._db.execute(f"DELETE FROM {table} WHERE parcel >= ?", (after.parcel,))
        self._db.execute(
            "UPDATE fresh SET digest = (SELECT digest FROM files WHERE files.number = fresh.number) WHERE number < ?",
            (after.position.file,),
        )
        self._db.execute("DELETE FROM files")
        self._db.execute("INSERT INTO files SELECT * FROM fresh")
        self._db.execute("DROP TABLE fresh")
        if after.position != before.position:
            self._db.execute("DELETE FROM meta WHERE key = 'complete'")
        self._db.execute("COMMIT")
        return self.done(), name if after.position != before.position else None

    def _list(self, table: str, files: Iterable[Found]) -> None:
        self._db.execute(
            "CREATE TEMP TABLE unsorted (name TEXT, location BLOB, size INTEGER, stamp TEXT, problem TEXT)"
        )
        rows = ((f.name, os.fsencode(f.location), f.size, f.stamp, f.problem) for f in files)
        self._db.executemany("INSERT INTO unsorted VALUES (?, ?, ?, ?, ?)", rows)
        self._db.execute(
            f"INSERT INTO {table} SELECT row_number() OVER (ORDER BY name, location) - 1, "
            "name, location, size, stamp, problem, NULL FROM unsorted"
        )
        self._db.execute("DROP TABLE unsorted")

    def _first_change(self, position: Position) -> tuple[int | None, str | None]:
        """Return number and name of the first file, up to the one being read, that is not what it was."""
        rows = self._db.execute(
            "SELECT number, fresh.name, files.name, fresh.name IS files.name, "
            "fresh.size IS files.size AND fresh.problem IS files.problem, fresh.stamp IS files.stamp, "
            "files.digest, fresh.location "
            "FROM (SELECT number FROM fresh UNION SELECT number FROM files) "
            "LEFT JOIN fresh USING (number) LEFT JOIN files USING (number) WHERE number <= ? ORDER BY number",
            (position.file,),
        )
        for number, new, old, same_name, same_size, same_stamp, digest, location in rows:
            if same_name and same_size and (same_stamp or _same_bytes(location, digest)):
                continue
            return number, min(name for name in (new, old) if name is not None)
        return None, None

    def done(self) -> Done:
        """Return how far the run has come."""
        last = self._db.execute("SELECT number, file, document, length FROM parcels ORDER BY number DESC LIMIT 1")
        number, file, document, length = last.fetchone() or (-1, 0, 0, 0)
        documents, empty = self._db.execute("SELECT total(documents), total(empty) FROM parcels").fetchone()
        (failed,) = self._db.execute("SELECT count(*) FROM errors").fetchone()
        return Done(number + 1, Position(file, document), length, int(documents), int(empty), failed)

    def files(self, start: int) -> Iterator[tuple[int, Found]]:
        """Yield (number, file) from a number on, a page at a time."""
        while page := self._db.execute(
            "SELECT number, name, location, size, stamp, problem FROM files WHERE number >= ? ORDER BY number LIMIT ?",
            (start, _PAGE),
        ).fetchall():
            for number, name, location, *rest in page:
                yield number, Found(name, os.fsdecode(location), *rest)
            start = page[-1][0] + 1

    def totals(self, start: int) -> tuple[int, int, int]:
        """Return files in all, and files and bytes from a number on."""
        (everything,) = self._db.execute("SELECT count(*) FROM files").fetchone()
        count, size = self._db.execute("SELECT count(*), total(size) FROM files WHERE number >= ?", (start,)).fetchone()
        return everything, count, int(size)

    def find(self, words: Sequence[bytes]) -> dict[bytes, First]:
        """Return which of some words have stood before."""
        found: dict[bytes, First] = {}
        for at in range(0, len(words), _PAGE):
            some = words[at : at + _PAGE]
            marks = ",".join("?" * len(some))
            query = f"SELECT words, statement, labels FROM firsts WHERE words IN ({marks})"
            found |= {key: First(statement, labels) for key, statement, labels in self._db.execute(query, some)}
        return found

    def record(
        self,
        done: Done,
        firsts: Mapping[bytes, First],
        failed: Sequence[tuple[str, str]],
        digests: Sequence[tuple[int, bytes]],
        scored: tuple[int, int],
    ) -> None:
        """Record a parcel whose rows are on disk, in one transaction.

        Args:
            done: its number, the position after it, and the length of the output with it.
            firsts: words that stood here first.
            failed: (document, reason).
            digests: (file number, hash of the bytes read).
            scored: documents, and documents without a statement.
        """
        at, position = done.parcel, done.position
        self._db.execute("BEGIN")
        self._db.execute(
            "INSERT INTO parcels VALUES (?, ?, ?, ?, ?, ?)",
            (at, position.file, position.document, done.length, *scored),
        )
        rows = ((words, at, first.statement, first.labels) for words, first in firsts.items())
        self._db.executemany("INSERT INTO firsts VALUES (?, ?, ?, ?)", rows)
        self._db.executemany("INSERT INTO errors VALUES (?, ?, ?)", ((at, *failure) for failure in failed))
        self._db.executemany("UPDATE files SET digest = ? WHERE number = ?", ((d, number) for number, d in digests))
        self._db.execute("COMMIT")

    def errors(self) -> Iterator[tuple[str, str]]:
        """Yield (document, reason) of everything that could not be read, in the order of the documents."""
        yield from self._db.execute("SELECT document, error FROM errors ORDER BY parcel, rowid")

    def set_complete(self) -> None:
        """Record that every parcel is done and only the last move is left."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('complete', 'yes')")


def _same_bytes(location: bytes, digest: bytes | None) -> bool:
    """Whether a file whose time of change is new still holds what was read."""
    if digest is None:
        return False
    try:
        return digest_of(os.fsdecode(location)) == digest
    except OSError:
        return False
