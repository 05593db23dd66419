"""From marks to statements: joins quotes, names speakers, drops what nobody said."""

from bisect import bisect_right
from dataclasses import dataclass

from model.quotes.cues import CUE_VERBS
from model.quotes.filters import SCARE_SPACES, Repetitions, is_heading, is_nickname, is_so_called, is_title, may_be_headline
from model.quotes.marks import Marked, find_marked
from model.quotes.names import Names, Person
from model.quotes.people import People
from model.quotes.phrases import Phrase
from model.quotes.sentences import Paragraph, split_paragraphs
from model.quotes.speakers import Sentence, Tag, is_pronoun, pronoun_of
from model.quotes.transcripts import Turn, asks, find_turns
from model.records import Kind, Span, Statement

_SENTENCES_KEPT = 8
"""Quotes are read in order and look back one sentence at most, so that a paragraph without end needs no more memory."""
_CONTEXT_SIDE = 600
"""How much of an endless sentence a fragment keeps on each side as its context."""


@dataclass(slots=True)
class _Said:
    """A quote with what is known about it so far."""

    marked: Marked
    paragraph: int
    sentence: int
    fragment: bool
    tag: Tag | None
    mention: str | None
    speaker: str | None
    person: Person | None
    cue: str | None
    own: bool


class Assembler:
    """Reads one document from top to bottom.

    Args:
        document: the whole text.
    """

    def __init__(self, document: str) -> None:
        self._document = document
        bounds = split_paragraphs(document)
        self._turns = find_turns(document, bounds)
        spoken = {number for turn in self._turns for number in turn.paragraphs}
        marked = find_marked(document, bounds, spoken)
        self._paragraphs = [Paragraph(document, s, e, q) for (s, e), q in zip(bounds, marked, strict=True)]
        quotes = [q for group in marked for q in group]
        self._quote_starts = [q.start for q in quotes]
        self._quote_ends = [q.end for q in quotes]
        self._repetitions = Repetitions(
            [(n, document[q.inner_start : q.inner_end]) for n, group in enumerate(marked) for q in group]
        )
        self._names = Names(document) if quotes or self._turns else None
        self._people = People(document, self._names, self._quoted) if self._names is not None else None
        self._sentence_cache: dict[tuple[int, int], Sentence] = {}

    def _quoted(self, position: int) -> bool:
        index = bisect_right(self._quote_starts, position) - 1
        return index >= 0 and position < self._quote_ends[index]

    def statements(self) -> list[Statement]:
        """Return every statement of the document, in order."""
        said: list[_Said] = []
        for number, paragraph in enumerate(self._paragraphs):
            if not paragraph.quotes:
                continue
            here = [self._read(number, quote) for quote in paragraph.quotes if not self._names_something(quote)]
            self._settle(number, here, said)
            said += here
        found = self._join(said)
        if self._turns:
            found = sorted([*found, *map(self._spoken, self._turns)], key=lambda s: s.start)
        return found

    def _spoken(self, turn: Turn) -> Statement:
        """A turn of a transcript as a statement."""
        speaker = None
        if not asks(turn.label) and self._names is not None:
            speaker = self._names.find(turn.label) or turn.label
        text = " ".join(span.of(self._document) for span in turn.spans)
        return Statement(text, turn.spans, "full", speaker, turn.label, ":")

    def _sentence(self, paragraph: int, index: int) -> Sentence:
        key = (paragraph, index)
        if key not in self._sentence_cache:
            if len(self._sentence_cache) >= _SENTENCES_KEPT:
                self._sentence_cache.clear()
            holder = self._paragraphs[paragraph]
            self._sentence_cache[key] = Sentence(holder.tokens(*holder.sentences[index]))
        return self._sentence_cache[key]

    def _read(self, number: int, quote: Marked) -> _Said:
        paragraph = self._paragraphs[number]
        index = paragraph.sentence_at(quote.start)
        sentence = self._sentence(number, index)
        at = sentence.quotes.get(quote.start)
        tag = sentence.tag(at) if at is not None else None
        fragment = at is not None and self._woven(sentence, at, quote, tag)
        said = _Said(quote, number, index, fragment, tag, None, None, None, None, own=tag is not None)
        if tag is not None:
            self._name(said, sentence, tag.subject)
            if said.person is not None and self._people is not None:
                self._people.remember(quote.start, said.person)
            if tag.cue is not None:
                said.cue = self._document[sentence.tokens[tag.cue.at].start : sentence.tokens[tag.cue.last].end]
        return said

    def _names_something(self, quote: Marked) -> bool:
        """Whether a quote is a title, a nickname or a word that the reporter doubts."""
        document, start, end = self._document, quote.start, quote.end
        words = document[quote.inner_start : quote.inner_end]
        return is_title(document, start, end, words) or is_nickname(document, start, end, words) or is_so_called(document, start)

    def _woven(self, sentence: Sentence, at: int, quote: Marked, tag: Tag | None) -> bool:
        """Whether a quote is part of the reporter's own clause."""
        tokens = sentence.tokens
        before = tokens[at - 1] if at else None
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        words = self._document[quote.inner_start : quote.inner_end]
        long = words.count(" ") >= 3
        ended = quote.last in ",.!?…—-" or after is None or after.text in ",.!?—–―-:;)--"
        if before is None or before.kind == "q":
            return not ended and not (tag is not None and tag.where == "after")
        if before.text in (",", ":", "—", "–", "-", "--", "―", ";", "(", ")", "…", "."):
            if tag is not None and tag.where in ("before", "after"):
                return False
            return not (long and words[:1].isupper())
        if tag is not None and tag.where == "before" and tag.cue is not None and tag.cue.last == at - 1:
            return not (words[:1].isupper() and (long or quote.last in ".!?"))
        if before.lower == "that" or before.lower in CUE_VERBS:
            return not (words[:1].isupper() and long)
        return True

    def _name(self, said: _Said, sentence: Sentence, subject: Phrase) -> None:
        people = self._people
        assert people is not None
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
        words = [t.lower for t in tokens[subject.first : subject.last + 1]]
        said.person = people.described(words, start)
        said.speaker = said.person.full if said.person else mention

    def _settle(self, number: int, here: list[_Said], earlier: list[_Said]) -> None:
        """Give quotes without a tag of their own the speaker that the text around them implies."""
        previous: _Said | None = None
        for said in here:
            if said.tag is None:
                self._imply(number, said, previous, earlier)
            if said.person is not None and self._people is not None:
                self._people.remember(said.marked.start, said.person)
            previous = said

    def _imply(self, number: int, said: _Said, previous: _Said | None, earlier: list[_Said]) -> None:
        if said.marked.continues and earlier:
            self._copy(earlier[-1], said)
            return
        if said.fragment and not self._opens_sentence(said):
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
        if self._dashed(said, number) or number == 0:
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
        self._from_sentence(said, number - 1, last, colon=before.text.rstrip().endswith(":"))

    def _opens_sentence(self, said: _Said) -> bool:
        start, _ = self._paragraphs[said.paragraph].sentences[said.sentence]
        return not self._document[start : said.marked.start].strip()

    def _dashed(self, said: _Said, number: int) -> bool:
        """A signature on the line below the quote: "— Anna Berg"."""
        if number + 1 >= len(self._paragraphs):
            return False
        paragraph = self._paragraphs[number + 1]
        if paragraph.quotes or paragraph.text.lstrip()[:1] not in ("—", "–", "―", "-") or len(paragraph.text) > 120:
            return False
        sentence = self._sentence(number + 1, 0)
        main = sentence.main
        if main is None or main.kind != "name":
            return False
        self._name(said, sentence, main)
        said.cue = sentence.tokens[0].text
        return True

    def _from_sentence(self, said: _Said, number: int, index: int, colon: bool = False) -> bool:
        sentence = self._sentence(number, index)
        strong = [c for c in sentence.cues if c.strong]
        found = strong or sentence.cues
        cue = found[-1] if found else None
        subject = cue.subject if cue is not None else sentence.main
        if subject is None or (cue is None and subject.kind == "description" and not colon):
            return False
        if cue is None and subject.kind == "name":
            person = (
                self._people.named(sentence.tokens[subject.first].start, sentence.tokens[subject.last].end)
                if self._people
                else None
            )
            if person is None or not person.human:
                return False
        self._name(said, sentence, subject)
        if cue is not None:
            said.cue = self._document[sentence.tokens[cue.at].start : sentence.tokens[cue.last].end]
        return True

    @staticmethod
    def _copy(source: _Said, target: _Said) -> None:
        target.mention, target.speaker, target.person = source.mention, source.speaker, source.person

    def _join(self, said: list[_Said]) -> list[Statement]:
        groups: list[list[_Said]] = []
        for item in said:
            if groups and self._joined(groups[-1][-1], item):
                groups[-1].append(item)
            else:
                groups.append([item])
        found = []
        for group in groups:
            statement = self._statement(group)
            if statement is not None:
                found.append(statement)
        return found

    def _joined(self, last: _Said, item: _Said) -> bool:
        if item.marked.continues:
            # A mark left open by mistake joins nothing to the words of somebody else.
            return not (item.own and item.person is not None and item.person is not last.person)
        if last.paragraph != item.paragraph or last.fragment:
            return False
        if last.speaker != item.speaker and not (last.person is not None and last.person is item.person):
            return False
        if item.sentence == last.sentence:
            same = (
                last.tag is not None
                and item.tag is not None
                and last.tag.cue is not None
                and last.tag.cue == item.tag.cue
            )
            between = self._document[last.marked.end : item.marked.start]
            return same or not between.strip()
        if item.fragment or item.sentence != last.sentence + 1:
            return False
        # The quote opens the sentence after the tag.
        return self._opens_sentence(item)

    def _statement(self, group: list[_Said]) -> Statement | None:
        first = group[0]
        if self._scare(group):
            return None
        spans = tuple(
            Span(s.marked.inner_start, s.marked.inner_end) for s in group if s.marked.inner_end > s.marked.inner_start
        )
        text = " ".join(span.of(self._document) for span in spans)
        if not text.strip():
            return None
        lead = next((s for s in group if s.own), first)
        kind: Kind = "fragment" if all(s.fragment for s in group) else "full"
        return Statement(
            text=text,
            spans=spans,
            kind=kind,
            speaker=lead.speaker,
            speaker_mention=lead.mention,
            cue=lead.cue,
            context=self._context(first) if kind == "fragment" else text,
        )

    def _scare(self, group: list[_Said]) -> bool:
        """Whether the marks hold no speech: a title, a nickname, words at arm's length that nobody said."""
        only = group[0]
        if len(group) > 1:
            return False
        document, marked = self._document, only.marked
        words = document[marked.inner_start : marked.inner_end]
        paragraph = self._paragraphs[only.paragraph].text
        if may_be_headline(paragraph, only.paragraph == 0) and self._repetitions.elsewhere(only.paragraph, words):
            return True
        if not only.own and is_heading(paragraph, words):
            return True
        if is_title(document, marked.start, marked.end, words) or is_nickname(
            document, marked.start, marked.end, words
        ):
            return True
        return only.fragment and only.mention is None and words.count(" ") < SCARE_SPACES

    def _context(self, said: _Said) -> str:
        start, end = self._paragraphs[said.paragraph].sentences[said.sentence]
        start, end = (
            max(start, said.marked.start - _CONTEXT_SIDE),
            max(said.marked.end, min(end, said.marked.end + _CONTEXT_SIDE)),
        )
        return self._document[start:end].strip()
