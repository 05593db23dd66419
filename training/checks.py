"""What no row shows alone: misspelt or rare labels, one text under two labels, groups and twins across splits."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from model.labels import SENTIMENT_PREFIX, TAKEN, names_taken

if TYPE_CHECKING:
    from training.data import Row

LEAST_ROWS = 4
"""A label with fewer rows cannot be split, learned and measured."""
FEW_ROWS = 25
"""A label with fewer rows is learned badly: a warning."""
NEAR = 0.9
"""Cosine of word-pair TF-IDF vectors from which on two statements count as the same."""
MOST_COMPARED = 20_000
"""Rows up to which near-duplicates are looked for between splits."""

_WORDS = re.compile(r"[^\W_]+")


def find_problems(rows: Sequence["Row"]) -> list[str]:
    """Return what makes a file unusable, one sentence a row."""
    if not rows:
        return []
    counts = Counter(row.stance for row in rows if row.stance)
    problems = []
    if len(counts) < 2:
        problems.append(f"{rows[0].file}, column stance: at least two different labels are needed, not {len(counts)}")
    return problems + _taken(rows, counts) + _labels(rows, counts) + _groups(rows)


def find_doubts(rows: Sequence["Row"]) -> list[str]:
    """Return what is likely a mistake but does not stop training: twins with other labels or in other splits."""
    return _duplicates(rows) + _near_duplicates(rows)


def find_warnings(rows: Sequence["Row"]) -> list[str]:
    """Return what a user should know of the file as a whole before training, one sentence each."""
    warnings = []
    counts = Counter(row.stance for row in rows)
    for label, count in sorted(counts.items()):
        if count < FEW_ROWS:
            warnings.append(f"only {count} rows have the stance {label!r}: expect little for it")
    if counts and max(counts.values()) > 10 * min(counts.values()):
        times = max(counts.values()) // min(counts.values())
        warnings.append(f"the largest stance has {times} times the rows of the smallest")
    again = sum(count - 1 for count in Counter(_key(row.text) for row in rows).values())
    if again:
        warnings.append(f"{again} rows repeat the words of another row with the same label")
    return warnings


def _key(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold()))


def _taken(rows: Sequence["Row"], counts: Counter[str]) -> list[str]:
    names = names_taken(sorted(counts))
    if not names:
        return []
    first = next(row for row in rows if row.stance in names)
    told = ", ".join(f"{name!r} ({counts[name]} rows)" for name in names)
    return [
        f"{first.where}, column stance: rename {told}: results hold a column of each label's score, and "
        f"these names are taken: {', '.join(TAKEN)}, and what begins with {SENTIMENT_PREFIX!r}"
    ]


def _labels(rows: Sequence["Row"], counts: Counter[str]) -> list[str]:
    folded: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for label, count in counts.items():
        folded["".join(_WORDS.findall(label.casefold()))][label] += count
    usual = {label: group.most_common(1)[0][0] for group in folded.values() for label in group}
    least = LEAST_ROWS if len(rows) >= 10 * LEAST_ROWS else 2 if len(rows) > 2 * len(counts) else 1
    problems = []
    for row in rows:
        if not row.stance:
            continue
        if usual[row.stance] != row.stance:
            problems.append(f"{row.where}, column stance: {row.stance!r} is elsewhere written {usual[row.stance]!r}")
        elif counts[row.stance] < least:
            times = f"{counts[row.stance]} of {len(rows)} rows"
            problems.append(f"{row.where}, column stance: {row.stance!r} stands in {times}: misspelt, or too rare")
        if row.secondary and row.secondary not in counts:
            if len(counts) < 2:
                continue  # that the file has a single label is told once
            problems.append(f"{row.where}, column secondary: no row has the stance {row.secondary!r}")
        elif row.secondary and row.secondary == row.stance:
            problems.append(f"{row.where}, column secondary: the same label as in the column stance")
    return problems


def _duplicates(rows: Sequence["Row"]) -> list[str]:
    same: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if key := _key(row.text):
            same[key].append(row)
    problems = []
    for first, *others in same.values():
        for other in others:
            if other.stance and first.stance and other.stance != first.stance:
                problems.append(
                    f"{other.where}, column stance: the text of {first.where} again, "
                    f"labelled {other.stance!r} here and {first.stance!r} there"
                )
            if other.split != first.split:
                problems.append(f"{other.where}, column split: the text of {first.where} again, in another split")
    return problems


def _groups(rows: Sequence["Row"]) -> list[str]:
    first: dict[str, Row] = {}
    problems = []
    for row in rows:
        if row.group and row.split:
            known = first.setdefault(row.group, row)
            if known.split != row.split:
                problems.append(
                    f"{row.where}, column split: the group {row.group!r} is in {row.split!r} here "
                    f"and in {known.split!r} in {known.where}"
                )
    return problems


def _near_duplicates(rows: Sequence["Row"]) -> list[str]:
    """Find statements of a test or validation split that stand in the training split in almost the same words."""
    held = [row for row in rows if row.split in ("validation", "test") and row.text.strip()]
    train = [row for row in rows if row.split in ("", "train") and row.text.strip()]
    if not held or not train or len(rows) > MOST_COMPARED:
        return []
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"[^\W_]+", sublinear_tf=True)
    try:
        known = vectorizer.fit_transform([row.text for row in train])
    except ValueError:  # no word in any row: reported elsewhere
        return []
    problems = []
    for begin in range(0, len(held), 512):
        part = held[begin : begin + 512]
        likeness = vectorizer.transform([row.text for row in part]) @ known.T
        for row, line in zip(part, likeness.toarray(), strict=True):
            twin = train[int(np.argmax(line))]
            if line.max() >= NEAR and _key(twin.text) != _key(row.text):
                problems.append(f"{row.where}, column split: almost the words of {twin.where}, in another split")
    return problems
