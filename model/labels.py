"""The label space: the one place where a label meets an index.

The network has one head. Its logits are the stance group followed by the sentiment group (when there is one);
a softmax over each group gives that group's probabilities.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from model.errors import LabelMismatchError

STANCES = ("supportive", "pessimistic", "accusatory", "neutral")
"""The stance labels of the default target, in the order of the logits."""
SENTIMENTS = ("positive", "neutral", "negative")
"""The sentiment labels, in the order of the logits."""
SENTIMENT_PREFIX = "sentiment:"
"""What `config.json` writes before a sentiment label, since `neutral` names a label of both groups."""
TAKEN = (
    *("document", "statement", "speaker", "speaker_mention", "kind", "text", "start", "end", "spans"),
    *("stance", "confidence", "sentiment", "sentiment_confidence", "uncertain", "truncated", "duplicate_of", "model"),
    *("title", "date", "source", "corrected_stance", "corrected_by", "corrected_at"),
)
"""What rows of results and downloads of the page call their other columns: a stance's score is a column of its name."""


def names_taken(stances: Iterable[str]) -> list[str]:
    """Return the stances whose names mean something else: a column of results, or a sentiment in `config.json`."""
    return [label for label in stances if label in TAKEN or label.startswith(SENTIMENT_PREFIX)]


@dataclass(frozen=True)
class LabelSpace:
    """The label groups of one checkpoint.

    Args:
        stance: two labels or more, each once.
        sentiment: no label (the checkpoint does not judge sentiment) or two and more, each once.

    Raises:
        ValueError: a group repeats a label, holds an empty one, or is too small.
    """

    stance: tuple[str, ...] = STANCES
    sentiment: tuple[str, ...] = SENTIMENTS

    def __post_init__(self) -> None:
        for name, group, least in (("stance", self.stance, 2), ("sentiment", self.sentiment, 0)):
            if len(set(group)) != len(group) or any(not label.strip() for label in group):
                raise ValueError(f"the {name} labels {group} must be non-empty and different from each other")
            if len(group) < least or len(group) == 1:
                raise ValueError(f"the {name} group needs at least two labels, not {len(group)}")

    @property
    def size(self) -> int:
        """How many logits the head has."""
        return len(self.stance) + len(self.sentiment)

    @property
    def stance_slice(self) -> slice:
        """Where the stance logits stand."""
        return slice(0, len(self.stance))

    @property
    def sentiment_slice(self) -> slice:
        """Where the sentiment logits stand (empty where the checkpoint has none)."""
        return slice(len(self.stance), self.size)

    @cached_property
    def id2label(self) -> dict[int, str]:
        """Index of a logit -> its name in `config.json`."""
        names = [*self.stance, *(SENTIMENT_PREFIX + label for label in self.sentiment)]
        return dict(enumerate(names))

    @classmethod
    def from_id2label(cls, id2label: Mapping[Any, str]) -> "LabelSpace":
        """Read the groups back from the `id2label` of a `config.json`.

        Raises:
            LabelMismatchError: the indices have a gap, or a stance label follows a sentiment label.
        """
        try:
            ordered = sorted((int(index), str(name)) for index, name in id2label.items())
            if [index for index, _ in ordered] != list(range(len(ordered))):
                raise ValueError("the indices are not 0, 1, 2, ...")
            names = [name for _, name in ordered]
            first = next((i for i, name in enumerate(names) if name.startswith(SENTIMENT_PREFIX)), len(names))
            if not all(name.startswith(SENTIMENT_PREFIX) for name in names[first:]):
                raise ValueError("a stance label stands after a sentiment label")
            return cls(tuple(names[:first]), tuple(name.removeprefix(SENTIMENT_PREFIX) for name in names[first:]))
        except ValueError as error:
            raise LabelMismatchError(f"the labels of config.json cannot be used: {error}") from error
