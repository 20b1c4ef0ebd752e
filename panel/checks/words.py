"""The word lists of the checks, and how a text is cut into words. Knows nothing of verdicts or dossiers."""

# ruff: noqa: SIM905 - word lists are read and edited as text, not as hundreds of quoted strings

from __future__ import annotations

import re
from collections.abc import Iterable

WORD = re.compile(r"[^\W_]+")
ASCII_WORDS = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128))
"""What each ASCII character becomes before a text is cut at its blanks: a third of the time the pattern takes."""
STEM = 5
"""Two words are taken for one when they begin with the same five letters: crude, fast, and enough for an overlap."""

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

COMMON_TERMS = frozenset("""
ai api apis arr b2b b2c bash ceo cfo ci cio cli clis cpu cpus csv cto demo devops ear faq git github gpu gpus gui hr
html http https ide ides it js json kpi llm llms ml mrr mvp nlp ocr ok oss os pc pdf po pr prs python qa ram readme
rest roi saas sdk sdks smb smbs sql sso tco ui url urls usd us eu ux vc vcs vram www xml yaml yes no none unknown
monday tuesday wednesday thursday friday saturday sunday english western internet builder investor analyst futurist
competitor engineer developer developers tools ship skip verdict moat dossier persona
""".split())
"""Names nobody needs to look up: not sent to the editor as `to check`."""

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

QUARTERS = frozenset({"q1", "q2", "q3", "q4", "h1", "h2"})
LONE_MARKS = frozenset("- – — -- … ... & + / * • | = > . ,".split())
LICENCE_WORDS = frozenset("""
agpl agplv3 apache bsd bsl busl cc cc0 elastic elv2 gnu gpl gplv2 gplv3 isc lgpl lgplv3 mit mozilla mpl proprietary
sspl unlicense
""".split())


def words_of(text: str) -> list[str]:
    """The words and numbers of a text in order, case folded."""
    return text.translate(ASCII_WORDS).split() if text.isascii() else WORD.findall(text.casefold())


def count_words(text: str) -> int:
    """Words as an editor counts them: runs between white space, dashes and bullets that stand alone not counted."""
    runs = text.split()
    return len(runs) - sum(map(LONE_MARKS.__contains__, runs))


def content_stems(words: Iterable[str]) -> set[str]:
    """The stems of the words that carry content."""
    return {word[:STEM] for word in words if len(word) > 2 and word not in STOP}
