"""Word lists of the quote extractor: data, no rules.

Each list is sorted text, so that a word is easy to find and a change is one line of a diff.
"""


def words(text: str) -> frozenset[str]:
    """Return the words of a list."""
    return frozenset(text.split())


SPEECH_VERBS = words(
    """
    rate accept accuse acknowledge add address admire admit advise advocate affirm agree allege announce answer
    apologize appeal applaud argue articulate ask assail assert assess assure attack attest attribute bash believe
    bemoan berate bewail blame blast boast brag brand call caption cast castigate caution censure certify
    challenge champion chant characterise characterize chastise chide cite claim clarify commend comment compare
    complain compliment concede conclude concur condemn confess confide confirm congratulate consider contend
    continue convey coo correct counsel counter credit criticise criticize crow cry decide declare decline decree
    decry deem defend delight demand demean demonstrate denigrate denounce deny depict deplore deride describe
    detail disagree disavow disclose discuss dismiss disparage dispute dub e-mail echo elaborate email emphasise
    emphasize encourage endorse enthuse envision estimate exclaim excoriate exhort expect explain express extol
    exude exult fault fear feel find forecast frame fume gripe guarantee gush hail hammer headline highlight hint
    hope howl imagine implore imply indicate inform inquire insist insult interject interrupt intone invite invoke
    jest jibe joke justify label lambast lambaste lament laud laugh lecture liken list lobby mandate marvel
    mention message moan mock mumble murmur muse mutter needle note object observe offer opine oppose order
    outline paint pan paraphrase peg petition phrase pillory plead pledge point portray post pound praise preach
    predict press proclaim prod profess promise pronounce propose protest query question quip quote rage rail rant
    reaffirm reason reassure rebuke rebut recall recite reckon recommend recount refer reference reflect refute
    regard reiterate reject relate relay remark remember remind repeat reply report reprimand request respond
    retort reveal ridicule roar rule salute savage scoff scold scream seethe shout show shriek sigh signal skewer
    slam smirk snap snarl sneer sob specify speculate state stipulate stress suggest sulk sum summarize surmise
    suspect taunt tease tell term testify text thank theorize think threaten thunder title tout trash trumpet
    tweet type underline underscore unveil urge venture view voice vow wail warn welcome whine whisper wonder
    worry yell
    """
)
"""Regular verbs that can introduce somebody's words, base forms."""

STRONG_VERBS = words(
    """
    acknowledge add admit affirm agree announce answer argue ask assert boast brag caution chant claim clarify
    comment complain concede conclude confirm contend continue counter cry declare disclose elaborate emphasise
    emphasize exclaim explain fume insist interject intone joke lament maintain murmur muse mutter note observe
    opine pledge post predict promise propose quip quote read recall recount reiterate remark repeat reply report
    respond retort reveal say scream shout sigh state stress suggest swear tell testify thunder tweet underline
    underscore vow warn whisper write yell
    """
)
"""Base forms that report speech whatever surrounds them."""

DOUBLING_VERBS = words(
    """
    admit brag chat dub jot label pan peg plan prod quip quit rebut refer slam snap sob sum trumpet
    """
)
"""Verbs that double their last letter before -ed and -ing."""

DEFERRING_VERBS = words(
    """
    accept address advocate ask-for begin believe caption cast challenge champion consider credit decide defend
    deliver demonstrate depict detail discuss encourage endorse estimate expect express fear feel find fire frame
    give go headline help highlight hit hold hope imagine indicate invite know list make mean message object offer
    oppose order point press publish push put question recall reflect regard remember see seek shoot show sign
    signal sing speak suspect talk text think title underline underscore use view want welcome wonder worry
    """
)
"""Base forms that yield to a plainer report of speech in the same sentence: "Berg said she wanted to see "more""."""

NAMING_VERBS = words(
    """
    brand call dub hail label name term title tout
    """
)
"""Base forms that give a thing its name: what "they" call it need not be anybody's words."""

