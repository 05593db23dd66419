"""Word lists of the name finder: titles, first names, words that are no names, and spellings of the same name."""

from model.quotes.lexicon import words

PARTICLES = words("al bin da de del della den der di dos du el ibn la le ten ter van von y zu")
"""Words in lower case within a name: "Ursula von der Leyen"."""
TITLES = words(
    """
    acting adm admiral adviser advisor aide amb ambassador american analyst anchor archbishop assistant attorney
    atty author ayatollah bishop british brother campaign canadian candidate capt captain cardinal ceo chair
    chairman chairwoman chancellor chief chinese cmdr co-founder coach col colonel commander commissioner comrade
    congressman congresswoman conservative councilman councilwoman counsel crown dame defence defense del delegate
    democrat democratic deputy detective director dr economist editor energy english envoy european executive
    father federal finance first foreign former founder french gen general german gop gov governor grand historian
    hon host house imam indian interior iranian iraqi israeli italian japanese judge justice king kremlin labor
    labour lady leader liberal lieutenant lord lt maj major majority mayor mexican minister minority miss mme
    monsieur mr mrs ms national nominee officer pastor polish pope premier president presidential press prime
    prince princess prof professor queen rabbi rep representative reps republican rev reverend russian saint
    secretary security sen senate senator sens sergeant sgt sheikh sheriff sir sister spanish speaker special
    spokesman spokesperson spokeswoman state strategist supreme syrian tory treasury turkish ukrainian
    undersecretary vice whip white
    """
)
"""What stands before a name without being part of it: titles, offices, parties, nationalities."""

HONORIFICS = words(
    """
    dr miss mr mrs ms
    """
)

NOT_NAMES = words(
    """
    a about according after again against all also although always americans amid among an and another answer any
    are as asked at be because been before besides between both but by can could dear democrats despite did do
    does during each earlier either europeans even every everybody everyone facebook few finally following for
    from had has have he hello her here his how however i if in indeed instead into is it its just last later let
    like look many may maybe meanwhile might moreover most must my neither never nevertheless next no nobody
    nonetheless nor not nothing now of on once one only or our over per perhaps please q question republicans
    russians several she should since so some somebody something speaking still thank thanks that the their then
    there these they this those though three to today told tomorrow twitter two ukrainians under unfortunately
    unlike until via was we well were what when where which while who whose why will with within without would yes
    yesterday yet you
    """
)
"""Words that a capital at the start of a sentence does not make a name."""

NOT_PERSONS = words(
    """
    accord act administration affairs agency agreement airport alliance amendment american arena army association
    avenue bank bill bloomberg board bowl bureau campaign caucus center centre church city club coalition college
    commission committee company conference congress constitution convention corp corporation council county court
    cup day deal department duma east eastern federation force forces forum foundation fund global group guard
    hall herald hospital hotel house inc institute international island islands journal kingdom kremlin lake las
    law league llc los ltd magazine ministry month movement museum national nations navy network new news north
    northern office organisation organization park parliament party pentagon plan police post press program
    project radio republic reuters river road san school sea security service services society south southern
    square stadium states street summit team television times times-news tower towers treaty tribune tv union
    united university war week west western year
    """
)
"""Words that make a name one of a place, an organisation or a thing."""

MALE = words(
    """
    aaron abdul adam ahmed al alan albert alberto aleksandr aleksey alex alexander alexei ali amit anatoly andrei
    andrew andrey andriy anthony antonio antony arthur austin barack barry ben benjamin bernie bill billy bob
    boris brad brandon brian bruce bryan carl carlos chad charles chris christian christopher chuck clarence clark
    clint corey cory craig dan daniel darrell dave david dean denis dennis denys derek dick dmitri dmitry don
    donald doug douglas dwight dylan earl ed edward elon emmanuel eric ernie ethan eugene evgeny felix fernando
    frank françois fred friedrich gabriel gary gennady george gerald glenn greg gregory grigory hank hans harold
    harry hassan henry hiroshi hugo ibrahim igor ivan jack jacob jacques jake james jason jean jeb jeff jeffrey
    jens jeremy jerry jesse jim jinping joe joel john jonathan jordan jorge jose joseph joshua juan jun justin
    jürgen karl keir keith ken kenji kenneth kevin khalid kirill klaus konstantin kyle larry lawrence leo leonid
    lester lindsey lloyd logan luis luke mahmoud maksim marc marcel marco mario mark matt matthew maury max maxim
    mehmet michael miguel mike mikhail mitch mitt mohamed mohammed muhammad mustafa mykhailo narendra nathan neil
    newt nicholas nikolai nikolay noah olaf oleg oleh oleksandr oleksiy omar oscar pablo patrick paul pavel pedro
    pete peter phil pierre raj ralph rand randy ray raymond recep reince rex richard rick rishi rob robert roberto
    roger roman ron ronald roy rudy rupert ruslan ryan sam samuel sanjay scott sean sergei sergey seth stanislav
    stephen steve steven ted terry thomas tim timothy todd tom tony trent trey troy tyler victor vijay viktor
    vince vitali vitaly vladimir volker volodymyr vyacheslav walter wayne wei wesley william willie wolfgang xi
    yevgeny yuri yury yusuf zachary
    """
)
"""First names of men."""

