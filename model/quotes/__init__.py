"""Finds quoted statements in a document."""

import re

from model.records import Span, Statement

_PAIR = re.compile(r"[“\"]([^“”\"\n]+)[”\"]")


def extract_quotes(document: str, *, fragments: bool = True, indirect: bool = False) -> tuple[Statement, ...]:
    """Return what stands between double quotation marks, without speakers."""
    del fragments, indirect
    return tuple(Statement(m[1], (Span(*m.span(1)),)) for m in _PAIR.finditer(document) if m[1].strip())