CUE_NOUNS = words(
    """
    accusation accusations admission advice allegation allegations analysis anger announcement answer apology
    appeal argument assertion assertions assessment assurance attack attacks belief boast book brief call calls
    claim claims comment commentary comments complaint complaints concern concerns conclusion criticism
    declaration demand demands denial description disappointment email emails emphasis essay explanation
    expression fear fears frustration hope insistence interview invitation joke lament lawsuit letter line mantra
    memo memoir message missive motto note notion observation opinion opposition order phrase plea pledge pledges
    post posts praise prediction proclamation promise promises pronouncement proposal question quip quotation
    quote reaction rebuke recommendation reference references refusal remark remarks reminder reply report request
    response rhetoric ruling slogan speech statement statements suggestion suggestions support talk term testimony
    threat threats tweet tweets verdict view views vision vow warning warnings wish word words
    """
)
"""Nouns of speech: "her promise to ...", "his "..." remark"."""

TIME_WORDS = words(
    """
    afternoon apr april aug august dec december evening fall feb february fri friday jan january july june mar
    march may midnight mon monday month morning night noon nov november oct october sat saturday sep sept
    september spring summer sun sunday thu thursday today tomorrow tonight tue tuesday wed wednesday week winter
    year yesterday
    """
)

ADVERBS = words(
    """
    'd 's afterward afterwards again all already also always are be been being both can could couldn't did didn't
    do does doesn't earlier even ever first fully further had hadn't has hasn't have haven't having herself
    himself however indeed instead is itself just later long may meanwhile merely might must n't never not now
    often once only perhaps previously quickly rather recently repeatedly reportedly should simply so soon still
    subsequently themselves then there therefore though thus to too twice was wasn't were will won't would
    wouldn't yet
    """
)
"""Words that may stand between a subject and its verb, auxiliaries among them."""

BE_FORMS = words(
    """
    are be been being get gets got is was were
    """
)

PRONOUNS = words(
    """
    he i it she they we who you
    """
)

POSSESSIVES = {"his": "he", "her": "she", "their": "they", "its": "it"}

DETERMINERS = words(
    """
    a all an another any both each every few five four her his its many more most my no one only other our several
    some such that the their these this those three two your
    """
)

PREPOSITIONS = words(
    """
    about across after against along amid among around as at before behind between beyond by concerning despite
    down during following for from in including inside into like near of off on onto out outside over per
    regarding since through throughout to toward towards under until up upon via with within without
    """
)

CONJUNCTIONS = words(
    """
    after although and as because before but how if nor once or since than that though unless what when where
    whereas whether which while why
    """
)

