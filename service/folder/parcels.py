"""Parcels: the documents that are read, scored and written together.

Where a parcel ends depends on the files before it alone. So a run that was cut off comes to the same parcels, hence to
the same batches and the same numbers, as one that was not.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from model.errors import DocumentError
from service.folder.archives import zip_members
from service.folder.html import Article
from service.folder.listing import Found, ending_of, open_location
from service.folder.tables import TABLES, Rows

MAX_DOCUMENTS = 256
MAX_BYTES = 8 << 20
TABLE_ENDINGS = (*TABLES, ".zip")


@dataclass(frozen=True, slots=True)
class Item:
    """One document on its way to extraction: where it stands, or what it holds, or why it cannot be read.

    Args:
        name: what rows call it.
        ending: chooses the reader.
        location: where to read it, if `content` is None.
        content: its bytes, or its text already read.
        problem: why it cannot be read.
    """

    name: str
    ending: str = ""
    location: str = ""
    content: bytes | Article | None = None
    problem: str | None = None

    @property
    def weight(self) -> int:
        """Bytes that it keeps in memory on its way."""
        if isinstance(self.content, Article):
            return len(self.content.text)
        return len(self.content or b"")


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading goes on: `document` documents into file number `file`."""

    file: int = 0
    document: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """Documents that follow each other.

    Args:
        items: the documents.
        start: position of the first.
        end: position after the last.
        read: bytes of the files up to `end`, for the time left.
        digests: number of a file that holds many documents -> hash of its bytes.
    """

    items: tuple[Item, ...]
    start: Position
    end: Position
    read: int = 0
    digests: tuple[tuple[int, bytes], ...] = ()


def plan(files: Iterable[tuple[int, Found]], start: Position, text_column: str | None = None) -> Iterator[Parcel]:
    """Cut files into parcels: up to `MAX_DOCUMENTS` plain files, or a stretch of one file that holds many documents.

    Args:
        files: (number, file), from number `start.file` on.
        start: where to go on.
        text_column: column of the text in tables, or None for the usual names.
    """
    waiting: list[Item] = []
    first, weight, read = start, 0, 0
    for number, found in files:
        if ending_of(found.name) in TABLE_ENDINGS and not found.problem:
            if waiting:
                yield Parcel(tuple(waiting), first, Position(number), read)
                waiting, weight = [], 0
            skip = start.document if number == start.file else 0
            for parcel in _plan_table(number, found, skip, text_column):
                yield replace(parcel, read=read + (found.size if parcel.end.document == 0 else 0))
            first = Position(number + 1)
        else:
            if not waiting:
                first = Position(number)
            waiting.append(Item(found.name, ending_of(found.name), found.location, problem=found.problem))
            weight += found.size
            if len(waiting) >= MAX_DOCUMENTS or weight >= MAX_BYTES:
                yield Parcel(tuple(waiting), first, Position(number + 1), read + found.size)
                waiting, weight, first = [], 0, Position(number + 1)
        read += found.size
    if waiting:
        yield Parcel(tuple(waiting), first, Position(first.file + len(waiting)), read)


def _plan_table(number: int, found: Found, skip: int, text_column: str | None) -> Iterator[Parcel]:
    """Cut a file that holds many documents; the last parcel ends at the next file, and may be empty."""
    waiting: list[Item] = []
    weight, at, start = 0, skip, skip
    digests: tuple[tuple[int, bytes], ...] = ()
    with suppress(OSError):  # reading it says so
        digests = ((number, digest_of(found.location)),)
    for index, item in enumerate(items_of(found, text_column)):
        if index < skip:
            continue
        waiting.append(item)
        weight += item.weight
        at += 1
        if len(waiting) >= MAX_DOCUMENTS or weight >= MAX_BYTES:
            yield Parcel(tuple(waiting), Position(number, start), Position(number, at), digests=digests)
            waiting, weight, start = [], 0, at
    yield Parcel(tuple(waiting), Position(number, start), Position(number + 1), digests=digests)


def items_of(found: Found, text_column: str | None) -> Iterator[Item]:
    """Yield the documents of a CSV, JSONL or zip file; what breaks off the file is its last item."""
    try:
        with open_location(found.location) as stream:
            if ending_of(found.name) != ".zip":
                yield from _rows(found.name, TABLES[ending_of(found.name)](stream, text_column))
                return
            for name, member in zip_members(stream):
                full, ending = f"{found.name}/{name}", ending_of(name)
                if isinstance(member, DocumentError):
                    yield Item(full, problem=str(member))
                elif isinstance(member, bytes):
                    yield Item(full, ending, content=member)
                else:
                    with member:
                        yield from _member_rows(full, TABLES[ending](member, text_column))
    except DocumentError as error:
        yield Item(found.name, problem=str(error))
    except FileNotFoundError:
        yield Item(found.name, problem="it vanished after the folder was listed")
    except (OSError, UnicodeError, EOFError) as error:
        yield Item(found.name, problem=f"it cannot be read: {getattr(error, 'strerror', None) or error}")


def _rows(name: str, rows: Rows) -> Iterator[Item]:
    for number, row in rows:
        if isinstance(row, Article):
            yield Item(f"{name}:{number}", content=row)
        else:
            yield Item(f"{name}:{number}", problem=str(row))


def _member_rows(name: str, rows: Rows) -> Iterator[Item]:
    try:
        yield from _rows(name, rows)
    except (DocumentError, UnicodeError, OSError, EOFError) as error:
        yield Item(name, problem=str(error))


def digest_of(location: str) -> bytes:
    """Return a hash of a file's bytes.

    Raises:
        OSError: it cannot be read.
    """
    with open_location(location) as stream:
        digest = hashlib.blake2b(digest_size=16)
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.digest()
