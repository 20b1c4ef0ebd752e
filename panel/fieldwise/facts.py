"""The lines of a dossier → short facts that can stand in quotation marks: whole sentences or phrases, none of them code.

A fact is cut out of its line, never rewritten, so its line supports it. Knows nothing of models, personas or prompts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from panel.schema import DossierLines, Line, Record

MOST_WORDS = 24
FEWEST_WORDS = 5
FEWEST_THIN = 3
"""A thin dossier is little more than a tagline: its facts may be phrases."""
SHARED_WORDS = 6
"""So many words in a row make two texts the same text."""
THIN_WORDS = 5
"""Phrases of a thin dossier are shorter than SHARED_WORDS, so that several seats can quote the same one."""

PROSE = frozenset({"tagline", "description", "facts", "fact"})
BULLET = re.compile(r"^\s*(?:[-*+•>]+|\d+[.)](?=\s)|(?:path|step|option) \d+:|\[[^\]]*\d{4}[^\]]*\]|[^\w\s\"'“‘(`$€£<.@#/-]+)\s*", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?])[\"”')]?\s+(?=[A-Z0-9“\"])|\s+[—–]\s+(?=[A-Z][a-z]+ )|;\s+")
SHORTENED = re.compile(r"\b(?:e\.g|i\.e|a\.k\.a|etc|incl|vs|approx|Inc|Ltd|Co|Dr|Mr|St|No|cf|al)\.[\"”')]?\s*$")
CLAUSE_END = re.compile(r",\s+(?=(?:and|or|but|so|with|which|that|while|including|making|allowing|ideal|running|where)\b)"
                        r"|\s+[—–-]{1,2}\s+|:\s+|,\s+")
BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
CODE = re.compile(r"https?:|www\.|[{}<>=\\|→]|\w\(|\)\.|\w::|\$ |^\s*[#@%]|\.(?:html?|md|toml|json|ya?ml|txt|ipynb)\b|--\w|…|\s/\w"
                  r"|\w_\w|\w+@\w|\s-\w\b|\s,|\(\s|^(?:pip|pipx|brew|uvx?|npx?m?|conda|docker|git|curl|python|cargo|import|from|export|sudo) ")
PERSONAL = re.compile(r"\b(?:we|we're|we've|we'd|our|us|I|my|let's|here's|here|below|above|following)\b", re.IGNORECASE)
ORDERS = re.compile(
    r"^(?:please|see|check|join|follow|read|visit|watch|sign|learn|need|click|star|set|save|note|paste|add|go|if|to|"
    r"looking|want|for|however|yes|no\.|cf|first|then|next|now|once|after|when|before|install|"
    r"run (?:it|the|cell|linting)|create (?:an?|input)|call|make sure|remember|explore|try|dive|download|book|request|"
    r"share|made|that's|it's|this|these|those|"
    r"such|you|your|they|their|and|or|but|also|welcome|questions|find|more|copyright|thanks|individual|prefix|"
    r"initialize|optionally|output|example|say|with \w+ you|getting|get started|start|work on|by \w+ing|"
    r"use the (?:same|following)|configure|connect|upgrade|choose|connects?|under|as|from|in addition|further|"
    r"speak|ask|fast and|coming|what|why|how|who|where|is|are|does|do|can|latest|documentation)\b", re.IGNORECASE)
NOISE = re.compile(r"\b(?:logo|newsletter|website|discord|slack|docs|documentation|readme|submodule|repo|namespace|traceback|"
                   r"tutorials?|cite|citation|contribut\w+|pull requests? welcome|changelog|badge|twitter|linkedin|youtube|"
                   r"user guide|checkouts?|starred|copyright|license[ds]? under)\b", re.IGNORECASE)
QUESTION = re.compile(r"[?!]\s*$")
VERB = re.compile(r"\b(?:is|are|was|has|have|can|lets?|makes?|provides?|supports?|works?|runs?|allows?|helps?|"
                  r"enables?|offers?|uses?|includes?|[a-z]{3,}(?:s|es|ed|ing|ize|ise))\b")
LEADING = re.compile(r"^(?:so|and|or|but|with|which|that|while|where)\s+", re.IGNORECASE)
EDGES = re.compile(r"^[\s.,;:–—*_|·-]+|(?:[\s.,;:–—*_|·-]|[^\w\s'%+)\]])+$")
DANGLING = re.compile(r"\s+(?:and|or|but|with|for|of|to|the|an?|in|on|by|as|at|from|that|which|via|like|such|than|into|"
                      r"e\.g\.?|i\.e\.?|incl\.?|including|more|any|all|its|your|is|are|who|can|not|using)$", re.IGNORECASE)


class Fact(Record):
    """Words of one line, fit to be quoted. `rank` orders the facts of a dossier, best first."""

    line: int
    text: str
    field: str
    rank: int

    @property
    def words(self) -> int:
        """How many words."""
        return len(self.text.split())


def find_facts(lines: DossierLines) -> tuple[Fact, ...]:
    """The facts of a dossier in reading order, none repeating another. A dossier without prose has none."""
    found: list[Fact] = []
    seen: set[tuple[str, ...]] = set()
    for line in lines.lines:
        for text in _texts_of(line, lines):
            runs = word_runs(text)
            if runs & seen or any(_words(text) == _words(fact.text) for fact in found):
                continue
            seen |= runs
            found.append(Fact(line=line.number, text=text, field=line.field, rank=len(found)))
    return tuple(found)


def phrases(text: str) -> list[str]:
    """A thin dossier's sentence as phrases of THREE to THIN_WORDS words, cut at its joints where it has any."""
    pieces: list[str] = []
    for part in re.split(r"[,;:.()]\s+|\s+[-–—]+\s+|\s+(?=(?:and|or|for|with|from|via|over|using|into|that|to|on|by|in)\b)", text):
        words = part.split()
        while words:
            piece = _trim(" ".join(words[:THIN_WORDS]))
            words = words[THIN_WORDS:]
            if len(piece.split()) >= FEWEST_THIN - 1 and not ORDERS.match(piece + " "):
                pieces.append(piece)
    return list(dict.fromkeys(pieces))


