import pytest

from model.quotes import extract_quotes


def speakers(document):
    return [s.speaker for s in extract_quotes(document)]


@pytest.mark.parametrize(
    "document",
    [
        "“We go on,” Anna Berg said.",
        "“We go on,” said Anna Berg.",
        "“We go on”, said Anna Berg.",
        "Anna Berg said: “We go on.”",
        "Anna Berg told reporters in Oslo on Friday, “We go on.”",
        "“We,” said Anna Berg, “go on.”",
        "According to Anna Berg, “the plan is dead.”",
        "“The plan is dead,” according to Anna Berg.",
        "Anna Berg: ‘We will go on until it is done’",
        "“We go on.” — Anna Berg",
        "“We go on.”\n\n— Anna Berg, minister of rye",
        "Anna Berg, who replaced Carl Dahl in May, said: “We go on.”",
        "Anna Berg, an adviser on grain for Minister Halloran, stated that the talks are “still alive”.",
        "“We go on,” said the head of the Oslo chamber of commerce, Anna Berg, on Monday.",
        "“We go on,” Minister Halloran’s deputy, Anna Berg, told the Daily Rye.",
        "Anna Berg (Liberal) said: “We go on.”",
        "The Daily Rye quoted Anna Berg as saying: “We go on.”",
        "Anna Berg was quoted by the Daily Rye as saying: “We go on.”",
        "“We go on,” Anna Berg was quoted as saying by the Daily Rye.",
        "Anna Berg was quoted as saying that the plan was “dead”.",
        "“We go on,” as Anna Berg put it.",
        "“We go on,” said **Anna Berg**.",
        "“We go on,” *Anna Berg* said.",
        "*“We go on,”* Anna Berg said.",
        "> Anna Berg: “We go on.”",
        "“We go on,” according to [Anna Berg](https://rye.example/dahl-said).",
        "[Anna Berg](https://rye.example/dahl-said) said: “We go on.”",
        "**Anna Berg**: “We go on.”",
        "> “We go on.”\n> — Anna Berg",
        "Oslo’s “queen of rye”, Anna Berg, said: “We go on.”",
        "Oslo’s “queen of rye,” Anna Berg, said: “We go on.”",
        "The “queen of rye”, Anna Berg, said: “We go on.”",
        "The plan was described by Anna Berg as “dead”.",
        "The plan was cited by Anna Berg as a “mistake”.",
        "Anna Berg’s promise to “end the war on bread” was kept.",
        "Asked about the plan, Anna Berg said, “No.”",
        "Then Anna Berg, speaking in Oslo on Friday, warned: “Enough.”",
        "Carl Dahl listened. Anna Berg spoke for an hour, saying that the plan was “dead”.",
        "The plan, Anna Berg said, is “dead”.",
        "Anna Berg said she wanted to see “more rye” in the fields.",
        "Anna Berg rose. “We go on,” she said.",
        "“We go on!” Anna “Rye” Berg, the minister of bread, shouted to the crowd. “Nobody will stop us.”",
        "After saying that the plan was “dead”, Anna Berg left.",
        "Anna Berg, now the leader of the chamber, met those who in 2010 said nothing. “We go on,” she said.",
        "Anna Berg left.\n\n“We go on,” Berg said on Monday.",
        "“We go on,” said Anna Berg.\n\n“Nobody will stop us.”",
    ],
)
def test_every_quote_is_anna_bergs(document):
    found = speakers(document)
    assert found
    assert set(found) == {"Anna Berg"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            "“We go on,” Anna Berg said. Carl Dahl called it “a joke” and Eva Lund replied, “It is not.”",
            ["Anna Berg", "Carl Dahl", "Eva Lund"],
        ),
        ("“Stop,” Anna Berg told Carl Dahl, who answered “No.”", ["Anna Berg", "Carl Dahl"]),
        ("Anna Berg met Carl Dahl. “I agree,” he said. “I do not,” she replied.", ["Carl Dahl", "Anna Berg"]),
        ("Anna Berg said Minister Halloran’s promise to “end the war” was empty.", ["Minister Halloran"]),
    ],
)
def test_several_speakers(document, expected):
    assert speakers(document) == expected


