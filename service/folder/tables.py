"""CSV and JSONL files in which each row is a document: streams of bytes -> articles, row by row, in flat memory."""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from model.delimiter import told_delimiter
from model.errors import DocumentError
from service.folder.dates import iso_day
from service.folder.html import Article
from service.folder.readers import MAX_TEXT
from service.folder.text import encoding_of

Rows = Iterator[tuple[int, Article | DocumentError]]
"""Row numbers as a spreadsheet or an editor counts them (a CSV's header is row 1), with what stands there."""

TEXT = ("text", "body", "content", "article", "full_text", "fulltext", "article_text")
TITLE = ("title", "headline")
DATE = ("date", "published", "published_at", "publish_date", "pubdate", "publication_date")
SOURCE = ("source", "publication", "publisher", "site", "outlet", "domain")
URL = ("url", "link")
_HEAD = 1 << 16


def csv_rows(stream: BinaryIO, text_column: str | None = None) -> Rows:
    """Read a CSV (comma, semicolon or tab; UTF-8 or what its first rows show).

    Raises:
        DocumentError: there is no text column.
    """
    head = stream.read(_HEAD)
    stream.seek(0)
    if not head.strip():
        raise DocumentError("it is empty")
    with io.TextIOWrapper(stream, encoding=_encoding_of_head(head), newline="") as text:
        yield from _csv_rows(text, text_column)


def _csv_rows(text: io.TextIOWrapper, text_column: str | None) -> Rows:
    lines = _Lines(text)
    csv.field_size_limit(2 * MAX_TEXT)
    first = next(iter(lines), "").lstrip("\ufeff")
    told = told_delimiter(first)
    if told:
        first = next(iter(lines), "")
    delimiter = told or max(",;\t", key=first.count)
    records = csv.reader(lines, delimiter=delimiter)
    header = next(csv.reader([first], delimiter=delimiter), [])
    column = _text_key(header, text_column)
    number = 1
    while True:
        lines.cut = False
        number += 1
        try:
            record = next(records)
        except StopIteration:
            return
        except (csv.Error, UnicodeError) as error:
            yield number, DocumentError(f"row {number} and all after it cannot be read: {error}")
            return
        if lines.cut:
            yield number, DocumentError(f"row {number} has over {MAX_TEXT / 1e6:.0f} MB")
        elif record:
            yield number, _article(dict(zip(header, record, strict=False)), column, number)


def jsonl_rows(stream: BinaryIO, text_column: str | None = None) -> Rows:
    """Read one JSON object a line (UTF-8)."""
    number = 0
    while line := stream.readline(MAX_TEXT):
        number += 1
        if len(line) == MAX_TEXT and not line.endswith(b"\n"):
            while (rest := stream.readline(MAX_TEXT)) and not rest.endswith(b"\n"):
                pass
            yield number, DocumentError(f"line {number} has over {MAX_TEXT / 1e6:.0f} MB")
            continue
        if not line.strip():
            continue
        try:
            record = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
            if not isinstance(record, dict):
                raise DocumentError(f"line {number} is no JSON object")
            yield number, _article(record, _text_key(list(record), text_column), number)
        except DocumentError as error:
            yield number, error
        except (ValueError, RecursionError) as error:
            yield number, DocumentError(f"line {number} is no JSON: {error}")
    if not number:
        raise DocumentError("it is empty")


class _Lines:
    """The lines of a file, one that is endless cut short so that it never stands in memory.

    `cut` says that a line was; its quotation marks still balance, so that the rows below it stay whole.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.cut = False

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(MAX_TEXT):
            if len(line) == MAX_TEXT and not line.endswith("\n"):
                self.cut = True
                marks = line.count('"')
                while (rest := self._text.readline(MAX_TEXT)) and not rest.endswith("\n"):
                    marks += rest.count('"')
                marks += rest.count('"')
                line = ('""' if marks % 2 == 0 else '"') + "\n"
            yield line


def _encoding_of_head(head: bytes) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # incremental: the head may end within a character
    except UnicodeDecodeError:
        return encoding_of(head)
    return "utf-8-sig"


def _text_key(names: list[str], wanted: str | None) -> str:
    lower = {name.strip().lower(): name for name in names}
    for name in (wanted.lower(),) if wanted else TEXT:
        if name in lower:
            return lower[name]
    asked = wanted or "text, body, content or article"
    raise DocumentError(f"it has no column {asked} (it has {', '.join(names[:12])}): name it with --text-column")


def _article(record: Mapping[str, Any], column: str, number: int) -> Article | DocumentError:
    text = record.get(column)
    if not isinstance(text, str) or not text.strip():
        return DocumentError(f"row {number} has no text in column {column}")
    if len(text) > MAX_TEXT:
        return DocumentError(f"row {number} has over {MAX_TEXT / 1e6:.0f} MB")
    lower = {str(key).strip().lower(): value for key, value in record.items() if key != column}

    def first(names: tuple[str, ...]) -> str | None:
        return next((str(lower[name]).strip() for name in names if lower.get(name)), None) or None

    source = first(SOURCE) or urlsplit(first(URL) or "").hostname
    return Article(text, first(TITLE), iso_day(first(DATE)), source)


TABLES = {".csv": csv_rows, ".tsv": csv_rows, ".jsonl": jsonl_rows, ".ndjson": jsonl_rows}
