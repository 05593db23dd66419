"""Subjects: who does what a cue verb says, across asides, passives and shared clauses."""

from itertools import pairwise
from typing import Literal

from model.quotes.cues import BARE, CUE_VERBS
from model.quotes.lexicon import (
    ADVERBS,
    BE_FORMS,
    CONJUNCTIONS,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    TIME_WORDS,
    words,
)
from model.quotes.name_lists import FEMALE, MALE
from model.quotes.phrases import (
    CLOSED,
    REACH,
    Phrase,
    has_speaker,
    is_document,
    is_named,
    is_word,
    phrase_after,
    phrase_before,
)
from model.quotes.sentences import Token

_ASIDE = words(
    "a also an former formerly her his in its now one referring speaking the their then which who whom whose"
)
"""What opens an apposition or a relative clause."""
_AUXILIARIES = words("can could did didn't do does may might must n't not should will would")
_SAYING = words("adding arguing asking claiming insisting saying telling warning writing")
_BETWEEN = ADVERBS | TIME_WORDS | {"last", "this", "on", "in", "s"}
"""What may stand between a subject and its verb."""


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
    while (
        at >= floor
        and is_word(tokens[at])
        and (tokens[at].lower in _BETWEEN or tokens[at].text.isdigit() or _adverb(tokens[at]))
    ):
        passive = passive or tokens[at].lower in BE_FORMS
        at -= 1
    participle = verb.endswith("ing")
    if passive and not participle and not verb.endswith("s") and not _quoted_saying(tokens, cue):
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
    if found is not None and found.kind == "description" and not has_speaker(tokens, found) and found.first > floor:
        # "Farmers waiting outside the mill cheered": the mill did not.
        return "inherit" if tokens[found.first - 1].lower in PREPOSITIONS else found
    if found is not None and participle and not passive and found.kind == "description":
        return found if has_speaker(tokens, found) else "inherit"
    return found


def _licensed(tokens: list[Token], cue: int, floor: int) -> bool:
    """Whether a bare form is a verb here: "they claim", "would claim", "officials claim", "to claim"."""
    at = cue - 1
    while at > floor and _adverb(tokens[at]):
        at -= 1
    if at < floor:
        return False
    before = tokens[at].lower
    if is_named(tokens[at]) and at > floor:
        # "Anna Berg and Carl Dahl call it ..."
        while at > floor and is_named(tokens[at]):
            at -= 1
        return tokens[at].lower == "and"
    if before in ("they", "we", "i", "you", "who", "and", "people", "police", "to", "also") or before in _AUXILIARIES:
        return True
    return (
        before.endswith("s")
        and not before.endswith(("'s", "ss"))
        and not tokens[at].capital
        and before not in CLOSED
        and before not in DETERMINERS
    )


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


def _quoted_saying(tokens: list[Token], cue: int) -> bool:
    """Whether the passive names who is quoted: "Anna Berg was quoted by the Daily Rye as saying"."""
    if CUE_VERBS[tokens[cue].lower] not in ("quote", "cite"):
        return False
    near = tokens[cue + 1 : cue + 12]
    return any(a.lower == "as" and b.lower in _SAYING for a, b in pairwise(near))


def _across_aside(tokens: list[Token], comma: int, floor: int, mark: str) -> Phrase | Literal["inherit"] | None:
    """The subject before an apposition or a relative clause: "Anna Berg, who leads the union, said"."""
    tried = 0
    for at in range(comma - 1, max(floor, comma - REACH) - 1, -1):
        if tokens[at].kind == "q" and tried:
            break
        if tokens[at].text != mark:
            continue
        tried += 1
        aside = tokens[at + 1]
        if comma - at > 2 and all(is_named(t) for t in tokens[at + 1 : comma]):
            # "the minister's deputy, Anna Berg, said"
            described = phrase_before(tokens, at - 1, floor)
            if described is not None and described.kind == "description":
                return Phrase(at + 1, comma - 1, "name")
        if aside.lower in _ASIDE or aside.text[:1].isdigit() or is_word(aside):
            found = phrase_before(tokens, at - 1, floor)
            if found is not None and (found.kind != "description" or has_speaker(tokens, found)):
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
            or (lower.endswith(("ing", "ly")) and lower not in FEMALE and lower not in MALE)
            or lower in ("asked", "told", "later", "earlier", "according")
        )
        if not opening or lower in PRONOUNS:
            found = phrase_after(tokens, at)
            if found is not None:
                return found
        comma = next(
            (i for i in range(at, min(end, at + REACH)) if tokens[i].text in (",", "—", "–") or tokens[i].kind == "q"),
            None,
        )
        if comma is None:
            return None
        at = comma + 1
    return None


def clause_subject(tokens: list[Token], end: int) -> Phrase | None:
    """Return the subject of the nearest clause before a token; main clauses go before subordinate ones."""
    spare: Phrase | None = None
    for at in range(end - 1, max(-1, end - REACH), -1):
        token = tokens[at]
        if not is_word(token) or not (is_named(token) or token.lower in PRONOUNS or token.lower in DETERMINERS):
            continue
        before = tokens[at - 1] if at else None
        free = token.lower in ("he", "she", "they")
        if before is not None and not free and is_word(before) and before.lower not in CONJUNCTIONS:
            continue
        found = phrase_after(tokens, at)
        if found is None or found.last + 1 >= end or (found.kind == "description" and not has_speaker(tokens, found)):
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
