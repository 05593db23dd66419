"""Which cue in a sentence carries which quote, and who its subject is."""

from dataclasses import dataclass
from typing import Literal

from model.quotes.cues import BARE, CUE_VERBS, STRONG
from model.quotes.lexicon import BE_FORMS, CUE_NOUNS, DEFERRING_VERBS, LABELS, POSSESSIVES, PREPOSITIONS
from model.quotes.phrases import Phrase, can_speak, is_word, phrase_after, phrase_before
from model.quotes.sentences import Token
from model.quotes.subjects import clause_subject, main_subject, subject_of

_REACH = 60
"""How many tokens may stand between a quote and its cue."""
_OPENING = 2

Where = Literal["after", "before", "near", "noun", "subject"]


@dataclass(frozen=True, slots=True)
class Cue:
    """A verb, phrase or mark that reports speech, with its subject.

    Args:
        at: index of the token.
        last: index of its last token.
        subject: who speaks; None for an empty tag.
        inverted: the subject follows ("said Anna Berg").
        strong: reports speech whatever surrounds it.
        begin: where its clause starts; usually with the subject.
        shared: the subject is that of an earlier verb.
        relative: it stands in a relative clause ("who said").
        defers: it yields to a plainer report of speech before it.
    """

    at: int
    last: int
    subject: Phrase
    inverted: bool
    strong: bool
    begin: int = -1
    shared: bool = False
    relative: bool = False
    defers: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """What a sentence says about one of its quotes.

    Args:
        cue: the cue, or None when only the sentence's subject points to the speaker.
        subject: who speaks.
        where: where the cue stands: right after the quote, right before it, or elsewhere in the sentence.
    """

    cue: Cue | None
    subject: Phrase
    where: Where


