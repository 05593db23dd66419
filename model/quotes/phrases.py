"""Noun phrases around a cue: who is the subject of "said", before it, after it, or further up in the sentence."""

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
)
from model.quotes.sentences import Token

PhraseKind = Literal["name", "pronoun", "description"]

_PARTICLES = frozenset(
    [
        "de",
        "la",
        "del",
        "della",
        "di",
        "da",
        "dos",
        "du",
        "van",
        "von",
        "der",
        "den",
        "bin",
        "ibn",
        "al",
        "el",
        "le",
        "ter",
        "ten",
        "&",
        "of",
    ]
)
_CLOSED = CONJUNCTIONS | PREPOSITIONS | BE_FORMS | (ADVERBS - {"first"})
_ASIDE = frozenset(
    [
        "a",
        "an",
        "the",
        "who",
        "whose",
        "whom",
        "which",
        "his",
        "her",
        "its",
        "their",
        "one",
        "former",
        "now",
        "then",
        "speaking",
        "referring",
        "formerly",
        "also",
        "in",
    ]
)
_NOT_SUBJECT = frozenset(
    [
        "that",
        "there",
        "what",
        "which",
        "all",
        "this",
        "these",
        "those",
        "nothing",
        "something",
        "anything",
        "everything",
        "it's",
    ]
)
_ARTICLES = frozenset(["the", "a", "an", "this", "his", "her", "its", "their", "our", "my", "your", "every", "no"])
_AUXILIARIES = frozenset(
    ["will", "would", "can", "could", "may", "might", "must", "should", "did", "does", "do", "didn't", "not", "n't"]
)
_BETWEEN = ADVERBS | TIME_WORDS | {"last", "this", "on", "s"}
"""What may stand between a subject and its verb."""
_REACH = 40
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


def _named(token: Token) -> bool:
    return (
        is_word(token)
        and token.capital
        and token.lower not in TIME_WORDS
        and token.lower not in DETERMINERS
        and token.lower not in _CLOSED
        and not is_pronoun(token)
    )


def phrase_before(tokens: list[Token], end: int, floor: int = 0) -> Phrase | None:
    """Return the noun phrase whose last token is `tokens[end]`."""
    floor = max(floor, end - _REACH)
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
    if last.lower in _CLOSED or last.lower in _NOT_SUBJECT:
        return _antecedent(tokens, end, floor) if last.lower in ("that", "which") and end > floor else None
    if _named(last):
        return _name_before(tokens, end, floor)
    return _description_before(tokens, end, floor)


def _antecedent(tokens: list[Token], end: int, floor: int) -> Phrase | None:
    """What "who", "which" or "that" stands for: the phrase just before it, across one comma."""
    at = end - 1
    if at >= floor and tokens[at].text == ",":
        at -= 1
    if at < floor or tokens[at].lower in ("who", "that", "which"):
        return None
    found = phrase_before(tokens, at, floor)
    if found is not None and found.kind == "description" and not _can_speak(tokens, found):
        return None
    return found


def _name_before(tokens: list[Token], end: int, floor: int) -> Phrase:
    first = end
    while first > floor:
        before = tokens[first - 1]
        if _named(before) and not before.lower.endswith(("'s", "s'")):
            first -= 1
        elif before.lower in _PARTICLES and before.lower != "of" and first - 2 >= floor and _named(tokens[first - 2]):
            first -= 2
        else:
            break
    name_first = first
    # Roles in lower case belong to the name: "Kremlin spokesman Dmitry Peskov".
    while first > floor and end - first < 10:
        before = tokens[first - 1]
        if before.lower in ROLES or (first < name_first and (_named(before) or _modifies(before))):
            first -= 1
        else:
            break
    if first > floor and tokens[first - 1].lower in DETERMINERS and tokens[first - 1].lower not in ("that",):
        first -= 1
    holder = _holder(tokens, first, floor)
    if holder is not None:
        return Phrase(holder, end, "description")
    return Phrase(first, end, "name")


