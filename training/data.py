"""A labelled CSV, checked row by row, as a `datasets.Dataset`.

Every problem of the file is reported at once, with row and column; nothing is dropped and nothing starts before the
whole file has been checked. Rows are numbered as a spreadsheet numbers them: the header is row 1 (a quoted line break
does not count as a row).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from datasets import Dataset, Features, Value
from datasets import List as ListOf
from numpy.typing import NDArray

from model.encoding import normalise
from model.errors import DataError, InputError
from model.labels import SENTIMENTS, STANCES, LabelSpace
from training.checks import find_doubts, find_problems, find_warnings
from training.intake import read_table

SPLITS = ("train", "validation", "test")
MOST_WEIGHT = 100
TEXT_ALIASES = ("text", "statement", "quote")
STANCE_ALIASES = ("stance", "label")
OTHER_COLUMNS = ("secondary", "sentiment", "group", "split", "weight")
GARBLED = re.compile(r"\N{REPLACEMENT CHARACTER}|â€[™œ\u009d“”]|Ã[\u0080-\u00bf]|[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""UTF-8 read as Latin-1 or Windows-1252, lost characters, and control characters."""


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
        weight: how often an epoch shows it, on average.
    """

    file: str
    number: int
    text: str
    stance: str
    secondary: str = ""
    sentiment: str = ""
    group: str = ""
    split: str = ""
    weight: float = 1.0

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
        warnings: what does not stop training but should be known.
    """

    name: str
    sha256: str
    rows: tuple[Row, ...]
    labels: LabelSpace
    warnings: tuple[str, ...] = ()

    @property
    def rows_a_label(self) -> float:
        """Mean number of training rows a label: what decides whether they are few."""
        return sum(row.split in ("", "train") for row in self.rows) / len(self.labels.stance)


def label_space(rows: list[Row]) -> LabelSpace:
    """Return the labels that rows hold: the default order where they are the default labels, else alphabetical."""
    found = {row.stance for row in rows}
    stance = tuple(label for label in STANCES if label in found) if found <= set(STANCES) else tuple(sorted(found))
    return LabelSpace(stance, SENTIMENTS if any(row.sentiment for row in rows) else ())


def read_labelled(
    *paths: Path,
    text_column: str | None = None,
    stance_column: str | None = None,
    strict: bool = False,
    weights: Mapping[str, float] | None = None,
) -> LabelledData:
    """Read and check labelled CSV or XLSX files.

    Args:
        paths: the files; several are joined in this order.
        text_column: the column that holds the statement; by default `text`, `statement` or `quote`.
        stance_column: the column that holds the label; by default `stance` or `label`.
        strict: refuse a file for its doubtful rows too: garbled characters, twins with other labels or in other splits.
        weights: file name -> what the weights of its rows are multiplied with.

    Raises:
        DataError: every problem found in any of them, doubtful rows included, one sentence each.
    """
    problems: list[str] = []
    doubts: list[str] = []
    rows: list[Row] = []
    digest = hashlib.sha256()
    text_names = (text_column,) if text_column else TEXT_ALIASES
    stance_names = (stance_column,) if stance_column else STANCE_ALIASES
    for path in paths:
        try:
            table = read_table(path, (*text_names, *stance_names), OTHER_COLUMNS)
        except DataError as error:
            problems += error.problems
            continue
        digest.update(table.raw)
        problems += table.problems
        text_key = _column(path, table.header, text_names, "--text-column", problems)
        stance_key = _column(path, table.header, stance_names, "--stance-column", problems)
        if text_key and stance_key:
            keys = (text_key, stance_key)
            rows += [_row(path, number, record, keys, problems, doubts) for number, record in table.records]
            if not table.records:
                problems.append(f"{path}: there is no row below the header")
    names = {path.name for path in paths}
    for file in sorted(set(weights or {}) - names):
        problems.append(f"a weight is given for {file}, which is none of the files: {', '.join(sorted(names))}")
    rows = [replace(row, weight=row.weight * (weights or {}).get(Path(row.file).name, 1.0)) for row in rows]
    problems += find_problems(rows)
    doubts += find_doubts(rows)
    if problems or (strict and doubts):
        raise DataError(*problems, *doubts)
    name = "+".join(path.name for path in paths)
    return LabelledData(name, digest.hexdigest(), tuple(rows), label_space(rows), (*doubts, *find_warnings(rows)))


def _column(path: Path, header: list[str], names: tuple[str, ...], flag: str, problems: list[str]) -> str | None:
    for name in names:
        if name in header:
            return name
    held = ", ".join(header) or "nothing"
    what = f"the header has no column {' or '.join(map(repr, names))} (it holds: {held})"
    problems.append(f"{path}, row 1: {what}: rename the right one, or name it with {flag}")
    return None