def word_runs(text: str, size: int = SHARED_WORDS) -> set[tuple[str, ...]]:
    """Every run of `size` words of a text, folded and without punctuation; a shorter text has none."""
    words = _words(text)
    return {tuple(words[start:start + size]) for start in range(len(words) - size + 1)}


def _words(text: str) -> list[str]:
    return re.findall(r"[\w$€£%.']*\w[%+]?", text.casefold())


def _texts_of(line: Line, lines: DossierLines) -> Iterable[str]:
    if line.field not in PROSE:
        return
    text = re.sub(rf"^{re.escape(line.field)}:\s*", "", line.text.strip(), flags=re.IGNORECASE)
    if CODE.search(text[:60].lstrip("-*• ")):
        return
    text = BULLET.sub("", BULLET.sub("", text)).replace("`", "").replace("**", "").strip()
    if text.endswith((":", ",")) or text.startswith(('"', "“", "'")):
        return
    own = set(_words(lines.name))
    if _is_command(text, lines.name):
        return
    for sentence in _sentences(text):
        for cut in _fit(sentence):
            if not set(_words(cut)) <= own:
                yield cut


def _is_command(text: str, name: str) -> bool:
    """Whether a line is the tool called in a shell: its lower-case name, then no verb."""
    first, _, rest = text.partition(" ")
    second = rest.partition(" ")[0]
    return first == name.lower() and (not second or not second.isalpha() or VERB.match(second) is None)


def _sentences(text: str) -> Iterable[str]:
    parts = SENTENCE_END.split(text)
    whole = ""
    for part in parts:
        whole = f"{whole} {part}" if whole else part
        if SHORTENED.search(whole):
            continue
        yield whole
        whole = ""
    if whole:
        yield whole


def _fit(sentence: str) -> Iterable[str]:
    """The sentence as it can be quoted, in two pieces where it is too long; nothing when it is no statement."""
    if CODE.search(sentence) or NOISE.search(sentence) or PERSONAL.search(sentence) or QUESTION.search(sentence):
        return
    text = _trim(BRACKETS.sub("", sentence).replace("“", "'").replace("”", "'").replace('"', "'"))
    text = re.sub(r"\s+--?\s+", " – ", text)
    if ORDERS.match(text + " ") or sum(ord(letter) > 0x2fff for letter in text) > 2:
        return
    for number, piece in enumerate(_pieces(text)):
        words = piece.split()
        if len(words) < FEWEST_WORDS or not piece[0].isalnum() or not (number or VERB.search(piece)):
            continue
        if piece.count("(") != piece.count(")") or re.search(r"(?:^|\s)'", piece) and piece.count("'") % 2:
            continue
        yield piece[0].upper() + piece[1:] if words[0].isalpha() and words[0].islower() else piece


def _pieces(text: str) -> list[str]:
    """The text, or where it is too long its beginning up to a clause end, and what follows if that is long enough."""
    if len(text.split()) <= MOST_WORDS:
        return [text]
    head, rest = "", ""
    for match in CLAUSE_END.finditer(text):
        candidate = _trim(text[:match.start()])
        if FEWEST_WORDS + 2 <= len(candidate.split()) <= MOST_WORDS:
            head, rest = candidate, _trim(LEADING.sub("", text[match.end():]))
    if len(rest.split()) > MOST_WORDS or len(rest.split()) < FEWEST_WORDS + 1 or ORDERS.match(rest + " "):
        rest = ""
    return [piece for piece in (head, rest) if piece]


def _trim(text: str) -> str:
    """Without the punctuation and the small words that hang at its ends."""
    text = EDGES.sub("", " ".join(text.split()))
    while DANGLING.search(text):
        text = DANGLING.sub("", text).rstrip(" .,;:–—-")
    return re.sub(r",? etc$", "", text)
