"""The labelled claims against the checks: precision and recall by kind, and a table of what became of each label.

    python -m bench.claims [--set dev|held-out] [--show]

Each claim of tests/sets/claims_*.jsonl is put as the one claim of a verdict on its tool's dossier (of ../shared/data)
and goes through `flag_review`. A wrong fact is *caught* by a flag of a wrong number, price, date, version or licence
that overlaps the labelled span; any such flag elsewhere is a false alarm. A swapped name is caught by `wrong_name` or a
wrong fact on its span. An unsupported claim is caught by `unsupported_claim`, or in the second row also by
`weak_claim`; either on a supported claim is a false alarm. `--show` prints every miss and false alarm.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from panel.checks import flag_review
from panel.dossiers import cut_lines, read_dossiers
from panel.personas import load_personas
from panel.schema import Because, Claim, DossierLines, Flag, Verdict

ROOT = Path(__file__).resolve().parents[1]
SETS = ROOT / "tests" / "sets"
DATA = ROOT.parent / "shared" / "data"
FILES = {"dev": "claims_dev.jsonl", "held-out": "claims_held_out.jsonl"}
FACTS = ("number", "price", "date", "version", "licence")
HOLDING = frozenset(f"wrong_{kind}" for kind in FACTS)
WORDS = ("unsupported_claim", "weak_claim")


class Seen(NamedTuple):
    """A labelled claim and the flags on its text."""

    row: dict[str, Any]
    flags: tuple[Flag, ...]

    @property
    def label(self) -> str:
        """Its label, with the kind of fact where one is wrong."""
        return f"wrong {self.row['kind']}" if self.row["label"] == "wrong" else str(self.row["label"])

    def on_span(self, kinds: Iterable[str]) -> bool:
        """Whether a flag of these kinds overlaps the labelled span."""
        start = self.row["text"].index(self.row["span"])
        end = start + len(self.row["span"])
        return any(flag.kind in kinds and flag.span is not None and flag.span[0] < end and start < flag.span[1]
                   for flag in self.flags)

    def has(self, kinds: Iterable[str]) -> bool:
        """Whether there is a flag of these kinds."""
        return any(flag.kind in kinds for flag in self.flags)


class Rate(NamedTuple):
    """What was caught, missed, and flagged without need."""

    caught: int
    of: int
    alarms: int

    @property
    def recall(self) -> float:
        return self.caught / self.of if self.of else 1.0

    @property
    def precision(self) -> float:
        return self.caught / (self.caught + self.alarms) if self.caught + self.alarms else 1.0


def read_set(path: Path) -> list[dict[str, Any]]:
    """The labelled claims of a file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def read_tools(data: Path) -> dict[str, DossierLines]:
    """The dossiers by id, whole."""
    def fail(error: Exception) -> None:
        raise error

    files = [str(path) for folder in ("dossiers", "products") for path in sorted((data / folder).glob("*.json"))]
    return {dossier.id: cut_lines(dossier) for dossier in read_dossiers(files, strict=True, report=fail)}


def flag_claims(rows: Sequence[dict[str, Any]], tools: dict[str, DossierLines]) -> list[Seen]:
    """Each claim through the checks, as the one claim of a verdict that says nothing else."""
    persona = load_personas()["builder"]
    found = []
    for row in rows:
        verdict = Verdict(points={}, claims=(Claim(text=row["text"], lines=tuple(row["lines"])),),
                          because=Because(point="", text="-"), score=50, verdict="skip", confidence=50)
        flags = flag_review(verdict, tools[row["tool"]], persona, "verdict")
        found.append(Seen(row, tuple(flag for flag in flags if flag.field == "claims[0].text")))
    return found


def wrong_facts(seen: Sequence[Seen], kinds: Sequence[str] = FACTS) -> Rate:
    """How the wrong facts of these kinds fared; a flag is a false alarm by its own kind."""
    wrong = [one for one in seen if one.row["label"] == "wrong" and one.row["kind"] in kinds]
    flags = {f"wrong_{kind}" for kind in kinds}
    alarms = sum(not (one.row["label"] == "wrong" and one.on_span(HOLDING)) for one in seen if one.has(flags))
    return Rate(sum(one.on_span(HOLDING) for one in wrong), len(wrong), alarms)


