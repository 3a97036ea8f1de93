"""Plots of the analyses: figures outside pyplot, axes labelled with units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.analysis.device_specific import front_rows
from archcost.analysis.map_labels import label_places
from archcost.analysis.proxies import PROXIES, proxy_costs
from archcost.datasets import CostKey, CostTable
from archcost.training.metrics import spearman

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Labels = Mapping[str, str]
"""Short names of keys, by the keys' strings."""

MOST_POINTS = 2000
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#555555")
MARKERS = "osD^vPX"
LEAST_WIDTH = 4.8
"""Inches, which the titles of a figure take."""


def proxy_plot(table: CostTable, labels: Labels, proxy: str, *, seed: int = 0) -> Figure:
    """Plot the costs of each key over a proxy cost.

    Parameters
    ----------
    table : CostTable
        Costs.
    labels : mapping of str to str
        The keys to plot and what to call them.
    proxy : str
        A name in ``archcost.analysis.proxies.PROXIES``.
    seed : int, default=0
        Draws the 2,000 architectures that are shown where there are more.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a key, with Spearman's correlation over all its architectures.
    """
    figure, panels = _panels(len(labels), n_columns=5, size=(2.6, 2.3))
    for axes, (name, label) in zip(panels, labels.items(), strict=True):
        key = CostKey.parse(name)
        ops, cost = table.costs(key)
        x = proxy_costs(key.space, ops, key.dataset)[proxy]
        shown = np.random.default_rng(seed).permutation(len(cost))[:MOST_POINTS]
        axes.scatter(x[shown], cost[shown], s=4, alpha=0.4, linewidths=0, color=COLOURS[0])
        axes.set_title(f"{label}: {_figure_of(spearman(cost, x))}", fontsize=8)
        axes.set_ylabel(f"{key.metric} ({key.unit})", fontsize=7)
    figure.supxlabel(f"{PROXIES[proxy]}\n(figures: Spearman correlation)", fontsize=8)
    return figure


def proxy_summary_plot(correlations: pd.DataFrame, labels: Labels) -> Figure:
    """Plot Spearman's correlation of each key with each proxy cost, lowest at the bottom."""
    figure = _figure(7.5, 1.2 + 0.22 * len(labels))
    axes = figure.add_subplot()
    table = correlations.pivot(index="key", columns="proxy", values="spearman").loc[list(labels)]
    table = table.sort_values("flops")
    rows = np.arange(len(table))
    # Largest first, so that points in one place, such as FLOPs and parameters, are all seen.
    sizes = (9, 6, 4)
    for proxy, marker, colour, size in zip(PROXIES, MARKERS, COLOURS, sizes, strict=False):
        axes.plot(table[proxy], rows, marker, color=colour, markersize=size, label=PROXIES[proxy])
    axes.set_yticks(range(len(table)), [labels[name] for name in table.index], fontsize=7)
    axes.set_xlabel("Spearman correlation of proxy and cost")
    axes.set_xlim(min(0.0, float(table.min().min()) - 0.02), 1.02)
    axes.grid(axis="x", linewidth=0.4)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return figure


def device_map_plot(places: pd.DataFrame) -> Figure:
    """Plot devices so that those that rank architectures alike lie close.

    Parameters
    ----------
    places : pandas.DataFrame
        As `device_map` returns it, with the columns device (its label) and kind.

    Returns
    -------
    matplotlib.figure.Figure
        One point a device, with its name where there is room; axes have no meaning but distance.
    """
    figure = _figure(6.5, 5.5)
    axes = figure.add_subplot()
    for colour, (kind, rows) in zip(COLOURS, places.groupby("kind"), strict=False):
        axes.scatter(rows["x"], rows["y"], color=colour, label=kind, s=30)
    axes.margins(x=0.2, y=0.15)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xticks([])
    axes.set_yticks([])
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    figure.draw_without_rendering()  # places the points
    at = places[["x", "y"]].to_numpy(dtype=float)
    points = axes.transData.transform(at) * 72 / figure.dpi
    mine = [row for row, kind in enumerate(places["kind"]) if kind == "yours"]
    for row, place in enumerate(label_places(list(places["device"]), points, 7.0, mine)):
        if place:
            away, edge = (5, "bottom") if place == "above" else (-5, "top")
            axes.annotate(
                places["device"].iloc[row], at[row], (0, away), textcoords="offset points",
                fontsize=7, ha="center", va=edge, in_layout=False,
            )  # fmt: skip
    return figure


