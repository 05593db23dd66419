"""Quotes and their speakers: hand-written rules over the marks, the cues and the names of a document."""

import re
from dataclasses import replace

from model.quotes.assemble import Assembler
from model.records import Statement

__all__ = ["extract_quotes"]

_UNSEEN = "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+"
_AT_AN_EDGE = re.compile(rf"(?<!\w){_UNSEEN}|{_UNSEEN}(?!\w)")
"""Characters that nobody sees, where no word goes on behind them: byte order marks, zero-width spaces, directions."""


def extract_quotes(document: str, *, fragments: bool = True, indirect: bool = False) -> tuple[Statement, ...]:
    """Find every quoted statement of a document and who made it.

    Args:
        document: the text of an article, as it is.
        fragments: also return words woven into the reporter's sentences.
        indirect: also return reported speech without quotation marks.

    Returns:
        The statements in the order of their first words; spans count the code points of `document`.
    """
    plain = _AT_AN_EDGE.sub(lambda unseen: " " * len(unseen[0]), document)
    found = Assembler(plain, indirect).statements()
    if plain != document:
        found = [_as_written(statement, document) for statement in found]
    return tuple(s for s in found if fragments or s.kind != "fragment")


def _as_written(statement: Statement, document: str) -> Statement:
    text = " ".join(span.of(document) for span in statement.spans)
    return replace(statement, text=text, context=statement.context if statement.context != statement.text else text)
