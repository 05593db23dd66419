"""What travels over HTTP, and how it is made from the records."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from model.records import Prediction, Statement

_HALVES = re.compile("[\ud800-\udfff]")


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class ClassifyRequest(_Request):
    """One text."""

    text: str = Field(description="The words of a statement, without its outer quotation marks.")


class BatchRequest(_Request):
    """Several texts."""

    texts: list[str] = Field(min_length=1, description="The texts; answered in this order.")


def _whole(text: str | None) -> str | None:
    if text is not None and _HALVES.search(text):
        raise ValueError("it holds half of a surrogate pair, which is no character")
    return text


Document = Annotated[str | None, AfterValidator(_whole)]


class ArticleRequest(_Request):
    """An article, as text or as HTML."""

    text: Document = Field(None, description="The article's text. Spans count its Unicode code points.")
    html: Document = Field(None, description="The article's HTML; its main text is extracted first.")
    url: Document = Field(None, description="Where it was published; helps with HTML, and is never fetched.")


class SentimentAnswer(BaseModel):
    """The tone of the words, whatever their target."""

    label: str
    confidence: float = Field(ge=0, le=1)
    scores: dict[str, float]


class Labels(BaseModel):
    """Stance and sentiment of one text."""

    stance: str
    confidence: float = Field(ge=0, le=1, description="Calibrated probability of the stance given.")
    scores: dict[str, float] = Field(description="Calibrated probability of each stance; they sum to 1.")
    sentiment: SentimentAnswer | None = Field(None, description="Null where the checkpoint does not judge sentiment.")
    uncertain: bool = Field(description="The confidence lies under the checkpoint's calibrated threshold.")
    truncated: bool = Field(description="The text was longer than the encoder reads; its end was not seen.")


class ClassifyAnswer(Labels):
    """The answer to one text."""

    model: str = Field(description="The checkpoint that answered.")


class ItemError(BaseModel):
    """Why one text of a batch has no labels."""

    status: int
    code: str
    detail: str


class BatchItem(BaseModel):
    """Labels of one text, or its error."""

    stance: str | None = None
    confidence: float | None = Field(None, ge=0, le=1)
    scores: dict[str, float] | None = None
    sentiment: SentimentAnswer | None = None
    uncertain: bool | None = None
    truncated: bool | None = None
    error: ItemError | None = None


class BatchAnswer(BaseModel):
    """The answers to several texts, in their order."""

    results: list[BatchItem]
    model: str


class SpanAnswer(BaseModel):
    """Half-open range of Unicode code points of the document."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)


class StatementAnswer(Labels):
    """One statement of an article with its labels."""

    text: str
    speaker: str | None
    speaker_mention: str | None
    kind: str
    spans: list[SpanAnswer]
    cue: str | None
    context: str | None = Field(
        None, description="What was classified, where that is not the text: a fragment's sentence."
    )


class Segment(BaseModel):
    """A run of the document's text; all segments joined are the document."""

    text: str
    statement: int | None = Field(description="Index of the statement it belongs to, null between statements.")


class ArticleAnswer(BaseModel):
    """The statements of an article."""

    statements: list[StatementAnswer]
    segments: list[Segment]
    title: str | None = None
    date: str | None = None
    source: str | None = None
    model: str


class ModelCard(BaseModel):
    """What is being served."""

    model: str = Field(description="Id of the checkpoint.")
    target: str
    labels: dict[str, list[str]]
    backend: str
    base: dict[str, Any]
    corpus: dict[str, Any]
    calibration: dict[str, float]
    metrics: dict[str, Any]
    trained_at: str
    versions: dict[str, str]


class SwapRequest(_Request):
    """Which checkpoint shall serve."""

    name: str = Field(min_length=1, max_length=200, description="Id of a checkpoint in the server's store.")


class SwapAnswer(BaseModel):
    """What serves now."""

    model: str = Field(description="Id of the checkpoint that serves from now on.")
    previous: str | None = Field(
        description="Id of the one before, whose last requests are still answered; `model` where it served already."
    )
    backend: str


class Health(BaseModel):
    """The state of the service."""

    status: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="Stable, for machines.")
    detail: str
    field: str | None = None


def labels_of(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as the fields of `Labels`."""
    tone = prediction.sentiment
    return {
        "stance": prediction.stance.label,
        "confidence": prediction.stance.confidence,
        "scores": dict(prediction.stance.scores),
        "sentiment": tone and {"label": tone.label, "confidence": tone.confidence, "scores": dict(tone.scores)},
        "uncertain": prediction.uncertain,
        "truncated": prediction.truncated,
    }


def statement_of(statement: Statement) -> dict[str, Any]:
    """Return a statement as the fields that `StatementAnswer` adds to `Labels`."""
    return {
        "text": statement.text,
        "speaker": statement.speaker,
        "speaker_mention": statement.speaker_mention,
        "kind": statement.kind,
        "spans": [{"start": span.start, "end": span.end} for span in statement.spans],
        "cue": statement.cue,
        "context": statement.context if statement.context != statement.text else None,
    }


def segments_of(document: str, statements: list[Statement]) -> list[dict[str, Any]]:
    """Cut a document at the spans of its statements.

    Returns:
        Segments in order; joined they are the document. Where spans overlap, the one that starts first wins.
    """
    spans = sorted((span.start, span.end, index) for index, item in enumerate(statements) for span in item.spans)
    segments: list[dict[str, Any]] = []
    at = 0
    for start, end, index in spans:
        if start < at or start == end:
            continue
        if start > at:
            segments.append({"text": document[at:start], "statement": None})
        segments.append({"text": document[start:end], "statement": index})
        at = end
    if at < len(document):
        segments.append({"text": document[at:], "statement": None})
    return segments