FEMALE = words(
    """
    abigail aisha alexis alice amanda amber amy ana anastasia andrea angela anita ann anna annalena ashley astrid
    barbara betty beverly brenda brittany carmen carol carolyn catherine charlotte chelsea cheryl christina
    christine claire claudia condoleezza courtney cynthia danielle deborah debra denise diana diane dianne donna
    doris dorothy eileen ekaterina elena elizabeth ellen emily emma erin evelyn fatima frances gail galina gina
    giorgia gloria grace greta hannah heather heidi helen hillary holly huma indira ingrid irina iryna isabella
    ivana ivanka ivy jackie jacqueline jane janet janice jean jennifer jenny jessica jill joan joanna joyce judith
    judy julia julie kaja kamala karen karoline kate kateryna katherine kathleen kathryn kathy katie katrina kayla
    kelly kellyanne kimberly kirsten ksenia larisa laura lauren layla leila leslie linda lisa liz loretta lori
    lucia ludmila lyudmila madison margaret maria marian marie marilyn marina mariya martha mary maxine megan mei
    melania melissa mia michelle mimi minyon molly nadia nancy natalia natalie natalya nicole nikki nina oksana
    olena olga olivia pamela patricia peggy petra priya rachel rebecca rosa ruth sabine sally samantha sandra
    sanna sara sarah sharon sheila shirley sofia sonia sonya sophia stacey stacy stephanie sunita susan susana
    susie svetlana tammy tatiana tatyana teresa theresa tiffany tina tracy tulsi ursula ute valentina vanessa vera
    victoria virginia wendy whitney yelena yuki yulia yuliya yvonne zainab zoe
    """
)
"""First names of women."""

SUFFIXES = words(
    """
    ii iii iv jr jr. sr sr.
    """
)

SPELLINGS = dict(
    pair.split("=")
    for pair in words(
        """
        aleksandr=alexandr aleksei=alexei aleksey=alexei alexander=alexandr alexey=alexei andrii=andrei
        andriy=andrei andy=andrew ben=benjamin bernie=bernard bill=william bob=robert chris=christopher
        chuck=charles dan=daniel dave=david dick=richard dmytro=dmitri don=donald ed=edward evgeny=evgeni
        greg=gregori ihor=igor iryna=irina iuri=yuri iurii=yuri jeff=jeffrei jim=james joe=joseph julia=yuli
        kate=katherine ken=kenneth kharkiv=kharkov kyiv=kiev kyyiv=kiev larry=lawrence liz=elizabeth lviv=lvov
        maksim=maxim maksym=maxim matt=matthew mike=michael mykhailo=mikhail mykola=nikolai nick=nicholas
        odesa=odessa oleh=oleg oleksandr=alexandr oleksii=alexei oleksiy=alexei olena=elena pavlo=pavel
        petro=pyotr rick=richard rob=robert ron=ronald sam=samuel serhii=sergei serhiy=sergei stephen=steven
        steve=steven ted=edward tim=timothi tom=thomas tony=anthoni volodymyr=vladimir wladimir=vladimir
        yelena=elena yevgeni=evgeni yevgeny=evgeni yevhen=evgeni yulia=yuli yurii=yuri yuriy=yuri
        """
    )
)
"""Spelling -> the spelling that stands for all of them; nicknames stand for the name."""

PARTIES = words(
    "conservative conservatives democrat democratic democrats gop labor labour liberal republican republicans tory"
)
"""Words of parties: they say little about whose an office is."""

SEATS = words("kremlin pentagon") | {"white house"}
"""Institutions that also tell the nation."""

NATIONS = dict(
    pair.split("=")
    for pair in words(
        """
        afghan=afghanistan american=us argentine=argentina australian=australia austrian=austria belarusian=belarus
        belgian=belgium brazilian=brazil britain=uk british=uk bulgarian=bulgaria canadian=canada chilean=chile
        chinese=china colombian=colombia croatian=croatia cuban=cuba cypriot=cyprus czech=czechia danish=denmark
        dutch=netherlands egyptian=egypt english=uk estonian=estonia european=eu finnish=finland french=france
        georgian=georgia german=germany greek=greece hungarian=hungary icelandic=iceland indian=india
        indonesian=indonesia iranian=iran iraqi=iraq irish=ireland israeli=israel italian=italy japanese=japan
        jordanian=jordan kazakh=kazakhstan kingdom=uk korean=korea kremlin=russia latvian=latvia lebanese=lebanon
        libyan=libya lithuanian=lithuania mexican=mexico moldovan=moldova nations=un nigerian=nigeria
        norwegian=norway pakistani=pakistan palestinian=palestine pentagon=us philippine=philippines polish=poland
        portuguese=portugal qatari=qatar romanian=romania russian=russia saudi=saudi scottish=scotland
        serbian=serbia slovak=slovakia slovenian=slovenia spanish=spain states=us swedish=sweden swiss=switzerland
        syrian=syria taiwanese=taiwan thai=thailand turkish=turkey u.n=un u.s=us ukrainian=ukraine usa=us
        venezuelan=venezuela vietnamese=vietnam
        """
    )
) | {"white house": "us"}
NATIONS |= {nation: nation for nation in NATIONS.values()}
"""Adjective, country or seat -> the nation, by one word."""

_MEN = words("brother father husband king lord mr pope prince sir son")
_WOMEN = words("actress dame daughter lady miss mother mrs ms princess queen sister wife")


def gender_of_word(word: str) -> str:
    """Return "m" or "f" for titles and roles such as "spokesman" and "wife", in lower case, and "" for others."""
    if word.endswith("woman") or word in _WOMEN:
        return "f"
    return "m" if word in _MEN or (word.endswith("man") and word not in NATIONS) else ""
