from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.quotes import extract_quotes

MARKS = ["“", "”", '"', "«", "»", "„", "‘", "’", "'", "‹", "›", "``", "''"]
SPACES = ["\n", "\n\n", " ", ", ", ". ", ": ", "?", "— ", "(", ")"]
WORDS = [
    "Anna Berg",
    "he",
    "said",
    "told",
    "according to",
    "that",
    "called",
    "as",
    "the minister",
    "Q",
    "BERG",
    "\ue000",
]
PIECES = st.sampled_from([*MARKS, *SPACES, *WORDS])
DOCUMENTS = st.one_of(
    st.text(max_size=300),
    st.lists(PIECES, max_size=80).map("".join),
    st.lists(PIECES, max_size=60).map(" ".join),
)


@given(DOCUMENTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_spans_lie_in_the_document_in_order_and_hold_the_text(document, indirect):
    found = extract_quotes(document, indirect=indirect)
    for statement in found:
        assert statement.text == " ".join(document[s.start : s.end] for s in statement.spans)
        assert all(0 <= s.start < s.end <= len(document) for s in statement.spans)
        assert all(s.of(document).strip() == s.of(document) for s in statement.spans)
    spans = sorted((s.start, s.end) for statement in found for s in statement.spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert [s.start for s in found] == sorted(s.start for s in found)


@given(DOCUMENTS)
@settings(max_examples=100, deadline=None)
def test_fragments_are_what_the_switch_drops(document):
    with_fragments = extract_quotes(document)
    assert extract_quotes(document, fragments=False) == tuple(s for s in with_fragments if s.kind != "fragment")


@given(st.text(st.characters(exclude_categories=["P", "S", "C"]), max_size=200))
@settings(max_examples=100, deadline=None)
def test_text_without_marks_quotes_nobody(document):
    assert extract_quotes(document) == ()


@pytest.mark.parametrize(
    "document", ["“" * 5000, '"' * 5001, "“" * 2000 + "x" + "”" * 2000, "‘a " * 3000, "“a “b” " * 2000, "\n“x" * 2000]
)
def test_hostile_marks_raise_nothing(document):
    for statement in extract_quotes(document):
        assert statement.text in document or len(statement.spans) > 1
