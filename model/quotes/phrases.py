"""Noun phrases that can speak: names, pronouns and descriptions, read backwards or forwards from a token."""

from dataclasses import dataclass
from typing import Literal

from model.quotes.cues import BARE, CUE_VERBS, STRONG
from model.quotes.lexicon import (
    ADVERBS,
    BE_FORMS,
    CONJUNCTIONS,
    DETERMINERS,
    DOCUMENTS,
    PREPOSITIONS,
    PRONOUNS,
    ROLES,
    TIME_WORDS,
    words,
)
from model.quotes.name_lists import PARTICLES
from model.quotes.sentences import Token

PhraseKind = Literal["name", "pronoun", "description"]

_BEFORE_NAMES = PARTICLES | {"&"}
_PARTICLES = _BEFORE_NAMES | {"of"}
CLOSED = CONJUNCTIONS | PREPOSITIONS | BE_FORMS | (ADVERBS - {"first"})
"""Words of the closed classes, which end a noun phrase."""
_NOT_SUBJECT = words("all anything everything it's nothing something that there these this those what which")
_ARTICLES = words("a an every her his its my no our the their this your")
_SERVING = words("adviser advisor aide ambassador assistant counselor envoy source spokesman")
"""Roles that "to" or "with" leads on: "an aide to Anna Berg" is not Anna Berg."""
_ROLES = ROLES | {role + "s" for role in ROLES}
REACH = 40
"""How many tokens a search may walk: sentences of newspapers are shorter, hostile ones are not."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase that can speak.

    Args:
        first: index of its first token in the sentence.
        last: index of its last token.
        kind: a name, a pronoun or a description.
    """

    first: int
    last: int
    kind: PhraseKind


def is_word(token: Token) -> bool:
    """Whether a token is a word rather than a mark or a quote."""
    return token.kind in "wa"


def is_pronoun(token: Token) -> bool:
    """Whether a token is a personal pronoun, contracted or not: "he", "he's", "they've"."""
    return token.lower.partition("'")[0] in PRONOUNS


def is_named(token: Token) -> bool:
    """Whether a token is a word of a name."""
    return (
        is_word(token)
        and token.capital
        and token.lower not in TIME_WORDS
        and token.lower not in DETERMINERS
        and token.lower not in CLOSED
        and not is_pronoun(token)
    )


def phrase_before(tokens: list[Token], end: int, floor: int = 0) -> Phrase | None:
    """Return the noun phrase whose last token is `tokens[end]`."""
    floor = max(floor, end - REACH)
    if end < floor:
        return None
    last = tokens[end]
    if last.text == ")":
        at = end - 1
        while at > floor and tokens[at].text != "(":
            at -= 1
        return phrase_before(tokens, at - 1, floor) if tokens[at].text == "(" else None
    if not is_word(last) or last.lower in TIME_WORDS or last.lower in _ARTICLES:
        return None
    if is_pronoun(last):
        return _antecedent(tokens, end, floor) if last.lower == "who" else Phrase(end, end, "pronoun")
    if last.lower in CLOSED or last.lower in _NOT_SUBJECT:
        return _antecedent(tokens, end, floor) if last.lower in ("that", "which") and end > floor else None
    if is_named(last):
        return _name_before(tokens, end, floor)
    past = last.lower in CUE_VERBS and last.lower not in BARE and not last.lower.endswith(("s", "ing"))
    if past and end > floor and is_named(tokens[end - 1]):
        # "The minister Anna Berg called claims "nonsense"": no claims of hers.
        return None
    return _description_before(tokens, end, floor)


def _antecedent(tokens: list[Token], end: int, floor: int) -> Phrase | None:
    """What "who", "which" or "that" stands for: the phrase just before it, across one comma."""
    at = end - 1
    if at >= floor and tokens[at].text == ",":
        at -= 1
    if at < floor or tokens[at].lower in ("who", "that", "which"):
        return None
    found = phrase_before(tokens, at, floor)
    if found is None or found.kind != "description":
        return found
    # "Anna Berg, now the leader of the chamber, who said": the name before the apposition.
    ahead = found.first - 1
    while ahead > floor and tokens[ahead].lower in ("now", "then", "once"):
        ahead -= 1
    if ahead > floor and tokens[ahead].text == ",":
        named = phrase_before(tokens, ahead - 1, floor)
        if named is not None and named.kind == "name":
            return named
    return found if has_speaker(tokens, found) else None


