"""Rows -> the file asked for. Rows are collected as JSONL; every other format is made from that when all are there.

A writer is a function from an iterator of rows to a file, registered by format. The file appears under its name when
it is complete.
"""

import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from model.errors import DocumentError
from model.labels import LabelSpace
from service.folder.rows import fields

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A CSV cell that starts with one of these is run as a formula by spreadsheets; it gets an apostrophe before it."""
SHEET_ROWS = 1_048_576
CELL = 32_767
"""Most rows of a sheet, most characters of a cell: what Excel opens."""
CUT = " [cut here: a cell holds no more]"
ROW_GROUP = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

Row = Mapping[str, Any]
Writer = Callable[[Iterable[Row], Path, LabelSpace], None]


def json_line(row: Row) -> str:
    """Return a row as a line of JSONL."""
    return json.dumps(row, ensure_ascii=False) + "\n"


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSONL file."""
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a finished JSONL, CSV or Parquet file, as far as counting and reporting need them.

    Raises:
        DocumentError: it is of another format, or holds no rows of `stance score`.
    """
    try:
        ending = path.suffix.lower()
        if ending == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as stream:
                for row in csv.DictReader(stream):
                    yield {**row, **{key: _unflat(row, key) for key in row}}
        elif ending == ".parquet":
            from pyarrow import parquet

            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches():
                    yield from batch.to_pylist()
        elif ending == ".xlsx":
            return
        else:
            yield from read_jsonl(path)
    except (OSError, ValueError, UnicodeError) as error:
        raise DocumentError(f"{path} cannot be read as rows of stance score: {error}") from error


def _unflat(row: Mapping[str, str], key: str) -> Any:
    value = row[key]
    if key in ("uncertain", "truncated"):
        return value == "true"
    if key.endswith("confidence"):
        return float(value) if value else None
    if value[:1] == "'" and csv_cell(value[1:]) == value:
        return value[1:]
    return value or None


def write_csv(rows: Iterable[Row], path: Path, labels: LabelSpace) -> None:
    """Write RFC 4180, UTF-8; spans as `start:end` joined by spaces; empty for null."""
    names = fields(labels)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        writer.writerows([csv_cell(row[name]) for name in names] for row in rows)


def csv_cell(value: Any) -> Any:
    """Return a value as a CSV cell that no spreadsheet takes for a formula."""
    value = flat(value)
    if isinstance(value, str) and value.lstrip(" \u00a0\ufeff").startswith(FORMULA):
        return "'" + value
    return "" if value is None else value


def flat(value: Any) -> Any:
    """Return a value as one cell: spans as `start:end`, truth as a word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(f"{span['start']}:{span['end']}" for span in value)
    return value


def write_xlsx(rows: Iterable[Row], path: Path, labels: LabelSpace) -> None:
    """Write a workbook with a frozen, filtered header; texts are stored as texts, so none is a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    names = fields(labels)
    wide = {"document": 28, "statement": 28, "speaker": 22, "speaker_mention": 22, "text": 80, "title": 40}
    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    source = iter(rows)
    sheets = 0
    while (some := list(islice(source, 1))) or not sheets:
        sheets += 1
        sheet = book.create_sheet("statements" if sheets == 1 else f"statements {sheets}")
        sheet.freeze_panes = "A2"
        for number, name in enumerate(names, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = wide.get(name, 12)
        header = [WriteOnlyCell(sheet, name) for name in names]
        for cell in header:
            cell.font = Font(bold=True)
        sheet.append(header)
        count = 1
        for row in (each for part in (some, islice(source, SHEET_ROWS - 2)) for each in part):
            sheet.append([sheet_cell(WriteOnlyCell(sheet), row[name]) for name in names])
            count += 1
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{count}"
    book.save(path)


def sheet_text(text: str) -> str:
    """Return a text as a sheet's cell can hold it: no control characters, and a longer one says that it was cut."""
    text = _CONTROL.sub("\ufffd", text)
    return text if len(text) <= CELL else text[: CELL - len(CUT)] + CUT


def sheet_cell(cell: Any, value: Any) -> Any:
    """Return a sheet's cell with a value in it; a text is stored as text, so none is a formula."""
    if isinstance(value, list):
        value = flat(value)
    if isinstance(value, str):
        cell.value = sheet_text(value)
        cell.data_type = "s"  # never "f"
    else:
        cell.value = value
    return cell


def write_parquet(rows: Iterable[Row], path: Path, labels: LabelSpace) -> None:
    """Write typed columns; spans are a list of structs."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, _arrow_type(pa, name, labels)) for name in fields(labels)])
    source = iter(rows)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while some := list(islice(source, ROW_GROUP)):
            writer.write_table(pa.Table.from_pylist(some, schema))


def _arrow_type(pa: Any, name: str, labels: LabelSpace) -> Any:
    if name in ("start", "end"):
        return pa.int64()
    if name in ("confidence", "sentiment_confidence", *labels.stance):
        return pa.float64()
    if name in ("uncertain", "truncated"):
        return pa.bool_()
    return pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())])) if name == "spans" else pa.string()


WRITERS: Mapping[str, Writer | None] = {"jsonl": None, "csv": write_csv, "xlsx": write_xlsx, "parquet": write_parquet}
"""Format -> its writer; None for JSONL, which the rows are already."""


def publish(rows: Path, out: Path, output_format: str, labels: LabelSpace) -> None:
    """Turn collected rows into the file asked for, atomically; the collected rows go.

    Raises:
        OSError: it cannot be written.
    """
    writer = WRITERS[output_format]
    if writer is None:
        rows.replace(out)
        return
    made = out.with_name(out.name + ".made.part")
    writer(read_jsonl(rows), made, labels)
    with made.open("rb+") as stream:
        os.fsync(stream.fileno())
    made.replace(out)
    rows.unlink()


def write_errors(path: Path, errors: Iterable[tuple[str, str]]) -> None:
    """Write the documents that could not be read, each with its reason; no file where there is none."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as stream:
        count = 0
        for count, (document, reason) in enumerate(errors, start=1):  # noqa: B007
            stream.write(json_line({"document": document, "error": reason}))
        stream.flush()
        os.fsync(stream.fileno())
    if count:
        part.replace(path)
    else:
        part.unlink()
        path.unlink(missing_ok=True)


def names_beside(out: Path) -> Sequence[Path]:
    """Return the files that a run writes: never read as documents."""
    endings = ("", ".part", ".made.part", ".journal", ".journal-journal", ".errors.jsonl", ".errors.jsonl.part")
    return [out.with_name(out.name + ending) for ending in endings]
