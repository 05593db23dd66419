"""Rows that the page shows -> a file to download: CSV, XLSX or JSONL."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.folder.writers import csv_cell, sheet_cell

Row = Mapping[str, Any]
_WIDE = {"document": 28, "statement": 28, "speaker": 22, "text": 80, "title": 40}


def to_jsonl(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Return one JSON object a line."""
    lines = (json.dumps({name: row.get(name) for name in names}, ensure_ascii=False) + "\n" for row in rows)
    return "".join(lines).encode("utf-8", "replace")


def to_csv(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Return RFC 4180 with a byte order mark (spreadsheets need it to read UTF-8); no cell is a formula."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow([csv_cell(name) for name in names])
    writer.writerows([csv_cell(_flat(row.get(name))) for name in names] for row in rows)
    return stream.getvalue().encode("utf-8-sig", "replace")


def to_xlsx(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Return a workbook with a frozen, filtered header; texts are stored as texts, so none is a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("statements")
    sheet.freeze_panes = "A2"
    for number, name in enumerate(names, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDE.get(name, 12)
    header = [sheet_cell(WriteOnlyCell(sheet), name) for name in names]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    for row in rows:
        sheet.append([sheet_cell(WriteOnlyCell(sheet), _flat(row.get(name))) for name in names])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{len(rows) + 1}"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _flat(value: Any) -> Any:
    """Return a value as one cell: spans as `start:end`, any other structure as JSON."""
    if isinstance(value, list) and all(isinstance(span, dict) and {"start", "end"} <= span.keys() for span in value):
        return " ".join(f"{span['start']}:{span['end']}" for span in value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)


EXPORTS: Mapping[str, tuple[str, Callable[[Sequence[Row], Sequence[str]], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", to_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", to_xlsx),
    "jsonl": ("application/jsonl; charset=utf-8", to_jsonl),
}
"""Format -> media type and writer."""
