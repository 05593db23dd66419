"""Edits of a statement that leave its stance as it is: what a reporter's desk does to a quotation.

In training each row is shown edited now and then, so that the label does not hang on a comma. Which rows, and how, is
a function of the seed and of the rows of the batch alone, so that a resumed run sees what an unbroken one would.
"""

import random
import re
from collections.abc import Callable, Sequence

INSERTIONS = ("sic", "...", "he said", "the president", "these people", "in Alaska", "of the two sides", "on Friday")
"""What a reporter puts in brackets; none of it takes a position."""


def first_letter(text: str, rng: random.Random) -> str:
    """Swap the case of the first letter."""
    return text[:1].swapcase() + text[1:]


def capital(text: str, rng: random.Random) -> str:
    """Write Kyiv as Kiev, or the other way round."""
    return re.sub(r"\bKyiv\b", "Kiev", text) if "Kyiv" in text else re.sub(r"\bKiev\b", "Kyiv", text)


def insertion(text: str, rng: random.Random) -> str:
    """Put a bracketed insertion between two words."""
    words = text.split(" ")
    place = rng.randint(1, max(1, len(words) - 1))
    return " ".join([*words[:place], f"[{rng.choice(INSERTIONS)}]", *words[place:]])


def closing(text: str, rng: random.Random) -> str:
    """End with another mark, or with none."""
    return text.rstrip(".,") + rng.choice(("", ",", "."))


def marks(text: str, rng: random.Random) -> str:
    """Put the whole into quotation marks."""
    return rng.choice(("“{}”", '"{}"', "‘{}’", "«{}»")).format(text)


def apostrophes(text: str, rng: random.Random) -> str:
    """Straighten curly apostrophes, or curl straight ones."""
    return text.replace("’", "'") if "’" in text else text.replace("'", "’")


EDITS: Sequence[Callable[[str, random.Random], str]] = (
    first_letter,
    capital,
    insertion,
    insertion,
    closing,
    marks,
    apostrophes,
)
"""What is drawn from; the insertion twice, as it is the hardest."""


def edited(text: str, rng: random.Random) -> str:
    """Return the text after one or two edits, drawn at random.

    Args:
        text: a statement.
        rng: where chance comes from.
    """
    for edit in rng.sample(EDITS, rng.randint(1, 2)):
        text = edit(text, rng)
    return text
