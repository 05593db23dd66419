"""A file of rows -> records: encodings, delimiters, broken quoting, spreadsheets. Knows no label.

Nothing is given up at the first problem: a line that is not UTF-8, a quotation mark that is never closed or a row with
too many fields is reported, and reading goes on behind it.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from model.delimiter import told_delimiter
from model.errors import DataError

DELIMITERS = (",", ";", "\t")
"""Comma by RFC 4180; a spreadsheet set to another language writes semicolons or tabs."""


@dataclass
class Table:
    """What a file holds.

    Args:
        raw: its bytes.
        header: names of the columns, without surrounding spaces; a known one in the case that is known.
        records: (row number as a spreadsheet counts, column -> value) of every row that has all its fields.
        problems: what is wrong with the others, one sentence each.
    """

    raw: bytes
    header: list[str] = field(default_factory=list)
    records: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_table(path: Path, wanted: Sequence[str], others: Sequence[str] = ()) -> Table:
    """Read a CSV (UTF-8, with or without BOM; comma, semicolon or tab) or the first sheet of an XLSX.

    Args:
        path: the file.
        wanted: column names, any of which tells that a delimiter is the right one; case does not count, unless it is
            all that keeps two columns apart.
        others: more column names whose case does not count.

    Raises:
        DataError: the file cannot be read at all.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder: give a labelled CSV file") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    table = Table(raw)
    if path.suffix.lower() == ".xlsx":
        numbered: Iterator[tuple[int, list[str]]] = iter(enumerate(_sheet(path), start=1))
    else:
        text = _decode(path, raw, table.problems)
        numbered = _csv_rows(path, text, wanted, table.problems)
    _, header = next(numbered, (1, []))
    table.header = _known([name.strip() for name in header], (*others, *wanted))
    for name, count in Counter(table.header).items():
        if count > 1:
            table.problems.append(f"{path}, row 1: the column {name!r} stands {count} times")
    for number, fields in numbered:
        if not any(value.strip() for value in fields):
            continue  # an empty line holds nothing that could be lost
        if len(fields) != len(table.header):
            what = f"{len(fields)} fields instead of {len(table.header)}"
            table.problems.append(f"{path}, row {number}: {what} (check the quoting)")
            continue
        table.records.append((number, dict(zip(table.header, fields, strict=True))))
    return table


def _known(header: list[str], names: Sequence[str]) -> list[str]:
    """Write names as they are known where they differ in case alone, unless two columns would then be one."""
    known = {name.casefold(): name for name in names}
    count = Counter(name.casefold() for name in header)
    return [known.get(name.casefold(), name) if count[name.casefold()] == 1 else name for name in header]


def _decode(path: Path, raw: bytes, problems: list[str]) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path} is UTF-16: save it as 'CSV UTF-8'")
    lines, bad = [], []
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            bad.append(f"line {number}: not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1}")
            lines.append(line.decode("utf-8", errors="replace").replace("\N{REPLACEMENT CHARACTER}", "?"))
    others = f", as {len(bad) - 1} more lines are" if len(bad) > 1 else ""
    problems.append(f"{path}, {bad[0]}){others}: save the file as 'CSV UTF-8'")
    return "\n".join(lines)


def _delimiter(header: str, wanted: Sequence[str]) -> str:
    known = {name.casefold() for name in wanted}
    for delimiter in DELIMITERS:
        names = {name.strip().strip('"').strip().casefold() for name in header.split(delimiter)}
        if len(names) > 1 and names & known:
            return delimiter
    return max(DELIMITERS, key=header.count)


def _csv_rows(path: Path, text: str, wanted: Sequence[str], problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number, fields); a quotation mark that is never closed costs its own line only."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    lines = [line + "\n" for line in text.split("\n")]
    told = told_delimiter(lines[0])
    delimiter = told or _delimiter(lines[0], wanted)
    at, number, width = int(told is not None), 0, 0
    while at < len(lines):
        reader = csv.reader(islice(lines, at, None), delimiter=delimiter, strict=True)
        start = at
        try:
            for fields in reader:
                spanned = reader.line_num - (start - at)
                if spanned > 1 and width and len(fields) != width:
                    raise csv.Error("a quotation mark is not closed, or stands inside a field undoubled")
                number += 1
                width = width or len(fields)
                start = at + reader.line_num
                yield number, fields
            return
        except csv.Error as error:
            number += 1
            problems.append(f"{path}, row {number} (line {start + 1}): the quoting is broken: {error}")
            at = start + 1


def _sheet(path: Path) -> Iterator[list[str]]:
    """Yield the rows of the first sheet, cells as text."""
    import zipfile

    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise DataError(f"{path}: reading XLSX needs openpyxl: pip install openpyxl, or save as CSV") from error
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(f"{path} is no XLSX workbook: {error}") from error
    cells = book.worksheets[0].iter_rows(values_only=True)
    rows = [["" if cell is None else str(cell) for cell in row] for row in cells]
    book.close()
    used = max((index + 1 for row in rows for index, cell in enumerate(row) if cell.strip()), default=0)
    yield from (row[:used] for row in rows)  # a sheet may end in empty columns