@pytest.mark.parametrize(
    "document", ["“Nobody knows.”", "“It is over!” she shouted.", "“It is over,” it said.", "It rained. “We go on.”"]
)
def test_no_speaker_where_the_text_does_not_say(document):
    assert speakers(document) == [None]


def test_a_description_stands_for_the_one_person_it_fits():
    document = "Presidential aide Yuri Orlov met Minister Halloran. “Talks go on,” the presidential aide stressed."
    (statement,) = extract_quotes(document)
    assert (statement.speaker, statement.speaker_mention, statement.cue) == (
        "Yuri Orlov",
        "the presidential aide",
        "stressed",
    )


def test_a_description_that_fits_two_stays_a_description():
    document = "Senator Anna Berg met Senator Carl Dahl. “Talks go on,” the senator told the chamber."
    assert speakers(document) == ["the senator"]


def test_institutions_speak_under_their_own_name():
    assert speakers("“The talks go on,” the ministry of rye said in a statement.") == ["the ministry of rye"]
    assert speakers("A spokesman for Anna Berg said the plan was “on track”.") == ["A spokesman for Anna Berg"]
    assert speakers("Anna Berg rose. “We go on,” an aide to Anna Berg said.") == ["an aide to Anna Berg"]


@pytest.mark.parametrize(
    "document",
    [
        "Rye House press secretary Anna Berg said, “We go on.”",
        "“We go on,” Rye House press secretary Anna Berg said.",
        "“We go on,” said Rye House press secretary Anna Berg on Monday.",
    ],
)
def test_the_mention_of_an_office_is_whole(document):
    (statement,) = extract_quotes(document)
    assert statement.speaker == "Anna Berg"
    assert statement.speaker_mention == "Rye House press secretary Anna Berg"


@pytest.mark.parametrize(
    ("first", "second"), [("Yuri", "Yury"), ("Sergei", "Sergey"), ("Dmitry", "Dmitri"), ("Volodymyr", "Vladimir")]
)
def test_spellings_of_a_name_are_one_person(first, second):
    document = f"{first} Orlov spoke first. “Yes,” {second} Orlov said. “And no,” Orlov added."
    assert len({s.speaker for s in extract_quotes(document)}) == 1


def test_the_mention_keeps_the_words_at_the_quote():
    document = "Minister Anna Berg spoke. “We go on,” she said.\n\n“Always,” Berg added."
    assert [s.speaker_mention for s in extract_quotes(document)] == ["she", "Berg"]
    assert speakers(document) == ["Anna Berg", "Anna Berg"]


@pytest.mark.parametrize(
    "name",
    [
        "Hanna von der Aue",
        "Alexander Van der Aue",
        "Charles de Rosny",
        "Tamim al-Hadi",
        "Reem bin Rashid",
    ],
)
def test_particles_belong_to_the_name(name):
    surname = name.partition(" ")[2]
    alone = surname if surname[0].isupper() else "Mr. " + surname
    document = f"Commission President {name} said on Sunday that it “goes on and on”.\n\n“We rest,” {surname} said."
    assert speakers(document) == [name, name]
    assert speakers(f"“We go on,” said {name} on Monday.") == [name]
    assert speakers(f"{name} came. {alone} said: “We go on.”") == [name]


@pytest.mark.parametrize("who", ["Anna Berg", "the ministry of rye", "Berg’s lawyer"])
def test_a_comma_past_the_mark_leaves_the_verb_out_of_the_mention(who):
    (statement,) = extract_quotes(f"‘We go on’, said {who}.")
    assert (statement.speaker_mention, statement.speaker) == (who, who)


def test_a_first_name_that_ends_like_an_adverb_is_a_subject():
    assert speakers("Emily Dahl smiled. “We go on.”") == ["Emily Dahl"]


def test_a_surname_that_two_people_share_is_not_guessed():
    assert speakers("Anna Berg and Carl Berg met. “We go on,” Berg said.") == ["Berg"]


def test_a_title_stays_where_the_first_name_is_never_given():
    assert speakers("“We go on,” Halloran said. The crowd cheered Minister Halloran.") == ["Minister Halloran"]


