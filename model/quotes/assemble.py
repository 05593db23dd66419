"""From marks to statements: joins quotes, names speakers, drops what nobody said."""

from bisect import bisect_right
from dataclasses import replace

from model.quotes.attribution import Attribution, Said
from model.quotes.cues import CUE_VERBS
from model.quotes.filters import (
    LOOSE_SCARE_SPACES,
    SCARE_SPACES,
    Repetitions,
    byname_before_name,
    is_byname,
    is_heading,
    is_nickname,
    is_so_called,
    is_title,
    may_be_headline,
)
from model.quotes.indirect import reported
from model.quotes.lexicon import NAMING_VERBS
from model.quotes.marks import Marked, find_marked
from model.quotes.names import Names
from model.quotes.people import People
from model.quotes.sentences import Paragraph, split_paragraphs
from model.quotes.speakers import Sentence, Tag
from model.quotes.transcripts import Turn, asks, find_turns
from model.records import Kind, Span, Statement

_CONTEXT_LIMIT, _CONTEXT_SIDE = 3000, 600
"""A sentence longer than the first keeps the second on each side of a fragment, in characters, as its context."""


_ASIDE_ENDS = (",", "—", "–", "-")
_NO_MARKS = Marked(0, 0, 0, 0)


def _blanks(document: str, quotes: list[Marked]) -> dict[int, Marked]:
    """The quotes that interrupt a name, by their opening marks, each as far as the grammar does without."""
    found: dict[int, Marked] = {}
    before = 0
    for quote in quotes:
        words = document[quote.inner_start : quote.inner_end]
        if is_nickname(document, quote.start, quote.end, words):
            found[quote.start] = quote
        elif (stretch := byname_before_name(document, quote.start, quote.end, words)) and stretch[0] >= before:
            found[quote.start] = replace(quote, start=stretch[0], end=stretch[1])
        before = quote.end
    return found