def heat_map(
    matrix: pd.DataFrame,
    labels: Labels,
    *,
    title: str,
    rows: str = "",
    columns: str = "",
    span: tuple[float, float] | None = None,
) -> Figure:
    """Plot a matrix whose index and columns are keys, in its order, each cell with its figure.

    Parameters
    ----------
    matrix : pandas.DataFrame
        Numbers; NaN stays blank.
    labels : mapping of str to str
        What to call the keys.
    title : str
        What the numbers are.
    rows, columns : str, optional
        What the two axes are.
    span : pair of float, optional
        Ends of the colour scale; those of the numbers by default.

    Returns
    -------
    matplotlib.figure.Figure
        A figure that grows with the matrix.
    """
    n_keys = len(matrix)
    side = 2.4 + 0.36 * n_keys
    figure = _figure(side + 0.9, side)
    axes = figure.add_subplot()
    values = matrix.to_numpy(dtype=np.float64)
    low, high = span or (float(np.nanmin(values)), float(np.nanmax(values)))
    image = axes.imshow(values, cmap="viridis", vmin=low, vmax=max(high, low + 1e-9))
    names = [labels[name] for name in matrix.index]
    axes.set_yticks(range(n_keys), names, fontsize=7)
    axes.set_xticks(
        range(n_keys), [labels[name] for name in matrix.columns], fontsize=7, rotation=90
    )
    for (row, column), value in np.ndenumerate(values):
        if not math.isnan(value):
            dark = value < low + 0.6 * (high - low)
            digits = 2 if value < 0.995 else 1 if value < 9.95 else 0
            text = f"{value:.{digits}f}".removeprefix("0") or "0"
            axes.text(
                column, row, text, ha="center", va="center", fontsize=6,
                color="white" if dark else "black",
            )  # fmt: skip
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    figure.colorbar(image, ax=axes, shrink=0.7, label=title)
    return figure


def fronts_plot(frame: pd.DataFrame, labels: Labels) -> Figure:
    """Plot on each device its own front and the fronts of all others placed on it.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `shared_costs` returns it.
    labels : mapping of str to str
        The keys to plot and what to call them.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a device. The lower half of the accuracies is cut off where it is far below.
    """
    score = frame["accuracy"].to_numpy()
    costs = {name: frame[name].to_numpy() for name in labels}
    fronts = {name: front_rows(cost, score) for name, cost in costs.items()}
    figure, panels = _panels(len(labels), n_columns=4, size=(3.2, 2.6))
    # A few broken architectures near chance would press all fronts together.
    floor = max(score.min(), np.median(score) - 4 * (score.max() - np.median(score)))
    for axes, (placed_on, cost) in zip(panels, costs.items(), strict=True):
        key = CostKey.parse(placed_on)
        axes.scatter(cost, score, s=3, color="0.8", linewidths=0)
        for searched_on, front in fronts.items():
            if searched_on != placed_on:
                placed = front[front_rows(cost[front], score[front])]
                axes.step(
                    cost[placed], score[placed], where="post",
                    color=COLOURS[1], linewidth=0.6, alpha=0.6,
                )  # fmt: skip
        own = fronts[placed_on]
        axes.step(cost[own], score[own], where="post", color=COLOURS[0], linewidth=1.6)
        axes.set_ylim(floor, score.max() + 0.05 * (score.max() - floor))
        axes.set_title(f"on {labels[placed_on]}", fontsize=8)
        axes.set_xlabel(f"{key.metric} ({key.unit})", fontsize=7)
        axes.set_ylabel("accuracy", fontsize=7)
    figure.suptitle(
        "blue: the device's own Pareto front\norange: those of the others placed on it", fontsize=9
    )
    return figure


