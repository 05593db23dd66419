"""What stands in quotation marks and yet nobody said: titles, headings, headlines that repeat the body."""

import re

from model.quotes.lexicon import PREPOSITIONS
from model.quotes.names import is_headline

SCARE_SPACES = 4
"""Woven words with fewer spaces than this need a speaker; longer ones nobody puts at arm's length."""
LOOSE_SCARE_SPACES = 6
"""The same where "it" or "they" is all that could be the speaker: "They called it "the deal of the century"."""
_BYNAME_SPACES = 5
"""What somebody is called is short."""
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
_OUTLETS = "newspaper|daily|weekly|tabloid|channel|broadcaster|network|outlet|portal|website"
_BEFORE_TITLE = re.compile(
    rf"(?:['’]s?|\b(?:[Oo]n|his|her|its|their|titled|entitled|headlined|called|named|dubbed|nicknamed|{_WORKS}|\d{{4}}|"
    rf"{_OUTLETS}|(?:tell|tells|telling|told)(?:\s+the)?|"
    r"(?:episode|edition|clip|broadcast|taping|cover|copy|version|premiere|host|star|author|director|creator|cast|issue)"
    r" of))\s+\Z"
)
_AFTER_TITLE = re.compile(
    rf"\s+(?:{_WORKS}|{_OUTLETS}|forum|town\s+hall|interview|host|conference|summit|tour|rally|broadcast|segment|star|producer)\b"
)
_AMONG_NAMES = re.compile(r"\b(?:in|at|during|from|into|for)\s+(?:(?:an?|the)\s+)?\Z")
_SO_CALLED = re.compile(r"\b[Ss]o-called\s+\Z")
_NICKNAME = re.compile(r"[A-Z][\w.’'-]*\s+\Z")
_SURNAME = re.compile(r"\s+[A-Z][a-z]")

_NAME = r"[A-Z][\w.’'-]+(?:\s+[A-Z][\w.’'-]+){1,3}"
_OWNER = r"(?:[A-Z][\w.-]*\s+){0,3}[A-Z][\w-]*(?:['’]s|s['’])"
_LEADS = frozenset("s’'eand")
"""Last letters of what leads to a byname ("Oslo's", "the", "as", "nicknamed"); most quotes need no longer look."""
_KNOWN_AS = re.compile(r"\b(?:known\s+(?:\w+\s+){0,4}as|nicknamed)\s+(?:(?:the|an?)\s+)?\Z")
_NAME_BEFORE = re.compile(rf"\b(?P<name>{_NAME}),\s+{_OWNER}\s+\Z")
_NO_NAME_AFTER = re.compile(r"\s*(?:[.,;:)\n]|\Z)")
_FIRST = r"(?:\A|(?<=[.:!?\n])\s*|\b(?:said|says|told|asked|added|replied|warned|wrote)\s+)"
_OWNER_BEFORE = re.compile(
    rf"(?:{_FIRST}(?P<the>[Tt]he)|(?:{_FIRST}|[,;]\s+|\b(?:to|by|from|with|of|and|but|that|while)\s+)"
    rf"(?P<owner>{_OWNER}))\s+\Z"
)
_NAME_AFTER = re.compile(rf"\s+(?={_NAME}(?:[,.;:)\n]|\Z))")
_SAYS = r"(?:add|admit|argu|claim|complain|explain|insist|said|says|not|stress|told|warn|wrot)\w{0,4}"
_TAG_AFTER = re.compile(rf"\s+{_NAME},\s[^,.;:()\n\"“”]{{2,60}},\s+{_SAYS}(?:\s\w+){{0,3}}(?:[.]|,(?!\s*[\"“‘„«'])|\Z)")
"""Behind words that are said and no byname: "The "rye plan," Anna Berg, the minister, said, is dead."."""
_NAMED_TAG = re.compile(rf",\s+(?:as\s+)?(?:he|she|they|[A-Z][\w.’'-]+(?:\s+[A-Z][\w.’'-]+){{0,3}})\s+{_SAYS}\b")
_SETTING = re.compile(r"(?:\bthe|(?:\A|[.!?\n]\s*)(?P<word>\w+))\s+\Z")
"""Before a name that is no person's: "In the Rye House, Berg's "plan", ...", "For Anna Berg, Dahl's "plan", ..."."""


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


def is_byname(document: str, start: int, end: int, words: str) -> bool:
    """Whether a quote is what somebody is called: "Anna Berg, Oslo's "queen of rye"", "known as the "queen""."""
    if document[max(0, start - 2) : start - 1] not in _LEADS or words.count(" ") >= _BYNAME_SPACES:
        return False
    before = document[max(0, start - 80) : start]
    if _KNOWN_AS.search(before):
        return True
    named = _NAME_BEFORE.search(before)
    if named is None or not _NO_NAME_AFTER.match(document, end):
        return False
    if _NAMED_TAG.match(document, end, end + 80):
        return False
    setting = _SETTING.search(before[: named.start()])
    opening = (setting["word"] or "in") if setting else named["name"].split()[0]
    return opening.lower() not in PREPOSITIONS and opening.lower() not in ("last", "next", "this")


def byname_before_name(document: str, start: int, end: int, words: str) -> tuple[int, int] | None:
    """Return what the grammar does without where a byname precedes its name: "Oslo's "queen of rye",", then Anna Berg.

    Returns:
        From the owner past the comma; None where the quote is no such byname.
    """
    comma = document[end : end + 1] == ","
    if document[max(0, start - 2) : start - 1] not in _LEADS:
        return None
    if words.count(" ") >= _BYNAME_SPACES or not (comma or words[-1:] == ","):
        return None
    first = max(0, start - 80)
    found = _OWNER_BEFORE.search(document[first:start])
    if found is None or not _NAME_AFTER.match(document, end + comma, end + 80):
        return None
    if _TAG_AFTER.match(document, end + comma, end + 200):
        return None
    return first + found.start(found.lastgroup or 0), end + comma


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