def other_labels(seen: Sequence[Seen], label: str, kinds: Sequence[str]) -> Rate:
    """How the claims of a label fared; a flag on a supported claim is a false alarm."""
    mine = [one for one in seen if one.row["label"] == label]
    alarms = sum(one.has(kinds) for one in seen if one.row["label"] == "supported")
    caught = sum(one.on_span({*kinds, *HOLDING}) if label == "entity" else one.has(kinds) for one in mine)
    return Rate(caught, len(mine), alarms)


def rates(seen: Sequence[Seen]) -> dict[str, Rate]:
    """A row a kind, and one of the four kinds that must reach 0.95 and 0.90."""
    found = {f"wrong {kind}": wrong_facts(seen, (kind,)) for kind in FACTS}
    found["number, price, date, licence"] = wrong_facts(seen, ("number", "price", "date", "licence"))
    found["all wrong facts"] = wrong_facts(seen)
    found["swapped name"] = other_labels(seen, "entity", ("wrong_name",))
    found["unsupported"] = other_labels(seen, "unsupported", WORDS[:1])
    found["unsupported or weak"] = other_labels(seen, "unsupported", WORDS)
    return found


def print_rates(seen: Sequence[Seen]) -> None:
    print(f"{'':32}  recall        precision     exact kind")
    for name, rate in rates(seen).items():
        kind = name.removeprefix("wrong ")
        mine = [one for one in seen if one.row["label"] == "wrong" and one.row["kind"] == kind]
        exact = f"{sum(one.on_span({f'wrong_{kind}'}) for one in mine)}/{len(mine)}" if mine else ""
        flagged = rate.caught + rate.alarms
        print(f"{name:32}  {rate.recall:.3f} {f'{rate.caught}/{rate.of}':8}"
              f"{rate.precision:.3f} {f'{rate.caught}/{flagged}':8}{exact}")


def print_confusion(seen: Sequence[Seen]) -> None:
    """What flags the claims of each label have; one claim counts once in every column it has a flag of."""
    columns = [*(f"wrong_{kind}" for kind in FACTS), "wrong_name", *WORDS, "none"]
    print("\n" + f"{'label':16}{'claims':>7}" + "".join(f"{each.removeprefix('wrong_').removesuffix('_claim'):>12}"
                                                         for each in columns))
    for label in (*(f"wrong {kind}" for kind in FACTS), "entity", "unsupported", "supported"):
        mine = [one for one in seen if one.label == label]
        count = Counter(kind for one in mine for kind in {flag.kind for flag in one.flags} or {"none"})
        print(f"{label:16}{len(mine):7}" + "".join(f"{count[each]:12}" for each in columns))


def print_faults(seen: Sequence[Seen]) -> None:
    for one in seen:
        row, label = one.row, one.row["label"]
        kinds = [flag.kind for flag in one.flags]
        if label == "wrong":
            good = one.on_span(HOLDING)
        elif label == "entity":
            good = one.on_span({"wrong_name"}) and not one.has(HOLDING)
        else:
            good = one.has(WORDS) and not one.has(HOLDING) if label == "unsupported" else not kinds
        if not good:
            print(f"{row['id']} {row['tool']} {one.label} {row['lines']} {row['text']}")
            for flag in one.flags:
                print(f"     {flag.kind}: {flag.reason}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=FILES, default="dev")
    parser.add_argument("--show", action="store_true")
    asked = parser.parse_args(arguments)
    seen = flag_claims(read_set(SETS / FILES[asked.set]), read_tools(DATA))
    print(f"{FILES[asked.set]}: {len(seen)} claims")
    print_rates(seen)
    print_confusion(seen)
    if asked.show:
        print_faults(seen)


if __name__ == "__main__":
    main()
