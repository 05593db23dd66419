"""Statements put together anew from parts of others, for a stronger checkpoint to label.

What a small network lacks is not labels but text: here it sees more of what its teacher makes of one (a form of the
data augmentation of TinyBERT; Jiao et al., 2020). The results read like statements and hold their mixtures of stances;
none is ever written down.
"""

import random
import re
from collections.abc import Callable, Sequence

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
CLAUSE = re.compile(
    r", (?:but|and|while|because|which|so|though|although|if|when|since|not)\b|;|:| — | – | because | if "
)
LEAST_WORDS = 5
"""A clause of fewer words says too little."""
ATTEMPTS = 20
"""Tries for each statement that is wanted, after which fewer are returned."""
COUNTERPARTS: Sequence[Sequence[str]] = (
    ("Putin", "Zelensky", "Trump", "Rubio", "Witkoff", "Lavrov", "Ushakov", "Merz", "Macron"),
    ("the Russian president", "the American president", "the Ukrainian president"),
    ("Russia", "Ukraine", "the United States", "Europe"),
    ("Moscow", "Kyiv", "Washington", "Brussels", "London", "Berlin"),
    ("the Kremlin", "the White House"),
    ("Russian", "Ukrainian", "American", "European"),
    ("Russians", "Ukrainians", "Americans", "Europeans"),
    ("Anchorage", "Alaska", "the summit", "the meeting", "those talks"),
    ("the understandings", "the agreements", "the framework", "the process", "the talks", "the negotiations"),
    ("not", "never", "no longer"),
    ("they", "we"),
    ("them", "us"),
    ("their", "our"),
    ("They", "We"),
)
"""Words of which one may stand where another stood; who is blamed, and by whom, is then another question."""

_OTHERS = {word: [other for other in words if other != word] for words in COUNTERPARTS for word in words}
_WORDS = re.compile(r"\b(" + "|".join(sorted(map(re.escape, _OTHERS), key=len, reverse=True)) + r")\b")


def recombined(texts: Sequence[str], count: int, seed: int) -> list[str]:
    """Return statements made of sentences and clauses of others, or of one with counterparts swapped.

    Args:
        texts: statements.
        count: how many are wanted.
        seed: where chance comes from.

    Returns:
        Different statements, none of them among `texts`; fewer than `count` where the texts give no more.
    """
    if not texts or not count:
        return []
    rng = random.Random(f"recombined {seed}")
    sentences = [SENTENCE_END.split(text.strip()) for text in texts]
    known, found = set(texts), dict[str, None]()
    ways: Sequence[Callable[[list[list[str]], random.Random], str]] = (_joined, _shortened, _clause, _swapped)
    for _ in range(ATTEMPTS * count):
        text = rng.choices(ways, weights=(4, 1, 2, 5))[0](sentences, rng)
        if text and text not in known:
            found[text] = None
        if len(found) == count:
            break
    return list(found)


def _joined(sentences: list[list[str]], rng: random.Random) -> str:
    """One or two sentences of a statement and one of another."""
    one, other = rng.choice(sentences), rng.choice(sentences)
    parts = [*rng.sample(one, min(len(one), rng.choice((1, 1, 2)))), rng.choice(other)]
    if rng.random() < 0.3:
        rng.shuffle(parts)
    return " ".join(parts)


def _shortened(sentences: list[list[str]], rng: random.Random) -> str:
    """A statement without one of its sentences."""
    one = rng.choice(sentences)
    left = rng.randrange(len(one))
    return " ".join([*one[:left], *one[left + 1 :]])


def _clause(sentences: list[list[str]], rng: random.Random) -> str:
    """What stands before or after a conjunction."""
    text = " ".join(rng.choice(sentences))
    joints = list(CLAUSE.finditer(text))
    if not joints:
        return ""
    joint = rng.choice(joints)
    part = f"{text[: joint.start()]}." if rng.random() < 0.5 else text[joint.end() :].strip()
    return part[:1].upper() + part[1:] if len(part.split()) >= LEAST_WORDS else ""


def _swapped(sentences: list[list[str]], rng: random.Random) -> str:
    """A statement with some words replaced by counterparts, each word everywhere alike."""
    text = " ".join(rng.choice(sentences))
    new = {word: rng.choice(_OTHERS[word]) for word in sorted(set(_WORDS.findall(text))) if rng.random() < 0.7}
    return _WORDS.sub(lambda found: new.get(found[1], found[1]), text)
