"""Edits that say nothing about stance, and how often they flip the label all the same."""

import re
from collections.abc import Callable, Mapping, Sequence

from model.classifier import StanceClassifier


def _first_letter(text: str) -> str:
    return text[:1].swapcase() + text[1:]


def _capital(text: str) -> str:
    return re.sub(r"\bKyiv\b", "Kiev", text) if "Kyiv" in text else re.sub(r"\bKiev\b", "Kyiv", text)


def _bracket(text: str) -> str:
    """Insert a reporter's explanation after the first "he", "they", "it" or "we", or else after the second word."""
    found = re.search(r"\b(he|she|they|it|we|this|that)\b", text, re.IGNORECASE)
    if found:
        return f"{text[: found.end()]} [as mentioned]{text[found.end() :]}"
    words = text.split(" ")
    return " ".join([*words[:2], "[as mentioned]", *words[2:]])


EDITS: Mapping[str, Callable[[str], str]] = {
    "closing comma": lambda text: text.rstrip(".,") + ",",
    "closing full stop": lambda text: text.rstrip(".,") + ".",
    "no closing mark": lambda text: text.rstrip(".,"),
    "quotation marks": lambda text: f"“{text}”",
    "case of the first letter": _first_letter,
    "Kiev and Kyiv": _capital,
    "bracketed insertion": _bracket,
    "curly apostrophes": lambda text: text.replace("'", "’"),
    "straight apostrophes": lambda text: text.replace("’", "'"),
}
"""Name of an edit -> the edit."""


def flip_rates(classifier: StanceClassifier, texts: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Count label flips under each edit.

    Args:
        classifier: what is tested.
        texts: statements.

    Returns:
        Edit -> (flipped, changed): texts whose label flips, of those that the edit changes at all.
    """
    before = [prediction.stance.label for prediction in classifier.classify(texts)]
    rates = {}
    for name, edit in EDITS.items():
        changed = [(edit(text), label) for text, label in zip(texts, before, strict=True) if edit(text) != text]
        after = classifier.classify([text for text, _ in changed])
        flipped = sum(new.stance.label != old for new, (_, old) in zip(after, changed, strict=True))
        rates[name] = (flipped, len(changed))
    return rates
