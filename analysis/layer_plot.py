"""A plot of where the time of a network goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LONGEST_LABEL = 60
MOST_BARS = 40
"""Layers that are shown: beyond, the cheapest are one bar together."""


def plot_layers(rows: Sequence[Mapping[str, Any]], cost: str, path: Path) -> None:
    """Draw the cost of each layer as a bar, in order of execution.

    Parameters
    ----------
    rows : sequence of mappings
        As ``archcost.models.network_prediction.layer_rows`` returns them.
    cost : str
        The key of the cost, such as ``"latency_ms"``.
    path : Path
        Where to; its suffix is the format.
    """
    from matplotlib.figure import Figure

    kept = set(sorted(range(len(rows)), key=lambda i: -rows[i][cost])[:MOST_BARS])
    shown = [(_label(rows[i]), rows[i][cost]) for i in sorted(kept)]
    rest = [row[cost] for i, row in enumerate(rows) if i not in kept]
    if rest:
        shown.append((f"{len(rest)} cheaper layers", sum(rest)))
    figure = Figure(figsize=(9, 1.2 + 0.22 * len(shown)), layout="constrained")
    axes = figure.subplots()
    places = range(len(shown))
    axes.barh(places, [value for _, value in shown])
    axes.set_yticks(places, [label for label, _ in shown], fontsize=7)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel(" in ".join(cost.rsplit("_", 1)))
    figure.savefig(path)


def _label(row: Mapping[str, Any]) -> str:
    text = f"{row['name'] or row['layer']} {row['op']}"
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 3]}..."
