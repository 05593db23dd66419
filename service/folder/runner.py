"""Scores every document under a path: read, extract, classify, write, in the order of the documents' names."""

import json
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from model.errors import DocumentError
from model.labels import LabelSpace
from service.folder.engine import Engine
from service.folder.extraction import Extracted, extract
from service.folder.journal import Done, First, Journal
from service.folder.listing import Found, Selection, is_url, list_files
from service.folder.parcels import Parcel, Position, plan
from service.folder.rows import article_row, check_labels, context_of, label_row, same_words, statement_row
from service.folder.tally import Progress, Summary
from service.folder.writers import json_line, names_beside, publish, read_rows, write_errors

FORMAT = "1"
"""Changes when rows would: a journal of another format cannot be continued."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be scored, and how.

    Args:
        root: a file, a folder, or an fsspec URL.
        out: the file to write; `<out>.errors.jsonl` beside it gets the documents that failed.
        output_format: a key of `service.folder.writers.WRITERS`.
        fragments: whether fragments count as statements.
        include: globs; a file must match one of them.
        exclude: globs; a file must match none.
        text_column: column of the text in CSV and JSONL, or None for the usual names.
        shown_root: what the journal calls the root, where it is a temporary copy.
    """

    root: str
    out: Path
    output_format: str = "jsonl"
    fragments: bool = True
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    text_column: str | None = None
    shown_root: str | None = None

    @property
    def selection(self) -> Selection:
        """Which files count."""
        return Selection(self.include, self.exclude, frozenset(str(path.absolute()) for path in names_beside(self.out)))

    def meta(self, model_id: str, backend: str) -> dict[str, str]:
        """Return what another run must share to continue this one."""
        root = self.shown_root or (self.root if is_url(self.root) else str(Path(self.root).resolve()))
        return {
            "checkpoint": model_id,
            "backend": backend,
            "path": os.fsencode(root).decode("utf-8", "backslashreplace"),
            "fragments": str(self.fragments),
            "include": "\n".join(self.include),
            "exclude": "\n".join(self.exclude),
            "text column": self.text_column or "",
            "journal format": FORMAT,
        }


def extract_documents(task: Task) -> Iterator[Extracted]:
    """Read the documents of a task and find their statements, in this process.

    Raises:
        DocumentError: there is nothing to read at all.
    """
    files = sorted(list_files(task.root, task.selection), key=lambda found: found.name.encode())
    _check_any(files, task.root)
    for parcel in plan(enumerate(files), Position(), task.text_column):
        for item in parcel.items:
            yield from extract([item], fragments=task.fragments)


def check(task: Task) -> None:
    """Complain before anything is loaded.

    Raises:
        DocumentError: there is nothing to read, or `out` cannot be written.
    """
    _check_any(list_files(task.root, task.selection), task.root)
    try:
        task.out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DocumentError(f"{task.out} cannot be written: {error.strerror or error}") from error
    if task.out.is_dir() or not os.access(task.out.parent, os.W_OK):
        raise DocumentError(f"{task.out} cannot be written: choose another --out")


def _check_any(files: Iterator[Found] | list[Found], root: str) -> None:
    if next(iter(files), None) is None:
        raise DocumentError(f"{root} holds no file that can be read and matches")


@dataclass(slots=True)
class _Slot:
    """Where some words stood first; empty while that parcel is in flight."""

    first: First | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A parcel whose texts are being scored: a slot for each statement, and those that it fills itself."""

    parcel: Parcel
    documents: list[Extracted]
    slots: list[_Slot]
    new: dict[bytes, _Slot]
    result: Callable[[], list[bytes]]


@dataclass
class _Run:
    """One run over one journal."""

    journal: Journal
    engine: Engine
    labels: LabelSpace
    model_id: str
    stream: BinaryIO
    summary: Summary
    done: Done
    flying: dict[bytes, _Slot] = field(default_factory=dict)

    def submit(self, parcel: Parcel, documents: list[Extracted]) -> _Waiting:
        """Start scoring the words of a parcel that have not stood before."""
        statements = [(statement, same_words(statement)) for d in documents for statement in d.statements]
        written = self.journal.find(list({key for _, key in statements if key not in self.flying}))
        known = {key: _Slot(first) for key, first in written.items()}
        slots: list[_Slot] = []
        new: dict[bytes, _Slot] = {}
        texts: list[str] = []
        for statement, key in statements:
            slot = known.get(key) or self.flying.get(key)
            if slot is None:
                slot = new[key] = self.flying[key] = _Slot()
                texts.append(context_of(statement))
            slots.append(slot)
        return _Waiting(parcel, documents, slots, new, self.engine.score(texts) if texts else list)

    def commit(self, waiting: _Waiting) -> None:
        """Write a parcel's rows and record it. Parcels come in order, so every first statement is known by now."""
        labels = dict(zip(map(id, waiting.new.values()), waiting.result(), strict=True))
        lines: list[str] = []
        slots = iter(waiting.slots)
        for document in waiting.documents:
            about = article_row(document.article)
            for number, statement in enumerate(document.statements, start=1):
                row: dict[str, Any] = statement_row(document.name, number, statement)
                slot = next(slots)
                copied = slot.first.statement if slot.first else None
                slot.first = slot.first or First(row["statement"], labels[id(slot)])
                row |= label_row(slot.first.labels, self.labels, self.model_id, copied) | about
                lines.append(json_line(row))
                self.summary.add(row)
        self._record(waiting, {key: slot.first for key, slot in waiting.new.items() if slot.first}, lines)
        for key in waiting.new:
            del self.flying[key]

    def _record(self, waiting: _Waiting, firsts: Mapping[bytes, First], lines: list[str]) -> None:
        self.stream.write("".join(lines).encode("utf-8", "backslashreplace"))
        self.stream.flush()
        os.fsync(self.stream.fileno())
        failed = [(d.name, d.problem) for d in waiting.documents if d.problem is not None]
        scored = [d for d in waiting.documents if d.problem is None]
        empty = sum(not d.statements for d in scored)
        start = waiting.parcel.start.file
        digests = [(start + i, d.digest) for i, d in enumerate(waiting.documents) if d.digest is not None]
        self.done = replace(self.done, position=waiting.parcel.end, length=self.stream.tell())
        self.journal.record(self.done, firsts, failed, [*digests, *waiting.parcel.digests], (len(scored), empty))
        self.done = replace(self.done, parcel=self.done.parcel + 1)
        self.summary.documents += len(scored)
        self.summary.empty += empty
        for name, reason in failed:
            self.summary.fail(name, reason)


