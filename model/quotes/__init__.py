"""Quotes and their speakers: hand-written rules over the marks, the cues and the names of a document."""

from model.quotes.assemble import Assembler
from model.records import Statement

__all__ = ["extract_quotes"]


def extract_quotes(document: str, *, fragments: bool = True, indirect: bool = False) -> tuple[Statement, ...]:
    """Find every quoted statement of a document and who made it.

    Args:
        document: the text of an article, as it is.
        fragments: also return words woven into the reporter's sentences.
        indirect: also return reported speech without quotation marks.

    Returns:
        The statements in the order of their first words; spans count the code points of `document`.
    """
    found = Assembler(document, indirect).statements()
    return tuple(s for s in found if fragments or s.kind != "fragment")
