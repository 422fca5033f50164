"""The scores as pictures: confusion, reliability, cultures and paired differences."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from artcurate.benchmark.experiment import Outcome
from artcurate.benchmark.metrics import Float64Array, reliability
from artcurate.benchmark.scores import CellScore, Scores
from artcurate.benchmark.shown import shown_systems

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 130
#: Okabe and Ito's colours, told apart by people with every kind of colour vision.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")


def draw_figures(scores: Scores, outcome: Outcome) -> dict[str, bytes]:
    """PNG files by their name; the same scores give the same pictures."""
    drawn = {
        "confusion.png": _confusions(scores),
        "reliability.png": _reliability(scores, outcome),
        "differences.png": _differences(scores) if scores.pairs else None,
        **{f"{_slug(name)}.png": _cells(scores, name) for name in _attributes(scores)},
    }
    return {name: _png(figure) for name, figure in drawn.items() if figure is not None}


def _confusions(scores: Scores) -> Figure:
    shown = shown_systems(scores)
    figure, axes = _grid(1, len(shown), width=4.6, height=4.4)
    for place, (system, axis) in enumerate(zip(shown, axes, strict=True)):
        matrix = np.array(system.confusion)
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, vmin=0, vmax=1, cmap="Blues")
        for row, column in np.ndindex(shares.shape):
            if shares[row, column] >= 0.005:
                colour = "white" if shares[row, column] > 0.6 else "black"
                axis.text(
                    column,
                    row,
                    f"{shares[row, column]:.2f}".lstrip("0"),
                    ha="center",
                    va="center",
                    fontsize=6.5,
                    color=colour,
                )
        _class_ticks(axis, scores.classes, labelled=place == 0)
        axis.set_title(f"{system.name}: macro-F1 {system.macro_f1.mean:.3f}", fontsize=9)
        axis.set_xlabel("predicted", fontsize=8)
    axes[0].set_ylabel("label (rows sum to 1)", fontsize=8)
    return figure


def _reliability(scores: Scores, outcome: Outcome) -> Figure:
    shown = shown_systems(scores)
    truth = outcome.examples.labels.index[outcome.rows]
    figure, axes = _grid(1, len(shown), width=3.4, height=3.4)
    for system, axis in zip(shown, axes, strict=True):
        sums = [reliability(seed.test[system.name], truth) for seed in outcome.seeds]
        counts, confidence, correct = (np.sum(part, axis=0) for part in zip(*sums, strict=True))
        filled = counts > 0
        axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
        axis.scatter(
            confidence[filled] / counts[filled],
            correct[filled] / counts[filled],
            s=8 + 180 * counts[filled] / counts.sum(),
            color=_COLOURS[0],
        )
        axis.set(xlim=(0, 1), ylim=(0, 1))
        axis.set_xlabel("confidence", fontsize=8)
        axis.set_title(f"{system.name}: ECE {system.ece:.3f}", fontsize=9)
        axis.tick_params(labelsize=7)
    axes[0].set_ylabel("accuracy (dots grow with examples)", fontsize=8)
    return figure


def _differences(scores: Scores) -> Figure:
    pairs = list(reversed(scores.pairs))
    figure, (axis,) = _grid(1, 1, width=6.4, height=1.0 + 0.28 * len(pairs))
    means = np.array([pair.macro_f1.mean for pair in pairs])
    lows = np.array([pair.macro_f1.low for pair in pairs])
    highs = np.array([pair.macro_f1.high for pair in pairs])
    places = np.arange(len(pairs))
    axis.axvline(0, color="grey", linewidth=0.8)
    axis.hlines(places, lows, highs, color=_COLOURS[0], linewidth=1.6)
    axis.scatter(means, places, color=_COLOURS[0], s=18, zorder=3)
    axis.set_yticks(places, [f"{pair.first} - {pair.second}" for pair in pairs], fontsize=7)
    axis.set_xlabel("difference in macro-F1, 95 % interval over clusters", fontsize=8)
    axis.tick_params(axis="x", labelsize=7)
    return figure


def _cells(scores: Scores, attribute: str) -> Figure:
    cells = [cell for cell in scores.cells if cell.attribute == attribute]
    values = list(dict.fromkeys(cell.value for cell in cells))
    shown = [system.name for system in shown_systems(scores)]
    figure, (axis,) = _grid(1, 1, width=max(4.5, 1.2 + 1.1 * len(values)), height=3.2)
    width = 0.8 / len(shown)
    for place, name in enumerate(shown):
        mine = [_find(cells, value, name) for value in values]
        means = np.array([cell.macro_f1.mean for cell in mine])
        axis.bar(
            np.arange(len(values)) + (place - (len(shown) - 1) / 2) * width,
            means,
            width,
            yerr=_error_bars(means, mine),
            label=name,
            color=_COLOURS[place % len(_COLOURS)],
            error_kw={"linewidth": 0.8},
        )
    examples = [_find(cells, value, shown[0]).examples for value in values]
    ticks = [f"{value}\n(n {count:,})" for value, count in zip(values, examples, strict=True)]
    axis.set_xticks(np.arange(len(values)), ticks, fontsize=7)
    axis.set_ylabel("macro-F1, 95 % interval", fontsize=8)
    axis.set_ylim(bottom=0)
    axis.tick_params(axis="y", labelsize=7)
    axis.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _error_bars(means: Float64Array, cells: Sequence[CellScore]) -> Float64Array:
    lows = means - np.array([cell.macro_f1.low for cell in cells])
    highs = np.array([cell.macro_f1.high for cell in cells]) - means
    bars: Float64Array = np.maximum(np.stack((lows, highs)), 0)
    return bars


def _find(cells: Sequence[CellScore], value: str, system: str) -> CellScore:
    return next(cell for cell in cells if cell.value == value and cell.system == system)


def _attributes(scores: Scores) -> list[str]:
    return list(dict.fromkeys(cell.attribute for cell in scores.cells))


def _slug(name: str) -> str:
    return name.replace(" ", "_")


def _class_ticks(axis: Axes, names: Sequence[str], *, labelled: bool) -> None:
    places = range(len(names))
    axis.set_xticks(places, names, rotation=60, ha="right", fontsize=7)
    axis.set_yticks(places, names if labelled else [""] * len(names), fontsize=7)


def _grid(rows: int, columns: int, *, width: float, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
