"""The nouns that travel through the project: frozen, and checked when made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["full", "fragment", "indirect"]
"""`full`: a sentence or clause of its own; `fragment`: words woven into the reporter's sentence;
`indirect`: reported speech without quotation marks."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of Unicode code points of a document: `document[span.start:span.end]`.

    Raises:
        ValueError: negative start, or an end before the start.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span needs 0 <= start <= end, not {self.start}:{self.end}")

    def of(self, document: str) -> str:
        """Return the words that the span covers."""
        return document[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Quote:
    """What stands inside one pair of quotation marks (the marks themselves are outside the span).

    Args:
        span: where it stands in the document.
        text: `document[span.start:span.end]`, exactly.
    """

    span: Span
    text: str

    def __post_init__(self) -> None:
        if self.span.end - self.span.start != len(self.text):
            raise ValueError("a quote's text must be as long as its span")


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that somebody said: one quote, or several that one speech tag joins.

    Args:
        text: the words of the spans, joined by a space.
        spans: where they stand in the document, in order, without overlap.
        kind: `full`, `fragment` or `indirect`.
        speaker: the fullest name that the document gives the speaker, or None.
        speaker_mention: the words as written at the quote ("he", "the presidential aide"), or None.
        cue: the verb or phrase that marks the speech ("said", "according to"), or None.
        context: for a fragment, the sentence that encloses it; otherwise the text itself. This is what is classified.

    Raises:
        ValueError: no span, spans out of order, or an empty text.
    """

    text: str
    spans: tuple[Span, ...]
    kind: Kind = "full"
    speaker: str | None = None
    speaker_mention: str | None = None
    cue: str | None = None
    context: str = ""

    def __post_init__(self) -> None:
        if not self.spans or not self.text.strip():
            raise ValueError("a statement needs words and at least one span")
        if any(a.end > b.start for a, b in zip(self.spans, self.spans[1:], strict=False)):
            raise ValueError("the spans of a statement must be ordered and must not overlap")
        if not self.context.strip():
            object.__setattr__(self, "context", self.text)

    @property
    def start(self) -> int:
        """Where the first span starts."""
        return self.spans[0].start

    @property
    def end(self) -> int:
        """Where the last span ends."""
        return self.spans[-1].end


@dataclass(frozen=True, slots=True)
class LabelScores:
    """A label with the calibrated probabilities of its whole group.

    Args:
        label: the most probable label.
        confidence: its probability.
        scores: label -> probability, in label order; they sum to 1.
    """

    label: str
    confidence: float
    scores: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.label not in self.scores or abs(sum(self.scores.values()) - 1.0) > 1e-3:
            raise ValueError("scores must hold the label and sum to 1")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the classifier says about one text.

    Args:
        stance: label and scores of the stance group.
        sentiment: label and scores of the sentiment group; None where the checkpoint does not judge sentiment.
        uncertain: the stance confidence lies under the checkpoint's calibrated threshold.
        truncated: the text was longer than the encoder reads, and its end was not seen.
    """

    stance: LabelScores
    sentiment: LabelScores | None = None
    uncertain: bool = False
    truncated: bool = False
