"""Rows of fragments -> the sentence around each, from the documents that were scored."""

import glob
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from service.folder.links import file_of
from service.folder.runner import Task, extract_documents
from service.folder.writers import csv_cell

_ARCHIVE = re.compile(r"(\.zip)/", re.IGNORECASE)


def contexts_of(rows: Iterable[Mapping[str, Any]], documents: str, text_column: str | None = None) -> dict[str, str]:
    """Find the sentence in which each fragment stands; rows do not hold it.

    Args:
        rows: rows of `stance score`, as JSONL or CSV has them.
        documents: the path or URL that was scored.
        text_column: column of the text in CSV and JSONL documents, or None for the usual names.

    Returns:
        Statement id -> its sentence; a fragment whose document is gone, unreadable or changed has none.

    Raises:
        DocumentError: there are no such documents.
    """
    wanted = {(row.get("document"), str(row.get("start"))): row for row in rows if row.get("kind") == "fragment"}
    if not wanted:
        return {}
    include = tuple({glob.escape(file) for document, _ in wanted for file in _files_of(str(document))})
    found = {}
    for document in extract_documents(Task(documents, Path("none"), include=include, text_column=text_column)):
        for statement in document.statements:
            row = wanted.get((document.name, str(statement.start)))
            if row is not None and row["text"] in (statement.text, csv_cell(statement.text)):
                found[str(row["statement"])] = statement.context
    return found


def _files_of(document: str) -> tuple[str, ...]:
    """Return the files that may hold a document: itself, the table of which it is a row, the archive it lies in."""
    table = file_of(document)
    return (document, table, *(table[: match.end(1)] for match in _ARCHIVE.finditer(table)))
