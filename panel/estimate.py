"""What a run is expected to cost: a range made from a sample of its tools, prices, and what earlier runs took.

With no history of a model the range is wide and stays so however many tools there are: what is not known is how long
its answers are. With history it is as narrow as that history allows. Reads nothing; knows nothing of files.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from panel.done import Done
from panel.instrument import Instrument
from panel.models.budget import usd_text
from panel.schema import Dossier, Estimate, ModelInfo, Record
from panel.schema.past import History, Past
from panel.takes import Take, first_request, most_of_all, pair_takes, takes_of

Item = Dossier | tuple[Dossier, Dossier]
ANSWER_TOKENS = {("review", "verdict"): (120, 350), ("review", "full"): (250, 800), ("brief", "full"): (100, 250),
                 ("compare", "full"): (120, 400)}
"""Tokens of an answer where a model was never asked: terse and expected; the most is what it is allowed."""
ASCII_TOKENS = (0.18, 0.26, 0.40)
"""Tokens a byte of plain English and JSON, where a model was never asked: few, expected, many."""
OTHER_TOKENS = (0.20, 0.40, 1.0)
"""The same for bytes of other scripts."""
REASKED = (0.0, 0.05, 0.35)
"""Assignments that are asked once more, or fail and are counted, where a model was never asked."""
DEVIATIONS = 2.2
"""Half the width of a range with history, in standard deviations."""
DRIFT = 0.04
"""What no history shows: another night's answers are longer or shorter than all before, by such a share."""


class Forecast(Record):
    """What a run would do, and what it is expected to cost. Numbers are estimates from `sampled` of `tools`."""

    tools: int
    sampled: int
    left: int
    """Assignments to ask."""
    kept: int
    """Assignments that earlier runs have finished."""
    calls: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    seconds: float | None = None
    """By the pace of earlier runs; null where a model has none."""
    dearest_tool: float = 0.0
    """What a tool has to fit into a cap with, in US dollars: the most of the sample."""
    estimate: Estimate


class _Group(NamedTuple):
    """Assignments of one kind that one model is to be asked: how many of a sample, and their first messages."""

    info: ModelInfo
    kind: str
    depth: str
    number: float
    sizes: list[int]
    ascii_share: float
    max_tokens: int


class _Expected(NamedTuple):
    """What a group comes to. `deviation` is of its cost: history's spread; low and high hold what is not known."""

    calls: float
    tokens_in: float
    cached: float
    tokens_out: float
    low: float
    cost: float
    high: float
    deviation: float
    words: str


def forecast(sample: Sequence[Item], count: int, instrument: Instrument, done: Done, history: History) -> Forecast:
    """What asking `count` items is expected to take, judged by a sample of them and the models' history."""
    groups, kept, dearest = _groups(sample, count, instrument, done)
    expected = [_expect(group, history.pasts.get((group.info.name, group.kind, group.depth))) for group in groups]
    scale = count / max(1, len(sample))
    return Forecast(
        tools=count, sampled=len(sample), left=round(sum(group.number for group in groups)), kept=round(kept * scale),
        calls=round(sum(part.calls for part in expected)), tokens_in=round(sum(part.tokens_in for part in expected)),
        tokens_cached=round(sum(part.cached for part in expected)),
        tokens_out=round(sum(part.tokens_out for part in expected)),
        seconds=_seconds(groups, expected, history), dearest_tool=dearest,
        estimate=_estimate(groups, expected, count, len(sample)))


def within(estimate: Estimate, room: float | None, dearest_tool: float) -> Estimate:
    """The estimate under a cap that leaves `room` US dollars: a run stops when the next tool might not fit."""
    if room is None or estimate.high is None or estimate.high <= room:
        return estimate
    room = max(0.0, room)
    assert estimate.low is not None
    assert estimate.expected is not None
    least = max(0.0, room - 2 * dearest_tool)
    return Estimate(low=min(estimate.low, least), expected=min(estimate.expected, room), high=room, assumptions=(
        *estimate.assumptions, f"the caps leave {usd_text(room)}; all of it would cost "
        f"{usd_text(estimate.low)} to {usd_text(estimate.high)}"))