def _row(
    path: Path,
    number: int,
    record: dict[str, str],
    keys: tuple[str, str],
    problems: list[str],
    doubts: list[str],
) -> Row:
    text, stance = keys
    value = {key: entry.strip() for key, entry in record.items()}

    def wrong(column: str, what: str) -> None:
        problems.append(f"{path}, row {number}, column {column}: {what}")

    words = value[text]
    try:
        if not any(character.isalnum() for character in normalise(words)):
            wrong(text, "there is no word in the text")
    except InputError as error:
        wrong(text, str(error))
    if found := GARBLED.search(words):
        what = f"garbled characters ({found.group()!r}): saved in another encoding?"
        doubts.append(f"{path}, row {number}, column {text}: {what}")
    if not value[stance]:
        wrong(stance, "the label is empty")
    if value.get("sentiment") and value["sentiment"] not in SENTIMENTS:
        wrong("sentiment", f"{value['sentiment']!r} is none of {', '.join(SENTIMENTS)}")
    if value.get("split") and value["split"] not in SPLITS:
        wrong("split", f"{value['split']!r} is none of {', '.join(SPLITS)}")
    weight = 1.0
    if given := value.get("weight"):
        try:
            weight = read_weight(given)
        except ValueError as error:
            wrong("weight", str(error))
    secondary, sentiment, group, split = (value.get(name, "") for name in ("secondary", "sentiment", "group", "split"))
    return Row(str(path), number, words, value[stance], secondary, sentiment, group, split, weight)


def read_weight(given: str) -> float:
    """Read the weight of a row or a file; a decimal comma will do.

    Raises:
        ValueError: it is no number, or out of range.
    """
    try:
        weight = float(given.replace(",", "."))
    except ValueError:
        weight = -1.0
    if not 0 < weight <= MOST_WEIGHT:
        raise ValueError(f"{given!r} is no number above 0 and up to {MOST_WEIGHT}")
    return weight


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
        teacher: (rows, stance labels) or (rows, labels) probabilities of a stronger checkpoint, or None.
        teacher_share: share of a target that comes from the teacher (Hinton et al., 2015); all of it for the sentiment
            of a row without one.

    Returns:
        Columns `text`, `stance_target` (float list, stance labels; sums to 1), `sentiment_target` (float list,
        sentiment labels; sums to 1, or all 0 where nothing is known) and `weight`.
    """
    stances, sentiments = [], []
    for number, row in enumerate(rows):
        stance = [0.0] * len(labels.stance)
        stance[labels.stance.index(row.stance)] = 1.0
        if row.secondary in labels.stance and row.secondary != row.stance:
            stance[labels.stance.index(row.stance)] = 1.0 - secondary_share
            stance[labels.stance.index(row.secondary)] = secondary_share
        tone = [float(label == row.sentiment) for label in labels.sentiment]
        if teacher is not None:
            said = teacher[number].tolist()
            stance = _mixed(stance, said[: len(labels.stance)], teacher_share)
            if said[len(labels.stance) :]:
                tone = _mixed(tone, said[len(labels.stance) :], teacher_share if any(tone) else 1.0)
        stances.append(stance)
        sentiments.append(tone)
    weights = [row.weight for row in rows]
    return _dataset([row.text for row in rows], stances, sentiments, weights)


def taught_dataset(texts: Sequence[str], labels: LabelSpace, teacher: NDArray[np.floating]) -> Dataset:
    """Turn texts without labels into a dataset with the columns of `to_dataset`.

    Args:
        texts: statements.
        labels: where a label meets its index.
        teacher: (texts, stance labels) or (texts, labels) probabilities.
    """
    width = len(labels.stance)
    tones = teacher[:, width:].tolist() if teacher.shape[1] > width else [[0.0] * len(labels.sentiment)] * len(texts)
    return _dataset(list(texts), teacher[:, :width].tolist(), tones, [1.0] * len(texts))


def thinned(data: Dataset, most: int) -> Dataset:
    """Return a dataset whose weights sum to no more than `most`, each smaller by the same factor; 0 is no bound."""
    total = sum(data["weight"])
    if not most or total <= most:
        return data
    weights = [weight * most / total for weight in data["weight"]]
    return data.remove_columns("weight").add_column("weight", weights, feature=Value("float32"))


def _dataset(
    texts: list[str], stances: list[list[float]], sentiments: list[list[float]], weights: list[float]
) -> Dataset:
    columns = {"text": texts, "stance_target": stances, "sentiment_target": sentiments, "weight": weights}
    floats = ListOf(Value("float32"))
    kinds = {"text": Value("string"), "stance_target": floats, "sentiment_target": floats, "weight": Value("float32")}
    return Dataset.from_dict(columns, features=Features(kinds))


def _mixed(own: list[float], other: list[float], share: float) -> list[float]:
    return [(1.0 - share) * mine + share * theirs for mine, theirs in zip(own, other, strict=True)]
