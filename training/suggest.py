"""Which scored statements are most worth a label: those the checkpoint is unsure of, each unlike the others.

Uncertainty is one minus the margin between the two likeliest stances (Scheffer et al., 2001). Statements are then taken
one by one, each time the one with the greatest product of uncertainty and distance from all taken before, so that a
syndicated quote or one recurring phrase does not fill the list.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from model.checkpoint import write_text_atomic
from model.encoding import normalise
from model.errors import DataError, InputError

COLUMNS = ("text", "stance", "context", "given_stance", "confidence", "speaker", "document", "statement")
"""Of the file to fill in; `stance` is left empty, and `stance train` ignores what follows it."""
NEAR = 0.9
"""Cosine of TF-IDF vectors from which on two statements count as the same."""
POOL = 30
"""The most uncertain statements that are compared with each other: so many times the number wanted."""
NO_SCORES = frozenset(
    ["start", "end", "statement", "confidence", "sentiment_confidence", "uncertain", "truncated", "text", "year"]
)
"""Columns of numbers that are no stance's score."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A scored statement.

    Args:
        row: as read.
        text: the statement.
        uncertainty: between 0 (sure) and 1.
    """

    row: Mapping[str, Any]
    text: str
    uncertainty: float


def suggest(path: Path, count: int) -> list[Candidate]:
    """Pick statements from the output of `stance score`.

    Args:
        path: JSONL or CSV.
        count: how many are wanted; fewer come where the file holds no more different ones.

    Raises:
        DataError: the file cannot be read as scored statements.
    """
    pool = sorted(_candidates(path), key=lambda c: -c.uncertainty)[: max(POOL * count, 500)]
    if not pool:
        raise DataError(f"{path}: there is no scored statement in it")
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"[^\W_]+")
    try:
        matrix = vectors.fit_transform([c.text for c in pool])
    except ValueError as error:
        raise DataError(f"{path}: there is no word in its statements") from error
    unsure = np.array([c.uncertainty for c in pool]) + 1e-6
    nearest: NDArray[np.float64] = np.zeros(len(pool))
    picked: list[int] = []
    while len(picked) < count:
        worth = np.where(nearest < NEAR, unsure * (1 - nearest), -1.0)
        worth[picked] = -1.0
        best = int(worth.argmax())
        if worth[best] <= 0:
            break
        picked.append(best)
        nearest = np.maximum(nearest, (matrix @ matrix[best].T).toarray()[:, 0])
    return [pool[i] for i in picked]


def write_suggestions(path: Path, candidates: Sequence[Candidate], contexts: Mapping[str, str] | None = None) -> None:
    """Write the file to fill in: UTF-8 with a BOM, which spreadsheets need to show accents rightly.

    Args:
        path: the file.
        candidates: its rows.
        contexts: statement id -> the sentence around a fragment, for whoever labels it; empty where none is known.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for candidate in candidates:
        row = candidate.row
        speaker = row.get("speaker") or row.get("speaker_mention") or ""
        context = (contexts or {}).get(str(row.get("statement")), "")
        others = [speaker, row.get("document", ""), row.get("statement", "")]
        writer.writerow([candidate.text, "", context, row.get("stance", ""), row.get("confidence", ""), *others])
    write_text_atomic(path, "\N{ZERO WIDTH NO-BREAK SPACE}" + text.getvalue())


def _candidates(path: Path) -> Iterator[Candidate]:
    for number, row in _rows(path):
        try:
            text = str(row["text"])
            confidence = float(row["confidence"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}, row {number}: no scored statement (text and confidence are needed)") from error
        if row.get("duplicate_of") not in (None, "") or not any(c.isalnum() for c in text):
            continue
        try:
            normalise(text)
        except InputError:
            continue
        scores = sorted((s for key, s in _numbers(row) if key not in NO_SCORES), reverse=True)
        whole = len(scores) > 1 and abs(sum(scores) - 1) < 0.02
        yield Candidate(row, text, 1 - (scores[0] - scores[1]) if whole else 1 - confidence)


def _numbers(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in row.items():
        if isinstance(value, bool) or value in (None, ""):
            continue
        try:
            yield key, float(value)
        except (TypeError, ValueError):
            continue


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text: give the JSONL or CSV that 'stance score' wrote") from error
    if path.suffix.lower() == ".csv":
        yield from enumerate(csv.DictReader(io.StringIO(text)), start=2)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}, line {number}: no JSON: {error}") from error
            if not isinstance(row, dict):
                raise DataError(f"{path}, line {number}: no JSON object")
            yield number, row
