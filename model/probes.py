"""Texts on which a compiled backend is compared with the reference. Invented; of every length that is served."""

_STATEMENTS = (
    "No.",
    "We remain committed to the understandings.",
    "Nothing has been taken off the table, and nothing will be.",
    "The momentum of the summit has been lost, and everybody in this room knows it.",
    "It is the other side that walked away from what was agreed, not we.",
    "I was not at the meeting and will not comment on it.",
    "The road that the two presidents opened is still open; one only has to walk it.",
    "They speak of peace in the morning and send missiles in the evening.",
    "Contacts between the delegations continue, and the next round is being prepared.",
    "There is no date yet.",
    "Frankly, I see no sign that anybody is still working on this.",
    "Europe has done everything to bury these agreements, and it has nearly succeeded.",
    "What was said in August was said in good faith; what came afterwards was not.",
    "Grain exports rose by 4.2 per cent in the third quarter, to 11.6 million tonnes.",
    "We proceed from the premise that the spirit of the talks lives on.",
    "The whole thing was a photograph, a red carpet and a lunch that never took place!",
    "Our partners keep asking for guarantees which they themselves refuse to give.",
    "If there is will on both sides, a settlement can be reached before the winter.",
    "Who is to blame? Those who promised in private and denied it in public.",
    "The minister thanked the hosts, praised the weather and left for the airport.",
    "Переговоры продолжаются, и мы остаёмся привержены достигнутым договорённостям.",
    "Es gibt keinen Fortschritt, und ich erwarte auch keinen.",
    "L'accord tient toujours, même si certains voudraient le voir échouer.",
    "Don't ask me about Alaska; ask those who tore it up.",
    "A ceasefire, an exchange of prisoners, a meeting of the three leaders: all of it is on the list, in that order.",
    "Sanctions were eased on 12 items, tightened on 30, and the list is under review until 1 December 2025.",
    "I have said it once and I say it again: the understandings are the only basis, and we shall not leave it.",
    "Let us be honest with each other. This process is dead.",
    "they won't come , they never intended to come",
    "VERY GOOD TALKS. GREAT PROGRESS. DEAL SOON!",
    "The working groups met, exchanged papers, and agreed to meet again.",
    "It was Kyiv and its sponsors who torpedoed the deal, deliberately and in full view.",
    "We are cautiously optimistic, although the devil, as always, is in the detail.",
    "The match ended two to one after extra time.",
    "Our position is known, it is unchanged, and it rests on what the presidents settled between them.",
    "Time is working against an agreement, and each week makes it less likely.",
    "http://example.org/statement?id=17 #summit @spokesman",
    "One cannot negotiate with people who change their minds every three days.",
    "The envoy will travel again this month, and we expect him with good news.",
    "Yes, we are ready.",
)


def _mixed() -> tuple[str, ...]:
    """Join neighbours into longer texts, up to and over the longest sequence that is read."""
    count = len(_STATEMENTS)
    return tuple(
        " ".join(_STATEMENTS[(start * 7 + step) % count] for step in range(length))
        for start, length in enumerate([2, 3, 2, 4, 3, 5, 2, 8, 3, 2, 12, 4, 2, 3, 20, 2, 6, 3, 2, 30])
    )


PROBES: tuple[str, ...] = _STATEMENTS + _mixed()
"""Sixty texts, of 3 to over 256 tokens."""
