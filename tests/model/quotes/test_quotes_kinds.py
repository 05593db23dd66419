import pytest

from model.quotes import extract_quotes


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ("“We go on,” Anna Berg said.", "full"),
        ("Anna Berg said: “We go on.”", "full"),
        ("Anna Berg replied, “No.”", "full"),
        ("“Nobody knows where it ends.”", "full"),
        ("Anna Berg called the plan “dead”.", "fragment"),
        ("Anna Berg said Dahl would fight “to the last loaf of rye.”", "fragment"),
        ("Anna Berg said that the talks were “still alive and well” in Oslo.", "fragment"),
        ("“Momentum” is what Anna Berg called it.", "fragment"),
    ],
)
def test_kind(document, kind):
    assert [s.kind for s in extract_quotes(document)] == [kind]


def test_a_fragment_carries_its_sentence_with_the_marks():
    document = "It rained. Anna Berg called the plan “dead” and left. The sun came out."
    (statement,) = extract_quotes(document)
    assert statement.context == "Anna Berg called the plan “dead” and left."


def test_a_full_statement_is_its_own_context():
    (statement,) = extract_quotes("It rained. “We go on,” Anna Berg said.")
    assert statement.context == statement.text


def test_quotes_that_a_tag_joins_are_one_statement():
    document = "“They dislike it,” she said. “In other words, they want rye,” Anna Berg said. “So do I.”"
    (statement,) = extract_quotes(document.replace("she", "Anna Berg"))
    assert statement.text == "They dislike it, In other words, they want rye, So do I."
    assert len(statement.spans) == 3


def test_a_tag_between_halves_of_a_sentence_joins_them():
    (statement,) = extract_quotes("“My hope,” Anna Berg said, “is that it rains.”")
    assert statement.text == "My hope, is that it rains."


@pytest.mark.parametrize("aside", ["went on, referring to Dahl", "said, speaking in Oslo", "said on Monday"])
def test_an_aside_after_the_tag_splits_no_statement(aside):
    (statement,) = extract_quotes(f"“My hope,” Anna Berg {aside}, “is that it rains.”")
    assert statement.text == "My hope, is that it rains."


@pytest.mark.parametrize("cue", ["adding,", "urging Dahl,"])
def test_a_participle_that_introduces_a_new_quote_begins_a_statement(cue):
    document = f"“It rains,” Anna Berg said, {cue} “We go on.”"
    assert [s.text for s in extract_quotes(document)] == ["It rains,", "We go on."]


@pytest.mark.parametrize("lead", ["> ", "* ", "- ", "• ", "1. ", "😀 ", "😀", "▶️ ", "**"])
def test_what_stands_before_a_sentence_changes_no_kind(lead):
    (statement,) = extract_quotes(f'{lead}"We go on," said Anna Berg.')
    assert (statement.kind, statement.speaker) == ("full", "Anna Berg")


def test_fragments_of_one_sentence_stay_apart():
    assert [s.text for s in extract_quotes("Anna Berg said the plan is “dead” and “buried”.")] == ["dead", "buried"]


@pytest.mark.parametrize(
    "document",
    [
        "Anna Berg said on “Face of the North” that it rains.",
        "In her book “The Long Rye,” Anna Berg says little.",
        "Anna Berg told “Channel One” nothing.",
        "Anna Berg told the “Rye Post” daily nothing.",
        "Anna Berg wrote to the newspaper “Rye Post” again.",
        "William “Bill” Halloran said nothing.",
        "She was known as the “queen of rye” in Oslo.",
        "The so-called “rye deal” collapsed, Anna Berg said.",
        "The “rye” was wheat.",
        "It was billed as a “historic” harvest.",
        "They called it “the loaf of the century”",
        "Carl Dahl met Anna Berg, Oslo’s “queen of rye”.",
        "Carl Dahl met Oslo’s “queen of rye”, Anna Berg.",
        "Carl Dahl met Anna Berg, known in Oslo as the “Iron Lady of Rye”, and left.",
    ],
)
def test_titles_nicknames_and_scare_quotes_are_no_statements(document):
    assert extract_quotes(document) == ()


