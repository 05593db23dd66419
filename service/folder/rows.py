"""The row of `stance score`: the same keys in JSONL as columns in CSV."""

from typing import Any

from model.labels import LabelSpace
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


def fields(labels: LabelSpace) -> tuple[str, ...]:
    """Return the keys of a row in their order; the score columns are the stance labels."""
    return (*STATEMENT_FIELDS, *LABEL_FIELDS_BEFORE, *labels.stance, *LABEL_FIELDS_AFTER, *ARTICLE_FIELDS)


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


def label_row(prediction: Prediction, model_id: str, duplicate_of: str | None = None) -> dict[str, Any]:
    """Return the part of a row that the classifier knows."""
    tone = prediction.sentiment
    return {
        "stance": prediction.stance.label,
        "confidence": round(prediction.stance.confidence, 6),
        **{label: round(p, 6) for label, p in prediction.stance.scores.items()},
        "sentiment": tone.label if tone else None,
        "sentiment_confidence": round(tone.confidence, 6) if tone else None,
        "uncertain": prediction.uncertain,
        "truncated": prediction.truncated,
        "duplicate_of": duplicate_of,
        "model": model_id,
    }