def _name_before(tokens: list[Token], end: int, floor: int) -> Phrase:
    first = end
    while first > floor:
        before = tokens[first - 1]
        if is_named(before) and not before.lower.endswith(("'s", "s'")):
            first -= 1
            continue
        start = first
        while start > floor and first - start < 3 and tokens[start - 1].lower in _BEFORE_NAMES:
            start -= 1
        if start == first or (not (start > floor and is_named(tokens[start - 1])) and tokens[start].text == "&"):
            break
        first = start  # "Ursula von der Leyen", and "von der Leyen" alone
    name_first = first
    # Roles in lower case belong to the name: "Kremlin spokesman Dmitry Peskov".
    while first > floor and end - first < 10:
        before = tokens[first - 1]
        within = is_named(before) or _modifies(before) or _noun_after_name(tokens, first - 1, floor)
        if before.lower in _ROLES or (first < name_first and within):
            first -= 1
        else:
            break
    if first > floor and tokens[first - 1].lower in DETERMINERS and tokens[first - 1].lower not in ("that",):
        first -= 1
    holder = _holder(tokens, first, floor)
    if holder is not None:
        return Phrase(holder, end, "description")
    return Phrase(first, end, "name")


def _compound(tokens: list[Token], at: int) -> bool:
    """Whether words in lower case lead from a name to a role and on to its holder: "press secretary Anna Berg"."""
    for index in range(at, min(at + 3, len(tokens) - 1)):
        if tokens[index].lower in _ROLES and index > at:
            return is_named(tokens[index + 1])
        if not is_word(tokens[index]) or tokens[index].capital or tokens[index].lower in CLOSED | TIME_WORDS:
            return False
    return False


def _noun_after_name(tokens: list[Token], at: int, floor: int) -> bool:
    """Whether what looks like a verb is a noun between a name and a role: "Rye House press secretary Anna Berg"."""
    return at > floor and tokens[at].lower in BARE and is_named(tokens[at - 1]) and _compound(tokens, at)


def _noun_before_role(tokens: list[Token], at: int, floor: int) -> bool:
    """Likewise in a description: "the press secretary", "the Rye House press secretary"."""
    if at <= floor or tokens[at].lower not in BARE or tokens[min(at + 1, len(tokens) - 1)].lower not in _ROLES:
        return False
    return is_named(tokens[at - 1]) or tokens[at - 1].lower in _ARTICLES


def _modifies(token: Token) -> bool:
    return is_word(token) and token.lower not in CLOSED and token.lower not in CUE_VERBS and token.lower not in PRONOUNS


def _holder(tokens: list[Token], first: int, floor: int) -> int | None:
    """Where a longer description starts whose "of", "for" or "at" leads to this phrase: "a spokesman for Anna Berg"."""
    if first - 2 < floor or tokens[first - 1].lower not in ("of", "for", "at", "from", "with", "on", "in", "to"):
        return None
    head = tokens[first - 2]
    if head.lower not in _ROLES and not (tokens[first - 1].lower == "of" and head.lower in DETERMINERS):
        return None
    if (
        tokens[first - 1].lower in ("on", "in", "to", "with", "from")
        and not head.lower.endswith("s")
        and head.lower not in _SERVING
    ):
        return None
    found = _description_before(tokens, first - 2, floor)
    return None if found is None else found.first


def _description_before(tokens: list[Token], end: int, floor: int) -> Phrase | None:
    first = end
    while first > floor and end - first < 8:
        before = tokens[first - 1]
        if before.lower in DETERMINERS:
            first -= 1
            # "all the president's men", "one of the president's men"
            if first > floor and tokens[first - 1].lower in ("all", "both"):
                first -= 1
            break
        if not is_word(before) or before.lower in CLOSED or before.lower in PRONOUNS or before.lower in TIME_WORDS:
            break
        if before.lower in CUE_VERBS and before.lower not in _ROLES and not _noun_before_role(tokens, first - 1, floor):
            break
        first -= 1
    holder = _holder(tokens, first, floor)
    if holder is not None:
        first = holder
    return Phrase(first, end, "description")


