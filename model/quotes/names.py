"""The names of a document: where they stand, which of them are the same person, and the fullest form of each."""

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from model.quotes.lexicon import ROLES, TIME_WORDS
from model.quotes.name_lists import (
    FEMALE,
    HONORIFICS,
    MALE,
    NOT_NAMES,
    NOT_PERSONS,
    PARTICLES,
    SPELLINGS,
    SUFFIXES,
    TITLES,
    gender_of_word,
)

_UPPER = "".join(c for c in map(chr, range(0x41, 0x530)) if c.isupper()) + "".join(
    c for c in map(chr, range(0x1E00, 0x1F00)) if c.isupper()
)
_SHORT = (
    r"(?:Mr|Mrs|Ms|Dr|Prof|Sens?|Reps?|Govs?|Gen|Lt|Col|Maj|Capt|Cmdr|Sgt|Adm|Rev|Hon|St|Del|Atty|Amb|Jr|Sr|Det|Mme)"
)
_CAP = rf"(?:{_SHORT}\.|(?:[{_UPPER}]\.){{1,3}}|(?:[ae][ldnrsz]-)?[{_UPPER}][\w’'-]*)"
_PARTICLE = rf"(?:{'|'.join(sorted(PARTICLES))})"
_NICKNAME = r"[\"“‘][^\W\d_]+[\"”’]"
NAME_RUN = re.compile(
    rf"(?<![\w’'-]){_CAP}(?:[ \u00a0](?:{_PARTICLE}[ \u00a0]){{0,2}}(?:{_NICKNAME}[ \u00a0])?{_CAP}){{0,9}}"
)

_SHORT_LINE = re.compile(r"^.{1,180}$", re.MULTILINE)
_CUT = TIME_WORDS | NOT_NAMES
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_FULL_STOP = re.compile(r"[^\W_]{2}[)\]’”\"]?\.\s*\Z")


