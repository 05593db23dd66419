"""Rows -> a file. A writer takes rows one by one and is closed once; the file appears under its name when complete."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from model.errors import DocumentError

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A CSV cell that starts with one of these is run as a formula by spreadsheets; it gets an apostrophe before it."""


class RowWriter(Protocol):
    """Writes rows with the same keys."""

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        ...


class _FileWriter:
    """Writes beside the final name and moves the file there when all went well."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._part.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise DocumentError(f"{path} cannot be written: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        if kind is None:
            self._part.replace(self._path)


class JsonlWriter(_FileWriter):
    """One JSON object a line."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        super().__init__(path)
        self._names = names

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._stream.write(json.dumps({name: row[name] for name in self._names}, ensure_ascii=False) + "\n")


class CsvWriter(_FileWriter):
    """RFC 4180, UTF-8; spans as `start:end` joined by spaces; empty for null."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        super().__init__(path)
        self._names = names
        self._csv = csv.writer(self._stream)
        self._csv.writerow(names)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._csv.writerow([csv_cell(row[name]) for name in self._names])


def csv_cell(value: Any) -> Any:
    """Return a value as a CSV cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(f"{span['start']}:{span['end']}" for span in value)
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


WRITERS: Mapping[str, type[JsonlWriter] | type[CsvWriter]] = {"jsonl": JsonlWriter, "csv": CsvWriter}
