"""From a text to token ids, and from several encoded texts to one batch.

Uses the `tokenizers` library alone, so that nothing here waits for torch or transformers to be imported.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from model.backend import Batch
from model.errors import CheckpointDamagedError, EmptyTextError, InputError, TextTooLongError

MAX_CHARACTERS = 20_000
"""The longest single text that is classified; the encoder reads far less and says so by `truncated`."""

_SPACE = re.compile(r"\s+")
_MARKS = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
_SPELLINGS = re.compile(r"\b(Kiev|KIEV|kiev)\b")
_HALVES = re.compile("[\ud800-\udfff]")
_CLOSING = " ,;"


def normalise(text: str) -> str:
    """Fold what says nothing about stance: the statement as the network reads it.

    Unicode NFC; curly, low and angle marks become straight ones; outer quotation marks and a closing comma go (the
    comma before "he said" is the reporter's), and words that end without a mark get a full stop; white space is folded;
    the two spellings of Ukraine's capital become one.
    The same function runs before training and before every answer.

    Raises:
        EmptyTextError: nothing is left.
        TextTooLongError: more than `MAX_CHARACTERS` characters.
        InputError: the text holds half a character (a lone surrogate), as a broken escape in JSON leaves it.
    """
    if len(text) > MAX_CHARACTERS:
        raise TextTooLongError(f"the text has {len(text):,} characters; a single statement may have {MAX_CHARACTERS:,}")
    if _HALVES.search(text):
        raise InputError("the text holds half of a surrogate pair, which is no character: send valid Unicode")
    folded = _SPACE.sub(" ", unicodedata.normalize("NFC", text).translate(_MARKS)).strip()
    folded = _SPELLINGS.sub("Kyiv", folded)
    inner = folded.rstrip(_CLOSING)
    marks = inner.count('"')
    if marks == 1 or (marks == 2 and inner.startswith('"') and inner.endswith('"')):
        inner = inner.strip('"')
    elif inner.startswith("'") and inner.endswith("'"):
        inner = inner.strip("'")
    inner = inner.strip().rstrip(_CLOSING) or folded
    if not inner:
        raise EmptyTextError("the text is empty: send the words of a statement")
    return f"{inner}." if inner[-1].isalnum() else inner


@dataclass(frozen=True, slots=True)
class Encoded:
    """One tokenised text.

    Args:
        ids: token ids with the special tokens, at most the encoder's limit.
        truncated: tokens were cut off at the end.
    """

    ids: tuple[int, ...]
    truncated: bool = False

    def __len__(self) -> int:
        return len(self.ids)


class TextEncoder:
    """A checkpoint's tokenizer, with padding and truncation set by us.

    Args:
        tokenizer: a fast tokenizer; its own padding and truncation are switched off.
        max_tokens: the longest sequence the network reads, special tokens included.
        pad_id: what fills a batch.
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, pad_id: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._closing = tokenizer.encode("").ids[-1:]  # [SEP] or </s>: must survive truncation
        self.max_tokens = max_tokens
        self.pad_id = pad_id

    @classmethod
    def from_file(cls, path: Path, max_tokens: int, pad_id: int) -> "TextEncoder":
        """Read a `tokenizer.json`.

        Raises:
            CheckpointDamagedError: the file is not a tokenizer.
        """
        try:
            return cls(Tokenizer.from_file(str(path)), max_tokens, pad_id)
        except Exception as error:
            raise CheckpointDamagedError(f"{path} is not a tokenizer: {error}") from error

    def encode(self, text: str) -> Encoded:
        """Normalise and tokenise one text.

        Raises:
            EmptyTextError: the text holds nothing to read.
            TextTooLongError: see `normalise`.
        """
        ids = self._tokenizer.encode(normalise(text)).ids
        if len(ids) > self.max_tokens:
            return Encoded((*ids[: self.max_tokens - len(self._closing)], *self._closing), truncated=True)
        return Encoded(tuple(ids))

    def collate(self, items: Sequence[Encoded]) -> Batch:
        """Pad to the longest: one batch, rows in the order of `items`."""
        length = max(len(item) for item in items)
        ids = np.full((len(items), length), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(items), length), dtype=np.int64)
        for row, item in enumerate(items):
            ids[row, : len(item)] = item.ids
            mask[row, : len(item)] = 1
        return Batch(ids, mask)


def plan_batches(lengths: Sequence[int], max_items: int, max_padded_tokens: int) -> list[list[int]]:
    """Cut texts into batches: sorted by length, capped by items and by padded tokens (longest x count).

    On a CPU a small batch is as good as a large one and padding is pure loss, hence the second cap.

    Args:
        lengths: tokens of each text.
        max_items: most texts in a batch.
        max_padded_tokens: most tokens in a batch, padding counted; a longer text goes alone.

    Returns:
        Batches of indices into `lengths`, short texts first; every index once.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        last = batches[-1] if batches else None
        if last is None or len(last) >= max_items or lengths[index] * (len(last) + 1) > max_padded_tokens:
            batches.append([index])
        else:
            last.append(index)
    return batches
