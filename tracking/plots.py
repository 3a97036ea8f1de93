"""Plots of predictions against true costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from archcost.datasets import CostKey
    from archcost.training.metrics import Costs


def scatter_plot(truth: Costs, predicted: Costs, key: CostKey) -> Figure:
    """Plot predicted over true costs with the line on which they agree.

    Parameters
    ----------
    truth, predicted : numpy.ndarray of float64, shape (n_archs,)
        True and predicted costs.
    key : CostKey
        What they are; labels the axes.

    Returns
    -------
    matplotlib.figure.Figure
        A figure outside pyplot; ``figure.savefig`` writes it.
    """
    figure, axes = _figure(key)
    _points(axes, truth, predicted)
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    axes.plot(ends, ends, color="black", linewidth=0.8)
    axes.set_xlabel(f"true {key.metric} ({key.unit})")
    axes.set_ylabel(f"predicted {key.metric} ({key.unit})")
    return figure


def residual_plot(truth: Costs, predicted: Costs, key: CostKey) -> Figure:
    """Plot relative errors over true costs, with the band within 10 %.

    Parameters
    ----------
    truth, predicted : numpy.ndarray of float64, shape (n_archs,)
        True and predicted costs.
    key : CostKey
        What they are; labels the axes.

    Returns
    -------
    matplotlib.figure.Figure
        A figure outside pyplot. Errors beyond the 1st and 99th percentile are drawn at the edge:
        one near-zero cost would otherwise hide all others.
    """
    errors = 100 * (predicted - truth) / truth
    low, high = np.percentile(errors, [1, 99])
    figure, axes = _figure(key)
    axes.axhspan(-10, 10, color="0.92")
    axes.axhline(0, color="black", linewidth=0.8)
    _points(axes, truth, errors.clip(min(low, -10), max(high, 10)))
    axes.set_xlabel(f"true {key.metric} ({key.unit})")
    axes.set_ylabel(f"error of predicted {key.metric} (%)")
    return figure


def _figure(key: CostKey) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.15, 0.14, 0.81, 0.78))
    axes.set_title(str(key), fontsize=10)
    return figure, axes


def _points(axes: Axes, x: Costs, y: Costs) -> None:
    axes.scatter(x, y, s=8, alpha=0.5, linewidths=0)
