"""Interviews printed as turns: "Q: ...", "BERG: ...", with or without quotation marks around them."""

import re
from collections import Counter
from dataclasses import dataclass

from model.quotes.lexicon import LABELS
from model.records import Span

_LABEL = re.compile(
    r"\s*(?P<mark>[\"“„«]?)\s*"
    r"(?P<label>[QA]|[A-Z][A-Z.'’ -]{1,38}[A-Z]|[A-Z][\w.'’-]{1,20}(?: [A-Z][\w.'’-]{1,20}){0,3})"
    r"(?: ?\([^()\n]{1,40}\))?\s*[:：]\s+(?![\"“„«‘'])"
)
_NOISE = re.compile(r"\W*\([^()]{1,40}\)\W*\Z")
_ASKS = frozenset(["Q", "A", "QUESTION", "ANSWER", "REPORTER", "INTERVIEWER", "MODERATOR"])
_GAP = 4
"""How many paragraphs without a label may stand within one turn."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one person says until the next label.

    Args:
        label: the label as printed, without its colon.
        spans: the words, one span a paragraph.
        paragraphs: which paragraphs they stand in.
    """

    label: str
    spans: tuple[Span, ...]
    paragraphs: tuple[int, ...]


def find_turns(document: str, paragraphs: list[tuple[int, int]]) -> list[Turn]:
    """Return the turns of a document that is, or holds, a transcript; none for any other document."""
    labelled: list[tuple[int, re.Match[str]]] = []
    for number, (start, end) in enumerate(paragraphs):
        if document.find(":", start, min(end, start + 90)) < 0 and document.find("：", start, min(end, start + 90)) < 0:
            continue
        match = _LABEL.match(document, start, end)
        if match is not None and not LABELS.intersection(match["label"].lower().split()):
            labelled.append((number, match))
    labels = _transcript_labels([m["label"] for _, m in labelled])
    labelled = [(n, m) for n, m in labelled if m["label"] in labels]
    turns = []
    for index, (number, match) in enumerate(labelled):
        following = labelled[index + 1][0] if index + 1 < len(labelled) else number + 1
        last = following if following - number <= _GAP else number + 1
        spans, places = [], []
        for place in range(number, last):
            start, end = paragraphs[place]
            start = match.end() if place == number else start
            if place > number and _NOISE.match(document, start, end):
                continue
            span = _trim(document, start, end, quoted=bool(match["mark"]))
            if span.end > span.start:
                spans.append(span)
                places.append(place)
        if spans:
            turns.append(Turn(match["label"], tuple(spans), tuple(range(number, last))))
    return turns


def _transcript_labels(found: list[str]) -> set[str]:
    """The labels that make a transcript: several of them, taking turns."""
    count = Counter(found)
    capitals = {label for label in count if label.isupper()}
    # "ANNA BERG:" at first is "BERG:" later.
    voices = Counter(label.split()[-1] for label in found if label in capitals)
    if len(voices) >= 2 and sum(voices.values()) >= 3 and max(voices.values()) >= 2:
        return capitals
    if len(capitals & _ASKS) and sum(count[label] for label in capitals & _ASKS) >= 3:
        return capitals & _ASKS
    names = {label for label in count if not label.isupper() and count[label] >= 2}
    return names if len(names) >= 2 else set()


def _trim(document: str, start: int, end: int, quoted: bool) -> Span:
    while start < end and (document[start].isspace() or (quoted and document[start] in '"“„«')):
        start += 1
    while end > start and (document[end - 1].isspace() or (quoted and document[end - 1] in '"”“»')):
        end -= 1
    return Span(start, end)


def asks(label: str) -> bool:
    """Whether a label names a part in the conversation rather than a person."""
    return label in _ASKS
