"""The memory of verdicts: why a panel changed, its history, and the drift of versions; through real runs and a store.

Fifty changes are scripted, ten of each kind; the models are functions of the whole prompt (`memory_models`), so a
changed prompt, persona or dossier really changes their answers, and chance is what the seed decides.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import memory_models
import pytest
import yaml
from conftest import ROOT
from typed import typed

import panel
from panel.dossiers import cut_lines, read_dossiers
from panel.editorial.changes import as_text, conclusion, explanation_sections
from panel.editorial.past import drift_sections, warnings
from panel.errors import ConfigError
from panel.personas import load_personas
from panel.prompts import load_prompts, render_review
from panel.schema.change import Explanation
from panel.store import open_store
from panel.store.past import explained, panels_of, pick, versions

FIRST, SECOND, LOOSE, LOOSE_TOO, DEAF, DEAF_TOO, RENAMED = (f"memory_models:{name}" for name in (
    "First", "Second", "Loose", "LooseToo", "Deaf", "DeafToo", "Renamed"))
NAMES = ("Tidewater", "Lanternfish", "Quillstone", "Brackenbed", "Harborline", "Mothwing", "Saltmarsh", "Ferncliff",
         "Oxbow", "Pinwheel")
POOL = (*NAMES, "Gannet", "Kelpway", "Rushlight", "Thistledown", "Umberfell", "Vetchling", "Wrackline", "Yarrow")
DOSSIER = """\
name: {name}
tagline: Copies a folder to another machine over SSH
license: MIT
version: "1.4"
pricing:
  - {{plan: Team, amount: 12, currency: USD, unit: month}}
description: |
  {name} is a command line program that copies a folder to another machine over SSH.
  It keeps the last ten versions of each file and writes a log of what it sent.
  It needs Python 3.11 on both sides and takes one configuration file.
  The project has two maintainers and was first released in 2024. There is no hosted version.
  A restore is one command, and the log can be checked against the copies with another.
"""


class Desk:
    """A folder with dossiers and runs, and panels of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, folder / "runs"

    def dossier(self, name: str, change: Callable[[str], str] = str) -> Path:
        path = self.folder / f"{name.lower()}.yaml"
        path.write_text(change(DOSSIER.format(name=name)))
        return path

    def review(self, names: tuple[str, ...], model: str, *changes: Callable[[str], str], **given: Any) -> None:
        """Dossiers changed by the one function, or each by its own."""
        each = changes if len(changes) == len(names) else (changes or (str,)) * len(names)
        panel.review([self.dossier(name, change) for name, change in zip(names, each, strict=True)], model=model,
                     runs=self.runs, **{"repeats": 3, "depth": "verdict", "sampling": {"seed": 5}, **given})

    def prompts(self, number: int, file: str, change: Callable[[str], str]) -> dict[str, str]:
        """An overlay of one prompt file, as a setting."""
        folder = self.folder / f"prompts-{number}"
        (folder / "review").mkdir(parents=True)
        (folder / "review" / file).write_text(change((ROOT / "prompts" / "review" / file).read_text()))
        return {"prompts_folder": str(folder)}

    def persona(self, number: int, name: str, change: Callable[[dict[str, Any]], Any]) -> dict[str, str]:
        """An overlay of one persona file, as a setting."""
        folder = self.folder / f"personas-{number}"
        folder.mkdir(exist_ok=True)
        content = yaml.safe_load((ROOT / "personas" / f"{name}.yaml").read_text())
        change(content)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        return {"personas_folder": str(folder)}

    def why(self, name: str, start: str | None = None, end: str | None = None) -> Explanation:
        with open_store(self.runs) as store:
            return explained(store, name.lower(), start, end)


@pytest.fixture
def place(desk: Path) -> Desk:
    return Desk(desk)


def causes(place: Desk, names: tuple[str, ...]) -> dict[str, str]:
    return {name: place.why(name).cause for name in names}


def all_are(kind: str, names: tuple[str, ...] = NAMES) -> dict[str, str]:
    return dict.fromkeys(names, kind)


# --- fifty scripted changes: ten of each kind