@pytest.mark.parametrize(
    "document",
    [
        "They said it was “a disaster”.",
        "It said the plan was “dead”.",
        "They called the plan “a betrayal”.",
        "It branded the deal “an attack on bread”.",
    ],
)
def test_words_that_somebody_unnamed_said_are_a_statement(document):
    assert [s.speaker_mention for s in extract_quotes(document)] == [document.split()[0]]


@pytest.mark.parametrize(
    "document",
    [
        "“We go on,” said Anna Berg, Oslo’s “queen of rye”.",
        "“We go on,” said Anna Berg, Oslo’s “queen of rye.”",
        "“We go on,” said Anna Berg, known as the “Iron Lady of Rye”.",
        "‘We go on,’ said Anna Berg, Oslo’s ‘queen of rye’.",
        "“We go on,” said Oslo’s “queen of rye”, Anna Berg.",
    ],
)
def test_what_somebody_is_called_after_the_tag_is_no_part_of_the_statement(document):
    assert [(s.text, s.speaker) for s in extract_quotes(document)] == [("We go on,", "Anna Berg")]


@pytest.mark.parametrize(
    "document",
    [
        "In the Rye House, Carl Dahl’s “rye plan”, Anna Berg said, is dead.",
        "In the Rye House, Carl Dahl’s “rye plan”, as Anna Berg called it, is dead.",
        "Last Friday, Dahl’s “rye plan”, as Anna Berg called it, died.",
        "Anna Berg told the Rye Council, Dahl’s “rye plan”, that it must act.",
        "For Prime Minister Eva Lund, Dahl’s “rye plan”, Anna Berg said, is dead.",
        "For Prime Minister Eva Lund, Dahl’s “rye plan”, as Anna Berg called it, is dead.",
    ],
)
def test_what_belongs_to_somebody_behind_a_place_or_a_day_is_no_name(document):
    assert [(s.text, s.speaker) for s in extract_quotes(document)] == [("rye plan", "Anna Berg")]


@pytest.mark.parametrize("tag", ["said, is dead.", "said on Monday.", "told the Daily Rye, must stop."])
@pytest.mark.parametrize("whose", ["The", "Europe’s"])
def test_what_somebody_says_before_name_and_office_is_a_statement(whose, tag):
    (statement,) = extract_quotes(f"{whose} “rye plan,” Anna Berg, the minister of bread, {tag}")
    assert (statement.text, statement.speaker) == ("rye plan,", "Anna Berg")
    (statement,) = extract_quotes(f"{whose} “queen of rye,” Anna Berg, the minister of bread, said, “We go on.”")
    assert (statement.text, statement.speaker) == ("We go on.", "Anna Berg")


@pytest.mark.parametrize("whose", ["a", "Oslo’s"])
def test_what_somebody_says_of_a_thing_before_her_name_is_a_statement(whose):
    (statement,) = extract_quotes(f"The plan is {whose} “disaster”, Anna Berg, the minister of rye, said.")
    assert (statement.text, statement.speaker) == ("disaster", "Anna Berg")


def test_a_headline_that_repeats_the_body_is_no_second_statement():
    document = "Berg calls plan ‘a grave mistake’\n\nAnna Berg said the plan was “a grave mistake” on Monday."
    assert [s.start for s in extract_quotes(document)] == [document.index("“") + 1]


def test_fragments_can_be_left_out():
    document = "“We go on,” Anna Berg said. She called the plan “dead”."
    assert [s.kind for s in extract_quotes(document, fragments=False)] == ["full"]


@pytest.mark.parametrize(
    "outlet", ["told “Channel One” on Monday.", "told the “Rye Post” daily.", "told “60 Minutes.”"]
)
def test_an_outlet_in_marks_is_no_part_of_what_was_said(outlet):
    (statement,) = extract_quotes(f"“We go on,” Anna Berg {outlet} “It will stay.”")
    assert (statement.text, statement.speaker) == ("We go on, It will stay.", "Anna Berg")


@pytest.mark.parametrize("unseen", ["\ufeff", "\u200b", "\u200e", "\u2060"])
def test_characters_that_nobody_sees_change_nothing_but_stay_in_the_words(unseen):
    document = f"{unseen}“We{unseen} go on,” Anna Berg said."
    (statement,) = extract_quotes(document)
    assert (statement.kind, statement.speaker) == ("full", "Anna Berg")
    assert statement.text == statement.context == f"We{unseen} go on,"
    assert document[statement.start : statement.end] == statement.text
