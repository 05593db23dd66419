import pytest

from model.quotes import extract_quotes


@pytest.mark.parametrize(
    ("document", "clause"),
    [
        ("Anna Berg said that the talks go on in Oslo.", "the talks go on in Oslo"),
        ("Anna Berg told reporters on Friday that the talks go on.", "the talks go on"),
        ("Anna Berg said the talks go on.", "the talks go on"),
        ("The talks go on, Anna Berg said.", "The talks go on"),
        ("The talks go on, according to Anna Berg.", "The talks go on"),
        ("According to Anna Berg, the talks go on.", "the talks go on"),
    ],
)
def test_reported_speech_is_found_on_request_alone(document, clause):
    (statement,) = extract_quotes(document, indirect=True)
    assert (statement.kind, statement.text, statement.speaker) == ("indirect", clause, "Anna Berg")
    assert extract_quotes(document) == ()


def test_direct_statements_are_the_same_with_and_without_it():
    document = "Anna Berg rose. She said that it rains. “We go on,” she said. Carl Dahl said it does not."
    direct = extract_quotes(document)
    assert tuple(s for s in extract_quotes(document, indirect=True) if s.kind != "indirect") == direct