def score_folder(
    task: Task,
    engine: Engine,
    labels: LabelSpace,
    model_id: str,
    *,
    backend: str = "",
    restart: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Write one row a statement; go on where an interrupted run of the same task stopped.

    Args:
        task: what is to be scored, and how.
        engine: extracts and scores.
        labels: the label groups of the checkpoint.
        model_id: its id.
        backend: what runs it; a run is continued on the same one alone, since numbers differ a little.
        restart: forget an interrupted run.
        on_progress: called after each parcel.

    Raises:
        DocumentError: there is nothing to read, `out` cannot be written, or an interrupted run was another task.
        BackendError: the network failed; the same command goes on from there.
        CheckpointError: a label has the name of another column of the rows.
    """
    check_labels(labels, model_id)
    out, part = task.out, task.out.with_name(task.out.name + ".part")
    path = task.out.with_name(task.out.name + ".journal")
    if restart:
        path.unlink(missing_ok=True)
        path.with_name(path.name + "-journal").unlink(missing_ok=True)  # SQLite would play it back into the new file
    summary = Summary()
    try:
        with Journal(path) as journal:
            done = _open(journal, task, task.meta(model_id, backend), summary)
            if done is not None:
                with _rows_at(part, done.length, summary) as stream:
                    _score(task, _Run(journal, engine, labels, model_id, stream, summary, done), on_progress)
                journal.set_complete()
                publish(part, out, task.output_format, labels)
            write_errors(out.with_name(out.name + ".errors.jsonl"), journal.errors())
        path.unlink()
    except (OSError, sqlite3.Error) as error:
        raise DocumentError(f"{out} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    return summary


def _open(journal: Journal, task: Task, meta: Mapping[str, str], summary: Summary) -> Done | None:
    """Begin or continue; None where an interrupted run had everything but its last clean-up."""
    files = list_files(task.root, task.selection, summary.left_out)
    before = journal.meta()
    complete = before.pop("complete", None)
    if not before:
        journal.begin(meta, files)
        return journal.done()
    different = [key for key in meta if before.get(key) != meta[key]]
    if different:
        told = "; ".join(f"{key} was {before.get(key) or '(none)'}, is {meta[key] or '(none)'}" for key in different)
        raise DocumentError(
            f"{journal.path} belongs to an interrupted run of another kind ({told}): give the same options to go on, "
            "or --restart to begin anew"
        )
    part = task.out.with_name(task.out.name + ".part")
    published = bool(complete) and task.out.exists() and not part.exists()
    length = part.stat().st_size if part.exists() else journal.done().length if published else 0
    done, summary.changed = journal.resume(files, length)
    if published and summary.changed is not None:
        summary.left_out.clear()
        journal.begin(meta, list_files(task.root, task.selection, summary.left_out))
        return journal.done()
    summary.documents, summary.empty, summary.kept = done.documents, done.empty, done.documents + done.failed
    for name, reason in journal.errors():
        summary.fail(name, reason)
    if published:
        for row in read_rows(task.out):
            summary.add(row)
        return None
    return done


@contextmanager
def _rows_at(part: Path, length: int, summary: Summary) -> Iterator[BinaryIO]:
    """Open the rows of an interrupted run, count them, and cut what was written after the last record."""
    with part.open("r+b" if part.exists() else "w+b") as stream:
        stream.truncate(length)
        for line in stream:
            summary.add(json.loads(line))
        stream.seek(0, os.SEEK_END)
        yield stream


def _score(task: Task, run: _Run, on_progress: Callable[[Progress], None]) -> None:
    """Take every parcel that is left through the engine, in order."""
    everything, left, size = run.journal.totals(run.done.position.file)
    parcels = plan(run.journal.files(run.done.position.file), run.done.position, task.text_column)
    flying: deque[_Waiting] = deque()
    started: tuple[float, int, int, int] | None = None

    def commit() -> None:
        nonlocal started
        waiting = flying.popleft()
        run.commit(waiting)
        now = time.monotonic()
        documents, rows, read = run.summary.documents + run.summary.failed, run.summary.statements, waiting.parcel.read
        if started is None:  # what came before was starting up
            started = now, documents, rows, read
        seconds = now - started[0]
        done = everything - left + waiting.parcel.end.file - run_start
        speed = (read - started[3]) / seconds if seconds > 0 else 0.0
        on_progress(
            Progress(
                done,
                everything,
                (documents - started[1]) / seconds if seconds > 0 else 0.0,
                (rows - started[2]) / seconds if seconds > 0 else 0.0,
                max(size - read, 0) / speed if speed > 0 else None,
                run.summary,
            )
        )

    run_start = run.done.position.file
    for parcel, documents in run.engine.extract(parcels, fragments=task.fragments):
        flying.append(run.submit(parcel, documents))
        while len(flying) > run.engine.depth:
            commit()
    while flying:
        commit()
