"""The word lists of the checks, how a text is cut into words, and one form for a word, its endings and its synonyms.

Stems are crude, fast, and enough for an overlap: no grammar. Knows nothing of verdicts or dossiers.
"""

# ruff: noqa: SIM905 - word lists are read and edited as text, not as hundreds of quoted strings

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

WORD = re.compile(r"[^\W_]+")
ASCII_WORDS = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128))
"""What each ASCII character becomes before a text is cut at its blanks: a third of the time the pattern takes."""
STOP = frozenset("""
across against alongside amid among beside besides beyond despite except regarding unlike versus whereas
a about above after again all almost along already also although always an and any anyone anything are around as at
away back be became because become becomes been before being below between both but by can cannot could did do does
doing done down during each either else enough even ever every everyone everything except few first for from get gets
give given gives go goes going had has have having he her here hers him his how however i if in indeed inside instead
into is isn it its itself just keep keeps kind last later least less let like likely made make makes many may maybe
me mean means might mine more most much must my near need needs neither never next no nobody none nor not nothing now
of off often on once one only onto or other others our out over own per perhaps plus put puts quite rather really
right same say says see seem seems she should since so some someone something soon still such take takes than that
the their them then there these they thing things this those though through thus to today together too toward towards
two under unless until up upon us use used uses using very via was way we well were what when where whether which
while who whole whom whose why will with within without won would yet you your yours
""".split())

GENERIC = frozenset("""
ability access agent agents app application applications apps assistant based better big build builder builders
building builds built business businesses buy buyer buyers call calls case category change clear code company
competitor competitors cost costs customer customers data day days default depend depends design developer developers
difference different dossier easy engineer engineers fact feature features field full future good great ground hard
help helps hold holds idea important integration integrations interesting investor kind language large library line
lines list little local long look machine maker makers market matter model models money month months moat name named
names new number open option options other part parts pay people place plan plans platform point points possible
price priced prices pricing problem product production products project projects question readme real reason release
result results right rival rivals run running runs scale seat second service set ship shipped shipping ships short
show shows side simple single skip skipped skips small software something source stack start startup state stated
states step still support supports system systems tagline task tasks team teams technology test text think time times
tool tools true use user users value vendor version want wants week weeks work works world write year years
""".split())
"""Words of the trade: a quote that shares only these with a dossier could be of any tool."""

COMMON_NAMES = frozenset(
    "bash csv eu git github html js json linux macos pdf python sql us usd windows xml yaml".split())
"""Names that nobody needs to look up, and that a claim must have from its lines all the same."""

COMMON_TERMS = COMMON_NAMES | frozenset("""
ai api apis arr b2b b2c ceo cfo ci cio cli clis cpu cpus cto demo devops ear faq gpu gpus gui hr http https ide ides
it kpi llm llms ml mrr mvp nlp ocr ok oss os pc po pr prs qa ram readme
rest roi saas sdk sdks smb smbs sso tco ui url urls ux vc vcs vram www yes no none unknown
monday tuesday wednesday thursday friday saturday sunday english western internet builder investor analyst futurist
competitor engineer developer developers tools ship skip verdict moat dossier persona
""".split())
"""Names and terms nobody needs to look up: not sent to the editor as `to check`."""

MONTHS = {name: number for number, names in enumerate((
    "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
    "september sept sep", "october oct", "november nov", "december dec"), start=1) for name in names.split()}

UNITS = {word: number for number, word in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty".split())}
TENS = {word: 10 * number for number, word in enumerate(
    "thirty forty fifty sixty seventy eighty ninety".split(), start=3)}
NUMBER_WORDS = {**UNITS, **TENS}
MAGNITUDES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
MANY = {f"{word}s": value for word, value in MAGNITUDES.items()}
FRACTIONS = {"half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4, "fourth": 1 / 4, "fifth": 1 / 5, "sixth": 1 / 6,
             "eighth": 1 / 8, "tenth": 1 / 10}
TIMES = {"twice": 2, "thrice": 3, "twofold": 2, "threefold": 3, "fourfold": 4, "fivefold": 5, "tenfold": 10,
         "hundredfold": 100}

QUARTERS = frozenset({"q1", "q2", "q3", "q4", "h1", "h2"})
LONE_MARKS = frozenset("- – — -- … ... & + / * • | = > . ,".split())
LICENCE_WORDS = frozenset("""
agpl agplv3 apache bsd bsl busl cc cc0 commons elv2 epl eupl gnu gpl gplv2 gplv3 isc lgpl lgplv3 licence licences
license licensed licenses mit mozilla mpl proprietary sspl unlicense wtfpl
""".split())


def words_of(text: str) -> list[str]:
    """The words and numbers of a text in order, case folded."""
    return text.translate(ASCII_WORDS).split() if text.isascii() else WORD.findall(text.casefold())


def count_words(text: str) -> int:
    """Words as an editor counts them: runs between white space, dashes and bullets that stand alone not counted."""
    runs = text.split()
    return len(runs) - sum(map(LONE_MARKS.__contains__, runs))


ENDINGS = tuple("""
izations ization isations isation ations ements ation ators ement ments ities ingly ables ators ions ator ment ings
ness able ible ance ence ants ents ally ing ies ied ity ive ors ers ful ion ant ent ed er or es ly al s y e
""".split())
"""What a word may end with without becoming another, longest first."""
SHORTEST = 3

_GROUPS = """
price cost charge fee bill pay paid rate dear expensive sell sold sale
free gratis nothing
month monthly
year yearly annual
week weekly
hour hourly
license licence
user seat head member person people customer
launch release introduce ship arrive open opened debut present unveil
acquire bought purchase buy
company firm maker vendor supplier provider
delete remove purge wipe erase
keep kept retain store stay hold
limit cap maximum ceiling most restrict
allow permit let
connect link integrate attach
picture image photo
video movie clip footage
begin start began
stop end cease
fast quick speed rapid sooner
support handle accept
notebook jupyter
write written author
read view
show display
build built create made make creator
run execute ran
need require must
tier plan tariff
answer reply respond response
question query
choose pick select
default
word term
several many dozens numerous
website web site page
phone mobile
language tongue
evaluate eval evals evaluation benchmark
document doc docs file
cheap low lower
library package framework
server backend
add added addition
""".strip().split("\n")
"""Words that say the same of a tool, one group a line."""


_BY_LAST = {last: tuple(ending for ending in ENDINGS if ending[-1] == last) for last in {each[-1] for each in ENDINGS}}


def _without_ending(word: str) -> str:
    found = word
    for ending in _BY_LAST.get(word[-1], ()):
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            found = word[:-len(ending)]
            break
    return found[:-1] if len(found) > SHORTEST and found[-1] == found[-2] else found


_SYNONYMS = {form: words.split()[0] for words in _GROUPS for word in words.split()
             for form in (word, _without_ending(word))}


_NO_CONTENT = STOP | NUMBER_WORDS.keys() | MAGNITUDES.keys()


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """The word without its ending, or the first of its synonyms."""
    found = _without_ending(word)
    return _SYNONYMS.get(word) or _SYNONYMS.get(found, found)


def content_stems(words: Iterable[str]) -> set[str]:
    """The stems of the words that carry content."""
    return {stem(word) for word in words if len(word) > 2 and word not in _NO_CONTENT}