class Assembler:
    """Reads one document from top to bottom.

    Args:
        document: the whole text.
        indirect: also look for reported speech in the sentences that quote nothing.
    """

    def __init__(self, document: str, indirect: bool = False) -> None:
        self._document = document
        self._indirect = indirect
        bounds = split_paragraphs(document)
        self._turns = find_turns(document, bounds)
        self._spoken_paragraphs = {number for turn in self._turns for number in turn.paragraphs}
        marked = find_marked(document, bounds, self._spoken_paragraphs)
        self._paragraphs = []
        for (start, end), group in zip(bounds, marked, strict=True):
            blanks = _blanks(document, group)
            kept = [q for q in group if q.start not in blanks] if blanks else group
            self._paragraphs.append(Paragraph(document, start, end, kept, list(blanks.values())))
        quotes = [q for group in marked for q in group]
        self._quote_starts = [q.start for q in quotes]
        self._quote_ends = [q.end for q in quotes]
        self._repetitions = Repetitions(
            [(n, document[q.inner_start : q.inner_end]) for n, group in enumerate(marked) for q in group]
        )
        # A document that quotes nobody needs no names: most of its cost is theirs.
        self._names = Names(document if quotes or self._turns or indirect else "")
        people = People(document, self._names, self._quoted)
        self._attribution = Attribution(document, self._paragraphs, people, self._spoken_paragraphs)

    def _quoted(self, position: int) -> bool:
        index = bisect_right(self._quote_starts, position) - 1
        return index >= 0 and position < self._quote_ends[index]

    def statements(self) -> list[Statement]:
        """Return every statement of the document, in order."""
        said: list[Said] = []
        reports: list[Statement] = []
        for number, paragraph in enumerate(self._paragraphs):
            if self._indirect and number not in self._spoken_paragraphs:
                reports += self._reports(number)
            if not paragraph.quotes:
                continue
            here = [self._read(number, quote) for quote in paragraph.quotes if not self._names_something(quote)]
            self._attribution.settle(number, here, said)
            said += here
        found = [*self._join(said), *reports, *map(self._spoken, self._turns)]
        return sorted(found, key=lambda s: s.start)

    def _reports(self, number: int) -> list[Statement]:
        """The reported speech of a paragraph."""
        found = []
        for index in range(len(self._paragraphs[number].sentences)):
            sentence = self._attribution.sentence(number, index)
            report = reported(sentence)
            if report is None:
                continue
            cue, span = report
            said = Said(_NO_MARKS, number, index, fragment=False)
            self._attribution.name(said, sentence, cue.subject)
            words = self._document[sentence.tokens[cue.at].start : sentence.tokens[cue.last].end]
            text = span.of(self._document)
            found.append(Statement(text, (span,), "indirect", said.speaker, said.mention, words))
        return found

    def _spoken(self, turn: Turn) -> Statement:
        """A turn of a transcript as a statement."""
        speaker = None
        if not asks(turn.label):
            speaker = self._names.find(turn.label) or turn.label
        text = " ".join(span.of(self._document) for span in turn.spans)
        return Statement(text, turn.spans, "full", speaker, turn.label, ":")

    def _read(self, number: int, quote: Marked) -> Said:
        paragraph = self._paragraphs[number]
        index = paragraph.sentence_at(quote.start)
        sentence = self._attribution.sentence(number, index)
        at = sentence.quotes.get(quote.start)
        tag = sentence.tag(at) if at is not None else None
        said = Said(quote, number, index, at is not None and self._woven(sentence, at, quote, tag))
        if tag is not None:
            self._attribution.tag(said, sentence, tag)
        return said

    def _names_something(self, quote: Marked) -> bool:
        """Whether a quote is a title, what somebody is called, or a word that the reporter doubts."""
        document, start, end = self._document, quote.start, quote.end
        words = document[quote.inner_start : quote.inner_end]
        if is_title(document, start, end, words) or is_so_called(document, start):
            return True
        return is_byname(document, start, end, words)

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

    def _join(self, said: list[Said]) -> list[Statement]:
        groups: list[list[Said]] = []
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

    def _joined(self, last: Said, item: Said) -> bool:
        if item.marked.continues:
            # A mark left open by mistake joins nothing to the words of somebody else.
            other = item.person is not None and item.person is not last.person
            return not (item.tag is not None and other and last.mention is not None)
        if last.paragraph != item.paragraph or last.fragment:
            return False
        if (
            item.speaker is None
            and item.tag is not None
            and (item.mention or "").lower() != (last.mention or "").lower()
        ):
            # "she said" and "he said" of nobody known are two, "He said" and "he said" one.
            return False
        if last.speaker != item.speaker and not (last.person is not None and last.person is item.person):
            return False
        if item.sentence == last.sentence:
            between = self._document[last.marked.end : item.marked.start].strip()
            return not between or self._one_tag(last, item, between)
        if item.fragment or item.sentence != last.sentence + 1:
            return False
        # The quote opens the sentence after the tag.
        return self._attribution.opens_sentence(item)

    def _one_tag(self, last: Said, item: Said, between: str) -> bool:
        """Whether the words between two quotes of a sentence are one speech tag, with an aside or without."""
        if last.tag is None or item.tag is None or last.tag.cue is None or item.tag.cue is None:
            return False
        cue = item.tag.cue
        if last.tag.cue == cue:
            return True
        # "Q, Anna Berg said, speaking in Oslo, q": the participle tells where, and introduces no new quote.
        aside = cue.shared and not cue.strong and (item.cue or "").endswith("ing") and between[-1:] in _ASIDE_ENDS
        goes_on = aside and self._document[item.marked.inner_start].islower()
        return goes_on and last.tag.where == "after" and cue.subject == last.tag.cue.subject

    def _statement(self, group: list[Said]) -> Statement | None:
        first = group[0]
        if self._scare(group):
            return None
        spans = tuple(
            Span(s.marked.inner_start, s.marked.inner_end) for s in group if s.marked.inner_end > s.marked.inner_start
        )
        text = " ".join(span.of(self._document) for span in spans)
        if not text.strip():
            return None
        lead = next((s for s in group if s.tag), first)
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

    def _scare(self, group: list[Said]) -> bool:
        """Whether the marks hold no speech: a title, a nickname, words at arm's length that nobody said."""
        only = group[0]
        if len(group) > 1:
            return False
        words = self._document[only.marked.inner_start : only.marked.inner_end]
        paragraph = self._paragraphs[only.paragraph].text
        if may_be_headline(paragraph, only.paragraph == 0) and self._repetitions.elsewhere(only.paragraph, words):
            return True
        if only.tag is None and is_heading(paragraph, words):
            return True
        if not only.fragment:
            return False
        if only.mention is None:
            return words.count(" ") < SCARE_SPACES
        # "They called it ..." gives a thing its name, while "they said it was ..." reports what somebody said.
        # "They called the plan "a betrayal"" gives no name either: that is what they think of it.
        judged = words.lower().startswith(("a ", "an "))
        named = only.cue is None or (CUE_VERBS.get(only.cue.lower()) in NAMING_VERBS and not judged)
        return named and only.mention.lower() in ("it", "they") and words.count(" ") < LOOSE_SCARE_SPACES

    def _context(self, said: Said) -> str:
        start, end = self._paragraphs[said.paragraph].sentences[said.sentence]
        if end - start > _CONTEXT_LIMIT:
            start = max(start, said.marked.start - _CONTEXT_SIDE)
            end = max(said.marked.end, min(end, said.marked.end + _CONTEXT_SIDE))
        return self._document[start:end].strip()
