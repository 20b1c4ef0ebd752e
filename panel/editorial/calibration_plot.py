"""A report on predictions → a reliability diagram as SVG, PNG or PDF; the same report gives the same bytes of SVG.

Loads matplotlib (the extra `plots`): import it where a plot is drawn. Knows nothing of the store or of files.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from panel.editorial.plain import shortened
from panel.editorial.scorecard import spoken
from panel.schema.ledger import CalibrationBin, LedgerReport, LedgerScore

# Blue and vermilion of Okabe & Ito (2008): told apart by every reader, and on grey paper by their shape as well.
INSIDE, OUTSIDE, BAND, LINE = "#0072B2", "#D55E00", "#D9D9D9", "#8C8C8C"
MOST_COLUMNS = 4
TITLE_LENGTH = 30

# Sizes in inches. Laid out by hand: matplotlib's own layouts are solved in an order that changes from draw to draw.
LEFT, RIGHT, APART = 0.62, 0.25, 0.55
SIDE, ALONE = 2.3, 3.8
"""A diagram is a square of this size; a single one is larger."""
HEAD, BETWEEN, COUNTS, FOOT = 0.42, 0.1, 0.5, 0.45
"""Above a diagram, between it and the counts, the height of these, and what is below them."""
TITLE_LINE, LEGEND_LINE = 0.2, 0.22
BAND_WIDTH = 0.045
METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None},
                                       "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}


def calibration_plot(report: LedgerReport, kind: str) -> bytes:
    """The picture, as `kind` (svg, png or pdf): all predictions, then each persona by itself where there are several.

    A panel has a point for each ten points of probability: what was stated and how often it came true, with the 95%
    Wilson interval, over the range in which a calibrated forecaster lands; under it how many there are.
    """
    several = len(report.by_persona) > 1
    panels = [(None if several else _name(report.by_persona), report.all)]
    if several:
        panels = [("all", report.all), *((_name([score]), score) for score in report.by_persona)]
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # not what the reader's own matplotlibrc says
        matplotlib.rcParams.update({"svg.hashsalt": "ship-panel", "font.size": 8, "axes.linewidth": 0.6,
                                    "axes.edgecolor": LINE, "xtick.color": "#404040", "ytick.color": "#404040"})
        figure = _figure(report.all, panels)
        picture = io.BytesIO()
        figure.savefig(picture, format=kind, dpi=160, facecolor="white", metadata=METADATA[kind])
    return picture.getvalue()


def title_of(score: LedgerScore) -> str:
    """The title: one sentence that says what came out."""
    if score.brier is None or score.brier_range is None:
        return "No prediction is resolved yet, so that nothing can be scored."
    few = " (too few to say much)" if score.few else ""
    where = "inside" if score.brier_range.inside else "outside"
    return (f"{score.came_true} of {score.resolved} resolved predictions came true{few}; their Brier score of "
            f"{score.brier:.3f} lies {where} what calibrated forecasters would get, {score.brier_range.low:.3f} to "
            f"{score.brier_range.high:.3f}.")


def _name(scores: Sequence[LedgerScore]) -> str | None:
    if not scores:
        return None
    version = scores[0].persona_digest
    return shortened(spoken(scores[0].persona_id or ""), TITLE_LENGTH) + (f" {version[:8]}" if version else "")


def _figure(score: LedgerScore, panels: Sequence[tuple[str | None, LedgerScore]]) -> Figure:
    columns = 3 if len(panels) == 5 else min(MOST_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    side = ALONE if len(panels) == 1 else SIDE
    width = LEFT + columns * side + (columns - 1) * APART + RIGHT
    title = textwrap.wrap(title_of(score), int(width * 12))
    top = 0.15 + TITLE_LINE * len(title)
    bottom = 0.1 + LEGEND_LINE * _legend_lines(columns)
    each = HEAD + side + BETWEEN + COUNTS + FOOT
    height = top + rows * each + bottom
    figure = Figure(figsize=(width, height))
    figure.text(LEFT / 4 / width, 1 - 0.12 / height, "\n".join(title), fontsize=10, ha="left", va="top")
    for number, (name, one) in enumerate(panels):
        row, column = divmod(number, columns)
        left = LEFT + column * (side + APART)
        low = height - top - row * each - HEAD - side
        diagram = figure.add_axes((left / width, low / height, side / width, side / height))
        counts = figure.add_axes((left / width, (low - BETWEEN - COUNTS) / height, side / width, COUNTS / height),
                                 sharex=diagram)
        _draw_diagram(diagram, name, one)
        _draw_counts(counts, one.bins)
        for axes, label in ((diagram, "came true"), (counts, "how many")) if column == 0 else ():
            axes.set_ylabel(label)
            axes.yaxis.set_label_coords(-0.46 / side, 0.5)
    _draw_legend(figure, columns)
    return figure


def _draw_diagram(axes: Any, name: str | None, score: LedgerScore) -> None:
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for one in score.bins:
        axes.bar(one.mean_stated, one.expected_high - one.expected_low, BAND_WIDTH, one.expected_low, color=BAND,
                 zorder=0, linewidth=0)
        colour, marker, face = _look(one)
        axes.errorbar(one.mean_stated, one.observed, yerr=[[max(0.0, one.observed - one.observed_low)],
                                                           [max(0.0, one.observed_high - one.observed)]],
                      color=colour, marker=marker, markersize=5, markerfacecolor=face, elinewidth=1.1, capsize=0,
                      zorder=3)
    if not score.bins:
        axes.text(0.72, 0.2, "none resolved", ha="center", va="center", color=LINE)
    said = "" if score.brier is None else f"Brier {score.brier:.3f}, "
    axes.set_title((f"{name}\n" if name else "") + f"{said}{score.resolved} resolved", fontsize=8, parse_math=False)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.tick_params(labelbottom=False, length=2)
    axes.spines[["top", "right"]].set_visible(False)


def _look(one: CalibrationBin) -> tuple[str, str, str]:
    """Colour, marker and its filling: what lies outside the range differs in all three."""
    if one.expected_low <= one.observed <= one.expected_high:
        return INSIDE, "o", INSIDE
    return OUTSIDE, "s", "white"


def _draw_counts(axes: Any, bins: Sequence[CalibrationBin]) -> None:
    most = max((one.resolved for one in bins), default=1)
    for one in bins:
        axes.bar(one.low / 100 + 0.05, one.resolved, 0.085, color=LINE, linewidth=0)
        axes.text(one.low / 100 + 0.05, one.resolved + most * 0.06, f"{one.resolved}", ha="center", va="bottom",
                  fontsize=6.5, color="#404040")
    axes.set(ylim=(0, most * 1.5), xlabel="probability stated")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.set_yticks([])
    axes.tick_params(length=2)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _legend_lines(columns: int) -> int:
    """Lines the four entries of the legend take where so many panels stand side by side."""
    return {1: 4, 4: 1}.get(columns, 2)


def _draw_legend(figure: Figure, columns: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shown = [
        Line2D([], [], color=INSIDE, marker="o", label="how often it came true, with 95% interval"),
        Line2D([], [], color=OUTSIDE, marker="s", markerfacecolor="white", label="the same, outside the grey range"),
        Patch(color=BAND, label="95% of calibrated forecasters"),
        Line2D([], [], color=LINE, linestyle=(0, (4, 3)), linewidth=0.8, label="stated = came true"),
    ]
    figure.legend(handles=shown, loc="lower center", bbox_to_anchor=(0.5, 0), ncols=4 // _legend_lines(columns),
                  frameon=False, fontsize=8)
