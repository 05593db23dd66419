"""Quotation marks: which of them open, which close, and what stands between them.

One pass over the marks of a paragraph. A mark is judged by its shape and by its neighbours; what the shape leaves open
(a straight mark, a `”` that opens) the neighbours decide. Apostrophes never leave this file.
"""

import re
from bisect import bisect_right
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from model.quotes.cues import TAG_IN_PROSE

MARK = re.compile(r"``|''|[\"“”„‟«»″‘’‚‹›'`]")

_TAG = re.compile(r"</?[A-Za-z][^<>]{0,3000}>")
_HORIZON = 48
"""How many marks a search for the closing one may pass: it keeps hostile input linear."""
_SINGLE_LIMIT = 1500
"""A pair of single marks further apart than this is two apostrophes."""

_OPENING = frozenset("“„‟«‹‘‚`")
_SINGLE = frozenset("‘’‚‹›'`")
_CLOSERS = {
    "“": '”"″',
    "”": '”"',
    "„": '“”‟"',
    "‟": '”"',
    "«": "»",
    "»": "«",
    '"': '"”″',
    "″": '"″”',
    "``": "''\"”",
    "''": "''\"",
    "‘": "’'",
    "'": "'’",
    "‚": "‘’'",
    "‹": "›",
    "›": "‹",
    "`": "'’",
}
_BEFORE_OPENING = frozenset("([{<-–—―/=:;,>|*•…_.") | _OPENING | frozenset("\"'")
EMOJI = r"\u2600-\u27bf\ufe0f\u200d\U0001f000-\U0001faff"
"""Emoji and what joins them, for the brackets of a pattern."""
_EMOJI = re.compile(rf"[{EMOJI}]")
_ELISION = re.compile(r"(?:\d0s|em|til|tis|twas|cause|round|bout|n|cuz|kay|fraid|neath|nuff|sup|ere)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Marked:
    """A quote as printed in one paragraph.

    Args:
        start: the opening mark.
        end: past the closing mark.
        inner_start: the first word.
        inner_end: past the last word.
        single: printed in single marks, which also serve as apostrophes, so a reader must be surer of it.
        continues: goes on with the quote that the paragraph before left open.
        closed: has its closing mark.
        last: the last character of its words, which tells whether a sentence ends with it.
    """

    start: int
    end: int
    inner_start: int
    inner_end: int
    single: bool = False
    continues: bool = False
    closed: bool = True
    last: str = ""


@dataclass(frozen=True, slots=True)
class _Mark:
    at: int
    shape: str
    opens: bool
    closes: bool


def find_marked(document: str, paragraphs: list[tuple[int, int]], skip: AbstractSet[int]) -> list[list[Marked]]:
    """Return the outermost quotes of each paragraph, in order.

    Args:
        document: the whole text.
        paragraphs: start and end of each paragraph, in order.
        skip: paragraphs that are speech as a whole, and whose marks are nested.
    """
    found: list[list[Marked]] = []
    left_open = False
    for number, (start, end) in enumerate(paragraphs):
        marks = [] if number in skip else _marks(document, start, end)
        quotes: list[Marked] = []
        if marks:
            quotes, left_open = _pair(document, start, end, marks, left_open)
        elif document[start:end].strip():
            left_open = False
        found.append(quotes)
    return found


def _marks(document: str, start: int, end: int) -> list[_Mark]:
    lead = start
    while lead < end and document[lead].isspace():
        lead += 1
    tags = [m.span() for m in _TAG.finditer(document, start, end)] if document.find("<", start, end) >= 0 else []
    judged = (_judge(document, m.start(), m.group(), lead, end) for m in MARK.finditer(document, start, end))
    found = [mark for mark in judged if mark is not None]
    if tags:
        # What stands in quotation marks within <a tag> is an attribute.
        starts = [first for first, _ in tags]
        inside = [bisect_right(starts, mark.at) - 1 for mark in found]
        found = [mark for mark, tag in zip(found, inside, strict=True) if tag < 0 or mark.at >= tags[tag][1]]
    return found


def _judge(document: str, at: int, shape: str, start: int, end: int) -> _Mark | None:
    """Say whether a mark can open or close; None for an apostrophe."""
    after = at + len(shape)
    left = document[at - 1] if at > start else " "
    right = document[after] if after < end else " "
    if shape in _SINGLE:
        if left.isalnum() and right.isalnum():
            return None
        free_left = left.isspace() or (left in _BEFORE_OPENING and left != ".")
        opens = free_left and not right.isspace() and shape not in "’" and right not in ".,;:!?)"
        opens = opens and not _ELISION.match(document, after, after + 8)
        closes = not left.isspace() and not right.isalnum() and shape not in "‘‚‹`"
        if shape == "‘" and not opens:
            closes = not left.isspace() and not right.isalnum()
        return _Mark(at, shape, opens, closes) if opens or closes else None
    free_left = left.isspace() or left in _BEFORE_OPENING or _EMOJI.match(left) is not None
    free_right = right.isspace() or not (right.isalnum() or right in "[($€£#@…")
    if shape in "“„‟«" or shape == "``":
        # A low-high pair closes with the mark that opens elsewhere, and guillemets may stand reversed.
        return _Mark(at, shape, opens=not (free_right and not free_left), closes=free_right or not free_left)
    if at == start:
        # Whatever its shape, a mark at the start of a paragraph opens.
        return _Mark(at, shape, opens=True, closes=False)
    if shape in "”»":
        return _Mark(at, shape, opens=free_left and not free_right, closes=True)
    opens = free_left and not right.isspace()
    closes = not free_left or free_right
    if left in "…._-–—,;:" and right.isspace():
        opens, closes = False, True
    if opens and closes:
        # Free on both sides, as in `("...` or `,"(`: only the state can tell.
        return _Mark(at, shape, opens=True, closes=not left.isspace())
    if left.isspace() and right.isspace():
        return _Mark(at, shape, opens=True, closes=True)
    if not opens and not closes:
        return _Mark(at, shape, opens=True, closes=True)
    return _Mark(at, shape, opens, closes)


def _pair(document: str, start: int, end: int, marks: list[_Mark], left_open: bool) -> tuple[list[Marked], bool]:
    """Pair the marks of one paragraph; the second value says that its last quote stays open."""
    quotes: list[Marked] = []
    index = 0
    continues = False
    if left_open:
        first = marks[0]
        if first.opens and not document[start : first.at].strip():
            continues = True
        elif first.closes and not first.opens and first.shape not in _SINGLE:
            # The quote ran on and this paragraph prints no opening mark of its own.
            quotes.append(_make(document, start, start, first.at, first.at + len(first.shape), continues=True))
            index = 1
    while index < len(marks):
        mark = marks[index]
        if not mark.opens:
            index += 1
            continue
        single = mark.shape in _SINGLE
        close = _find_single(document, marks, index) if single else _find_double(marks, index)
        inner = mark.at + len(mark.shape)
        if close is not None:
            last = marks[close]
            quote = _make(document, mark.at, inner, last.at, last.at + len(last.shape), single, continues)
            if quote.inner_end > quote.inner_start:
                quotes.append(quote)
            index = close + 1
        elif single:
            index += 1
        elif index + 1 < len(marks) and (following := _next_opening(marks, index)) is not None:
            stop = _before_tag(document, inner, marks[following].at)
            if stop is not None:
                quotes.append(_make(document, mark.at, inner, stop, stop, False, continues, closed=False))
            index = following
        else:
            stop = _before_tag(document, inner, end)
            if mark.closes and mark.at > start and stop is None:
                break
            whole = stop is None
            quote = _make(document, mark.at, inner, end if stop is None else stop, None, False, continues, closed=False)
            if quote.inner_end > quote.inner_start:
                quotes.append(quote)
            return quotes, whole
        continues = False
    return quotes, False


def _find_double(marks: list[_Mark], index: int) -> int | None:
    """The mark that closes marks[index]: the balanced one, or else the first that fits."""
    stack = [marks[index].shape]
    fallback: int | None = None
    for at in range(index + 1, min(len(marks), index + _HORIZON)):
        mark = marks[at]
        if mark.shape in _SINGLE:
            continue
        if mark.closes and mark.shape in _CLOSERS[stack[-1]] and not (mark.opens and _nests(marks, at, stack[-1])):
            stack.pop()
            if not stack:
                return at
            if fallback is None and mark.shape in _CLOSERS[stack[0]] and stack[0] not in '"″':
                fallback = at
        elif mark.closes and mark.shape in _CLOSERS[stack[0]] and not mark.opens:
            # An inner quote lost its closing mark.
            return at
        elif mark.opens:
            stack.append(mark.shape)
    return fallback


def _nests(marks: list[_Mark], at: int, top: str) -> bool:
    """Whether a straight mark that could do either opens a quote within the quote: two closing marks must follow."""
    following = [m for m in marks[at + 1 : at + 4] if m.shape not in _SINGLE]
    return top == marks[at].shape and len(following) > 1 and all(m.closes and not m.opens for m in following[:2])


def _find_single(document: str, marks: list[_Mark], index: int) -> int | None:
    """The mark that closes a single one, if it is a quotation mark at all."""
    opening = marks[index]
    depth = 0
    spare: int | None = None
    for at in range(index + 1, min(len(marks), index + _HORIZON)):
        mark = marks[at]
        if mark.at - opening.at > _SINGLE_LIMIT:
            break
        if mark.shape not in _SINGLE:
            depth += 1 if mark.opens and not (depth and mark.closes) else -1
            if depth < 0:
                break
        elif depth == 0 and mark.closes and mark.shape in _CLOSERS[opening.shape]:
            before, after = document[mark.at - 1], document[mark.at + 1 : mark.at + 3]
            if before in "sS" and after[:1] == " " and after[1:2].islower():
                # The possessive of a plural, unless nothing better comes.
                spare = at if spare is None else spare
                continue
            return at
        elif depth == 0 and mark.opens and not mark.closes:
            break
    return spare


def _next_opening(marks: list[_Mark], index: int) -> int | None:
    for at in range(index + 1, min(len(marks), index + _HORIZON)):
        if marks[at].opens and marks[at].shape not in _SINGLE:
            return at
    return None


def _before_tag(document: str, start: int, end: int) -> int | None:
    """Where a quote that lost its closing mark ends: at the comma before "he said"."""
    match = TAG_IN_PROSE.search(document, start, min(end, start + 3000))
    return match.start() + 1 if match else None


def _make(
    document: str,
    start: int,
    inner_start: int,
    inner_end: int,
    end: int | None,
    single: bool = False,
    continues: bool = False,
    closed: bool = True,
) -> Marked:
    while inner_end > inner_start and document[inner_end - 1].isspace():
        inner_end -= 1
    while inner_start < inner_end and document[inner_start].isspace():
        inner_start += 1
    last = document[inner_end - 1 : inner_end]
    return Marked(start, inner_end if end is None else end, inner_start, inner_end, single, continues, closed, last)
