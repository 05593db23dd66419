"""Paragraphs, sentences and tokens of a document whose quotes are masked.

The words inside quotation marks belong to somebody else's grammar: each quote becomes one run of `MASK`, as long as
the quote, so that positions stay those of the document.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from model.quotes.cues import tag_follows
from model.quotes.lexicon import ABBREVIATIONS
from model.quotes.marks import EMOJI, Marked

MASK = "\ue000"
SENTENCE_LIMIT = 1500
"""Longest sentence, in characters of the reporter's own words; a longer one is cut so that the work stays linear."""

_LINE = re.compile(r"[^\n\r\u2028\u2029\x0b\x0c]+")
_BLOCK = re.compile(r"(?:[^\n\r\u2028\u2029\x0b\x0c]+(?:\r\n|[\n\r\u2028\u2029\x0b\x0c])?(?![^\S\n\r]*[\n\r]))+")
_SOFT_BREAK = re.compile(r"\S[^\S\n]*\n[^\S\n]*(\S)")
_END = re.compile(rf"(?:[.!?…]|{MASK}(?!{MASK}))[)\]'’”\"]*(?=\s+[^\sa-z,;:–—―-])")
_LAST_WORD = re.compile(r"[\w.&'’-]*\Z")
_TOKEN = re.compile(
    rf"(?P<q>{MASK}+)"
    r"|(?P<link>\[(?=[^\[\]\n]{1,80}\]\()|\]\([^()\s]{1,300}\))"
    r"|(?P<a>(?:" + "|".join(sorted(ABBREVIATIONS, key=len, reverse=True)) + r")\.(?!\w)|(?:[^\W\d_]\.){1,4})"
    r"|(?P<w>[^\W_]+(?:['’.&/-][^\W_]+)*)"
    r"|(?P<p>--+|(?<!\S)\*(?!\S)|[^\w\s*])"
)

ORNAMENTS = re.compile(rf"[\s>*_#•◦‣▪▫■□●○►▶→{EMOJI}]*")
"""What may stand before a sentence and is no part of it: marks of lists, block quotes and emphasis, emoji."""


class Token(NamedTuple):
    """A word ("w"), an abbreviation ("a"), a mark of punctuation ("p") or a masked quote ("q")."""

    text: str
    lower: str
    start: int
    end: int
    kind: str

    @property
    def capital(self) -> bool:
        """Whether it is written like a name: "Berg", "al-Maktoum"."""
        return self.text[:1].isupper() or (self.text[2:3] == "-" and self.text[3:4].isupper())


def split_paragraphs(document: str) -> list[tuple[int, int]]:
    """Return start and end of each paragraph: a line, or, where lines are broken at a width, a block of lines."""
    soft = lower = 0
    for match in _SOFT_BREAK.finditer(document):
        soft += 1
        lower += match.group(1).islower()
        if soft > 2000:
            break
    pattern = _BLOCK if soft >= 2 and lower * 3 > soft else _LINE
    return [m.span() for m in pattern.finditer(document)]


class Paragraph:
    """A paragraph with its quotes masked, split into sentences when first asked.

    Args:
        document: the whole text.
        start: where the paragraph starts.
        end: where it ends.
        quotes: what it quotes, in order.
        blanks: quotes that interrupt a name or a phrase, and that its grammar does without.
    """

    __slots__ = ("_sentences", "_starts", "end", "quotes", "start", "text")

    def __init__(
        self, document: str, start: int, end: int, quotes: list[Marked], blanks: Sequence[Marked] = ()
    ) -> None:
        self.start, self.end, self.quotes = start, end, quotes
        pieces: list[str] = []
        at = start
        covers = [(q, MASK) for q in quotes] + [(q, " ") for q in blanks]
        for quote, cover in sorted(covers, key=lambda c: c[0].start) if blanks else covers:
            pieces += (document[at : quote.start], cover * (quote.end - quote.start))
            at = quote.end
        pieces.append(document[at:end])
        self.text = "".join(pieces)
        self._starts = [q.start for q in quotes]
        self._sentences: list[tuple[int, int]] | None = None

    @property
    def sentences(self) -> list[tuple[int, int]]:
        """Start and end of each sentence in the document; together they cover the paragraph."""
        if self._sentences is None:
            self._sentences = self._split()
        return self._sentences

    def sentence_at(self, position: int) -> int:
        """Return the index of the sentence that holds a position of the document."""
        return max(0, bisect_right(self.sentences, (position, self.end + 1)) - 1)

    def quote_at(self, position: int) -> int | None:
        """Return the index of the quote that covers a position of the document."""
        index = bisect_right(self._starts, position) - 1
        return index if index >= 0 and position < self.quotes[index].end else None

    def tokens(self, start: int, end: int) -> list[Token]:
        """Return the tokens between two positions of the document."""
        offset = self.start
        found: list[Token] = []
        for match in _TOKEN.finditer(self.text, start - offset, end - offset):
            text = match.group()
            kind = match.lastgroup or "w"
            if kind == "link" or (kind == "p" and not found and ORNAMENTS.fullmatch(text)):
                continue
            first, last = match.span()
            if kind == "q":
                # Two quotes without a space between them are still two.
                index = self.quote_at(first + offset)
                while index is not None and first < last:
                    stop = min(last, self.quotes[index].end - offset)
                    found.append(Token(MASK, MASK, first + offset, stop + offset, "q"))
                    first, index = stop, self.quote_at(stop + offset)
                continue
            found.append(Token(text, text.lower().replace("’", "'"), first + offset, last + offset, kind))
        return found

    def _split(self) -> list[tuple[int, int]]:
        offset, begin = self.start, 0
        found: list[tuple[int, int]] = []
        for match in _END.finditer(self.text):
            if not self._ends(match.start(), match.end(), begin):
                continue
            found.append((begin + offset, match.end() + offset))
            begin = match.end()
        if begin < len(self.text):
            found.append((begin + offset, self.end))
        return [piece for sentence in found for piece in self._cut(*sentence)] or [(self.start, self.end)]

    def _ends(self, at: int, end: int, begin: int) -> bool:
        if self.text[end : end + 3].lstrip()[:1].islower():
            return False  # A lower-case letter outside a-z: a speech tag in another language.
        character = self.text[at]
        if character == ".":
            word = _LAST_WORD.search(self.text, max(begin, at - 24), at)
            written = word.group() if word else ""
            return not (written in ABBREVIATIONS or (len(written) == 1 and written.isupper()) or written[-2:-1] == ".")
        if character != MASK:
            return True
        index = self.quote_at(at + self.start)
        if index is None:
            return False
        quote = self.quotes[index]
        last = quote.last
        if last not in ".!?…":
            return False
        introduced = bool(self.text[begin : quote.start - self.start].strip(MASK + " \t\u00a0"))
        return introduced or not tag_follows(self.text, end, strict=last == ".")

    def _cut(self, start: int, end: int) -> list[tuple[int, int]]:
        """Cut a sentence that no reader would finish, never within a quote."""
        first, last = start - self.start, end - self.start
        if last - first - self.text.count(MASK, first, last) <= SENTENCE_LIMIT:
            return [(start, end)]
        pieces = []
        while last - first > SENTENCE_LIMIT:
            at = first + SENTENCE_LIMIT
            at += self.text.count(MASK, first, at)
            space = self.text.find(" ", at, last)
            if space < 0:
                break
            pieces.append((first + self.start, space + 1 + self.start))
            first = space + 1
        pieces.append((first + self.start, end))
        return pieces