def _groups(sample: Sequence[Item], count: int, instrument: Instrument, done: Done) -> tuple[list[_Group], int, float]:
    """The assignments left, by model and kind; how many of the sample are kept; the dearest tool."""
    left: dict[tuple[str, str], list[Take]] = defaultdict(list)
    kept, dearest = 0, 0.0
    for item in sample:
        takes = takes_of(instrument, item) if isinstance(item, Dossier) else pair_takes(instrument, *item)
        asked = [take for take in takes if not done.has(take.assignment.key)]
        kept += len(takes) - len(asked)
        dearest = max(dearest, most_of_all(instrument, asked))
        for take in asked:
            left[take.assignment.model, take.assignment.kind].append(take)
    scale = count / max(1, len(sample))
    return [_group(instrument, model, kind, takes, scale) for (model, kind), takes in left.items()], kept, dearest


def _group(instrument: Instrument, model: str, kind: str, takes: list[Take], scale: float) -> _Group:
    sizes, plain = [], 0
    for take in takes:
        for_fields = instrument.infos[model].rung == "fields"
        request = first_request(instrument, take, "prompt" if for_fields else "json_schema")
        texts = [message.content for message in request.prompt.messages]
        sizes.append(sum(len(text.encode("utf-8", "replace")) for text in texts))
        plain += sum(len(text) if text.isascii() else len(text.encode("ascii", "ignore")) for text in texts)
    return _Group(instrument.infos[model], kind, takes[0].assignment.depth, len(takes) * scale, sizes,
                  plain / max(1, sum(sizes)), takes[0].assignment.sampling.max_tokens)


def _expect(group: _Group, past: Past | None) -> _Expected:
    return _again(group, past) if past is not None and past.enough else _guess(group)


def _again(group: _Group, past: Past) -> _Expected:
    """With history. The deviation of a sum of n is sqrt(n) times that of one; that of a mean that was taken from m
    is the deviation over sqrt(m), for each of the n.
    """
    number, size = group.number, sum(group.sizes) / len(group.sizes)
    price_in, price_out = group.info.price_in or 0.0, group.info.price_out or 0.0
    price_cached = price_in if group.info.price_cached is None else group.info.price_cached
    a_token = price_in + past.cached_share * (price_cached - price_in)
    tokens_in, tokens_out = size * past.tokens_a_byte.mean, past.tokens_out.mean
    one_in, one_out = size * past.tokens_a_byte.deviation * a_token, past.tokens_out.deviation * price_out
    sizes = math.sqrt(sum((each - size) ** 2 for each in group.sizes) / len(group.sizes))
    unseen = max(0.0, 1 - len(group.sizes) / number)
    cost = number * (tokens_in * a_token + tokens_out * price_out)
    variance = (
        number * (one_in**2 + one_out**2)
        + (number * one_in) ** 2 / past.tokens_a_byte.number + (number * one_out) ** 2 / past.tokens_out.number
        + (number * sizes * past.tokens_a_byte.mean * a_token) ** 2 * unseen / len(group.sizes)
        + (cost * DRIFT) ** 2)
    lost, lost_variance = _failures(past, number * past.calls_each)
    cost += lost
    variance += lost_variance
    words = (f"{_named(group)}: {number:,.0f} to ask, {tokens_in:,.0f} tokens in ({past.tokens_a_byte.mean:.2f} a "
             f"byte, {past.cached_share:.0%} cached) and {tokens_out:,.0f} out each, in {past.calls_each:.2f} calls, "
             f"as its last {past.tokens_out.number:,} took")
    return _Expected(number * past.calls_each, number * tokens_in, number * tokens_in * past.cached_share,
                     number * tokens_out, cost, cost, cost, math.sqrt(variance), words)


def _failures(past: Past, calls: float) -> tuple[float, float]:
    """What failed calls are counted as, and its variance: a Poisson count at a rate that was itself only counted
    (k + 1/2 of n sent, Jeffreys), so none so far does not mean none to come.
    """
    sent, failed, each, _ = past.calls
    if not sent:
        return 0.0, 0.0
    return calls * failed / sent * each, each**2 * calls * (failed + 0.5) / sent * (1 + calls / sent)