def phrase_after(tokens: list[Token], start: int) -> Phrase | None:
    """Return the noun phrase that starts with `tokens[start]`."""
    if start >= len(tokens) or not is_word(tokens[start]):
        return None
    first = tokens[start]
    if is_pronoun(first):
        return Phrase(start, start, "pronoun") if first.lower != "who" else None
    if first.lower in ("him", "her", "them") and (start + 1 >= len(tokens) or not is_word(tokens[start + 1])):
        return Phrase(start, start, "pronoun")
    opens = first.lower in _BEFORE_NAMES and _leads_to_name(tokens, start, len(tokens))
    if not opens and (first.lower in CLOSED or first.lower in TIME_WORDS or first.lower in _NOT_SUBJECT):
        return None
    at, named, limit = start, False, min(len(tokens), start + 16)
    role = False
    linked = False
    while at < limit:
        token = tokens[at]
        if not is_word(token) or token.lower in PRONOUNS or (at > start and token.lower in TIME_WORDS):
            break
        if token.lower.endswith(("'s", "s'")):
            # "Anna Berg's lawyer": the name only says whose.
            named = False
        elif is_named(token):
            named = True
        elif token.lower in _PARTICLES and (named or at == start) and _leads_to_name(tokens, at, limit):
            pass
        elif token.lower in PREPOSITIONS:
            # Prepositions belong to a description that names nobody yet: "a member of the jury".
            if named or at == start or token.lower not in ("of", "for", "at", "on", "in", "from", "with"):
                break
            if token.lower != "of" and tokens[at - 1].lower not in _ROLES:
                break
            linked = True
        elif _noun_before_role(tokens, at, start) or (
            named and (token.lower not in CUE_VERBS or token.lower in BARE) and _compound(tokens, at)
        ):
            pass
        elif (
            token.lower in CLOSED
            or (named and token.lower not in _ROLES)
            or (token.lower in CUE_VERBS and token.lower not in _ROLES and at > start)
        ):
            break
        elif role and token.lower not in _ROLES:
            # What follows the head noun is the verb.
            break
        role = token.lower in _ROLES
        at += 1
    last = at - 1
    while last >= start and (tokens[last].lower in PREPOSITIONS or tokens[last].lower in DETERMINERS):
        last -= 1
    if last < start:
        return None
    if linked and named and last + 1 < len(tokens) and not is_named(first):
        # "the head of the Oslo chamber": the name is part of the description.
        while last + 1 < limit and is_word(tokens[last + 1]) and tokens[last + 1].lower not in CLOSED - {"of"}:
            if tokens[last + 1].lower in CUE_VERBS:
                break
            last += 1
    apposed = _apposed(tokens, last + 1) if not is_named(tokens[last]) or linked else None
    if apposed is not None:
        return apposed
    return Phrase(start, last, "description" if linked or not is_named(tokens[last]) else "name")


def _leads_to_name(tokens: list[Token], at: int, limit: int) -> bool:
    """Whether a particle, or the first of several, stands before a name: "von der Leyen", "la Torre"."""
    last = at
    while last < min(limit, at + 3) and tokens[last].lower in _PARTICLES:
        last += 1
    return last < limit and is_named(tokens[last])


def _apposed(tokens: list[Token], comma: int) -> Phrase | None:
    """The name behind a description: "the head of the union, Anna Berg,"."""
    if comma + 1 >= len(tokens) or tokens[comma].text != ",":
        return None
    last = comma
    while last + 1 < len(tokens) and last - comma < 6 and is_named(tokens[last + 1]):
        last += 1
    if last - comma < 2 or (last + 1 < len(tokens) and tokens[last + 1].kind == "w"):
        return None
    return Phrase(comma + 1, last, "name")


def has_speaker(tokens: list[Token], phrase: Phrase) -> bool:
    """Whether a description names somebody who speaks, or a paper that says something."""
    return any(t.lower in _ROLES for t in tokens[phrase.first : phrase.last + 1])


def is_document(tokens: list[Token], phrase: Phrase) -> bool:
    """Whether a description is of something written rather than of somebody."""
    return phrase.kind == "description" and any(t.lower in DOCUMENTS for t in tokens[phrase.first : phrase.last + 1])


def can_speak(tokens: list[Token], phrase: Phrase, cue: str) -> bool:
    """Whether a phrase may be the speaker of a cue: weak cues need a person or an institution."""
    if phrase.kind == "pronoun":
        return True
    if phrase.kind == "name":
        return True
    return has_speaker(tokens, phrase) or (cue in STRONG and tokens[phrase.first].lower in DETERMINERS)
