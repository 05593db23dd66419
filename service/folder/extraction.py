"""Items -> their statements. Runs in worker processes: nothing here may import torch."""

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from model.errors import DocumentError, InputError
from model.quotes import extract_quotes
from model.records import Statement
from service.folder.html import Article
from service.folder.listing import open_location
from service.folder.parcels import Item
from service.folder.readers import READERS, check_size, read_document

MAX_S = 60.0
"""Seconds that one document may take: some PDFs never end."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """One document with its statements, or why there are none.

    Args:
        name: what rows call it.
        article: title, date and source; the text stays behind.
        statements: in the order of the document.
        problem: why it could not be read, or None.
        digest: hash of the file's bytes; None for a document within a file, or where nothing was read.
    """

    name: str
    article: Article
    statements: tuple[Statement, ...] = ()
    problem: str | None = None
    digest: bytes | None = None


def extract(items: Sequence[Item], *, fragments: bool = True) -> list[Extracted]:
    """Read documents and find their statements; what cannot be read comes back with its reason."""
    return [_extract(item, fragments=fragments) for item in items]


def _extract(item: Item, *, fragments: bool) -> Extracted:
    digest = None
    try:
        if item.problem:
            raise DocumentError(item.problem)
        with _time_limit(MAX_S):
            if isinstance(item.content, Article):
                article = item.content
            elif item.content is not None:
                article = read_document(item.content, item.ending)
            else:
                raw = _read(item)
                digest = hashlib.blake2b(raw, digest_size=16).digest()
                article = read_document(raw, item.ending)
            article = _encodable(article)
            statements = extract_quotes(article.text, fragments=fragments)
    except InputError as error:
        return Extracted(item.name, Article(""), problem=str(error), digest=digest)
    except (MemoryError, RecursionError) as error:
        return Extracted(
            item.name, Article(""), problem=f"it is too deep or large: {type(error).__name__}", digest=digest
        )
    return Extracted(item.name, Article("", article.title, article.date, article.source), statements, digest=digest)


def _encodable(article: Article) -> Article:
    """Replace half surrogate pairs, which JSON and PDF can smuggle in and no file or tokenizer takes."""
    text, title, source = (
        value and value.encode("utf-8", "replace").decode() for value in (article.text, article.title, article.source)
    )
    return Article(text or "", title, article.date, source)


def _read(item: Item) -> bytes:
    limit = READERS.get(item.ending, READERS[".txt"]).limit
    try:
        with open_location(item.location) as stream:
            raw = stream.read(limit + 1)
            if len(raw) > limit:
                check_size(stream.seek(0, os.SEEK_END), limit)
            return raw
    except FileNotFoundError as error:
        raise DocumentError("it vanished after the folder was listed") from error
    except OSError as error:
        raise DocumentError(f"it cannot be read: {error.strerror or error}") from error


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Stop a document that takes too long; only where signals reach, that is in a process's main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise DocumentError(f"it took over {MAX_S:.0f} s to read")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def start_worker() -> None:
    """Make a process leave with its parent, however that ends: a worker of a killed run would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