@pytest.mark.parametrize(
    "document",
    [
        "Rye Minister Anna Berg met Bread Minister Carl Dahl in Oslo.\n\n“It went well,” Berg said.",
        "Foreign Minister Anna Berg spoke for an hour at Oslo University on Monday.\n\n“Yes,” Berg said.",
    ],
)
def test_a_sentence_full_of_names_is_no_headline(document):
    assert speakers(document) == ["Anna Berg"]


@pytest.mark.parametrize(
    "line", ["Oslo Farmers Hail Carl Berg Rye Plan", "Anna Berg Hails Carl Berg Plan In Washington, D.C."]
)
def test_a_headline_introduces_nobody(line):
    assert speakers(f"{line}\n\n“It went well,” Minister Berg said.") == ["Minister Berg"]


@pytest.mark.parametrize(
    "paragraph",
    [
        "„Rozmowy nic nie dały”, powiedziała Ewa Lind.",
        "„Wir waren nicht eingeladen“, sagte Ewa Lind.",
        "«Nous ne sommes pas invités», a déclaré Ewa Lind.",
        "«Нас не пригласили», — заявила Ева Линд.",
        "«Нас не пригласили!» заявила Ева Линд.",
        "Ewa Lind powiedziała: „Rozmowy znów nic nie dały”.",
        "Ева Линд ответила: «Работа продолжается без нас».",
    ],
)
def test_a_tag_in_another_language_is_not_the_speaker_of_the_paragraph_before(paragraph):
    assert speakers(f"“We go on,” said Anna Berg.\n\n{paragraph}") == ["Anna Berg", None]
    assert speakers(f"Anna Berg said: “We go on.”\n\n{paragraph}") == ["Anna Berg", None]


@pytest.mark.parametrize("noun", ["claims", "reports", "demands"])
@pytest.mark.parametrize("verb", ["called", "termed", "branded"])
def test_a_noun_that_may_be_a_verb_of_speech_leaves_the_verb_out_of_the_mention(verb, noun):
    found = extract_quotes(f"The Rye House aide Anna Berg {verb} {noun} “nonsense” and said the deal was “dead”.")
    assert [(s.speaker, s.cue) for s in found] == [("Anna Berg", verb), ("Anna Berg", "said")]


@pytest.mark.parametrize("tag", ["she smiled", "Berg shrugged", "Anna Berg deadpanned in Oslo"])
def test_a_tag_without_a_verb_of_speech_names_its_subject(tag):
    (statement,) = extract_quotes(f"“We go on,” Anna Berg said. “It is time,” {tag}. “We start.”")
    assert (statement.text, statement.speaker) == ("We go on, It is time, We start.", "Anna Berg")
    assert speakers("Carl Dahl sat down. “We go on,” Anna Berg said. “It is time,” Dahl grinned.") == [
        "Anna Berg",
        "Carl Dahl",
    ]
    assert "Carl Dahl" not in speakers("“We go on,” Anna Berg said. “It is time” — Carl Dahl nodded — “to start.”")


@pytest.mark.parametrize("rest", ["was her answer", "in her words"])
def test_words_in_english_beside_a_quote_leave_it_the_speaker_before(rest):
    assert speakers(f"Anna Berg was blunt. “We go on,” {rest}.") == ["Anna Berg"]


def test_a_capital_makes_no_second_speaker_of_a_pronoun():
    found = extract_quotes("He said: “We go on.” “We stay,” he added. “We stay,” she said.")
    assert [s.text for s in found] == ["We go on. We stay,", "We stay,"]


def test_one_person_is_not_both_he_and_she():
    document = "Berg and Dahl argued. “I did not,” Dahl replied. “You did,” she said. “I swear it,” he said."
    found = [(s.text, s.speaker, s.speaker_mention) for s in extract_quotes(document)]
    assert found == [("I did not,", "Dahl", "Dahl"), ("You did,", None, "she"), ("I swear it,", None, "he")]


def test_a_tag_behind_a_closing_mark_and_a_comma_keeps_its_verb_to_itself():
    (statement,) = extract_quotes("“We go on”, said the mayor of Oslo.")
    assert (statement.speaker_mention, statement.cue) == ("the mayor of Oslo", "said")


