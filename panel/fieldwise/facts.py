"""The lines of a dossier → short facts that can stand in quotation marks: sentences or phrases, none of them code.

A fact is cut out of its line, never rewritten, so its line supports it. Knows nothing of models, personas or prompts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from panel.schema import DossierLines, Line, Record

MOST_WORDS = 24
FEWEST_WORDS = 5
FEWEST_PHRASE = 3
MOST_PHRASE = 5
"""Words of a phrase: so few that several seats can quote the same one without sharing six words."""
SHARED_WORDS = 5
"""So many words in a row make two facts the same fact: a word of the sentence around them would make it six."""
PHRASE_LINES = 4
PROSE = frozenset({"tagline", "description", "facts", "fact"})

BULLET = re.compile(
    r"^\s*(?:[-*+•>]+|\d+[.)](?=\s)|(?:path|step|option) \d+:|\[[^\]]*\d{4}[^\]]*\]"
    r"|[^\w\s\"'“‘(`$€£<.@#/-]+)\s*", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?])[\"”')]?\s+(?=[A-Z0-9“\"])|\s+[—–]\s+(?=[A-Z][a-z]+ )|;\s+")
SHORTENED = re.compile(r"\b(?:e\.g|i\.e|a\.k\.a|etc|incl|vs|approx|Inc|Ltd|Co|Dr|Mr|St|No|cf|al)\.[\"”')]?\s*$")
JOINT = re.compile(
    r",\s+(?=(?:so|but|which|that|while|making|allowing|eliminating|enabling|where|ideal)\b)|\s+[—–-]{1,2}\s+|—"
    r"|\s+(?=plus\b)|,\s+(?:so|but|and|while) (?=(?:it|you|that|enabling|making|provid\w+|offers?|come)\b)")
LIST_COMMA = re.compile(r",\s+")
LEADING = re.compile(r"^plus\s+|^(?:so|but|and|while)\s+(?=you\b|it\b|[A-Z])")
RELATIVE = re.compile(
    r"^(?:which|that|making|allowing|eliminating|enabling|where|ideal|so|but|and|while|including|provid)\w*\b"
    r"|^(?:with|to|for|in|on|or)\b")
PHRASE_END = re.compile(
    r"[,;:.()!?]\s+|\s+[-–—]+\s+|\s+(?=(?:and|or|with|from|via|over|using|into|that|which|so|while)\b)")
COMMAND = re.compile(
    r"(?:pip|pipx|uv|uvx|brew|npm|npx|conda|docker|cargo)(?: tool)? (?:install|add|run|pull) [\w@./\[\]-]+")
BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
CALL = re.compile(r"\w\([^)]*\)")
CODE = re.compile(
    r"https?:|www\.|[{}<>=\\|→]|\w\(|\)\.|\w::|\$ |^\s*[#@%]|\.(?:html?|md|toml|json|ya?ml|txt|ipynb)\b|--\w|…"
    r"|\s/\w|\w_\w|\w+@\w|\s-\w\b|\s,|\(\s"
    r"|^(?:pip|pipx|brew|uvx?|npx?m?|conda|docker|git|curl|python|cargo|import|from|export|sudo) ")
PERSONAL = re.compile(
    r"\b(?:we|we're|we've|we'd|our|us|I|my|let's|here's|here|below|above|following)\b", re.IGNORECASE)
ORDERS = re.compile(
    r"^(?:please|see|check|join|follow|read|visit|watch|sign|learn|need|click|star|set|save|note|paste|add|go|if|to|"
    r"looking|want|for|however|yes|no\.|cf|first|then|next|now|once|after|when|before|install|"
    r"run (?:it|the|cell|linting)|create (?:an?|input)|call|make sure|remember|explore|try|dive|download|book|request|"
    r"share|made|that's|it's|this (?!package|client|library|project|tool|framework)|these|those|"
    r"such|you (?!can)|your|they|their|and|or|but|also|questions|find|more|copyright|thanks|individual|prefix|"
    r"initialize|optionally|output|example|say|with \w+ you|getting|get started|start|work on|by \w+ing|"
    r"use the (?:same|following)|configure|connect|upgrade|choose|connects?|under|as|from|in addition|further|"
    r"speak|ask|fast and|coming|what|why|how|who|where|is|are|does|do|can|latest|documentation)\b", re.IGNORECASE)
"""Beginnings of sentences that tell a reader what to do, or lead on from another: they say nothing alone."""
UNFIT = re.compile(
    ORDERS.pattern + r"|.*\b(?:is|are|was|this|connects)\b|^(?:that|which|with|via|using|to|for|in|on|by|from|can|be|"
    r"it|not|also|when|where|who|or|run|you)\b", re.IGNORECASE)
ANOTHER = re.compile(r"^(?:Use )?([A-Z][a-z]+[A-Z]\w*)(?: is| are| when)\b")
"""A sentence about another product."""
NOISE = re.compile(
    r"\b(?:logo|newsletter|official project website|discord|slack|docs|documentation|readme|submodule|repo|namespace|"
    r"traceback|tutorials?|cite|citation|contribut\w+|pull requests? welcome|changelog|badge|twitter|linkedin|youtube|"
    r"user guide|checkouts?|subcommand|environment variable|virtual environment|distribution|package name|"
    r"this example|starred|copyright|license[ds]? under)\b", re.IGNORECASE)
QUESTION = re.compile(r"[?!]\s*$")
VERB = re.compile(
    r"\b(?:is|are|was|has|have|can|lets?|makes?|provides?|supports?|works?|runs?|allows?|helps?|enables?|offers?|uses?|"
    r"includes?|[a-z]{3,}(?:s|es|ed|ing|ize|ise))\b")
EDGES = re.compile(r"^[\s.,;:–—*_|·)\]-]+|(?:[\s.,;:–—*_|·(\[-]|[^\w\s'%+)\]])+$")
DANGLING = re.compile(
    r"\s+(?:and|or|but|with|for|of|to|the|an?|in|on|by|as|at|from|that|which|via|such|than|into|e\.g\.?|i\.e\.?|"
    r"incl\.?|including|any|all|its|your|is|are|who|can|not|using|para|de|pour|für|und)$", re.IGNORECASE)


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
            if not word_runs(text) & seen and not any(_words(text) == _words(fact.text) for fact in found):
                new = text
            else:
                new = _unsaid(text, seen)
            if new:
                seen |= word_runs(new)
                found.append(Fact(line=line.number, text=new, field=line.field, rank=len(found)))
    return tuple(found)


def _unsaid(text: str, seen: set[tuple[str, ...]]) -> str:
    """What follows a comma of a sentence that was said before in part, from where it is new; empty when nothing is."""
    for match in LIST_COMMA.finditer(text):
        rest = _trim(text[match.end():])
        fit = len(rest.split()) > FEWEST_WORDS + 1 and VERB.search(rest) and not RELATIVE.match(rest)
        if fit and not word_runs(rest) & seen:
            return rest[0].upper() + rest[1:]
    return ""


def find_phrases(lines: DossierLines) -> list[Fact]:
    """Phrases of FEWEST_PHRASE to MOST_PHRASE words out of the first lines of prose, for dossiers with little of it."""
    found: dict[str, Fact] = {}
    prose = (line for line in lines.lines if line.field in PROSE)
    for line in [line for line in prose if not CODE.search(line.text) and not NOISE.search(line.text)][:PHRASE_LINES]:
        text = re.sub(rf"^{re.escape(line.field)}:\s*", "", line.text.strip(), flags=re.IGNORECASE)
        for piece in phrases(BULLET.sub("", text)):
            if not set(_words(piece)) <= set(_words(lines.name)):
                shown = _capital(piece, lines.name)
                found.setdefault(piece, Fact(line=line.number, text=shown, field=line.field, rank=len(found)))
    return list(found.values())


def field_facts(lines: DossierLines) -> list[Fact]:
    """Licence, version and first install command, where the lines give them in few words."""
    found: dict[str, Fact] = {}
    for line in lines.lines:
        text = line.text.strip()
        if line.field in ("license", "version"):
            text = text.partition(":")[2].strip() if ":" in text else text
            kind = line.field
        elif COMMAND.fullmatch(text):
            kind = "command"
        else:
            continue
        if 0 < len(text.split()) <= MOST_PHRASE:
            found.setdefault(kind, Fact(line=line.number, text=text, field=kind, rank=len(found)))
    return list(found.values())


def phrases(text: str) -> list[str]:
    """A sentence as phrases of FEWEST_PHRASE to MOST_PHRASE words, cut at its joints."""
    pieces: list[str] = []
    for part in PHRASE_END.split(text.replace("`", "").replace('"', "'")):
        piece = _trim(" ".join(_trim(part).split()[:MOST_PHRASE]))
        if len(piece.split()) >= FEWEST_PHRASE and not UNFIT.match(piece + " ") and not PERSONAL.search(piece):
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
    if text.endswith(":"):  # the sentence that leads in to what follows says nothing alone
        text = " ".join([*SENTENCE_END.split(text)[:-1]])
    if not text or text.endswith(",") or text.startswith(('"', "“", "'")):
        return
    own = set(_words(lines.name))
    if _is_command(text, lines.name):
        return
    for sentence in _sentences(text):
        for cut in _fit(sentence):
            other = ANOTHER.match(cut)
            if not set(_words(cut)) <= own and (other is None or other[1].casefold() in lines.name.casefold()):
                yield _capital(cut, lines.name)


def _capital(text: str, name: str) -> str:
    """With a capital, unless it begins with a name that is written without one."""
    first = text.partition(" ")[0].strip(":,")
    plain = first.isalpha() and first.islower() and first != name.lower()
    return text[0].upper() + text[1:] if plain else text


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
    sentence = BRACKETS.sub("", CALL.sub("= ", sentence))  # a call would read as a word once its brackets are gone
    if CODE.search(sentence) or NOISE.search(sentence) or PERSONAL.search(sentence) or QUESTION.search(sentence):
        return
    text = _trim(sentence.replace("“", "'").replace("”", "'").replace('"', "'"))
    text = re.sub(r"\s+--?\s+", " – ", text)
    if ORDERS.match(text + " ") or sum(ord(letter) > 0x2fff for letter in text) > 2:
        return
    for number, piece in enumerate(_pieces(text)):
        words = piece.split()
        if len(words) < FEWEST_WORDS or not piece[0].isalnum() or not (number or VERB.search(piece) or " – " in piece):
            continue
        if piece.count("(") != piece.count(")") or (re.search(r"(?:^|\s)'", piece) and piece.count("'") % 2):
            continue
        yield piece


def _pieces(text: str) -> list[str]:
    """The text; where it is too long, its beginning up to a joint, and what follows the joint if that stands alone.

    A list that has to be cut ends in an ellipsis.
    """
    if len(text.split()) <= MOST_WORDS:
        return [text]
    best: list[str] = []
    for joint in (JOINT, LIST_COMMA):
        for match in joint.finditer(text):
            head, rest = _trim(text[:match.start()]), _trim(LEADING.sub("", text[match.end():]))
            if FEWEST_WORDS + 2 <= len(head.split()) <= MOST_WORDS:
                alone = joint is JOINT and FEWEST_WORDS < len(rest.split()) <= MOST_WORDS and not RELATIVE.match(rest)
                best = [head, rest] if alone else [head if joint is JOINT else f"{head} ..."]
        if best:
            break
    return best


def _trim(text: str) -> str:
    """Without the punctuation and the small words that hang at its ends."""
    text = EDGES.sub("", " ".join(text.split()))
    while DANGLING.search(text):
        text = DANGLING.sub("", text).rstrip(" .,;:–—-")
    return re.sub(r"(?:,? etc|,? and (?:much |dozens |many )*more|, more)$", "", text)
