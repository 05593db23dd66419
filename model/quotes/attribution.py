"""Who said a quote: its own tag, or what the text around it implies."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from model.quotes.lexicon import POSSESSIVES
from model.quotes.marks import Marked
from model.quotes.names import Person
from model.quotes.people import People, is_pronoun, pronoun_of
from model.quotes.phrases import REACH, Phrase, is_word
from model.quotes.sentences import ORNAMENTS, Paragraph
from model.quotes.speakers import Cue, Sentence, Tag

_SENTENCES_KEPT = 8
"""Quotes are read in order and look back one sentence at most, so that a paragraph without end needs no more memory."""
_SIGNATURE = 120
"""Longest line, in characters, that can be the signature under a quote."""
_FOREIGN_MARKS = "„«»"
"""Marks that English does not open quotes with."""
_TAG_MARKS = 2
"""How many marks may stand between a quote and its tag: "«...», — ..."."""


@dataclass(slots=True)
class Said:
    """A quote with what is known about it so far."""

    marked: Marked
    paragraph: int
    sentence: int
    fragment: bool
    tag: Tag | None = None
    mention: str | None = None
    speaker: str | None = None
    person: Person | None = None
    cue: str | None = None


class Attribution:
    """Names the speakers of a document's quotes, read from top to bottom.

    Args:
        document: the whole text.
        paragraphs: its paragraphs.
        people: whom its names, pronouns and descriptions stand for.
        spoken: paragraphs that are turns of a transcript.
    """

    def __init__(
        self, document: str, paragraphs: list[Paragraph], people: People, spoken: AbstractSet[int] = frozenset()
    ) -> None:
        self._document = document
        self._paragraphs = paragraphs
        self._people = people
        self._spoken = spoken
        self._sentence_cache: dict[tuple[int, int], Sentence] = {}

    def sentence(self, paragraph: int, index: int) -> Sentence:
        """Return a sentence by its paragraph and its place there."""
        key = (paragraph, index)
        if key not in self._sentence_cache:
            if len(self._sentence_cache) >= _SENTENCES_KEPT:
                self._sentence_cache.clear()
            holder = self._paragraphs[paragraph]
            self._sentence_cache[key] = Sentence(holder.tokens(*holder.sentences[index]))
        return self._sentence_cache[key]

    def tag(self, said: Said, sentence: Sentence, tag: Tag) -> None:
        """Take the speaker from the tag of the quote itself."""
        said.tag = tag
        self.name(said, sentence, tag.subject)
        if said.person is not None:
            self._people.remember(said.marked.start, said.person)
        if tag.cue is not None:
            said.cue = self._words(sentence, tag.cue)

    def name(self, said: Said, sentence: Sentence, subject: Phrase) -> None:
        """Fill in the words at the quote and the person behind them."""
        people = self._people
        tokens = sentence.tokens
        mention = sentence.text(self._document, subject)
        start, end = tokens[subject.first].start, tokens[subject.last].end
        said.mention = mention
        for ending in ("'s", "’s", "'", "’"):
            mention = mention.removesuffix(ending)
        said.person = None
        if subject.kind == "pronoun" or is_pronoun(mention):
            said.mention = mention.replace("’", "'").partition("'")[0]
            said.person = people.pronoun(pronoun_of(mention), start)
            said.speaker = said.person.full if said.person else None
            return
        if subject.kind == "name":
            said.person = people.named(start, end)
            if said.person is None:
                said.speaker = mention
                return
            said.speaker = said.person.full
            said.person.human = True
            return
        words = [t.text for t in tokens[subject.first : subject.last + 1]]
        said.person = people.described(words, start)
        said.speaker = said.person.full if said.person else mention

    def settle(self, number: int, here: list[Said], earlier: list[Said]) -> None:
        """Give quotes without a tag of their own the speaker that the text around them implies."""
        self._doubt(here)
        previous: Said | None = None
        for said in here:
            if said.tag is None:
                self._imply(number, said, previous, earlier)
            if said.person is not None:
                self._people.remember(said.marked.start, said.person)
            previous = said

    def _doubt(self, here: list[Said]) -> None:
        """Take back that one person is both "he" and "she", where the document does not show which."""
        called: dict[int, set[str]] = {}
        for said in here:
            if said.person is not None and not said.person.gender and said.mention is not None:
                called.setdefault(id(said.person), set()).add(pronoun_of(said.mention))
        torn = {key for key, words in called.items() if words >= {"he", "she"}}
        for said in here:
            if id(said.person) in torn and is_pronoun(said.mention or ""):
                said.person, said.speaker = None, None

    def _imply(self, number: int, said: Said, previous: Said | None, earlier: list[Said]) -> None:
        if said.marked.continues and earlier:
            self._copy(earlier[-1], said)
            return
        if said.fragment and not self.opens_sentence(said):
            return
        if self._wordless_tag(said) or self._unread_tag(said):
            return
        if previous is not None and previous.speaker is not None and said.sentence - previous.sentence <= 1:
            self._copy(previous, said)
            return
        if said.sentence > 0:
            if self._from_sentence(said, number, said.sentence - 1):
                return
            if previous is not None:
                self._copy(previous, said)
            return
        if self._dashed(said, number) or number == 0 or number - 1 in self._spoken:
            return
        before = self._paragraphs[number - 1]
        last = len(before.sentences) - 1
        if (
            earlier
            and earlier[-1].paragraph == number - 1
            and (not earlier[-1].fragment or earlier[-1].sentence == last)
        ):
            self._copy(earlier[-1], said)
            return
        self._from_sentence(said, number - 1, last, colon=before.text[-80:].rstrip().endswith(":"))

    def opens_sentence(self, said: Said) -> bool:
        """Whether nothing of the sentence stands before the quote."""
        start, _ = self._paragraphs[said.paragraph].sentences[said.sentence]
        return ORNAMENTS.fullmatch(self._document, start, said.marked.start) is not None

    def _unread_tag(self, said: Said) -> bool:
        """Whether the words of a sentence beside its quote report no speech: a tag in another language."""
        sentence = self.sentence(said.paragraph, said.sentence)
        at = sentence.quotes.get(said.marked.start)
        if at is None or said.fragment or sentence.cues:
            return False
        if not self.opens_sentence(said):
            return self._document[said.marked.start] in _FOREIGN_MARKS
        if self._document[said.marked.start] not in _FOREIGN_MARKS and any(
            t.lower in POSSESSIVES for t in sentence.tokens[at + 1 : at + 1 + REACH]
        ):
            # English: "..." was her answer.
            return False
        return any(is_word(t) for t in sentence.tokens[at + 1 : at + 2 + _TAG_MARKS])

    def _wordless_tag(self, said: Said) -> bool:
        """Take the speaker from a tag whose verb is none of speech: "...," she smiled."""
        sentence = self.sentence(said.paragraph, said.sentence)
        at, subject = sentence.quotes.get(said.marked.start), sentence.main
        if at is None or subject is None or said.fragment or sentence.cues or not self.opens_sentence(said):
            return False
        if subject.kind == "description" or not at < subject.first <= at + 1 + _TAG_MARKS:
            return False
        if not {self._document[said.marked.inner_end - 1], sentence.tokens[at + 1].text} & {",", "!", "?"}:
            # An aside: "..." — Dahl nodded — "...".
            return False
        if not any(t.lower.endswith("ed") for t in sentence.tokens[subject.last + 1 : subject.last + 2]):
            return False
        self.name(said, sentence, subject)
        return True

    def _dashed(self, said: Said, number: int) -> bool:
        """A signature on the line below the quote: "— Anna Berg"."""
        if number + 1 >= len(self._paragraphs):
            return False
        paragraph = self._paragraphs[number + 1]
        if paragraph.quotes or paragraph.end - paragraph.start > _SIGNATURE:
            return False
        if paragraph.text.lstrip(" \t\xa0>*_")[:1] not in ("—", "–", "―", "-"):
            return False
        sentence = self.sentence(number + 1, 0)
        main = sentence.main
        if main is None or main.kind != "name":
            return False
        self.name(said, sentence, main)
        said.cue = sentence.tokens[0].text
        return True

    def _from_sentence(self, said: Said, number: int, index: int, colon: bool = False) -> bool:
        sentence = self.sentence(number, index)
        strong = [c for c in sentence.cues if c.strong]
        found = strong or sentence.cues
        cue = found[-1] if found else None
        subject = cue.subject if cue is not None else sentence.main
        if subject is None or (cue is None and subject.kind == "description" and not colon):
            return False
        if cue is None and sentence.tokens[subject.first].lower == "it":
            # "It rained. ...": nobody spoke.
            return False
        if cue is None and subject.kind == "name":
            person = self._people.named(sentence.tokens[subject.first].start, sentence.tokens[subject.last].end)
            if person is None or not person.human:
                return False
        self.name(said, sentence, subject)
        if cue is not None:
            said.cue = self._words(sentence, cue)
        return True

    def _words(self, sentence: Sentence, cue: Cue) -> str:
        return self._document[sentence.tokens[cue.at].start : sentence.tokens[cue.last].end]

    @staticmethod
    def _copy(source: Said, target: Said) -> None:
        target.mention, target.speaker, target.person = source.mention, source.speaker, source.person
