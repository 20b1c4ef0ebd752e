"""How a run reports to who is not looking: the last line (key=value), and a metrics file for Prometheus.

Knows nothing of runs beyond their end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from panel.journal import write_file
from panel.schema import RunEnd
from panel.schema.score import OUTCOMES


def end_fields(end: RunEnd, outcomes: Mapping[str, int]) -> dict[str, Any]:
    """The fields of the last line: tools by outcome, reviews scored and unscored, money; null where not known."""
    return {
        "run": end.run_id, "tools": f"{end.tools_done}/{end.tools_asked}", "kept": end.kept, "scored": end.scored,
        "unscored": end.unscored, **{name: outcomes.get(name, 0) if outcomes else None for name in OUTCOMES},
        "cost_usd": None if end.cost_usd is None else round(end.cost_usd, 6),
        "cap": None if end.cap_usd is None else round(end.cap_usd, 6), "left": end.tools_left,
        "seconds": round(end.seconds, 1), "exit": end.exit_code,
    }


def last_line(end: RunEnd, outcomes: Mapping[str, int]) -> str:
    """`run=... tools=done/asked scored=... ... exit=0`. What is not known, or not set (the cap), is a dash."""
    return " ".join(f"{name}={'-' if value is None else value}" for name, value in end_fields(end, outcomes).items())


_GAUGES = {
    "tools_asked": "Tools given to the run.",
    "tools_done": "Tools of which nothing is left to ask.",
    "tools_left": "Tools left for the next run.",
    "kept": "Assignments an earlier run had finished.",
    "scored": "Answers of this run that could be read.",
    "unscored": "Assignments of this run without an answer.",
    "reasked": "Assignments asked once more.",
    "calls": "Requests answered.",
    "faults": "Requests that failed.",
    "tokens_in": "Prompt tokens.",
    "tokens_cached": "Prompt tokens served from a cache.",
    "tokens_out": "Output tokens.",
    "cost_usd": "US dollars spent.",
    "cap_usd": "The tightest cap when the run began, US dollars.",
    "seconds": "Seconds the run took.",
    "exit_code": "Exit code of the run.",
}


def write_metrics(path: Path, end: RunEnd, outcomes: Mapping[str, int]) -> None:
    """The end of a run as gauges, in the text format of Prometheus; the file is renamed into place.

    What is not known is left out. Raises StoreError when the file cannot be written.
    """
    lines = []
    for name, says in _GAUGES.items():
        value = getattr(end, name)
        if value is not None:
            lines += [f"# HELP ship_panel_{name} {says}", f"# TYPE ship_panel_{name} gauge",
                      f"ship_panel_{name} {value}"]
    if outcomes:
        lines += ["# HELP ship_panel_tools Tools by the panel's outcome.", "# TYPE ship_panel_tools gauge"]
    lines += [f'ship_panel_tools{{outcome="{name}"}} {outcomes.get(name, 0)}' for name in OUTCOMES if outcomes]
    lines += ["# HELP ship_panel_unscored_kind Assignments without an answer, by kind.",
              "# TYPE ship_panel_unscored_kind gauge"]
    lines += [f'ship_panel_unscored_kind{{kind="{kind}"}} {count}' for kind, count in end.unscored_kinds.items()]
    ended = datetime.fromisoformat(end.ended_at).timestamp()
    lines += ["# HELP ship_panel_ended_timestamp_seconds When the run ended.",
              "# TYPE ship_panel_ended_timestamp_seconds gauge", f"ship_panel_ended_timestamp_seconds {ended:.3f}",
              "# HELP ship_panel_run_info The run.", "# TYPE ship_panel_run_info gauge",
              f'ship_panel_run_info{{run="{end.run_id}"}} 1']
    write_file(path, ("\n".join(lines) + "\n").encode())
