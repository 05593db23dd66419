from model.quotes import extract_quotes


def test_turns_with_names_are_statements():
    document = "CARL DAHL: How are you?\n\nANNA BERG: Fine.\n\nDAHL: And the plan?\n\nBERG: It is “dead”.\n\nWe go on."
    found = extract_quotes(document)
    assert [s.text for s in found] == ["How are you?", "Fine.", "And the plan?", "It is “dead”."]
    assert [s.speaker_mention for s in found] == ["CARL DAHL", "ANNA BERG", "DAHL", "BERG"]


def test_a_surname_in_capitals_is_resolved():
    document = "Anna Berg met the press.\n\nPRESS: Well?\n\nBERG: No.\n\nPRESS: Why?\n\nBERG: Rye."
    assert [s.speaker for s in extract_quotes(document)][1::2] == ["Anna Berg", "Anna Berg"]


def test_question_and_answer_name_nobody():
    found = extract_quotes("Q: How are you?\n\nA: Fine.\n\nQ: And the plan?\n\nA: It is dead.")
    assert [(s.speaker, s.speaker_mention) for s in found] == [(None, "Q"), (None, "A")] * 2


def test_a_turn_runs_on_to_the_next_label():
    found = extract_quotes("“DAHL: Well?\n\n“BERG: First.\n\n“Second.\n\n“(LAUGHTER)\n\n“DAHL: Why?\n\n“BERG: Rye.”")
    assert [s.text for s in found] == ["Well?", "First. Second.", "Why?", "Rye."]


def test_a_label_alone_makes_no_transcript():
    assert extract_quotes("PHOTO: A field.\n\nUPDATE: It rains.\n\nOSLO: Anna Berg left.") == ()
