"""From the words at the quote ("he", "the mayor", "Berg") to the fullest name that the document gives."""

import re
from collections.abc import Callable

from model.quotes.cues import CUE_VERBS, STRONG
from model.quotes.lexicon import PERSON_ROLES, POSSESSIVES, PRONOUNS
from model.quotes.name_lists import gender_of_word
from model.quotes.names import Mention, Names, Person, is_place_or_group, role_words
from model.quotes.offices import Office, front, is_indefinite, may_hold, read_office

_MENTIONS_BACK = 14
_REACH = 2500
_VERB_BEFORE = re.compile(r"\b(\w+)\s+(?:[\w.]+['’]s\s+)?\Z")
_VERB_AFTER = re.compile(r"\s+(?:\w+ly\s+|also\s+|then\s+|later\s+)?(\w+)")
_CLAUSE = 160
"""How far before a name the subject of its sentence is looked for, in characters."""
_ACTS = re.compile(
    r"\b[Tt]he (?P<office>(?:(?:prime|foreign) )?[a-z]+) "
    r"(?:also |later |then |has |had |will |would )?(?P<verb>\w+)\b"
)
_ACTIONS = frozenset(CUE_VERBS) | {"met", "meet", "visited", "visit", "joined", "called", "be"}
_ARTICLE = re.compile(r"\b(?:an?|the)\s+\Z", re.IGNORECASE)
_STOP = re.compile(r"[.!?]\s+[A-Z]|[\n,;:\"“”]")
_NOT_BEFORE = frozenset(["of", "and", "by", "with", "that", "to", "for", "told", "from", "in", "s"])
_RELATIVE = frozenset(["after", "and", "when", "where", "which", "while", "who", "whom", "whose"])
_GENDER = {"he": "m", "she": "f"}
_SAME_ROLE = (
    frozenset(["aide", "adviser", "advisor", "assistant"]),
    frozenset(["spokesman", "spokeswoman", "spokesperson"]),
    frozenset(["senator", "sen", "lawmaker"]),
    frozenset(["representative", "rep", "congressman", "congresswoman", "lawmaker"]),
    frozenset(["governor", "gov"]),
    frozenset(["president"]),
    frozenset(["nominee", "candidate"]),
    frozenset(["lawyer", "attorney", "counsel"]),
    frozenset(["professor", "prof", "scholar"]),
    frozenset(["minister"]),
    frozenset(["chairman", "chairwoman", "chair"]),
    frozenset(["journalist", "reporter", "correspondent", "columnist"]),
    frozenset(["director", "head", "chief"]),
    frozenset(["reverend", "rev", "pastor"]),
    frozenset(["general", "gen"]),
)


def _synonyms(role: str) -> set[str]:
    return {role}.union(*(group for group in _SAME_ROLE if role in group))