@lru_cache(maxsize=4096)
def fold(word: str) -> str:
    """Return the form that spellings of one name share: Yuri, Yury and Yuriy; Sergei and Sergey; Kiev and Kyiv."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if c.isalnum())
    if plain in SPELLINGS:
        return SPELLINGS[plain]
    plain = re.sub(r"(?:yy|iy|ii|yi|ij|y|i)$", "i", plain)
    plain = re.sub(r"e[iy]$", "ei", plain)
    plain = plain.replace("ks", "x").replace("ia", "ya").replace("iu", "yu").replace("shch", "sch")
    return SPELLINGS.get(plain, plain)


@dataclass(slots=True)
class Person:
    """Somebody, or something, with a name.

    Args:
        name: the fullest form without titles.
        titled: the longest form with a title, for those whose first name the document never gives.
        gender: "m", "f" or "" when the document does not show it.
        places: where its full forms start.
        human: a title, a first name or a tag says that this is a person.
        roles: the offices and parts in the story that stand beside its name.
        nations: the nations that it serves, as far as the document says so.
        bodies: role -> the words of the institutions and people that it serves in it.
        apart: offices, as written, that somebody else holds: the document has "the president" speak to this person.
    """

    name: str
    titled: str = ""
    gender: str = ""
    places: list[int] = field(default_factory=list)
    human: bool = False
    roles: set[str] = field(default_factory=set)
    nations: set[str] = field(default_factory=set)
    bodies: dict[str, set[str]] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)

    @property
    def full(self) -> str:
        """The form to show."""
        return self.name if " " in self.name or not self.titled else self.titled


class Mention(NamedTuple):
    """One place where a name is written.

    Args:
        start: its first character, titles included.
        end: past its last character.
        core: the name without titles and possessive.
        titles: its titles, in lower case.
    """

    start: int
    end: int
    core: tuple[str, ...]
    titles: tuple[str, ...]


def _bare(word: str) -> str:
    if word[-1:] in "s'’":
        for ending in ("'s", "’s", "'", "’"):
            if word.endswith(ending):
                return word[: -len(ending)]
    return word


def read_run(text: str, start: int) -> list[Mention]:
    """Split a run of capitalised words into mentions: titles in front, weekdays and sentence openers cut off."""
    found: list[Mention] = []
    current: list[tuple[str, str, int]] = []
    at = start
    # The words of a run stand one space apart.
    for word in text.replace("\u00a0", " ").split(" "):
        lower = word.lower().rstrip(".")
        if word[0] in '"“‘':
            pass  # A nickname is no part of the name.
        elif lower in _CUT:
            if current:
                found.append(_mention(current))
                current = []
        else:
            current.append((word, lower, at))
            if word[-1] in "s’'" and word.endswith(("'s", "’s", "s’")):
                found.append(_mention(current))
                current = []
        at += len(word) + 1
    if current:
        found.append(_mention(current))
    return found


def _mention(words: list[tuple[str, str, int]]) -> Mention:
    first, last = 0, words[-1]
    for index, (_, lower, _) in enumerate(words):
        if _bare(lower) in TITLES:
            first = index + 1
    core = tuple(_bare(word) for word, _, _ in words[first:])
    titles = tuple(lower for _, lower, _ in words[:first])
    return Mention(words[0][2], last[2] + len(last[0]), core, titles)


class Names:
    """Every name of a document and the people behind them.

    Args:
        document: the whole text.
    """

    def __init__(self, document: str) -> None:
        self.mentions: list[Mention] = []
        for match in NAME_RUN.finditer(document):
            self.mentions += read_run(match.group(), match.start())
        self._starts = [m.start for m in self.mentions]
        self._by_last: dict[str, list[Person]] = defaultdict(list)
        self._by_start: dict[int, Person] = {}
        self._strangers: dict[tuple[str, str], Person] = {}
        self._document = document
        self._collect()

    def _collect(self) -> None:
        headlines = [m.span() for m in _SHORT_LINE.finditer(self._document) if is_headline(m.group())]
        line = 0
        for mention in self.mentions:
            while line < len(headlines) and headlines[line][1] <= mention.start:
                line += 1
            if line < len(headlines) and headlines[line][0] <= mention.start:
                continue
            if len(mention.core) >= 2:
                self._add(mention)
        for mention in self.mentions:
            if len(mention.core) == 1:
                key = fold(mention.core[0])
                known = self._by_last.get(key)
                if not known and mention.titles:
                    known = [Person(mention.core[0])]
                    self._by_last[key] = known
                if known and len(known) == 1:
                    person = known[0]
                    self._by_start[mention.start] = person
                    if " " not in person.name and mention.titles:
                        titled = self._document[mention.start : mention.end]
                        titled = _bare(titled)
                        honorific = mention.titles[-1] in HONORIFICS
                        if not person.titled or (not honorific and len(titled) > len(person.titled)):
                            person.titled = titled
                        person.human = True
                    person.gender = person.gender or _gender(mention)
                    person.places.append(mention.start)

    def _add(self, mention: Mention) -> None:
        core = list(mention.core)
        while len(core) > 2 and core[-1].lower() in SUFFIXES:
            core.pop()
        key = fold(core[-1])
        first = fold(core[0])
        known = self._by_last[key]
        name = " ".join(mention.core)
        for person in known[:20]:
            other = fold(person.name.split(" ")[0])
            initial = min(len(other), len(first)) == 1 and other[:1] == first[:1]
            shorter, longer = sorted((f" {name}".lower(), f" {person.name}".lower()), key=len)
            surname = longer.endswith(shorter) and shorter.split()[0] in PARTICLES
            if other == first or initial or surname:  # "Van der Bellen" and "Alexander Van der Bellen"
                break
        else:
            person = Person(name)
            known.append(person)
        if len(name) > len(person.name):
            person.name = name
        person.places.append(mention.start)
        person.gender = person.gender or _gender(mention)
        person.human = person.human or bool(person.gender or mention.titles)
        self._by_start[mention.start] = person

    def at(self, start: int, end: int) -> list[Mention]:
        """Return the mentions that start between two positions."""
        return self.mentions[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def before(self, position: int, count: int) -> list[Mention]:
        """Return the last mentions before a position, the nearest first."""
        index = bisect_left(self._starts, position)
        return self.mentions[max(0, index - count) : index][::-1]

    def person(self, mention: Mention) -> Person | None:
        """Return who a mention is, if the document says so without doubt."""
        return self._by_start.get(mention.start)

    def resolve(self, mention: Mention, gender: str = "") -> Person:
        """Return the person of a mention; a surname that several share stands for the one named by far the most.

        Args:
            mention: where the name stands.
            gender: "m" or "f" where a pronoun shows it.
        """
        known = self._by_start.get(mention.start)
        if known is not None:
            return known
        sharing = self._by_last.get(fold(mention.core[-1]), []) if mention.core else []
        gender = _gender(mention) or gender
        fitting = [p for p in sharing if not (gender and p.gender and gender != p.gender)]
        if len(fitting) == 1:
            return fitting[0]
        if len(fitting) > 1:
            ranked = sorted(fitting, key=lambda p: len(p.places), reverse=True)
            if len(ranked[0].places) >= 2 * len(ranked[1].places):
                return ranked[0]
        # Nobody the document introduces: still one person wherever the same name is written.
        gender = gender if sharing else _gender(mention)
        key = (fold(mention.core[-1]) if mention.core else str(mention.start), gender if sharing else "")
        if key not in self._strangers:
            words = self._document[mention.start : mention.end]
            self._strangers[key] = Person(_bare(words), gender=gender)
        return self._strangers[key]

    def find(self, label: str) -> str | None:
        """Return the full name behind a surname in any case ("BERG"), if one person alone bears it."""
        words = _bare(label).split()
        known = self._by_last.get(fold(words[-1]), []) if words else []
        return known[0].full if len(known) == 1 else None


def is_headline(line: str) -> bool:
    """Whether a line capitalises most of its words, so that a capital says nothing about names.

    A full stop ends a sentence, however many names it holds; that of "D.C." or "U.S." may end a headline.
    """
    if _FULL_STOP.search(line.rstrip()[-8:]):
        return False
    words = _LONG_WORD.findall(line)
    return len(words) >= 4 and sum(w[0].isupper() for w in words) * 4 >= len(words) * 3


def _gender(mention: Mention) -> str:
    for title in mention.titles:
        if gender := gender_of_word(title):
            return gender
    if len(mention.core) < 2:
        return ""
    first = mention.core[0].lower()
    male, female = first in MALE, first in FEMALE
    return "m" if male and not female else "f" if female and not male else ""


def is_place_or_group(core: tuple[str, ...]) -> bool:
    """Whether a name is that of an organisation, a place or a thing rather than of a person."""
    return any(w.lower().rstrip(".") in NOT_PERSONS for w in core) or (
        len(core) == 1 and core[0].isupper() and len(core[0]) > 1
    )


def role_words(words: list[str]) -> set[str]:
    """Return the words that name an office or a part in the story."""
    return {w for w in words if w in ROLES}