def noise_plot(noise: pd.DataFrame, labels: Labels) -> Figure:
    """Plot how far equal networks disagree, and how high a perfect predictor can score."""
    known = noise[noise["ceiling"].notna()].sort_values("ceiling")
    figure = _figure(8.5, 1.2 + 0.22 * len(known))
    left, right = figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(known))
    spread = known["disagreement"].fillna(known["repeat_spread"])
    left.barh(rows, 100 * spread, color=COLOURS[1])
    left.set_xlabel("median disagreement (% of the cost)", fontsize=8)
    right.plot(known["ceiling"], rows, "o", color=COLOURS[0])
    right.set_xlabel("ceiling of Spearman's correlation", fontsize=8)
    right.grid(axis="x", linewidth=0.4)
    left.set_yticks(rows, [labels[name] for name in known["key"]], fontsize=7)
    return figure


def drift_plot(drift: pd.DataFrame, labels: Labels) -> Figure:
    """Plot Spearman's correlation with published costs and with costs less their drift."""
    known = drift.sort_values("spearman")
    figure = _figure(8.5, 1.4 + 0.22 * len(known))
    axes = figure.subplots()
    rows = np.arange(len(known))
    axes.hlines(rows, known["spearman"], known["spearman_without_drift"], color="0.7")
    axes.plot(known["spearman"], rows, "o", color=COLOURS[1], label="costs as they are")
    axes.plot(known["spearman_without_drift"], rows, "o", color=COLOURS[0], label="less drift")
    axes.set_xlabel("Spearman's correlation with a ridge regression", fontsize=8)
    axes.set_yticks(rows, [labels[name] for name in known["key"]], fontsize=7)
    axes.grid(axis="x", linewidth=0.4)
    axes.legend(fontsize=7)
    return figure


def curve_plot(curve: pd.DataFrame, ceilings: Mapping[str, float], labels: Labels) -> Figure:
    """Plot each predictor's Spearman correlation over the number of training rows.

    Parameters
    ----------
    curve : pandas.DataFrame
        As `learning_curve` returns it, of one key or several.
    ceilings : mapping of str to float
        How high a perfect predictor can score, by key; NaN where unknown.
    labels : mapping of str to str
        The keys to plot and what to call them.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a key: means over seeds, with their span.
    """
    figure, panels = _panels(len(labels), n_columns=3, size=(3.4, 2.6))
    for axes, (name, label) in zip(panels, labels.items(), strict=True):
        of_key = curve[curve["key"] == name]
        for place, (predictor, rows) in enumerate(of_key.groupby("predictor", sort=False)):
            by_size = rows.groupby("n_train")["spearman"]
            mean, colour = by_size.mean(), COLOURS[place % len(COLOURS)]
            axes.fill_between(mean.index, by_size.min(), by_size.max(), color=colour, alpha=0.15)
            axes.plot(
                mean.index, mean, color=colour, marker=MARKERS[place % len(MARKERS)],
                markersize=4, linewidth=1, label=predictor,
            )  # fmt: skip
        if not math.isnan(ceilings.get(name, math.nan)):
            axes.axhline(ceilings[name], color="0.4", linestyle="--", linewidth=0.8)
        axes.set_xscale("log")
        sizes = sorted(of_key["n_train"].unique())
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_xticks([], minor=True)
        axes.set_title(label, fontsize=8)
        axes.set_xlabel("training rows", fontsize=7)
        axes.set_ylabel("Spearman, held out", fontsize=7)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside upper center", ncols=len(names), frameon=False, fontsize=8
    )
    return figure


def _panels(n: int, *, n_columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """Return a figure with `n` panels in rows of at most `n_columns`."""
    n_columns = min(n, n_columns)
    n_rows = math.ceil(n / n_columns)
    # Titles above one or two panels need more room than the panels.
    figure = _figure(max(LEAST_WIDTH, size[0] * n_columns + 0.3), size[1] * n_rows + 0.6)
    panels = list(figure.subplots(n_rows, n_columns, squeeze=False).ravel())
    for axes in panels[n:]:
        axes.remove()
    for axes in panels[:n]:
        axes.tick_params(labelsize=6)
    return figure, panels[:n]


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _figure_of(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.2f}"
