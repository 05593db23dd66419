"""A labelled CSV, checked row by row, as a `datasets.Dataset`.

Every problem of the file is reported at once, with row and column; nothing is dropped and nothing starts before the
whole file has been checked. Rows are numbered as a spreadsheet numbers them: the header is row 1 (a quoted line break
does not count as a row).
"""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from model.encoding import normalise
from model.errors import DataError, InputError
from model.labels import SENTIMENTS, STANCES, LabelSpace

SPLITS = ("train", "validation", "test")
TEXT_ALIASES = ("text", "statement", "quote")
STANCE_ALIASES = ("stance", "label")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled statement.

    Args:
        file: where it stands.
        number: its row in the file, as a spreadsheet counts.
        text: the statement as written.
        stance: its label.
        secondary: a second stance, or empty.
        sentiment: its tone, or empty.
        group: rows of one group stay on one side of a split; empty for none.
        split: `train`, `validation`, `test`, or empty.
    """

    file: str
    number: int
    text: str
    stance: str
    secondary: str = ""
    sentiment: str = ""
    group: str = ""
    split: str = ""

    @property
    def where(self) -> str:
        """File and row, for messages."""
        return f"{self.file}, row {self.number}"


@dataclass(frozen=True)
class LabelledData:
    """A checked file.

    Args:
        name: file name.
        sha256: of the file's bytes.
        rows: all rows, in their order.
        labels: the label space that the file implies.
    """

    name: str
    sha256: str
    rows: tuple[Row, ...]
    labels: LabelSpace


def label_space(rows: list[Row]) -> LabelSpace:
    """Return the labels that rows hold: the default order where they are the default labels, else alphabetical."""
    found = {row.stance for row in rows}
    stance = tuple(label for label in STANCES if label in found) if found <= set(STANCES) else tuple(sorted(found))
    return LabelSpace(stance, SENTIMENTS if any(row.sentiment for row in rows) else ())


def read_labelled(*paths: Path, text_column: str | None = None, stance_column: str | None = None) -> LabelledData:
    """Read and check labelled CSV files (UTF-8 with or without BOM, header row, RFC 4180 quoting).

    Args:
        paths: the files; several are joined in this order.
        text_column: the column that holds the statement; by default `text`, `statement` or `quote`.
        stance_column: the column that holds the label; by default `stance` or `label`.

    Raises:
        DataError: every problem found in any of them, one sentence each.
    """
    problems: list[str] = []
    rows: list[Row] = []
    digest = hashlib.sha256()
    for path in paths:
        try:
            raw, found = _read_file(path, text_column, stance_column, problems)
            digest.update(raw)
            rows += found
        except DataError as error:
            problems += error.problems
    if not problems and not rows:
        problems.append(f"{', '.join(map(str, paths))}: there is no row below the header")
    problems += _cross_check(rows)
    if problems:
        raise DataError(*problems)
    name = "+".join(path.name for path in paths)
    return LabelledData(name, digest.hexdigest(), tuple(rows), label_space(rows))


def _read_file(
    path: Path, text_column: str | None, stance_column: str | None, problems: list[str]
) -> tuple[bytes, list[Row]]:
    try:
        raw = path.read_bytes()
        content = raw.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder: give a labelled CSV file") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{path}: line {line} is not UTF-8: save the file as 'CSV UTF-8'") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    reader = csv.DictReader(io.StringIO(content, newline=""), strict=True)
    rows: list[Row] = []
    try:
        header = list(reader.fieldnames or ())
        missing: list[str] = []
        text_key = _column(header, TEXT_ALIASES, text_column, path, missing)
        stance_key = _column(header, STANCE_ALIASES, stance_column, path, missing)
        missing += [f"{path}: the column {name!r} stands twice" for name, n in Counter(header).items() if n > 1]
        if missing:
            raise DataError(*missing)
        for number, record in enumerate(reader, start=2):
            if None in record or None in record.values():
                problems.append(f"{path}, row {number}: {_width(record)} instead of {len(header)} (check the quoting)")
                continue
            rows.append(_row(path, number, record, text_key, stance_key, problems))
    except csv.Error as error:
        problems.append(f"{path}, line {reader.line_num}: the quoting is broken ({error})")
    return raw, rows


def _column(header: list[str], aliases: tuple[str, ...], wanted: str | None, path: Path, problems: list[str]) -> str:
    names = (wanted,) if wanted else aliases
    for name in names:
        if name in header:
            return name
    held = ", ".join(header) or "nothing"
    problems.append(f"{path}: the header has no column {' or '.join(map(repr, names))} (it holds: {held})")
    return names[0]


def _width(record: dict[str, str]) -> str:
    missing = sum(value is None for value in record.values())
    return f"{len(record) - missing if missing else 'more'} fields"


def _row(path: Path, number: int, record: dict[str, str], text: str, stance: str, problems: list[str]) -> Row:
    value = {key: (entry or "").strip() for key, entry in record.items()}

    def wrong(column: str, what: str) -> None:
        problems.append(f"{path}, row {number}, column {column}: {what}")

    try:
        normalise(value[text])
    except InputError as error:
        wrong(text, str(error))
    if not value[stance]:
        wrong(stance, "the label is empty")
    if value.get("sentiment") and value["sentiment"] not in SENTIMENTS:
        wrong("sentiment", f"{value['sentiment']!r} is none of {', '.join(SENTIMENTS)}")
    if value.get("split") and value["split"] not in SPLITS:
        wrong("split", f"{value['split']!r} is none of {', '.join(SPLITS)}")
    return Row(
        str(path),
        number,
        value[text],
        value[stance],
        *(value.get(name, "") for name in ("secondary", "sentiment", "group", "split")),
    )


def _cross_check(rows: list[Row]) -> list[str]:
    """Find what no row shows alone: labels that are too rare or misspelt, one text under two labels or two splits."""
    problems = []
    counts = Counter(row.stance for row in rows if row.stance)
    if rows and len(counts) < 2:
        problems.append(f"{rows[0].file}, column stance: at least two different labels are needed, not {len(counts)}")
    for row in rows:
        if row.stance and counts[row.stance] == 1 and len(rows) > 2 * len(counts):
            problems.append(f"{row.where}, column stance: {row.stance!r} stands in this row only")
        if row.secondary and row.secondary not in counts:
            problems.append(f"{row.where}, column secondary: no row has the stance {row.secondary!r}")
    same: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.text.strip():
            same[row.text.casefold()].append(row)
    for first, *others in same.values():
        for other in others:
            if other.stance != first.stance:
                problems.append(
                    f"{other.where}, column stance: the text of {first.where} again, "
                    f"labelled {other.stance!r} here and {first.stance!r} there"
                )
            if other.split != first.split:
                problems.append(f"{other.where}, column split: the text of {first.where} again, in another split")
    return problems


def to_dataset(
    rows: list[Row],
    labels: LabelSpace,
    *,
    secondary_share: float = 0.0,
    teacher: NDArray[np.floating] | None = None,
    teacher_share: float = 0.0,
) -> Dataset:
    """Turn rows into a `datasets.Dataset`.

    Args:
        rows: checked rows.
        labels: where a label meets its index.
        secondary_share: share of the stance target that goes to the secondary label.
        teacher: (rows, stance labels) probabilities of a stronger checkpoint, or None.
        teacher_share: share of the stance target that comes from the teacher (Hinton et al., 2015).

    Returns:
        Columns `text`, `stance_target` (float list, stance labels; sums to 1) and `sentiment` (index in its group,
        -100 where the row has none).
    """
    targets = []
    for number, row in enumerate(rows):
        target = [0.0] * len(labels.stance)
        target[labels.stance.index(row.stance)] = 1.0
        if row.secondary in labels.stance and row.secondary != row.stance:
            target[labels.stance.index(row.stance)] = 1.0 - secondary_share
            target[labels.stance.index(row.secondary)] = secondary_share
        if teacher is not None:
            pairs = zip(target, teacher[number].tolist(), strict=True)
            target = [(1.0 - teacher_share) * own + teacher_share * soft for own, soft in pairs]
        targets.append(target)
    sentiments = [
        labels.sentiment.index(row.sentiment) if row.sentiment in labels.sentiment and labels.sentiment else -100
        for row in rows
    ]
    return Dataset.from_dict(
        {"text": [row.text for row in rows], "stance_target": targets, "sentiment": sentiments},
    )
