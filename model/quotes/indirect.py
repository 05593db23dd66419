"""Reported speech without quotation marks: "Anna Berg said that the talks go on"."""

from model.quotes.cues import CUE_VERBS
from model.quotes.lexicon import words
from model.quotes.sentences import Token
from model.quotes.speakers import Cue, Sentence
from model.records import Span

_BARE_CLAUSE = words(
    """
    acknowledge add admit allege announce argue assert believe claim concede confirm contend declare explain insist
    maintain note predict promise reiterate report reveal say state stress suggest think vow warn write
    """
)
"""Verbs whose clause may follow without "that"."""
_ADDRESSEE = 8
"""How many tokens may stand between a verb and its "that": "told reporters in Oslo on Friday that"."""
_SHORTEST = 3


def reported(sentence: Sentence) -> tuple[Cue, Span] | None:
    """Return the cue and the reported clause of a sentence that quotes nothing.

    Args:
        sentence: the sentence; one with a quote in it reports nothing here, its quotes are statements themselves.
    """
    tokens = sentence.tokens
    if any(t.kind == "q" for t in tokens):
        return None
    for cue in sentence.cues:
        if not cue.strong or cue.defers or cue.relative or cue.shared:
            continue
        clause = _clause(tokens, cue)
        if clause is not None and clause[1] - clause[0] >= _SHORTEST:
            return cue, Span(tokens[clause[0]].start, tokens[clause[1] - 1].end)
    return None


def _clause(tokens: list[Token], cue: Cue) -> tuple[int, int] | None:
    """First token of the clause and the one past its end."""
    end = len(tokens)
    while end and tokens[end - 1].kind == "p" and tokens[end - 1].text not in ")]%":
        end -= 1
    after = max(cue.last, cue.subject.last) + 1 if cue.inverted else cue.last + 1
    if tokens[cue.at].lower in ("according", "per"):
        if cue.at == 0 and after < end and tokens[after].text == ",":
            return after + 1, end
        return _before(tokens, cue.at)
    if not cue.inverted:
        for at in range(after, min(end, after + _ADDRESSEE)):
            if tokens[at].lower == "that":
                return at + 1, end
            if tokens[at].kind == "p":
                break
        if (
            after < end
            and CUE_VERBS.get(tokens[cue.at].lower, "") in _BARE_CLAUSE
            and _starts_clause(tokens, after, end)
        ):
            return after, end
    first = cue.at if cue.inverted else cue.subject.first
    return _before(tokens, first) if after >= end or tokens[after].kind == "p" else None


def _before(tokens: list[Token], tag: int) -> tuple[int, int] | None:
    """The clause in front of a tag: "The talks go on, Anna Berg said"."""
    return (0, tag - 1) if tag > 1 and tokens[tag - 1].text == "," else None


def _starts_clause(tokens: list[Token], at: int, end: int) -> bool:
    """Whether a clause with a verb of its own starts here, rather than an object: "said the talks go on"."""
    token = tokens[at]
    if token.kind not in "wa" or token.lower in (
        "in",
        "on",
        "at",
        "to",
        "by",
        "with",
        "from",
        "during",
        "after",
        "as",
        "so",
    ):
        return False
    return end - at > _SHORTEST
