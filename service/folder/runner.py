"""Scores every document under a path: read, extract, classify, write, in the order of the documents' names."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.classifier import StanceClassifier
from model.errors import InputError
from model.quotes import extract_quotes
from model.records import Statement
from service.folder.html import Article
from service.folder.readers import find_documents, read_document
from service.folder.rows import article_row, fields, label_row, statement_row
from service.folder.writers import WRITERS, RowWriter

CHUNK_STATEMENTS = 512


@dataclass
class Summary:
    """What a run did.

    Args:
        documents: documents that were scored.
        failed: documents that could not be read, with the reason.
        statements: rows written.
        stances: stance -> rows.
        uncertain: rows marked `uncertain`.
    """

    documents: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    statements: int = 0
    stances: Counter[str] = field(default_factory=Counter)
    uncertain: int = 0


@dataclass(frozen=True, slots=True)
class Extracted:
    """One document with its statements."""

    name: str
    article: Article
    statements: tuple[Statement, ...]


def extract_documents(path: Path, *, fragments: bool, failed: dict[str, str]) -> Iterator[Extracted]:
    """Read the documents under a path and find their statements.

    Args:
        path: a file or a folder.
        fragments: whether fragments count as statements.
        failed: gets name -> reason of each document that cannot be read.

    Raises:
        DocumentError: there is nothing to read at all.
    """
    for name, file in find_documents(path):
        try:
            article = read_document(file)
        except InputError as error:
            failed[name] = str(error)
            continue
        yield Extracted(name, article, extract_quotes(article.text, fragments=fragments))


def score_folder(
    path: Path,
    out: Path,
    classifier: StanceClassifier,
    *,
    output_format: str = "jsonl",
    fragments: bool = True,
    on_progress: Callable[[int, int, Summary], None] = lambda done, total, summary: None,
) -> Summary:
    """Write one row a statement.

    Args:
        path: a file or a folder.
        out: the file to write; documents that failed go to `<out>.errors.jsonl` beside it.
        classifier: labels the statements.
        output_format: a key of `WRITERS`.
        fragments: whether fragments count as statements.
        on_progress: called with documents done, documents in all, and the summary so far.

    Raises:
        DocumentError: there is nothing to read, or `out` cannot be written.
        BackendError: the network failed.
    """
    total = len(find_documents(path))
    summary = Summary()
    with WRITERS[output_format](out, fields(classifier.labels)) as writer:
        waiting: list[Extracted] = []
        for document in extract_documents(path, fragments=fragments, failed=summary.failed):
            waiting.append(document)
            if sum(len(d.statements) for d in waiting) >= CHUNK_STATEMENTS:
                _score(waiting, classifier, writer, summary)
                waiting = []
            on_progress(summary.documents + len(summary.failed) + len(waiting), total, summary)
        _score(waiting, classifier, writer, summary)
        on_progress(total, total, summary)
    _write_errors(out.with_name(out.name + ".errors.jsonl"), summary.failed)
    return summary


def _score(documents: Sequence[Extracted], classifier: StanceClassifier, writer: RowWriter, summary: Summary) -> None:
    numbered = [(d, number, statement) for d in documents for number, statement in enumerate(d.statements, start=1)]
    predictions = classifier.classify([statement.context for _, _, statement in numbered])
    for (document, number, statement), prediction in zip(numbered, predictions, strict=True):
        row: dict[str, Any] = statement_row(document.name, number, statement)
        row |= label_row(prediction, classifier.checkpoint_id) | article_row(document.article)
        writer.write(row)
        summary.statements += 1
        summary.stances[prediction.stance.label] += 1
        summary.uncertain += prediction.uncertain
    summary.documents += len(documents)


def _write_errors(path: Path, failed: dict[str, str]) -> None:
    if not failed:
        path.unlink(missing_ok=True)
        return
    with path.open("w", encoding="utf-8") as stream:
        for name, reason in failed.items():
            stream.write(json.dumps({"document": name, "error": reason}, ensure_ascii=False) + "\n")
