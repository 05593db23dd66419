"""The words that mark speech: verbs, nouns, and the small words around them."""

import re

from model.quotes.lexicon import DOUBLING_VERBS, SPEECH_VERBS, STRONG_VERBS

_IRREGULAR = {
    "say": "says said saying",
    "tell": "tells told telling",
    "write": "writes wrote written writing",
    "speak": "speaks spoke spoken speaking",
    "think": "thinks thought thinking",
    "feel": "feels felt feeling",
    "find": "finds found finding",
    "swear": "swears swore sworn swearing",
    "read": "reads read reading",
    "go on": "goes went going",
    "begin": "begins began begun beginning",
    "put": "puts putting",
    "see": "sees saw seen seeing",
    "show": "shows showed shown showing",
    "cast": "casts cast casting",
    "tell ": "tells told telling",
    "quit": "",
    "sing": "sings sang sung singing",
    "foresee": "foresees foresaw foreseen foreseeing",
    "hold": "holds held holding",
    "talk": "talks talked talking",
    "want": "wants wanted wanting",
    "use": "uses used using",
    "know": "knows knew knowing",
    "mean": "means meant meaning",
    "liken": "likens likened likening",
    "give": "gives gave giving",
    "make": "makes made making",
    "deliver": "delivers delivered delivering",
    "sign": "signs signed signing",
    "fire": "fires fired firing",
    "shoot": "shoots shot shooting",
    "chime": "chimes chimed chiming",
    "weigh": "weighs weighed weighing",
    "lash": "lashes lashed lashing",
    "hit": "hits hitting",
    "bristle": "bristles bristled bristling",
    "spell": "spells spelled spelling",
    "sum": "sums summed summing",
    "push": "pushes pushed pushing",
    "explode": "explodes exploded exploding",
    "vent": "vents vented venting",
    "vow": "vows vowed vowing",
    "publish": "publishes published publishing",
    "cheer": "cheers cheered cheering",
    "pray": "prays prayed praying",
    "conjecture": "conjectures conjectured",
    "allude": "alludes alluded alluding",
    "appear": "",
}


def _inflect(base: str) -> tuple[str, ...]:
    if base.endswith("e"):
        return base, base + "s", base + "d", base[:-1] + "ing"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base, base[:-1] + "ies", base[:-1] + "ied", base + "ing"
    if base.endswith(("s", "sh", "ch", "x", "z")):
        return base, base + "es", base + "ed", base + "ing"
    return base, base + "s", base + "ed", base + "ing"


def _build() -> dict[str, str]:
    forms: dict[str, str] = {}
    for base in SPEECH_VERBS:
        for form in _inflect(base):
            forms[form] = base
        if base in DOUBLING_VERBS:
            forms[base + base[-1] + "ed"] = forms[base + base[-1] + "ing"] = base
    for base, written in _IRREGULAR.items():
        forms[base.strip()] = base.strip()
        for form in written.split():
            forms[form] = base.strip()
    forms["maintain"], forms["maintains"], forms["maintained"], forms["maintaining"] = ("maintain",) * 4
    for form in (
        "telled",
        "writed",
        "findd",
        "showed",
        "tolded",
        "thinked",
        "feeled",
        "finded",
        "casted",
        "puts",
        "go on",
        "use",
    ):
        forms.pop(form, None)
    return forms


CUE_VERBS = _build()
"""Written form -> base form of the verbs that can introduce somebody's words."""

STRONG = frozenset(form for form, base in CUE_VERBS.items() if base in STRONG_VERBS)
"""Forms that report speech whatever surrounds them; the others need a person for a subject."""


BARE = frozenset(base for form, base in CUE_VERBS.items() if form == base) - {"put", "read", "cast", "hit"}
"""Forms that need "to", "will" or a plural before them; otherwise they are nouns: "a tweet", "the claim"."""

_FINITE = "|".join(sorted((f for f in STRONG if not f.endswith("ing")), key=len, reverse=True))
_PAST = "|".join(sorted((f for f in CUE_VERBS if f.endswith(("ed", "s")) or f in STRONG), key=len, reverse=True))
_NAMEISH = r"(?:(?:[Tt]he|[Aa]n?|[Oo]ne)\s+)?[\w.&'’-]+(?:\s+[\w.&'’-]+){0,6}?(?:\s+\([^()]{1,20}\))?"


def _tag(verbs: str) -> re.Pattern[str]:
    # Long words first, and a name with an aside before a bare one: the first that leads to a verb wins.
    who = rf"(?:[Hh]e|[Ss]he|[Tt]hey|[Ii]t|{_NAMEISH}(?:,[^,]{{1,90}},)?)"
    return re.compile(
        rf"\s*(?:{who}\s+(?:also\s+|then\s+|later\s+)?(?:{verbs})\b|(?:{verbs})\s+(?:[A-Z]|he|she|they|the|an?)\b)"
    )


_TAG_STRONG, _TAG_ANY = _tag(_FINITE), _tag(_PAST)
_NOT_TAG = re.compile(r"\s+(?:that|he|she|they|it|there|the|his|her|was|will|would|in\s+\w+\s+that)\b")

TAG_IN_PROSE = re.compile(
    rf",\s+(?:(?:he|she|they|[A-Z][\w.’'-]+(?:\s[A-Z][\w.’'-]+){{0,3}})\s+(?:{_FINITE})|(?:{_FINITE})\s+(?:[A-Z][\w’'-]+|he|she))\b"
)
"""A speech tag after a comma, as it ends a quote whose closing mark is missing."""


def tag_follows(text: str, at: int, strict: bool) -> bool:
    """Whether a speech tag ("he said", "said Anna Berg") stands at a position.

    Args:
        text: a paragraph with its quotes masked.
        at: where to look.
        strict: the quote before ended with a full stop, after which a tag is the exception.
    """
    match = (_TAG_STRONG if strict else _TAG_ANY).match(text, at)
    if match is None:
        return False
    return not (strict and _NOT_TAG.match(text, match.end()))
