"""Whose an office is: "the Kremlin spokesman", "a spokesman for the union", "the Polish foreign minister"."""

from collections.abc import Sequence
from typing import NamedTuple

from model.quotes.lexicon import DETERMINERS, PERSON_ROLES, PREPOSITIONS, ROLES, TIME_WORDS, words
from model.quotes.name_lists import NATIONS, NOT_NAMES, PARTIES, SEATS, TITLES

_INDEFINITE = frozenset(["a", "an", "another", "any", "every", "one", "some"])
_BEHIND = frozenset(["at", "for", "from", "in", "of", "on", "to", "with"])
_RANKS = words("chief deputy fellow incoming junior leading longtime outgoing retired senior then top united veteran")
_PLAIN = ROLES | TITLES | NOT_NAMES | PARTIES | TIME_WORDS | _RANKS
_SENT = frozenset(["ambassador", "envoy", "negotiator", "representative"])
_SHORT = frozenset(["eu", "u.n", "u.s", "uk", "un", "us"])


class Office(NamedTuple):
    """A description taken apart.

    Args:
        head: the word for the office, in lower case; "" without one.
        nations: the nations that it names, each by one word.
        bodies: the words of institutions and people that it names.
        apart: it names somebody it speaks for.
    """

    head: str
    nations: frozenset[str]
    bodies: frozenset[str]
    apart: bool


def is_indefinite(written: Sequence[str]) -> bool:
    """Whether a description introduces somebody new: "a spokesman", "another envoy"."""
    return bool(written) and written[0].lower() in _INDEFINITE


def front(written: Sequence[str]) -> int:
    """Return how many words stand before the "of" or "for" of a description."""
    return next((i for i, word in enumerate(written) if i and word.lower() in _BEHIND), len(written))


def read_office(written: Sequence[str]) -> Office:
    """Take a description apart.

    Args:
        written: its words, with the capitals that tell a name from a kind.
    """
    plain = [_bare(word) for word in written]
    cut = front(written)
    heads = [word for word in plain[:cut] if word in PERSON_ROLES]
    if heads[-1:] == ["secretary"] and "press" in plain[:cut]:
        heads.append("spokesperson")
    head = heads[-1] if heads else ""
    abroad = head in _SENT or plain[cut : cut + 1] in (["to"], ["in"], ["on"])
    nations: set[str] = set()
    bodies: set[str] = set()
    apart = False
    for index, lower in enumerate(plain):
        name = "white house" if plain[index : index + 2] == ["white", "house"] else lower
        capital = written[index][:1].isupper()
        # "The envoy to Ukraine" and "the Ukraine envoy" serve another nation: that one is a place like others.
        place = abroad and (index > cut or lower not in _SHORT) and (NATIONS.get(lower) == lower or lower in _SHORT)
        if name in NATIONS and not place:
            nations.add(NATIONS[name])
            if name in SEATS:
                bodies.add(name)
        elif index < cut:
            # A capital at the very front may be that of a sentence.
            if capital and lower not in _PLAIN and (index > 0 or written[index].lower() != lower):
                bodies.add(lower)
        elif not (lower in PREPOSITIONS or lower in DETERMINERS or lower in TITLES or lower in _RANKS):
            bodies.add(lower)
            apart = apart or (capital and plain[cut] == "for")
    return Office(head, frozenset(nations), frozenset(bodies), apart)


def may_hold(office: Office, nations: set[str], bodies: set[str]) -> bool:
    """Whether somebody of known nations and institutions may be the one described.

    A nation or a body to speak for has to be known; another institution only must not contradict what is known.
    """
    if office.bodies & bodies:
        return True
    if office.bodies and bodies and not (office.bodies <= SEATS and not bodies & SEATS):
        return False
    if office.nations:
        return bool(office.nations & nations)
    return not office.bodies or not (office.apart or nations)


def _bare(word: str) -> str:
    lower = word.lower().replace("’", "'").strip(".,'")
    return lower.removesuffix("'s")
