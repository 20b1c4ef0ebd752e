"""Asking a small model to choose: one token's probabilities, or a few tokens under a grammar of what is allowed.

Each ask is the shared prefix (rules, examples, dossier), a short question, and the beginning of the answer. Knows
nothing of what is done with the choice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from panel.errors import VerdictError
from panel.prompts import PromptFolder, render_file, render_probe
from panel.schema import Completion, DossierLines, Message, Persona, Probe, Prompt, TokenLogprob

TOP = 20
"""Alternatives asked for of a token."""
TOKENS_TO_TELL = 12
"""Tokens enough to tell any two options of a choice apart."""
ANSWERS = ("yes", "no")
"""Yes to the persona's statement is ship, no is skip."""


class Ask(Protocol):
    """The loop around a call: journals it, retries, and replays it by its step when a run is resumed."""

    async def __call__(self, step: str, kind: str, prompt: Prompt, *, rung: Any = "fields", grammar: str | None = None,
                       max_tokens: int | None = None, top_logprobs: int = 0, stop: tuple[str, ...] = (),
                       **sampling: Any) -> Completion:
        """One completion. Raises ModelError."""


class Chooser:
    """What one assignment's choices share: the way to ask, the folder and the dossier."""

    def __init__(self, ask: Ask, folder: PromptFolder, lines: DossierLines, persona: Persona) -> None:
        self._ask = ask
        self._folder = folder
        self._persona = persona
        self.probe_prompt = render_probe(folder, lines, persona)

    async def probe(self) -> Probe:
        """P(ship): the mass of yes among yes and no where the verdict begins. Raises VerdictError without it."""
        return await self._yes("probe", "probe", self.probe_prompt)

    async def weigh(self, step: str, statement: str) -> float:
        """The log-odds that the model gives a statement about the tool. Raises VerdictError without any."""
        question = render_file(self._folder, "statement.j2", {"statement": statement})
        probe = await self._yes(step, "field", self._prompt(question, '{"verdict":"'))
        share = min(max(probe.p_ship, 1e-6), 1 - 1e-6)
        return math.log(share / (1 - share))

    async def _yes(self, step: str, kind: str, prompt: Prompt) -> Probe:
        completion = await self._ask(step, kind, prompt, rung="fields", grammar=one_of_these(ANSWERS), max_tokens=1,
                                     top_logprobs=TOP, temperature=0.0)
        mass = word_mass(completion.logprobs[:1], ANSWERS)
        coverage = sum(mass.values())
        if coverage <= 0:
            raise VerdictError("the model gave no probability to either verdict", completion.text)
        return Probe(p_ship=mass["yes"] / coverage, coverage=min(coverage, 1.0))

    async def choose(self, kind: str, begun: str, options: Sequence[str], listed: Sequence[str] = ()) -> int:
        """Which of the options the model's answer begins; no call is made where there is nothing to choose."""
        if len(options) < 2:
            return 0
        prompt = self._prompt(self._question(kind, listed), begun)
        completion = await self._ask(kind, "field", prompt, rung="fields", grammar=one_of_these(options),
                                     max_tokens=TOKENS_TO_TELL, temperature=0.0)
        return meant(completion.text, options)

    async def expect(self, kind: str, values: Mapping[str, int], listed: Sequence[str] = ()) -> int:
        """The mean of `values` by the probabilities of their first digits; the digits must differ."""
        prompt = self._prompt(self._question(kind, listed), f'{{"{kind}":')
        completion = await self._ask(kind, "field", prompt, rung="fields", grammar=one_of_these(list(values)),
                                     max_tokens=1, top_logprobs=TOP, temperature=0.0)
        mass = word_mass(completion.logprobs[:1], tuple(values))
        whole = sum(mass.values())
        if whole <= 0:
            return round(sum(values.values()) / len(values))
        return round(sum(values[word] * share for word, share in mass.items()) / whole)

    def _question(self, kind: str, listed: Sequence[str]) -> str:
        variables = {"kind": kind, "who": self._persona.name, "options": list(listed)}
        return render_file(self._folder, "choose.j2", variables)

    def _prompt(self, question: str, begun: str) -> Prompt:
        """The probe's messages with another question and another beginning: the same prefix, byte for byte."""
        rules, user, _ = self.probe_prompt.messages
        return Prompt(messages=(rules, Message(role="user", parts=(*user.parts[:-1], question)),
                                Message(role="assistant", parts=(begun,))))


def one_of_these(options: Mapping[str, Any] | Sequence[str]) -> str:
    """A GBNF grammar that allows exactly these texts, whatever stands in them."""
    return "root ::= " + " | ".join(f'"{_escaped(option)}"' for option in options)


def _escaped(text: str) -> str:
    """A text inside a GBNF literal; what is not printable ASCII is written by its code point."""
    marks = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "".join(marks.get(letter) or (letter if " " <= letter <= "~" else _code(letter)) for letter in text)


def _code(letter: str) -> str:
    point = ord(letter)
    if point < 0x100:
        return f"\\x{point:02X}"
    return f"\\u{point:04X}" if point < 0x10000 else f"\\U{point:08X}"


def meant(text: str, options: Sequence[str]) -> int:
    """Which option a text that may have been cut begins; where two begin alike, the first."""
    def common(option: str) -> int:
        size = min(len(text), len(option))
        return next((place for place in range(size) if text[place] != option[place]), size)

    return max(range(len(options)), key=lambda place: (common(options[place]), -place))


def word_mass(tokens: Sequence[TokenLogprob], words: Sequence[str]) -> dict[str, float]:
    """The probability of the tokens that begin exactly one of the words, case and spaces aside, summed by word."""
    mass = dict.fromkeys(words, 0.0)
    for token in tokens:
        for text, logprob in dict([*token.top, (token.token, token.logprob)]).items():
            begun = text.strip().strip('"').casefold()
            fits = [word for word in words if begun and (word.startswith(begun) or begun.startswith(word))]
            if len(fits) == 1 and -1000 < logprob <= 0:
                mass[fits[0]] += math.exp(logprob)
    return mass
