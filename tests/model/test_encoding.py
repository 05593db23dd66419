import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.encoding import normalise
from model.errors import EmptyTextError


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("“It isn’t dead,”", "It isn't dead."),
        ('"It is not dead."', "It is not dead."),
        ("It is not dead,", "It is not dead."),
        ("It is not dead", "It is not dead."),
        ("Is it dead?", "Is it dead?"),
        ("“Dead” is not the word", '"Dead" is not the word.'),
        ("He called it “depressed”", 'He called it "depressed"'),
        ("a   pause\n in the talks", "a pause in the talks."),
        ("Kiev slammed the door", "Kyiv slammed the door."),
        ("…", "…"),
    ],
)
def test_folds_what_says_nothing_about_stance(text, folded):
    assert normalise(text) == folded


@given(st.text(min_size=1, max_size=80))
def test_normalising_twice_changes_nothing_more(text):
    try:
        once = normalise(text)
    except EmptyTextError:
        assert not text.strip()
        return
    assert once
    assert normalise(once) == once
