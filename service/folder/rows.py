"""The row of `stance score`: the same keys in JSONL as columns in CSV."""

import hashlib
import re
import struct
from typing import Any

from model.encoding import MAX_CHARACTERS, normalise
from model.errors import CheckpointError, EmptyTextError
from model.labels import LabelSpace, names_taken
from model.records import Prediction, Statement
from service.folder.html import Article

STATEMENT_FIELDS = (
    "document",
    "statement",
    "speaker",
    "speaker_mention",
    "kind",
    "text",
    "start",
    "end",
    "spans",
)
LABEL_FIELDS_BEFORE = ("stance", "confidence")
LABEL_FIELDS_AFTER = ("sentiment", "sentiment_confidence", "uncertain", "truncated", "duplicate_of", "model")
ARTICLE_FIELDS = ("title", "date", "source")
UNIT = 10_000


def fields(labels: LabelSpace) -> tuple[str, ...]:
    """Return the keys of a row in their order; the score columns are the stance labels."""
    return (*STATEMENT_FIELDS, *LABEL_FIELDS_BEFORE, *labels.stance, *LABEL_FIELDS_AFTER, *ARTICLE_FIELDS)


def check_labels(labels: LabelSpace, model_id: str) -> None:
    """Refuse a checkpoint whose scores would stand in the place of other values.

    Raises:
        CheckpointError: a stance has the name of another column.
    """
    if taken := names_taken(labels.stance):
        raise CheckpointError(
            f"{model_id} has labels that are named like other columns of the rows ({', '.join(map(repr, taken))}): "
            "train it again under other names"
        )


def statement_row(document: str, number: int, statement: Statement) -> dict[str, Any]:
    """Return the part of a row that extraction knows.

    Args:
        document: the document's name.
        number: the statement's place in the document, from 1.
        statement: what was found.
    """
    return {
        "document": document,
        "statement": f"{document}#{number}",
        "speaker": statement.speaker,
        "speaker_mention": statement.speaker_mention,
        "kind": statement.kind,
        "text": statement.text,
        "start": statement.start,
        "end": statement.end,
        "spans": [{"start": span.start, "end": span.end} for span in statement.spans],
    }


def article_row(article: Article) -> dict[str, Any]:
    """Return the part of a row that the document's format knows."""
    return {"title": article.title, "date": article.date, "source": article.source}


def label_row(packed: bytes, labels: LabelSpace, model_id: str, duplicate_of: str | None = None) -> dict[str, Any]:
    """Return the part of a row that the classifier knows, from what `pack` made of a prediction."""
    stance, tone, flags, *numbers = struct.unpack(f">BBB{labels.size}H", packed)
    probabilities = [number / UNIT for number in numbers]
    scores = probabilities[labels.stance_slice]
    tones = probabilities[labels.sentiment_slice]
    return {
        "stance": labels.stance[stance],
        "confidence": scores[stance],
        **dict(zip(labels.stance, scores, strict=True)),
        "sentiment": labels.sentiment[tone] if tones else None,
        "sentiment_confidence": tones[tone] if tones else None,
        "uncertain": bool(flags & 1),
        "truncated": bool(flags & 2),
        "duplicate_of": duplicate_of,
        "model": model_id,
    }


def pack(prediction: Prediction, labels: LabelSpace) -> bytes:
    """Return a prediction as a few bytes: what is kept of each first statement for its later duplicates.

    Probabilities are rounded to four digits, far below what calibration can promise.
    """
    tone = prediction.sentiment
    probabilities = [*prediction.stance.scores.values(), *(tone.scores.values() if tone else ())]
    return struct.pack(
        f">BBB{labels.size}H",
        labels.stance.index(prediction.stance.label),
        labels.sentiment.index(tone.label) if tone else 0,
        prediction.uncertain | prediction.truncated << 1,
        *(round(p * UNIT) for p in probabilities),
    )


_WORD = re.compile(r"\w+|\?")


def same_words(statement: Statement) -> bytes:
    """Return a key that two statements share when they have the same words in the same context.

    Marks, case and spelling variants that `model.encoding.normalise` folds do not count; a question mark does.
    """
    texts = (statement.text,) if statement.context == statement.text else (statement.text, statement.context)
    parts = [" ".join(_WORD.findall(_normalised(text).casefold())) for text in texts]
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def context_of(statement: Statement) -> str:
    """Return what is classified; a statement that never ends is cut where no encoder reads any more."""
    return statement.context[:MAX_CHARACTERS]


def _normalised(text: str) -> str:
    try:
        return normalise(text[:MAX_CHARACTERS])
    except EmptyTextError:
        return text