@pytest.fixture
def renamed() -> Iterator[None]:
    memory_models.Renamed.answered_as = "reader-2026-01"
    yield
    memory_models.Renamed.answered_as = None


def test_ten_changes_of_the_model_are_called_that(place: Desk, renamed: None) -> None:
    place.review(NAMES[:4], FIRST)
    place.review(NAMES[:4], SECOND)
    place.review(NAMES[4:7], LOOSE)
    place.review(NAMES[4:7], LOOSE_TOO)
    place.review(NAMES[7:], RENAMED)
    memory_models.Renamed.answered_as = "reader-2026-02"
    place.review(NAMES[7:], RENAMED, sampling={"seed": 6})  # nobody changed anything but the seed
    assert causes(place, NAMES) == all_are("model")
    found = place.why(NAMES[8])
    assert [(factor.what, factor.before, factor.after) for factor in found.factors] == [
        ("answered", "reader-2026-01", "reader-2026-02")]
    assert found.beyond_noise is True
    assert found.retaken == ("seed 5 -> 6",)


PROMPTS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("system.j2", lambda text: text.replace("# Evidence", "# Evidence, which is all there is")),
    ("system.j2", lambda text: text + "Be brief.\n"),
    ("persona.j2", lambda text: text.replace("Review this dossier.", "Read this dossier twice, then review it.")),
    ("who.j2", lambda text: text.replace("Your motto", "Your one motto")),
    ("dossier.j2", lambda text: text.replace("Size:", "Its size:")),
)


def test_ten_changes_of_the_prompt_are_called_that(place: Desk) -> None:
    place.review(NAMES[:6], FIRST)
    place.review(NAMES[6:], LOOSE)
    for number, (file, change) in enumerate(PROMPTS):
        overlay = place.prompts(number, file, change)
        place.review(NAMES[2 * number : 2 * number + 2], FIRST if number < 3 else LOOSE, **overlay)
    assert causes(place, NAMES) == all_are("prompt")
    found = place.why(NAMES[0])
    assert [(line.role, line.before, line.after) for line in found.prompt_lines] == [
        ("system", "# Evidence", "# Evidence, which is all there is")]