ROLES = words(
    """
    activist activists actor actress ad advertisement adviser advisers advisor advisors advocate advocates agency
    agent agents aide aides allies ally ambassador analyst analysts anchor announcer architect army article
    assistant associate association athlete attorney attorneys audience author authors banker banner biographer
    blog blogger book boss brief brother bureau businessman businesswoman campaign candidate candidates captain
    chair chairman chairwoman chancellor chief clerk co-founder coach coalition colleague colleagues colonel
    column columnist command commander commentator commissioner committee communique communiqué company complaint
    congressman congresswoman consultant consultants correspondent council counsel counselor court critic critics
    crowd daughter dean defendant delegate delegation democrat democrats demonstrators department deputy designer
    developer diplomat diplomats director directors doctor doctors document documents economist economists editor
    editorial editors educator email embassy employee employees envoy ex-president executive executives expert
    experts families family father fellow fighter filing firm first foundation founder friend friends general
    government governor group groups guest head headline historian host house husband indictment insider insiders
    inspector institute investigator investigators investor investors journalist journalists judge justice
    justices king kremlin lady lawmaker lawmakers lawsuit lawyer lawyers leader leaders lecturer legislator letter
    lieutenant lobbyist magazine magistrate majority man manager marchers mayor member members memo men message
    military minister ministry moderator mogul mother negotiator network newspaper nominee nominees nurse office
    officer officers official officials op-ed operative operatives opponent opponents organization organizer
    organizers outlet owner panel paper parent parents participants partner party pastor patient people percent
    physician pilot placard plaintiff player poet police policeman politician politicians poll pollster pollsters
    pope post poster premier president presidents prime prince professor professors prosecutor prosecutors
    protester protesters protestors psychologist publisher queen radio ranking relative relatives release report
    reporter reporters representative representatives republican republicans researcher researchers resident
    residents respondents retired reverend rival rivals ruling scholar scholars scientist scientists secretary
    senator senators sheriff side sign signs sister site sociologist soldier soldiers son source sources speaker
    specialist spokesman spokesmen spokespeople spokesperson spokespersons spokeswoman staff staffer staffers star
    state statement station strategist strategists student students study supporter supporters surgeon surrogate
    surrogates survey survivor teacher teachers team teammate text tribunal tweet tycoon undersecretary union
    veteran vice victim voter voters warden website whistleblower wife witness witnesses woman women worker
    workers writer writers youth
    """
)
"""Head nouns of those who speak: people, groups, offices, and papers that say something."""

PERSON_ROLES = words(
    """
    activist actor actress adviser advisor aide ally ambassador analyst attorney author billionaire brother
    businessman businesswoman candidate captain celebrity chair chairman chairwoman chancellor chief co-founder
    coach colonel columnist comedian commander commissioner congressman congresswoman consultant correspondent
    counsel critic daughter democrat deputy diplomat director doctor economist editor envoy ex-president executive
    expert father founder friend general governor head historian host husband journalist judge lady lawmaker
    lawyer leader lieutenant lobbyist man manager mayor minister mogul mother negotiator nominee officer official
    operative organizer owner parent pastor physician politician pollster premier president prime professor
    prosecutor publisher reporter representative republican researcher resident reverend scholar scientist
    secretary senator sheriff sister son speaker spokesman spokesperson spokeswoman star strategist student
    surgeon survivor teacher tycoon veteran voter wife woman worker writer
    """
)
"""Head nouns that stand for one person."""

DOCUMENTS = words(
    """
    ad advertisement affidavit announcement article articles bill book books brief column communique complaint
    document documents editorial email emails essay filing headline indictment lawsuit letter letters memo message
    messages note notes op-ed order paper piece post posts press-release release report reports resolution ruling
    sign signs speech statement statements story study survey testimony transcript tweet tweets website
    """
)
"""Things that say something only when no person does."""

LABELS = words(
    """
    advertisement also ap breaking by caption cnn contact correction credit disclosure editor's editorial
    exclusive fact file image live media more note notes opinion photo photos picture poll read related report
    sign source sources story summary tags topics update via video warning watch
    """
)
"""Words before a colon that label a line rather than name who speaks."""

ABBREVIATIONS = words(
    """
    Adm Ala Amb Apr Ariz Ark Atty Aug Ave Brig Calif Capt Cmdr Co Col Colo Conn Corp Cpl Dec Del Dept Det Dr Feb
    Fla Fri Ft Ga Gen Gov Govs Hon Ill Inc Ind Insp Jan Jr Jul Jun Kan Ky La Lt Ltd Maj Mar Mass Md Messrs Mich
    Minn Miss Mlle Mme Mo Mon Mont Mr Mrs Ms Mt Neb Nev No Nov Oct Okla Ore Pa Pres Prof Pvt Rep Reps Rev Sat Sen
    Sens Sep Sept Sgt Spc Sr St Sun Supt Tenn Tex Thu Thurs Tue Tues Va Vs Vt Wash Wed Wis Wyo a.m approx dept e.g
    est etc i.e p.m vs
    """
)
"""Words whose full stop does not end a sentence."""
