"""What the page and the service say to each other, beside the routes that everybody uses."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FileRequest(_Request):
    """One file."""

    name: str = Field(min_length=1, max_length=500, description="Its name; the ending chooses the reader.")
    content: str = Field(description="Its bytes in base64.")


class DocumentAnswer(BaseModel):
    """One document of a file: send its text to /articles."""

    name: str
    text: str | None = Field(description="Null where the document cannot be read.")
    title: str | None = None
    date: str | None = None
    source: str | None = None
    problem: str | None = Field(None, description="Why it cannot be read.")


class FileAnswer(BaseModel):
    """The documents of a file; an archive or a table holds several."""

    documents: list[DocumentAnswer]


class ExplainRequest(_Request):
    """A text whose label is to be explained."""

    text: str = Field(description="What was classified: a statement's words, or its context where it has one.")
    label: str | None = Field(None, description="The stance to explain; the one that the model gives by default.")


class Piece(BaseModel):
    """A word of the text, or a stretch of words where the text is long."""

    text: str
    weight: float = Field(description="What the label's log-odds lose without it; negative speaks against the label.")


class ExplainAnswer(BaseModel):
    """What made the model decide, by leaving out words in turn."""

    label: str
    confidence: float = Field(ge=0, le=1)
    pieces: list[Piece] = Field(description="Joined they are the text.")
    model: str


class CorrectionRequest(_Request):
    """What a label should be."""

    text: str = Field(min_length=1, max_length=20_000)
    label: str = Field(description="A stance of the served checkpoint; the model's own label confirms it.")
    who: str = Field("", max_length=200)
    context: str | None = Field(None, max_length=20_000, description="What was classified, if not the text itself.")
    document: str | None = Field(None, max_length=500)
    speaker: str | None = Field(None, max_length=500)
    model: str = Field("", max_length=200, description="The checkpoint that gave the label.")
    model_label: str | None = Field(None, max_length=200)
    model_confidence: float | None = Field(None, ge=0, le=1)


class CorrectionAnswer(BaseModel):
    """One line of the trail."""

    id: int
    at: str = Field(description="ISO 8601, UTC.")
    who: str
    target: str
    text: str
    context: str | None
    document: str | None
    speaker: str | None
    model: str
    model_label: str | None
    model_confidence: float | None
    label: str | None = Field(description="Null takes the earlier correction back.")


class CorrectionsAnswer(BaseModel):
    """Corrections, newest first."""

    corrections: list[CorrectionAnswer]
    corpus_rows: int = Field(
        description="Rows of the part of the corpus that `/corrections/labelled.csv?corpus=true` adds, where it has "
        "these labels; what the served checkpoint was trained on is the `corpus` of `/model`."
    )


def _different(columns: list[str]) -> list[str]:
    if len(set(columns)) < len(columns):
        raise ValueError("a column stands twice: a label has the name of another column, train it again under another")
    return columns


class ExportRequest(_Request):
    """Rows for a file."""

    format: Literal["csv", "xlsx", "jsonl"]
    columns: Annotated[list[str], AfterValidator(_different)] = Field(min_length=1, max_length=100)
    rows: list[dict[str, Any]] = Field(max_length=100_000)