class Sentence:
    """The tokens of a sentence with every cue in it.

    Args:
        tokens: the tokens, each quote one of them.
    """

    __slots__ = ("_main", "_main_known", "cues", "quotes", "tokens")

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.quotes = {t.start: i for i, t in enumerate(tokens) if t.kind == "q"}
        self._main: Phrase | None = None
        self._main_known = False
        self.cues: list[Cue] = []
        for index, token in enumerate(tokens):
            if token.kind == "p":
                cue = self._mark_cue(index)
            elif token.lower in CUE_VERBS:
                cue = self._verb_cue(index)
            elif token.lower in ("according", "per"):
                cue = self._according(index)
            else:
                continue
            if cue is not None:
                self.cues.append(cue)

    @property
    def main(self) -> Phrase | None:
        """The subject of the sentence."""
        if not self._main_known:
            self._main, self._main_known = main_subject(self.tokens), True
        return self._main

    def text(self, document: str, phrase: Phrase) -> str:
        """Return the words of a phrase."""
        return document[self.tokens[phrase.first].start : self.tokens[phrase.last].end]

    def _verb_cue(self, index: int) -> Cue | None:
        tokens, form = self.tokens, self.tokens[index].lower
        strong = form in STRONG
        if tokens[index].capital and index and not _opens(tokens, index):
            # "The Post", "State", "Mark": a capital within a sentence makes it a name.
            return None
        following = tokens[index + 1].lower if index + 1 < len(tokens) else ""
        if following == "to" and CUE_VERBS[form] in ("continue", "begin", "go", "decide", "want"):
            return None
        floor = self._floor(index)
        subject = subject_of(tokens, index, floor)
        shared = subject == "inherit"
        if subject == "inherit":
            subject = self._inherited(index)
        if subject is None and strong and not form.endswith("ing"):
            before = tokens[index - 1] if index else None
            if before is None or before.kind == "q" or before.text in (",", "—", "–", "-", "--"):
                found = phrase_after(tokens, index + 1)
                if found is not None and ((before is not None and before.kind == "q") or self._quote_near(index)):
                    return Cue(index, index, found, True, strong) if can_speak(tokens, found, form) else None
            return None
        if subject is not None and subject.first > index and not shared:
            # The passive names who speaks behind the verb.
            return Cue(index, index, subject, True, strong) if can_speak(tokens, subject, form) else None
        if subject is None or not can_speak(tokens, subject, form):
            return None
        if CUE_VERBS[form] in ("quote", "cite"):
            # "The agency quoted the minister as saying": the words are the minister's.
            source = phrase_after(tokens, index + 1)
            if source is not None and source.last + 1 < len(tokens) and tokens[source.last + 1].lower == "as":
                return Cue(index, index, source, False, strong, subject.first)
        if form in CUE_NOUNS and form.endswith("s") and _is_noun(tokens, subject):
            return None
        relative = subject.last + 1 < index and tokens[subject.last + 1].lower in ("who", "that", "which")
        # "tweets accusing her" tells what the tweets do, not who speaks.
        reduced = form.endswith("ing") and not shared and subject.last == index - 1
        relative = relative or reduced
        empty = reduced or (subject.kind == "pronoun" and tokens[subject.first].lower == "it")
        defers = CUE_VERBS[form] in DEFERRING_VERBS or empty or tokens[index - 1].lower == "to"
        return Cue(index, index, subject, False, strong, -1, shared, relative, defers)

    def _quote_near(self, index: int) -> bool:
        return any(t.kind == "q" for t in self.tokens[max(0, index - 8) : index])

    def _floor(self, index: int) -> int:
        """The subject of a cue never lies before the quote before it."""
        for at in range(index - 1, max(-1, index - _REACH), -1):
            if self.tokens[at].kind == "q":
                # An aside may quote: "Anna Berg, the "queen of rye", said".
                if at + 1 < len(self.tokens) and self.tokens[at + 1].text == ",":
                    continue
                return at + 1 if at + 1 < index else at
        return 0

    def _inherited(self, index: int) -> Phrase | None:
        """The subject that a verb shares: of the last report of speech, of the clause before it, or of the sentence."""
        near = [c for c in self.cues[-6:] if index - c.at <= _REACH and not c.relative]
        plain = [c for c in near if c.strong and not c.defers]
        if plain:
            return plain[-1].subject
        last = near[-1] if near else None
        clause = clause_subject(self.tokens, index)
        if clause is not None and (last is None or clause.first > last.at):
            return clause
        if last is not None:
            return last.subject
        main = self.main
        # "After saying so, Berg left": an opening participle looks ahead.
        return main if main is not None and (main.last < index or (index <= _OPENING and index < main.first)) else None

    def _according(self, index: int) -> Cue | None:
        tokens = self.tokens
        last = index
        if tokens[index].lower == "according":
            last = index + 1
            if last >= len(tokens) or tokens[last].lower != "to":
                return None
        elif index and tokens[index - 1].text != "," and tokens[index - 1].kind != "q":
            return None
        found = phrase_after(tokens, last + 1)
        return Cue(index, last, found, True, True) if found is not None else None

    def _mark_cue(self, index: int) -> Cue | None:
        """A mark that names the speaker: "Anna Berg: ..." at the start of a line, "... — Anna Berg" at its end."""
        tokens, mark = self.tokens, self.tokens[index].text
        if mark == ":" and 0 < index <= 12 and index + 1 < len(tokens):
            if any((t.lower in CUE_VERBS and not t.capital) or t.lower in LABELS for t in tokens[:index]):
                return None
            found = phrase_before(tokens, index - 1)
            if found is not None and found.first == 0 and (found.kind == "name" or can_speak(tokens, found, "")):
                return Cue(index, index, found, False, True)
        if mark in "―—–:--" and index and tokens[index - 1].kind == "q":
            found = phrase_after(tokens, index + 1)
            if found is not None and found.kind == "name" and found.last - found.first < 7:
                rest = tokens[found.last + 1 :]
                if not rest or (rest[0].text in (",", ".", "(") and (len(rest) == 1 or rest[0].text != ".")):
                    return Cue(index, index, found, True, True)
        return None

    def tag(self, quote: int) -> Tag | None:
        """Return the tag of the quote at a token, the surest first."""
        tokens = self.tokens
        after = self._after(quote)
        before = next((c for c in reversed(self.cues) if c.at < quote and quote - c.at <= _REACH), None)
        if before is not None and before.defers and tokens[quote - 1].text not in (",", ":"):
            before = self._plainer(before) or before
        touching = before is not None and self._touches(before, quote)
        if touching and before is not None and (after is None or tokens[quote - 1].text in (",", ":")):
            return Tag(before, before.subject, "before")
        if after is not None:
            return Tag(after, after.subject, "after")
        noun = self._noun(quote)
        if noun is not None and noun.subject.kind == "pronoun" and before is not None and before.strong:
            # "admits his concerns about Q": the subject of the verb says who "his" is.
            noun = None
        if noun is not None and (before is None or before.strong or before.defers or noun.subject.first < before.at):
            return noun
        late = self._late(quote)
        if before is not None and before.defers and late is not None and late.strong:
            before = None
        if before is not None:
            return Tag(before, before.subject, "near")
        if late is not None:
            return Tag(late, late.subject, "near")
        return self._portrayed(quote) or self._noun_of_clause(quote)

    def _noun_of_clause(self, quote: int) -> Tag | None:
        """A noun of speech without an owner: "has gone on, with demands to Q" belongs to the subject of its clause."""
        tokens = self.tokens
        for at in range(quote - 1, max(-1, quote - 10), -1):
            if tokens[at].kind == "q":
                break
            if tokens[at].lower in CUE_NOUNS:
                found = clause_subject(tokens, at)
                return Tag(Cue(at, at, found, False, False), found, "noun") if found is not None else None
        return None

    def _plainer(self, cue: Cue) -> Cue | None:
        """The report of speech that governs a cue like "wants" or "it shows"."""
        for other in reversed(self.cues):
            if (
                other.at < cue.at
                and cue.at - other.at <= _REACH
                and other.strong
                and not other.defers
                and not other.relative
            ):
                return other
        return None

    def _portrayed(self, quote: int) -> Tag | None:
        """Words after "as" are those of whom the clause is about: "Anna Berg has long painted him as a "bully"."""
        tokens = self.tokens
        for at in range(quote - 1, max(-1, quote - 12), -1):
            if tokens[at].lower == "as":
                if at and tokens[at - 1].lower in (
                    "known",
                    "such",
                    "so",
                    "well",
                    "far",
                    "long",
                    "soon",
                    "same",
                    "much",
                ):
                    return None
                subject = clause_subject(tokens, at)
                return Tag(None, subject, "subject") if subject is not None else None
            if tokens[at].kind == "p":
                break
        return None

    def _touches(self, cue: Cue, quote: int) -> bool:
        """Whether nothing but an addressee, a time or "that" stands between a cue and the quote after it."""
        start = max(cue.last, cue.subject.last if cue.inverted else cue.last)
        between = self.tokens[start + 1 : quote]
        if any(t.kind == "q" or t.lower in CUE_VERBS for t in between):
            return False
        return len(between) <= 1 or (between[-1].text in (",", ":") and len(between) <= 16)

    def _after(self, quote: int) -> Cue | None:
        """The tag right after a quote: "Q, she said", "Q, said Anna Berg", "Q, as Anna Berg put it"."""
        tokens = self.tokens
        start = quote + 1
        while (
            start < len(tokens)
            and start <= quote + 2
            and (tokens[start].text in (",", "—", "–", "-", "--", "?", "!") or tokens[start].lower == "as")
        ):
            start += 1
        for cue in self.cues:
            if cue.at <= quote:
                continue
            if cue.at - quote > _REACH:
                break
            if cue.inverted:
                if cue.at <= start and cue.at > quote:
                    return cue
            else:
                begin = cue.begin if cue.begin >= 0 else cue.subject.first
                if not cue.shared and begin in (start, start - 1) and begin > quote:
                    return cue
            if any(t.kind == "q" for t in tokens[quote + 1 : cue.at]):
                break
        return None

    def _late(self, quote: int) -> Cue | None:
        for cue in self.cues:
            if cue.at > quote and cue.at - quote <= _REACH and cue.subject.first > quote and not cue.relative:
                return cue
        return None

    def _noun(self, quote: int) -> Tag | None:
        """A noun of speech right before the quote: "Anna Berg's promise to Q", "his "Q" remark"."""
        tokens = self.tokens
        for at in range(quote - 1, max(-1, quote - 10), -1):
            token = tokens[at]
            if token.kind == "q" or (token.lower in CUE_VERBS and token.lower not in BARE):
                return None
            if token.lower in CUE_NOUNS:
                return self._owner(at, quote) if tokens[at + 1].lower not in BE_FORMS else None
        return None

    def _owner(self, noun: int, quote: int) -> Tag | None:
        tokens = self.tokens
        for at in range(noun - 1, max(-1, noun - 6), -1):
            lower = tokens[at].lower
            if lower in POSSESSIVES:
                return Tag(Cue(noun, noun, Phrase(at, at, "pronoun"), False, False), Phrase(at, at, "pronoun"), "noun")
            if lower.endswith(("'s", "s'")) and is_word(tokens[at]):
                found = phrase_before(tokens, at)
                if found is not None:
                    return Tag(Cue(noun, noun, found, False, False), found, "noun")
            if not is_word(tokens[at]):
                break
        for at in range(noun + 1, min(len(tokens), noun + 3)):
            if tokens[at].lower in ("by", "from"):
                found = phrase_after(tokens, at + 1)
                if found is not None:
                    return Tag(Cue(noun, noun, found, True, False), found, "noun")
        if quote - noun <= 2 and (quote - noun == 1 or tokens[noun + 1].text == ":"):
            found = clause_subject(tokens, noun)
            if found is not None:
                return Tag(Cue(noun, noun, found, False, False), found, "noun")
        return None


def _is_noun(tokens: list[Token], owner: Phrase) -> bool:
    """Whether "claims" or "remarks" after a phrase is a noun: "Anna Berg's remarks", "32% of Liberal claims"."""
    last = tokens[owner.last].lower
    before = tokens[owner.first - 1].lower if owner.first else ""
    return last.endswith(("'s", "s'")) or before in PREPOSITIONS


def _opens(tokens: list[Token], index: int) -> bool:
    return index == 0 or tokens[index - 1].kind in "pq"