def set_field(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda content: content.update({name: value})


PERSONAS: tuple[tuple[str, Callable[[dict[str, Any]], Any], str], ...] = (
    ("builder", set_field("motto", "name the part"), "motto"),
    ("builder", set_field("decision_rule", "SKIP what has no price. Otherwise SHIP."), "decision_rule"),
    ("builder", lambda content: content["points"].update(cost="what it costs to run"), "points.cost"),
    ("builder", lambda content: content["points"].pop("dx_bet"), "points.dx_bet"),
    ("investor", lambda content: content["tired_of"].append("slides"), "tired_of"),
    ("investor", lambda content: content["anchors"].update({50: "undecided"}), "anchors.50"),
    ("investor", set_field("lens", "You look for the payer."), "lens"),
    ("futurist", set_field("name", "Forecaster"), "name"),
    ("futurist", lambda content: content["never_says"].pop(), "never_says"),
    ("competitor_analyst", lambda content: content["excited_by"].reverse(), "excited_by"),
)


def true_move(place: Desk, name: str, who: str, overlay: dict[str, str]) -> int:
    """How far the reader behind LOOSE moves without chance when the persona changes."""
    lines = cut_lines(next(iter(read_dossiers([str(place.dossier(name))], report=print))), 12_000)
    folder = load_prompts("review")
    before, after = (memory_models.Loose().pure_score(memory_models.whole(render_review(
        folder, lines, load_personas(where)[who], "verdict"))) for where in (None, Path(overlay["personas_folder"])))
    return abs(after - before)


def test_ten_changes_of_a_persona_are_called_that_and_name_the_field(place: Desk) -> None:
    overlays = [place.persona(number, who, change) for number, (who, change, _) in enumerate(PERSONAS)]
    names = list(NAMES[:5])
    for (who, _, _), overlay in zip(PERSONAS[5:], overlays[5:], strict=True):
        # One seat is reached: of a change that moves it by 2 points nobody could tell that it is none of chance.
        names.append(next(name for name in POOL if name not in names and true_move(place, name, who, overlay) >= 15))
    place.review(tuple(names[:5]), FIRST)
    place.review(tuple(names[5:]), LOOSE)
    for number, overlay in enumerate(overlays):
        place.review((names[number],), FIRST if number < 5 else LOOSE, **overlay)
    assert causes(place, tuple(names)) == all_are("persona", tuple(names))
    for name, (who, _, field) in zip(names, PERSONAS, strict=True):
        found = place.why(name)
        assert [(change.persona_id, change.field) for change in found.fields] == [(who, field)]
        assert [seat.seat for seat in found.seats if seat.moved] == [who]


DOSSIERS: tuple[tuple[Callable[[str], str], str], ...] = (
    (lambda text: text.replace('"1.4"', '"2.0"'), "changed"),
    (lambda text: text.replace("MIT", "AGPL-3.0"), "changed"),
    (lambda text: text.replace("amount: 12", "amount: 30"), "changed"),
    (lambda text: text.replace("  There is no hosted version.", "").replace("two maintainers", "nine maintainers"),
     "changed"),
    (lambda text: text + "released: 2026-03-01\n", "added"),
    (lambda text: text.replace("tagline: Copies a folder to another machine over SSH\n", ""), "removed"),
    (lambda text: text.replace("last ten versions", "last two versions"), "changed"),
    (lambda text: text + "vendor: Someone Ltd\n", "added"),
    (lambda text: text.replace("license: MIT\n", ""), "removed"),
    (lambda text: text + "facts:\n  - {text: A security hole was closed in May 2026.}\n", "added"),
)


def test_ten_changes_of_the_dossier_are_called_that_and_name_the_line(place: Desk) -> None:
    place.review(NAMES[:5], FIRST)
    place.review(NAMES[5:], LOOSE)
    place.review(NAMES[:5], FIRST, *(change for change, _ in DOSSIERS[:5]))
    place.review(NAMES[5:], LOOSE, *(change for change, _ in DOSSIERS[5:]))
    assert causes(place, NAMES) == all_are("dossier")
    for name, (_, kind) in zip(NAMES, DOSSIERS, strict=True):
        found = place.why(name)
        assert [line.kind for line in found.lines] == [kind], name
        assert [(factor.what, factor.before, factor.after) for factor in found.factors] == [
            ("lines", found.before.dossier_digest, found.after.dossier_digest)]


def test_ten_times_it_is_noise(place: Desk) -> None:
    place.review(NAMES[:3], LOOSE, repeats=1)
    place.review(NAMES[:3], LOOSE, repeats=4)
    place.review(NAMES[3:7], LOOSE)
    place.review(NAMES[3:7], LOOSE, sampling={"seed": 900})
    place.review(NAMES[7:], DEAF)
    place.review(NAMES[7:8], DEAF, **place.prompts(0, *PROMPTS[1]))
    place.review(NAMES[8:9], DEAF, **place.persona(0, *PERSONAS[1][:2]))
    place.review(NAMES[9:], DEAF, DOSSIERS[0][0])
    assert causes(place, NAMES) == all_are("noise")
    assert all(any(seat.moved for seat in place.why(name).seats) for name in NAMES)
    for name, kind in zip(NAMES[7:], ("prompt", "persona", "dossier"), strict=True):
        assert [factor.kind for factor in place.why(name).factors] == [kind]


# --- several factors, and what lies in between


def test_two_changes_at_once_are_several_until_a_panel_between_them_isolates_one(place: Desk) -> None:
    overlay, name = place.prompts(0, *PROMPTS[0]), NAMES[:1]
    version = DOSSIERS[0][0]
    place.review(name, FIRST)
    place.review(name, FIRST, version, **overlay)
    found = place.why(name[0])
    assert (found.cause, found.open, found.kinds) == ("several", ("prompt", "dossier"), ())
    ends = found.before.run_id, found.after.run_id
    place.review(name, FIRST, version, **place.prompts(1, *PROMPTS[1]))  # a third prompt lies between nothing
    found = place.why(name[0], *ends)
    assert (found.cause, found.open, found.kinds, found.steps) == ("several", ("prompt", "dossier"), (), ())
    place.review(name, FIRST, version)
    found = place.why(name[0], *ends)
    assert (found.cause, found.open, found.kinds) == ("several", (), ("prompt", "dossier"))
    assert [step.kinds for step in found.steps] == [("dossier",), ("prompt",)]


def test_of_two_changes_the_one_that_did_nothing_is_ruled_out_by_a_panel_in_between(place: Desk) -> None:
    rename = set_field("name", "Forecaster")  # Deaf hears who asks and the name of the tool, and no more
    overlay = place.persona(0, "futurist", rename)
    place.review(NAMES[:1], DEAF, repeats=4)
    place.review(NAMES[:1], DEAF_TOO, repeats=4, **overlay)
    assert place.why(NAMES[0]).cause == "several"
    ends = place.why(NAMES[0])
    place.review(NAMES[:1], DEAF, repeats=4, **overlay)
    found = place.why(NAMES[0], ends.before.run_id, ends.after.run_id)
    assert (found.cause, found.kinds) == ("model", ("model",))
    assert [(step.kinds, step.beyond) for step in found.steps] == [(("persona",), False), (("model",), True)]


def test_causes_at_different_seats_are_told_by_the_seats(place: Desk) -> None:
    place.persona(0, "builder", PERSONAS[0][1])
    overlay = place.persona(0, "investor", PERSONAS[4][1])
    seats = [{"persona": "builder"}, {"persona": "investor"}]
    place.review(NAMES[:1], FIRST, seats=seats)
    place.review(NAMES[:1], FIRST, seats=[seats[0], {"persona": "investor", "model": SECOND}], **overlay)
    found = place.why(NAMES[0])
    assert (found.cause, found.kinds, found.open) == ("several", ("persona",), ("model", "persona"))
    assert [(seat.seat, seat.kinds) for seat in found.seats] == [
        ("builder", ("persona",)), ("investor", ("model", "persona"))]


# --- what is said when little is known


def test_without_repeats_the_factor_is_named_and_the_noise_said_to_be_unknown(place: Desk) -> None:
    place.review(NAMES[:1], FIRST, repeats=1)
    place.review(NAMES[:1], SECOND, repeats=1)
    found = place.why(NAMES[0])
    assert (found.cause, found.beyond_noise) == ("model", None)
    text = as_text(explanation_sections(found))
    assert "no repeats in the store: run the panel with --repeats 3 to know" in text
    assert f"model {FIRST} -> {SECOND}" in text


def test_what_reaches_no_seat_changes_nothing_and_is_still_listed(place: Desk) -> None:
    place.review(NAMES[:1], FIRST, repeats=1)
    place.review(NAMES[:1], FIRST, repeats=3)
    found = place.why(NAMES[0])
    assert (found.cause, found.retaken) == ("none", ("takes 1 -> 3",))
    place.review(NAMES[:1], "scripted", sampling={})
    place.review(NAMES[:1], "scripted", lambda text: text.replace("ten versions", "two versions"), sampling={})
    found = place.why(NAMES[0])
    assert (found.cause, [factor.kind for factor in found.factors]) == ("none", ["dossier"])
    assert conclusion(found) == "No verdict or score changed, though the dossier did."


def test_a_seat_that_could_not_be_read_is_no_change_of_an_answer(place: Desk) -> None:
    seats = [{"persona": "builder"}, {"persona": "investor"}]
    place.review(NAMES[:1], FIRST, seats=seats)
    place.review(NAMES[:1], FIRST, seats=seats, sampling={"seed": 6}, max_unscored=1.0, repeats=2,
                 **place.persona(0, "investor", set_field("motto", "unreadable")))
    found = place.why(NAMES[0])
    assert found.cause == "none", found
    assert conclusion(found).startswith("No verdict or score changed that can be compared (investor cannot)")
    assert "investor has no readable answer after" in found.notes


def test_a_seat_more_is_a_change_of_who_sits_and_depth_one_of_sampling(place: Desk) -> None:
    place.review(NAMES[:1], FIRST, personas=["builder", "investor"])
    place.review(NAMES[:1], FIRST, personas=["builder", "investor", "futurist"])
    found = place.why(NAMES[0])
    assert (found.cause, [(factor.kind, factor.what, factor.seats) for factor in found.factors]) == (
        "persona", [("persona", "seat added", ("futurist",))])
    place.review(NAMES[1:2], FIRST)
    place.review(NAMES[1:2], FIRST, sampling={"seed": 5, "temperature": 0.3})
    assert place.why(NAMES[1]).cause == "none"  # it is deterministic and does not look at the temperature
    place.review(NAMES[1:2], FIRST, depth="full")
    found = place.why(NAMES[1])
    assert (found.cause, {factor.what for factor in found.factors}) == ("sampling", {"depth", "temperature"})


def test_panels_are_picked_by_run_panel_or_dossier_and_mistakes_are_named(place: Desk) -> None:
    place.review(NAMES[:1], FIRST, repeats=1)
    with pytest.raises(ConfigError, match="tidewater has 1 panel so far"):
        place.why(NAMES[0])
    place.review(NAMES[:1], SECOND, repeats=1)
    place.review(NAMES[:1], SECOND, DOSSIERS[0][0], repeats=1)
    with open_store(place.runs) as store:
        panels = panels_of(store, "tidewater")
    first, second, third = panels
    assert pick(panels, None, None) == (second, third)
    assert pick(panels, first.panel.digest[:6], None) == (first, third)
    assert pick(panels, first.run_id, second.run_id) == (first, second)
    assert pick(panels, None, second.run_id) == (first, second)
    assert pick(panels, third.dossier_digest[:9], first.dossier_digest[:9]) == (third, second)
    with pytest.raises(ConfigError, match=r"no other panel of tidewater is of run, panel or dossier 'zzz'; it has"):
        pick(panels, "zzz", None)
    with pytest.raises(ConfigError, match="is the first panel of tidewater: give --from too"):
        pick(panels, None, first.run_id)


def test_flags_that_came_are_listed_where_no_verdict_moved(place: Desk) -> None:
    for model in ("memory_models:Steady", "memory_models:Boastful"):
        place.review(NAMES[:1], model, depth="full", repeats=1, personas=["builder", "investor"])
    found = place.why(NAMES[0])
    assert conclusion(found) == "No verdict or score changed, though the model did."
    came = [flag for flag in found.flags if flag.holds]
    assert [(flag.seat, flag.kind, flag.before, flag.after) for flag in came] == [
        (who, "invented_experience", 0, 1) for who in ("builder", "investor")]
    assert found.after.holds == found.before.holds + 2
    text = as_text(explanation_sections(found))
    assert f"flags that hold: {found.before.holds} -> {found.after.holds} (not cleared)" in text
    assert "came: builder, reads as if the tool had been used: \"I tried\"" in text


def test_history_and_drift_print_the_digest_of_the_card_and_count_as_it_does(place: Desk) -> None:
    place.review(NAMES[:1], FIRST, repeats=1)
    place.review(NAMES[:1], FIRST, repeats=1, max_unscored=1.0, **place.persona(
        0, "investor", set_field("motto", "unreadable")), **place.prompts(0, *PROMPTS[0]))
    with open_store(place.runs) as store:
        panels = panels_of(store, "tidewater")
    digests = [one.panel.prompts_digest[:12] for one in panels]
    card = command(place, "show", "tidewater").stdout
    history, drift = command(place, "history", "tidewater").stdout, command(place, "drift").stdout
    assert digests[1] in card
    for digest in digests:
        assert digest in history
        assert f"  {digest}, " in drift
    assert f"prompts {digests[0]} -> {digests[1]}" in " ".join(command(place, "diff", "tidewater").stdout.split())
    assert f"{panels[1].ships:g} of 3 voting, 4 seats" in " ".join(command(
        place, "history", "tidewater", columns="80").stdout.split())
    assert "1 reviews" not in drift
    for words in (("history", "tidewater"), ("diff", "tidewater"), ("drift",)):
        shown = command(place, *words, columns="80").stdout
        assert max(map(len, shown.splitlines())) <= 80, shown


# --- drift


def test_versions_of_a_persona_have_rates_changes_and_warnings(place: Desk) -> None:
    names = POOL[:12]
    place.review(names, "scripted:always=ship", repeats=2, personas=["builder", "investor"])
    overlay = place.persona(0, "builder", PERSONAS[0][1])
    place.review(names, "scripted:always=skip", repeats=2, personas=["builder"], **overlay)
    place.review(names[:6], "scripted:always=ship", repeats=2, personas=["builder"], **overlay)
    with open_store(place.runs) as store:
        found = {of: versions(store, of, "builder") for of in ("persona", "prompts")}
        all_of_them = versions(store, "persona")
    one, two = found["persona"]
    assert (one.reviews, one.scored, one.ships, one.cells) == (24, 24, 24, 12)
    assert (two.reviews, two.scored, two.ships, two.cells) == (36, 36, 12, 18)
    assert two.changed == ("motto",)
    assert two.against is not None  # only what the same model was asked of the same tools in both versions
    assert (two.against.shared, two.against.rate_before, two.against.rate_after) == (6, 1.0, 1.0)
    assert [version.reviews for version in found["prompts"]] == [60]
    assert [version.name for version in all_of_them] == ["builder", "builder", "investor"]
    assert [line.partition(":")[0] for line in warnings(all_of_them)] == [
        f"persona builder, version {one.version[:8]} never skips",
        f"persona investor, version {all_of_them[2].version[:8]} never skips"]
    text = as_text(drift_sections(found["persona"], found["prompts"]))
    assert "ships 12 of 36 (33%, 95% 16% to 56% over 18 questions)" in text


# --- through the command line


def command(place: Desk, *words: str, columns: str = "160") -> subprocess.CompletedProcess[str]:
    return typed(place.folder, *words, COLUMNS=columns)


def test_the_commands_name_the_cause_of_five_changes(place: Desk) -> None:
    prompt = place.prompts(0, *PROMPTS[0])
    both = {**prompt, **place.persona(0, *PERSONAS[1][:2])}
    version = DOSSIERS[0][0]
    steps: list[tuple[str, str, Callable[[str], str], dict[str, Any]]] = [
        ("model", SECOND, str, {}), ("prompt", SECOND, str, prompt), ("persona", SECOND, str, both),
        ("dossier", SECOND, version, both), ("model", LOOSE, version, both),
        ("noise", LOOSE, version, {**both, "sampling": {"seed": 77}})]
    place.review(NAMES[:1], FIRST)
    for cause, model, change, more in steps:
        place.review(NAMES[:1], model, change, **more)
        told = command(place, "diff", "tidewater", "--json")
        assert (told.returncode, json.loads(told.stdout)["cause"]) == (0, cause), told.stderr
    told = command(place, "history", "tidewater")
    assert told.returncode == 0, told.stderr
    for words in (f"model {FIRST} -> {SECOND}", "persona builder", "dossier: version, 1 line", "seed 5 -> 77",
                  "votes: builder, competitor_analyst, futurist, investor", "SD"):
        assert words in " ".join(told.stdout.split()), told.stdout
    data = json.loads(command(place, "history", "tidewater", "--json").stdout)
    assert len(data["panels"]) == 7
    assert data["panels"][3]["fields"][0]["field"] == "decision_rule"
    told = command(place, "diff", "tidewater", "--markdown")
    assert told.stdout.startswith("## tidewater: why the panel changed\n\n- Sampling noise"), told.stdout
    told = command(place, "drift", "builder")
    assert "changed: decision_rule" in told.stdout, told.stderr
    assert "against the version before: ship rate" in told.stdout
    assert json.loads(command(place, "drift", "--json").stdout)["personas"]


@pytest.mark.parametrize(("words", "said"), [
    (("history", "tidewater"), "nothing is reviewed yet in runs"),
    (("diff", "tidewater", "--json", "--markdown"), "give --markdown or --json, not both"),
])
def test_mistakes_are_one_line_and_exit_2(place: Desk, words: tuple[str, ...], said: str) -> None:
    done = command(place, *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