class People:
    """Who is meant, judged by what the document said up to a place.

    Args:
        document: the whole text.
        names: its names.
        quoted: whether a position lies inside quotation marks.
    """

    def __init__(self, document: str, names: Names, quoted: Callable[[int], bool]) -> None:
        self._document = document
        self._names = names
        self._quoted = quoted
        self._roles_known = False
        self._last: tuple[int, Person] | None = None
        self._by_role: dict[str, list[Person]] = {}

    def named(self, start: int, end: int) -> Person | None:
        """Return the person of the last name written between two positions."""
        mentions = [m for m in self._names.at(start, end) if m.core and m.start < end]
        if not mentions:
            return None
        return self._names.resolve(mentions[-1])

    def remember(self, position: int, person: Person) -> None:
        """Note who spoke last."""
        self._last = (position, person)

    def pronoun(self, word: str, position: int) -> Person | None:
        """Return whom "he" or "she" at a position stands for."""
        gender = _GENDER.get(word)
        if gender is None:
            return None
        best: Person | None = None
        best_score = 0.0
        seen: dict[int, float] = {}
        for rank, mention in enumerate(self._names.before(position, _MENTIONS_BACK)):
            if position - mention.start > _REACH:
                break
            if not mention.core or self._quoted(mention.start):
                continue
            person = self._names.resolve(mention, gender)
            if person.gender and person.gender != gender:
                continue
            speaks = self._speaks(mention)
            if not person.human and not speaks and (" " not in person.name or is_place_or_group(mention.core)):
                continue
            score = self._weight(mention, person, position) + speaks - 0.35 * rank
            if person.gender == gender:
                score += 1.5
            if self._last is not None and self._last[1] is person:
                score += 1.5
            score += seen.get(id(person), 0.0)
            seen[id(person)] = seen.get(id(person), 0.0) + 0.3
            if best is None or score > best_score:
                best, best_score = person, score
        last = self._last
        if last is not None and last[1].gender in ("", gender) and last[1].human and position - last[0] < _REACH:
            score = 3.0 - 0.001 * (position - last[0])
            if score > best_score:
                return last[1]
        return best if best_score > 0.5 else None

    def _weight(self, mention: Mention, person: Person, position: int) -> float:
        """How likely a mention is what the text is about: subjects open their sentence."""
        before = self._document[max(0, mention.start - 2) : mention.start]
        opens = not before.strip() or before.strip()[-1:] in '.!?"”’:' or before in (", ", "— ")
        score = 2.0 if opens else 0.0
        if person.human:
            score += 1.0
        if mention.end < len(self._document) and self._document[mention.end - 2 : mention.end] in ("'s", "’s"):
            score -= 0.7
        if self._document.find("\n", mention.start, position) < 0:
            score += 0.5
        return score

    def _speaks(self, mention: Mention) -> float:
        """Whether the words beside a mention make it one who speaks or has an office: "noted Berg", "Berg, head of"."""
        before = _VERB_BEFORE.search(self._document, max(0, mention.start - 40), mention.start)
        if before is not None and before.group(1).lower() in STRONG:
            return 1.5
        after = _VERB_AFTER.match(self._document, mention.end, mention.end + 40)
        if after is not None and after.group(1) in CUE_VERBS:
            return 1.5
        office = self._document[mention.end : mention.end + 40]
        if office.startswith(", ") and role_words(office[2:].lower().split()[:4]):
            return 1.0
        return 0.0

    def described(self, words: list[str], position: int) -> Person | None:
        """Return whom a description such as "the presidential aide" stands for, when only one person fits.

        Args:
            words: the description as written.
            position: where it stands.
        """
        office = read_office(words)
        if not office.head or is_indefinite(words):
            return None
        self._learn_roles()
        written = " ".join(words[1:]).lower()
        # Two words of a name that nobody calls by a title or a first name may be a headline.
        fitting: list[Person] = []
        for role in _synonyms(office.head):
            for person in self._by_role.get(role, ())[:8]:
                if person in fitting or not person.places or person.places[0] >= position or written in person.apart:
                    continue
                if _fits(office, person):
                    fitting.append(person)
        if self._last is not None and self._last[1] in fitting:
            return self._last[1]
        return fitting[0] if len(fitting) == 1 else None

    def _learn_roles(self) -> None:
        """Read the roles beside each name: titles in front, "an adviser on ..." behind."""
        if self._roles_known:
            return
        self._roles_known = True
        for mention in self._names.mentions:
            person = self._names.person(mention)
            if person is None or (not person.human and is_place_or_group(mention.core)):
                continue
            near = self._words_before(mention)
            roles = role_words([w for w in near if w[:1].islower()])
            roles |= {t for t in mention.titles if t in PERSON_ROLES or _synonyms(t) != {t}}
            self._learn(person, roles, near + [t.title() for t in mention.titles])
            after = self._document[mention.end : mention.end + 60]
            if after.startswith(", "):
                behind = after[2:].split(",")[0].replace("-", " ").split()[:7]
                if behind and behind[0].lower() not in _RELATIVE:
                    self._learn(person, role_words([w.lower() for w in behind[: front(behind)]]), behind)
            if person.human:
                person.apart |= self._acting_on(mention)

    def _learn(self, person: Person, roles: set[str], words: list[str]) -> None:
        """Note the roles that a description gives to a person, and whom it serves in them."""
        if not roles:
            return
        office = read_office(["The", *words])
        person.nations |= office.nations
        for role in roles | {office.head} - {""}:
            if role not in person.roles:
                person.roles.add(role)
                self._by_role.setdefault(role, []).append(person)
            person.bodies.setdefault(role, set()).update(office.bodies)

    def _words_before(self, mention: Mention) -> list[str]:
        """The description in front of a name, in order: "the Rye House press secretary" before "Anna Berg"."""
        line = self._document[max(0, mention.start - 60) : mention.start].rpartition("\n")[2]
        near: list[str] = []
        for word in reversed(line.replace("-", " ").split()):
            if word in _NOT_BEFORE or not (word[-1].isalnum() or word in ("U.S.", "U.N.")):
                break
            if near and near[-1][:1].isupper() and not word[:1].isupper():
                break
            if not near and not word[:1].islower():
                break
            near.append(word)
        return near[::-1]

    def _acting_on(self, mention: Mention) -> set[str]:
        """The offices of those who act on a name in its sentence: "The president said he would call President Berg"."""
        found: set[str] = set()
        if self._document[mention.end - 2 : mention.end] in ("'s", "’s"):
            return found
        if _ARTICLE.search(self._document, max(0, mention.start - 5), mention.start):
            # "The president said the Berg plan was dead" may be Berg herself.
            return found
        begin = max(0, mention.start - _CLAUSE)
        for match in _ACTS.finditer(self._document, begin, mention.start):
            rest = self._document[match.end() : mention.start]
            if match["verb"] in _ACTIONS and not _STOP.search(rest) and not self._quoted(match.start()):
                found |= {match["office"], match["office"].split()[-1]}
        return found


def _fits(office: Office, person: Person) -> bool:
    """Whether a description may be of a person, by gender, nation and institution."""
    gender = gender_of_word(office.head)
    if gender and office.head not in person.roles:
        known = {person.gender} if person.gender else {gender_of_word(role) for role in person.roles}
        if known - {"", gender}:
            return False
    roles = _synonyms(office.head) & person.roles
    return may_hold(office, person.nations, set().union(*(person.bodies[role] for role in roles)))


def pronoun_of(word: str) -> str:
    """Return the subject form of a pronoun: "his" and "him" are "he"."""
    lower = word.lower().replace("’", "'").partition("'")[0]
    lower = POSSESSIVES.get(lower, lower)
    return {"him": "he", "her": "she", "them": "they", "hers": "she"}.get(lower, lower)


def is_pronoun(word: str) -> bool:
    """Whether a word is a pronoun that stands for somebody."""
    return pronoun_of(word) in PRONOUNS
