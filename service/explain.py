"""What made the model decide: occlusion, which needs nothing but the classifier.

Each stretch of words is left out in turn; what the label's log-odds lose is the stretch's weight (Zeiler and Fergus,
2014; Li, Monroe and Jurafsky, 2016).
"""

import math
import re
from collections.abc import Sequence

from model.records import Prediction

MAX_PIECES = 64
"""Longer texts are cut into this many stretches, so that an explanation costs a bounded number of passes."""
_WORD = re.compile(r"\S+\s*")


def pieces_of(text: str) -> list[str]:
    """Cut a text into words, or into short stretches of words where there are many; joined they are the text."""
    words = _WORD.findall(text)
    lead = text[: len(text) - sum(map(len, words))]
    size = max(1, math.ceil(len(words) / MAX_PIECES))
    pieces = ["".join(words[at : at + size]) for at in range(0, len(words), size)]
    return [lead + pieces[0], *pieces[1:]] if pieces else []


def without_each(pieces: Sequence[str]) -> list[str]:
    """Return the text without each piece in turn; nothing where a single piece is all there is."""
    if len(pieces) < 2:
        return []
    return ["".join((*pieces[:at], *pieces[at + 1 :])) for at in range(len(pieces))]


def weight(whole: Prediction, without: Prediction, label: str) -> float:
    """Return how much a label's log-odds fall when the piece is gone; negative where the piece speaks against it."""
    return _log_odds(whole.stance.scores[label]) - _log_odds(without.stance.scores[label])


def _log_odds(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))
