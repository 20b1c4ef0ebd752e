"""Figures → the tables of TABLE.md, between its two marks; the text around them is written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.peers.environments import OURS, PEERS

TABLE = Path(__file__).resolve().parent / "TABLE.md"
BEGIN, END = "<!-- figures: written by python -m bench.peers -->\n", "<!-- end of figures -->\n"
SPEEDS = ("64", "256", "0s")
LICENCES = {OURS: "MIT"} | {peer.name: peer.licence for peer in PEERS}


def write_table(results: dict[str, Any]) -> None:
    """Put the figures where the marks are. Raises ValueError if TABLE.md lost them."""
    text = TABLE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after and END not in rest:
        raise ValueError(f"{TABLE}: the marks around the figures are gone")
    names = [name for name in LICENCES if name in results]
    tables = "\n".join([_speeds(results, names), "", _storms(results, names), "", _problems(results, names)])
    TABLE.write_text(f"{before}{BEGIN}\n{tables.rstrip()}\n\n{END}{after}", encoding="utf-8")


def _speeds(results: dict[str, Any], names: list[str]) -> str:
    """A row for each, in the order of PEERS, ours first."""
    ours = results.get(OURS, {}).get("cells", {}).get("256", {}).get("cpu_ms")
    lines = ["| | versions | licence | measured | verdicts | 64: verdicts/s | CPU ms | 256: verdicts/s | CPU ms "
             "| 0 s: verdicts/s | CPU ms | peak MB | calls sent / verdicts got | CPU, ship-panel = 1 |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for name in names:
        entry = results[name]
        cells = entry["cells"]
        last = cells.get("256", {})
        row = [name, entry.get("versions", "none"), LICENCES[name], entry["date"],
               f"{4 * last['launches']:,}" if last else "-"]
        for speed in SPEEDS:
            cell = cells.get(speed, {})
            row += [_number(cell.get("rate"), 0), _number(cell.get("cpu_ms"), 2)]
        ratio = last["cpu_ms"] / ours if ours and last.get("cpu_ms") else None
        row += [_number(last.get("peak_mb"), 0), f"{last['calls']:,} / {last['got']:,}" if last else "-",
                _number(ratio, 2)]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def _storms(results: dict[str, Any], names: list[str]) -> str:
    """What the fault mix did to those that retry."""
    lines = ["| fault mix | verdicts got of 1,000 | lost | calls sent | faults met (refusals) | extra calls "
             "| extra calls a fault | seconds | why lost |", "|---|---|---|---|---|---|---|---|---|"]
    for name in names:
        cell = results[name]["cells"].get("storm")
        if not cell or cell["problem"]:
            continue
        seen = cell["runs"][0]
        asked, calls, fates = 4 * cell["launches"], seen["stats"]["calls"], seen["stats"]["fates"]
        faults = calls - fates.get("ok", 0)
        # A refusal answers the call: asking again is the library's own choice, and not owed to a fault.
        owed = faults - fates.get("refusal", 0)
        why = "; ".join(f"{count} {error.partition(':')[0]}" for error, count in _by_kind(seen["errors"]))
        row = [name, f"{seen['got']:,}", str(asked - seen["got"]), f"{calls:,}",
               f"{faults} ({fates.get('refusal', 0)})", str(calls - asked), f"{(calls - asked) / owed:.2f}",
               f"{seen['wall_s']:.0f}", why or "-"]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def _by_kind(errors: list[Any]) -> list[tuple[str, int]]:
    """Errors of one kind added up, most first."""
    kinds: dict[str, int] = {}
    for error, count in errors:
        kind = error.partition(":")[0]
        kinds[kind] = kinds.get(kind, 0) + count
    return sorted(kinds.items(), key=lambda item: -item[1])


def _problems(results: dict[str, Any], names: list[str]) -> str:
    """A line for whatever did not run."""
    lines = [f"- {name}: {results[name]['problem']}" for name in names if results[name].get("problem")]
    lines += [f"- {name}, {cell}: {figures['problem']}" for name in names
              for cell, figures in results[name]["cells"].items() if figures.get("problem")]
    return "\n".join(["Did not run, or not to the end:", "", *(lines or ["- nothing"])])


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