@pytest.mark.parametrize(
    "description",
    [
        "the spokesman",
        "the Kremlin spokesman",
        "the Kremlin’s spokesman",
        "the Russian spokesman",
        "the spokesman for the Kremlin",
    ],
)
def test_a_description_of_the_same_office_is_the_one_who_holds_it(description):
    document = f"Carl Dahl, the Kremlin spokesman, rose on Monday.\n\n“No,” {description} said."
    assert speakers(document) == ["Carl Dahl"]


@pytest.mark.parametrize(
    "description",
    [
        "a spokesman",
        "another spokesman",
        "a Pentagon spokesman",
        "the Pentagon spokesman",
        "the Polish spokesman",
        "the spokesman for the European Commission",
        "a spokesperson for the German government",
        "the spokeswoman",
        "Lund’s spokesman",
    ],
)
def test_a_description_of_another_office_stays_a_description(description):
    document = f"Carl Dahl, the Kremlin spokesman, rose on Monday.\n\n“No,” {description} said."
    assert speakers(document) == [description]
    assert speakers(document.replace(f"{description} said", f"said {description}")) == [description]


@pytest.mark.parametrize(
    ("introduction", "description", "expected"),
    [
        ("Carl Dahl, the foreign minister, rose.", "the Polish foreign minister", None),
        ("Carl Dahl, the Polish foreign minister, rose.", "the Polish foreign minister", "Carl Dahl"),
        ("Carl Dahl, the Polish foreign minister, rose.", "the foreign minister", "Carl Dahl"),
        ("French President Carl Dahl rose.", "the Finnish president", None),
        ("French President Carl Dahl rose.", "the president of France", "Carl Dahl"),
        ("South Korean President Carl Dahl rose.", "the North Korean president", None),
        ("U.S. envoy Carl Dahl rose.", "a European envoy", None),
        ("U.S. envoy Carl Dahl rose.", "the American envoy", "Carl Dahl"),
        ("Senator Carl Dahl, the top Democrat on the Rye Committee, rose.", "the Ohio senator", "Carl Dahl"),
        ("Foreign Minister Carl Dahl rose.", "the minister for foreign affairs", "Carl Dahl"),
        ("Carl Dahl, who met the Finnish president, rose.", "the Finnish president", None),
        ("Carl Dahl, the envoy to Ukraine, rose.", "the Ukrainian envoy", None),
        ("Carl Dahl, the envoy to Ukraine, rose.", "the envoy to Ukraine", "Carl Dahl"),
        ("The Ukraine envoy Carl Dahl rose.", "the Ukraine envoy", "Carl Dahl"),
        ("Carl Dahl, an aide to Russian President Eva Lund, rose.", "the president", "Eva Lund"),
        ("Carl Dahl, an aide to Russian President Eva Lund, rose.", "the Kremlin aide", "Carl Dahl"),
        ("Treasury Secretary Carl Dahl rose.", "the spokesman", None),
        ("Rye House press secretary Carl Dahl rose.", "the spokesman", "Carl Dahl"),
        ("Rye House press secretary Carl Dahl rose.", "the press secretary", "Carl Dahl"),
    ],
)
def test_nation_and_institution_decide_whom_a_description_fits(introduction, description, expected):
    assert speakers(f"{introduction}\n\n“No,” {description} said.") == [expected or description]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("Berg said no. The president said he would call President Dahl. “No,” the president said.", "the president"),
        (
            "President Anna Berg met President Carl Dahl. The president told Dahl to rest. “No,” the president said.",
            "Anna Berg",
        ),
        ("Anna Berg rose. She will meet President Carl Dahl. “No,” the US president said.", "the US president"),
        ("The foreign minister met Prime Minister Carl Dahl. “No,” the prime minister said.", "Carl Dahl"),
        ("The foreign minister met Prime Minister Carl Dahl. “No,” the minister said.", "the minister"),
        ("The president called Carl Dahl, the vice president. “No,” the vice president said.", "Carl Dahl"),
        ("President Anna Berg rose. The president said the Berg plan was dead. “No,” the president said.", "Anna Berg"),
    ],
)
def test_who_acts_on_a_president_is_another_president(document, expected):
    assert speakers(document) == [expected]


def test_a_nation_is_no_title_of_a_man():
    found = extract_quotes('German Chancellor Anke Berg met Carl Dahl in Oslo. "It went well," she said.')
    assert [s.speaker for s in found] == ["Anke Berg"]
