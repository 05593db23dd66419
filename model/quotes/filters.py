"""What stands in quotation marks and yet nobody said: titles, headings, headlines that repeat the body."""

import re

from model.quotes.names import is_headline

SCARE_SPACES = 4
"""Woven words with fewer spaces than this need a speaker; longer ones nobody puts at arm's length."""
LOOSE_SCARE_SPACES = 6
"""The same where "it" or "they" is all that could be the speaker: "They called it "the deal of the century"."""
_LOOKUPS = 20
"""How many headline quotes are looked up in the body, so that a file of headlines stays linear."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_MINOR = frozenset(
    ["with", "from", "into", "over", "upon", "about", "the", "and", "for", "but", "nor", "via", "per", "not"]
)
_INNER_STOP = re.compile(r"[.!?;]\s")
_WORKS = (
    "show|program|programme|series|book|novel|film|movie|song|album|play|essay|article|column|podcast|magazine|newsletter|"
    "documentary|memoir"
)
_BEFORE_TITLE = re.compile(
    rf"(?:['’]s?|\b(?:[Oo]n|his|her|its|their|titled|entitled|headlined|called|named|dubbed|nicknamed|{_WORKS}|\d{{4}}|"
    r"(?:episode|edition|clip|broadcast|taping|cover|copy|version|premiere|host|star|author|director|creator|cast|issue)"
    r" of))\s+\Z"
)
_AFTER_TITLE = re.compile(
    rf"\s+(?:{_WORKS}|forum|town\s+hall|interview|host|conference|summit|tour|rally|broadcast|segment|star|producer)\b"
)
_AMONG_NAMES = re.compile(r"\b(?:in|at|during|from|into|for)\s+(?:(?:an?|the)\s+)?\Z")
_SO_CALLED = re.compile(r"\b[Ss]o-called\s+\Z")
_NICKNAME = re.compile(r"[A-Z][\w.’'-]*\s+\Z")
_SURNAME = re.compile(r"\s+[A-Z][a-z]")


def is_title(document: str, start: int, end: int, words: str) -> bool:
    """Whether a quote from mark to mark is the name of a work or a show: "on the programme "Harbour Lights"".

    Args:
        document: the whole text.
        start: the opening mark.
        end: past the closing mark.
        words: what stands between them.
    """
    if not _capitalised(words):
        return False
    before = document[max(0, start - 40) : start]
    after = document[end : end + 24]
    if _BEFORE_TITLE.search(before) or _AFTER_TITLE.match(after):
        return True
    return len(_WORD.findall(words)) > 1 and _AMONG_NAMES.search(before) is not None


def is_nickname(document: str, start: int, end: int, words: str) -> bool:
    """Whether a quote stands within a name: Anna "Rye" Berg."""
    if words.count(" ") > 1 or not words[:1].isupper() or words[-1:] in ",.!?":
        return False
    return bool(_NICKNAME.search(document[max(0, start - 20) : start]) and _SURNAME.match(document, end))


def is_so_called(document: str, start: int) -> bool:
    """Whether the reporter holds the words at arm's length: the so-called "rye deal"."""
    return _SO_CALLED.search(document[max(0, start - 12) : start]) is not None


def is_heading(paragraph: str, words: str) -> bool:
    """Whether a quote is a line of its own in capitals."""
    return len(_WORD.findall(words)) > 2 and _capitalised(words) and len(paragraph) - len(words) < 6


def _capitalised(words: str) -> bool:
    if len(words) > 80 or words[:1].islower() or _INNER_STOP.search(words):
        return False
    return all(word[0].isupper() or word in _MINOR for word in _WORD.findall(words))


def may_be_headline(paragraph: str, first: bool) -> bool:
    """Whether a paragraph is short and is the first or written in capitals."""
    return len(paragraph) < 200 and (first or is_headline(paragraph))


class Repetitions:
    """Looks for a headline's words among the quotes of the body.

    Args:
        quoted: paragraph and words of every quote of the document.
    """

    def __init__(self, quoted: list[tuple[int, str]]) -> None:
        self._quoted = quoted
        self._folded: list[tuple[int, str]] | None = None
        self._left = _LOOKUPS

    def elsewhere(self, paragraph: int, words: str) -> bool:
        """Whether another paragraph quotes the same words."""
        if self._left == 0:
            return False
        self._left -= 1
        if self._folded is None:
            self._folded = [(number, _fold(text)) for number, text in self._quoted]
        wanted = _fold(words).rstrip(".,!?")
        return any(wanted in text for number, text in self._folded if number != paragraph)


def _fold(words: str) -> str:
    return words.lower().replace("’", "'")
