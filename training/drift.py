r"""Drift: costs that depend on when they were measured.

Devices warm up, throttle and are shared. Where architectures are measured one after the other, the
residuals of neighbouring rows then resemble each other, which noise never does.

Notation: :math:`r_t` the residual of row :math:`t` (log cost less what a model of the architecture
says), :math:`d_t` the drift, :math:`\ell` the length over which it is smooth, in rows.

.. math:: \hat d_t = \beta \, \frac{\sum_{s \ne t} e^{-|t - s| / \ell} \, r_s}
                              {\sum_{s \ne t} e^{-|t - s| / \ell}}
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.predictors.ridge import RidgePredictor
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops
from archcost.training.metrics import Costs

Rows = npt.NDArray[np.int64]
LEAST_ROWS = 200
"""Fewest rows in which drift is looked for."""
LENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
"""Lengths of drift that are tried, in rows."""
OUTLYING = 4.0
"""Residuals beyond this many robust standard deviations are cut to it: spikes are no drift."""
LEAST_EXPLAINED = 0.02
"""Share of the residuals' variance below which what is found counts as chance."""
N_FOLDS = 5
N_TURNS = 2
"""How often the model and the drift are learned in turns."""


class Drift(NamedTuple):
    """What a smoother says of residuals in their order.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_rows,)
        The drift at each row, from the other rows.
    length : float
        Over how many rows it is smooth.
    explained : float
        Share of the residuals' variance that it explains, row by row left out; at least 0.
    slope : float
        Share of the neighbours' mean that is drift.
    """

    values: Costs
    length: float
    explained: float
    slope: float


def smooth_drift(residuals: Costs, at: Rows | None = None) -> Drift:
    """Estimate the drift in residuals, each from its neighbours alone.

    Parameters
    ----------
    residuals : array of float64, shape (n_rows,)
        In the order of measuring, their mean near 0.
    at : array of int, shape (n_rows,), optional
        When each was measured, increasing; one after the other by default.

    Returns
    -------
    Drift
        The drift; zeros if it explains nothing.
    """
    at = np.arange(len(residuals)) if at is None else at
    cut = _without_spikes(residuals)
    best = Drift(np.zeros(len(cut)), math.nan, 0.0, 0.0)
    for length in LENGTHS:
        smooth = _average(cut, at, length, at, leave_out=True)
        power = float(smooth @ smooth)
        slope = max(0.0, float(smooth @ cut) / power) if power > 0 else 0.0
        explained = 1 - float(np.sum((cut - slope * smooth) ** 2) / np.sum(cut**2))
        if explained > best.explained:
            best = Drift(slope * smooth, length, explained, slope)
    return best


def drift_at(residuals: Costs, at: Rows, asked: Rows) -> Drift:
    """Estimate the drift at rows whose own residuals are not known.

    Parameters
    ----------
    residuals : array of float64, shape (n_rows,)
        Of measured rows.
    at : array of int, shape (n_rows,)
        When each was measured, increasing.
    asked : array of int, shape (n_asked,)
        Other times.

    Returns
    -------
    Drift
        At the times asked for.
    """
    known = smooth_drift(residuals, at)
    if known.explained == 0.0:
        return known._replace(values=np.zeros(len(asked)))
    cut = _without_spikes(residuals)
    mean = _average(cut, at, known.length, asked, leave_out=False)
    return known._replace(values=known.slope * mean)


def without_drift(
    space: SearchSpace, dataset: str, ops: Ops, costs: Costs, at: Rows, *, seed: int = 0
) -> Costs:
    """Return costs less the drift that they show among themselves.

    A ridge regression and the drift are learned in turns: each residual is that of a model which
    did not learn from its row, each drift comes from the neighbours of its row.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    dataset : str
        Fixes the input size.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.
    costs : array of float64, shape (n_archs,)
        Measured costs in ms or mJ.
    at : array of int, shape (n_archs,)
        Places of the rows in the order of measuring, in any order.
    seed : int, default=0
        Fixes the folds.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs,)
        The costs; unchanged where there are fewer than 200, or where no drift shows.
    """
    if len(costs) < LEAST_ROWS:
        return costs
    order = np.argsort(at, kind="stable")
    ops, log_costs, at = ops[order], np.log(costs[order]), at[order]
    fold = np.random.default_rng(seed).permutation(len(at)) % N_FOLDS
    drift = np.zeros(len(at))
    for _ in range(N_TURNS):
        predicted = np.empty(len(at))
        for left_out in range(N_FOLDS):
            held, rest = fold == left_out, fold != left_out
            model = RidgePredictor(scale="log", dataset=dataset)
            model.fit(ops[rest], np.exp(log_costs - drift)[rest], space=space)
            predicted[held] = np.log(model.predict(ops[held]))
        residuals = log_costs - predicted
        found = smooth_drift(residuals - np.median(residuals), at)
        if found.explained < LEAST_EXPLAINED:
            return costs
        drift = found.values
    cleaned = np.empty_like(costs)
    cleaned[order] = np.exp(log_costs - drift)
    return cleaned


def lag_one(values: Costs) -> float:
    """Return the autocorrelation of consecutive values, spikes cut."""
    centred = _without_spikes(values - np.median(values))
    centred = centred - centred.mean()
    return float(centred[1:] @ centred[:-1] / (centred @ centred))


def _without_spikes(residuals: Costs) -> Costs:
    spread = 1.4826 * float(np.median(np.abs(residuals - np.median(residuals))))
    most = OUTLYING * spread if spread > 0 else np.inf
    return np.clip(residuals, -most, most)


def _average(
    values: Costs,
    at: Rows,
    length: float,
    asked: Rows,
    *,
    leave_out: bool,
) -> Costs:
    """Return weighted means of the values at places around those asked for.

    Places are counted out on a grid of rows, where the weights are a convolution.
    """
    from scipy.signal import fftconvolve

    n_rows = int(max(at.max(), asked.max())) + 1
    held, counted = np.zeros(n_rows), np.zeros(n_rows)
    held[at], counted[at] = values, 1.0
    reach = min(n_rows - 1, math.ceil(12 * length))
    weights = np.exp(-np.abs(np.arange(-reach, reach + 1)) / length)
    if leave_out:
        weights[reach] = 0.0
    sums = fftconvolve(held, weights, mode="same")[asked]
    totals = fftconvolve(counted, weights, mode="same")[asked]
    return np.asarray(np.where(totals > 1e-9, sums / np.maximum(totals, 1e-9), 0.0))