def _modifies(token: Token) -> bool:
    return (
        is_word(token) and token.lower not in _CLOSED and token.lower not in CUE_VERBS and token.lower not in PRONOUNS
    )


def _holder(tokens: list[Token], first: int, floor: int) -> int | None:
    """Where a longer description starts whose "of", "for" or "at" leads to this phrase: "a spokesman for Anna Berg"."""
    if first - 2 < floor or tokens[first - 1].lower not in ("of", "for", "at", "from", "with", "on", "in", "to"):
        return None
    head = tokens[first - 2]
    if head.lower not in ROLES and not (tokens[first - 1].lower == "of" and head.lower in DETERMINERS):
        return None
    if (
        tokens[first - 1].lower in ("on", "in", "to", "with", "from")
        and not head.lower.endswith("s")
        and head.lower not in ("source", "spokesman")
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
        if not is_word(before) or before.lower in _CLOSED or before.lower in PRONOUNS or before.lower in TIME_WORDS:
            break
        if before.lower in CUE_VERBS and before.lower not in ROLES:
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
    if first.lower in _CLOSED or first.lower in TIME_WORDS or first.lower in _NOT_SUBJECT:
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
        elif _named(token):
            named = True
        elif token.lower in _PARTICLES and named and at + 1 < limit and _named(tokens[at + 1]):
            pass
        elif token.lower in PREPOSITIONS:
            # Prepositions belong to a description that names nobody yet: "one source on the panel".
            if named or at == start or token.lower not in ("of", "for", "at", "on", "in", "from", "with"):
                break
            if token.lower != "of" and tokens[at - 1].lower not in ROLES:
                break
            linked = True
        elif (
            token.lower in _CLOSED
            or (named and token.lower not in ROLES)
            or (token.lower in CUE_VERBS and token.lower not in ROLES and at > start)
        ):
            break
        elif role and token.lower not in ROLES:
            # What follows the head noun is the verb.
            break
        role = token.lower in ROLES
        at += 1
    last = at - 1
    while last >= start and (tokens[last].lower in PREPOSITIONS or tokens[last].lower in DETERMINERS):
        last -= 1
    if last < start:
        return None
    if linked and named and last + 1 < len(tokens) and not _named(first):
        # "the head of the Oslo chamber": the name is part of the description.
        while last + 1 < limit and is_word(tokens[last + 1]) and tokens[last + 1].lower not in _CLOSED - {"of"}:
            if tokens[last + 1].lower in CUE_VERBS:
                break
            last += 1
    apposed = _apposed(tokens, last + 1) if not _named(tokens[last]) or linked else None
    if apposed is not None:
        return apposed
    return Phrase(start, last, "description" if linked or not _named(tokens[last]) else "name")


def _apposed(tokens: list[Token], comma: int) -> Phrase | None:
    """The name behind a description: "the head of the union, Anna Berg,"."""
    if comma + 1 >= len(tokens) or tokens[comma].text != ",":
        return None
    last = comma
    while last + 1 < len(tokens) and last - comma < 6 and _named(tokens[last + 1]):
        last += 1
    if last - comma < 2 or (last + 1 < len(tokens) and tokens[last + 1].kind == "w"):
        return None
    return Phrase(comma + 1, last, "name")


def _can_speak(tokens: list[Token], phrase: Phrase) -> bool:
    """Whether a description names somebody who speaks, or a paper that says something."""
    return any(
        t.lower in ROLES or (t.lower.endswith("s") and t.lower[:-1] in ROLES)
        for t in tokens[phrase.first : phrase.last + 1]
    )


def subject_of(tokens: list[Token], cue: int, floor: int = 0) -> Phrase | Literal["inherit"] | None:
    """Return the subject that stands before a cue verb.

    Args:
        tokens: the sentence.
        cue: index of the verb.
        floor: the first token that may belong to the subject.

    Returns:
        The phrase; "inherit" when the verb shares the subject of the clause before it; None without a subject.
    """
    verb = tokens[cue].lower
    at = cue - 1
    passive = False
    if verb in BARE and not _licensed(tokens, cue, floor):
        return None
    if at >= floor and tokens[at].lower == "to":
        # "led Anna Berg to warn": the object does it; otherwise the subject of the clause.
        object_ = phrase_before(tokens, at - 1, floor)
        if (
            object_ is None
            or object_.kind != "name"
            or object_.first <= floor
            or tokens[object_.first - 1].lower in PREPOSITIONS
        ):
            return "inherit"
        return object_ if is_word(tokens[object_.first - 1]) else "inherit"
    while at >= floor and is_word(tokens[at]) and (tokens[at].lower in _BETWEEN or _adverb(tokens[at])):
        passive = passive or tokens[at].lower in BE_FORMS
        at -= 1
    participle = verb.endswith("ing")
    if passive and not participle and not verb.endswith("s"):
        return _agent(tokens, cue)
    if at < floor:
        return "inherit" if participle else None
    before = tokens[at]
    if before.kind == "q":
        return None
    if before.lower in ("and", "but", "or", "then", "nor") or (
        participle and (before.text == "," or before.lower in PREPOSITIONS)
    ):
        return "inherit"
    if before.text in (",", "—", "–", "-", "--"):
        return _across_aside(tokens, at, floor, before.text)
    if is_word(before) and before.lower in CUE_VERBS and tokens[cue - 1].lower == "to":
        return "inherit"
    found = phrase_before(tokens, at, floor)
    if found is None:
        return "inherit" if participle or before.lower in ("that", "which", "who") else None
    if participle and not passive and is_document(tokens, found):
        return "inherit"
    if found is not None and found.kind == "description" and not _can_speak(tokens, found) and found.first > floor:
        # "Protesters marching through the streets chanted": the streets did not.
        return "inherit" if tokens[found.first - 1].lower in PREPOSITIONS else found
    if found is not None and participle and not passive and found.kind == "description":
        return found if _can_speak(tokens, found) else "inherit"
    return found


def _licensed(tokens: list[Token], cue: int, floor: int) -> bool:
    """Whether a bare form is a verb here: "they claim", "would claim", "officials claim", "to claim"."""
    at = cue - 1
    while at > floor and _adverb(tokens[at]):
        at -= 1
    if at < floor:
        return False
    before = tokens[at].lower
    if _named(tokens[at]) and at > floor:
        # "Anna Berg and Carl Dahl call it ..."
        while at > floor and _named(tokens[at]):
            at -= 1
        return tokens[at].lower == "and"
    if before in ("they", "we", "i", "you", "who", "and", "people", "police", "to", "also") or before in _AUXILIARIES:
        return True
    return (
        before.endswith("s")
        and not before.endswith(("'s", "ss"))
        and not tokens[at].capital
        and before not in _CLOSED
        and before not in DETERMINERS
    )


def is_document(tokens: list[Token], phrase: Phrase) -> bool:
    """Whether a description is of something written rather than of somebody."""
    return phrase.kind == "description" and any(t.lower in DOCUMENTS for t in tokens[phrase.first : phrase.last + 1])


def _adverb(token: Token) -> bool:
    return token.lower.endswith("ly") and not token.capital and len(token.text) > 4


def _agent(tokens: list[Token], cue: int) -> Phrase | None:
    """Who did it in the passive: "was described by Anna Berg as"."""
    for at in range(cue + 1, min(cue + 5, len(tokens))):
        if tokens[at].lower == "by":
            return phrase_after(tokens, at + 1)
        if not is_word(tokens[at]):
            break
    return None


def _across_aside(tokens: list[Token], comma: int, floor: int, mark: str) -> Phrase | Literal["inherit"] | None:
    """The subject before an apposition or a relative clause: "Anna Berg, who leads the union, said"."""
    tried = 0
    for at in range(comma - 1, max(floor, comma - _REACH) - 1, -1):
        if tokens[at].kind == "q" and tried:
            break
        if tokens[at].text != mark:
            continue
        tried += 1
        aside = tokens[at + 1]
        if comma - at > 2 and all(_named(t) for t in tokens[at + 1 : comma]):
            # "the minister's deputy, Anna Berg, said"
            described = phrase_before(tokens, at - 1, floor)
            if described is not None and described.kind == "description":
                return Phrase(at + 1, comma - 1, "name")
        if aside.lower in _ASIDE or aside.text[:1].isdigit() or is_word(aside):
            found = phrase_before(tokens, at - 1, floor)
            if found is not None and (found.kind != "description" or _can_speak(tokens, found)):
                starts = (
                    found.first == floor
                    or tokens[found.first - 1].text in (",", ":", "—", "–", "-", ".", ";")
                    or (tokens[found.first - 1].lower in CONJUNCTIONS or tokens[found.first - 1].kind == "q")
                )
                if starts or aside.lower in _ASIDE or aside.text[:1].isdigit():
                    return found
        if tried == 4:
            break
    return "inherit"


def main_subject(tokens: list[Token], end: int | None = None) -> Phrase | None:
    """Return what a sentence is about: its first phrase, past "On Thursday," and other openings."""
    end = len(tokens) if end is None else min(end, len(tokens))
    at = 0
    for _ in range(4):
        while at < end and (
            tokens[at].kind in "pq" or tokens[at].lower in ("and", "but", "so", "then", "now", "however", "meanwhile")
        ):
            at += 1
        if at >= end:
            return None
        lower = tokens[at].lower
        opening = (
            lower in PREPOSITIONS
            or lower in CONJUNCTIONS
            or lower.endswith(("ing", "ly"))
            or lower in ("asked", "told", "later", "earlier", "according")
        )
        if not opening or lower in PRONOUNS:
            found = phrase_after(tokens, at)
            if found is not None:
                return found
        comma = next(
            (i for i in range(at, min(end, at + _REACH)) if tokens[i].text in (",", "—", "–") or tokens[i].kind == "q"),
            None,
        )
        if comma is None:
            return None
        at = comma + 1
    return None


def clause_subject(tokens: list[Token], end: int) -> Phrase | None:
    """Return the subject of the nearest clause before a token; main clauses go before subordinate ones."""
    spare: Phrase | None = None
    for at in range(end - 1, max(-1, end - _REACH), -1):
        token = tokens[at]
        if not is_word(token) or not (_named(token) or token.lower in PRONOUNS or token.lower in DETERMINERS):
            continue
        before = tokens[at - 1] if at else None
        free = token.lower in ("he", "she", "they")
        if before is not None and not free and is_word(before) and before.lower not in CONJUNCTIONS:
            continue
        found = phrase_after(tokens, at)
        if found is None or found.last + 1 >= end or (found.kind == "description" and not _can_speak(tokens, found)):
            continue
        verb = tokens[_past_aside(tokens, found.last + 1, end)]
        if not is_word(verb) or verb.capital or verb.lower in PREPOSITIONS or verb.lower in CONJUNCTIONS:
            continue
        if before is not None and is_word(before) and before.lower not in ("and", "but", "or"):
            spare = spare or found
            continue
        return found
    return spare


def _past_aside(tokens: list[Token], at: int, end: int) -> int:
    """Skip "(D-Ohio)" and ", in particular," between a subject and its verb."""
    for mark, closing in (("(", ")"), (",", ",")):
        if tokens[at].text == mark:
            stop = next((i for i in range(at + 1, min(end, at + 14)) if tokens[i].text == closing), None)
            at = stop + 1 if stop is not None and stop + 1 < end else at
    return at


def can_speak(tokens: list[Token], phrase: Phrase, cue: str) -> bool:
    """Whether a phrase may be the speaker of a cue: weak cues need a person or an institution."""
    if phrase.kind == "pronoun":
        return True
    if phrase.kind == "name":
        return True
    return _can_speak(tokens, phrase) or (cue in STRONG and tokens[phrase.first].lower in DETERMINERS)