def _guess(group: _Group) -> _Expected:
    """Without history. Low, expected and high are ways a model may be: they add up over all that is asked of it."""
    number, size, info = group.number, sum(group.sizes) / len(group.sizes), group.info
    price_in, price_out = info.price_in or 0.0, info.price_out or 0.0
    least, usual = ANSWER_TOKENS[group.kind, group.depth]
    answers = (min(least, group.max_tokens), min(usual, group.max_tokens), group.max_tokens)
    ratios = [group.ascii_share * plain + (1 - group.ascii_share) * other
              for plain, other in zip(ASCII_TOKENS, OTHER_TOKENS, strict=True)]
    low_in = min(price_in, price_in if info.price_cached is None else info.price_cached)
    costs = [number * (1 + again) * (size * ratio * price + tokens * price_out) for again, ratio, price, tokens
             in zip(REASKED, ratios, (low_in, price_in, price_in), answers, strict=True)]
    times = 1 + REASKED[1]
    words = (f"{_named(group)}: {number:,.0f} to ask; it was not asked often enough before, so {size * ratios[0]:,.0f} "
             f"to {size * ratios[2]:,.0f} tokens in and {answers[0]:,} to {answers[2]:,} out each are allowed for "
             f"({size * ratios[1]:,.0f} and {answers[1]:,} expected), none to {REASKED[2]:.0%} of them asked again")
    return _Expected(number * times, number * times * size * ratios[1], 0.0, number * times * answers[1], costs[0],
                     costs[1], costs[2], 0.0, words)


def _named(group: _Group) -> str:
    noun = {"review": "reviews", "brief": "briefs", "compare": "comparisons"}[group.kind]
    return f"{group.info.name}, {noun}" + (f" at depth {group.depth}" if group.kind == "review" else "")


def _estimate(groups: list[_Group], expected: list[_Expected], count: int, sampled: int) -> Estimate:
    infos = {group.info.name: group.info for group in groups}
    words = [part.words for part in expected]
    if sampled < count:
        words.insert(0, f"{sampled:,} of {count:,} tools were looked at")
    for name, info in infos.items():
        if info.price_in is None or info.price_out is None:
            return Estimate(assumptions=(*words, f"the price of {name} is not known"))
        words.append(f"{name} costs {info.price_in * 1e6:.4g} USD a million tokens in and {info.price_out * 1e6:.4g} "
                     f"out ({info.price_version})")
    spread = DEVIATIONS * math.sqrt(sum(part.deviation**2 for part in expected)) if expected else 0.0
    low, cost, high = (sum(values) for values in zip(*((part.low, part.cost, part.high) for part in expected),
                                                     strict=True)) if expected else (0.0, 0.0, 0.0)
    if sampled < count:  # which of the others are done, nobody has looked
        spread = math.hypot(spread, DEVIATIONS * _share_deviation(groups, count, sampled) * cost)
    return Estimate(low=max(0.0, low - spread), expected=cost, high=high + spread, assumptions=tuple(words))


def _share_deviation(groups: list[_Group], count: int, sampled: int) -> float:
    """Standard deviation of the number of assignments left, as a share of it: a binomial count without return."""
    share = max((len(group.sizes) for group in groups), default=0) / max(1, sampled)
    if not 0 < share < 1:
        return 0.0
    return math.sqrt((1 - share) / (share * sampled) * (1 - sampled / count))


def _seconds(groups: list[_Group], expected: list[_Expected], history: History) -> float | None:
    """By the pace of each model's quickest run; models at different endpoints answer side by side."""
    took: dict[str, float] = defaultdict(float)
    for group, part in zip(groups, expected, strict=True):
        past = history.pasts.get((group.info.name, group.kind, group.depth))
        if past is None or not past.calls.a_second:
            return None
        took[group.info.endpoint] += part.calls / past.calls.a_second
    return max(took.values(), default=0.0)
