import pytest

from model.quotes import extract_quotes


def texts(document):
    return [s.text for s in extract_quotes(document)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('"We go on," Anna Berg said.', "We go on,"),
        ("“We go on,” Anna Berg said.", "We go on,"),
        ("„We go on“, said Anna Berg.", "We go on"),
        ("«We go on,» said Anna Berg.", "We go on,"),
        ("»We go on«, said Anna Berg.", "We go on"),
        ("‘We’ll go on,’ Anna Berg said.", "We’ll go on,"),
        ("'We'll go on,' Anna Berg said.", "We'll go on,"),
        ("``We go on,'' Anna Berg said.", "We go on,"),
        ("”We go on,” Anna Berg said.", "We go on,"),
        ('“We go on," Anna Berg said.', "We go on,"),
    ],
)
def test_every_kind_of_mark(document, expected):
    assert texts(document) == [expected]


@pytest.mark.parametrize(
    "document",
    [
        "The '90s were the farmers' time, and the workers' party didn't care, Anna Berg said.",
        "Anna Berg said it’s the dogs’ dinner, ’tis true.",
        'The shelf is 6\'3" high and 5" deep, Anna Berg said.',
    ],
)
def test_apostrophes_and_inches_quote_nobody(document):
    assert texts(document) == []


def test_a_plural_possessive_does_not_close_single_marks():
    assert texts("‘It is the dogs’ dinner, isn’t it?’ asked Anna Berg.") == ["It is the dogs’ dinner, isn’t it?"]


@pytest.mark.parametrize(
    "inner", ["He told me ‘never again’ and left.", "He told me “never again” and left.", "He said ‘it’s over’."]
)
def test_a_quote_within_a_quote_stays_inside(inner):
    assert texts(f"Anna Berg said: “{inner}”") == [inner]


def test_straight_marks_nest_as_well():
    assert texts('Anna Berg said: "He told me "never again" and left."') == ['He told me "never again" and left.']


def test_a_quote_left_open_over_paragraphs_is_one_statement():
    document = "Anna Berg told the chamber: “First part.\n\n“Second part.\n\n“Third part,” and sat down."
    (statement,) = extract_quotes(document)
    assert [s.of(document) for s in statement.spans] == ["First part.", "Second part.", "Third part,"]
    assert (statement.speaker, statement.kind) == ("Anna Berg", "full")


def test_a_paragraph_left_open_by_mistake_does_not_swallow_another_speaker():
    document = "“We stay,” Anna Berg said. “We always stay.\n\n“We go,” said Carl Dahl. “Now.”"
    assert [s.speaker for s in extract_quotes(document)] == ["Anna Berg", "Carl Dahl"]


@pytest.mark.parametrize("lead", ["", "It rained in Oslo.\n\n"])
def test_a_first_paragraph_left_open_belongs_to_the_speaker_of_the_next(lead):
    document = f"{lead}“The deal on rye is alive.\n\n“It must be kept,” Carl Dahl told reporters on Friday."
    (statement,) = extract_quotes(document)
    assert [s.of(document) for s in statement.spans] == ["The deal on rye is alive.", "It must be kept,"]
    assert statement.speaker == "Carl Dahl"


def test_a_missing_closing_mark_ends_the_quote_at_its_tag():
    assert texts("“We go on, Anna Berg said. The weather was fine.") == ["We go on,"]


def test_lines_broken_at_a_width_are_one_paragraph():
    document = (
        "Anna Berg told the chamber that the\nplan was “a great and\nlasting mistake” and that she\nwould not vote."
    )
    assert texts(document) == ["a great and\nlasting mistake"]
