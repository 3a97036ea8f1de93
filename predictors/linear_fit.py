"""Ridge regression with the penalty chosen by leave-one-out error."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PENALTIES = np.logspace(-9, 4, 27)
"""Small enough to be exact where the data are, large enough for 50 rows of 200 columns."""

LEVEL = 0.9
"""Probability at which intervals are fitted."""
MOST_DEVIATION = 2.0
"""Most standard deviation of a cost's logarithm: what is further off is not known at all."""


class LinearFit(NamedTuple):
    """A fitted linear function.

    Parameters
    ----------
    coefficients : array of float, shape (n_features,)
        One a column.
    intercept : float
        The constant.
    left_out : array of float, shape (n_archs,)
        Prediction of each training row by the fit to all others.
    """

    coefficients: Floats
    intercept: float
    left_out: Floats


def fit_ridge(features: Floats, target: Floats) -> LinearFit:
    """Fit a ridge regression, its penalty chosen by leave-one-out error.

    Parameters
    ----------
    features : array of float, shape (n_archs, n_features)
        Columns whose scale says how little they are penalised.
    target : array of float, shape (n_archs,)
        What to fit.

    Returns
    -------
    LinearFit
        The function, and the predictions of rows left out.

    Notes
    -----
    One singular value decomposition gives the leave-one-out residuals of every penalty.
    """
    center, mean = features.mean(axis=0), float(target.mean())
    left, singular, right = np.linalg.svd(features - center, full_matrices=False)
    used = singular > 1e-10 * max(float(singular[0]), 1e-300)
    left, singular, right = left[:, used], singular[used], right[used]
    projected = left.T @ (target - mean)
    # Residual and 1 - leverage without a penalty; where a fit passes through all rows, rounding.
    beyond, free = np.zeros(len(target)), np.zeros(len(target))
    if len(singular) < len(target) - 1:
        beyond = target - mean - left @ projected
        free = 1 - 1 / len(target) - (left**2).sum(axis=1)
    best: tuple[float, Floats, Floats] | None = None
    for penalty in PENALTIES:
        shrunk = singular**2 / (singular**2 + penalty)
        kept = penalty / (singular**2 + penalty)
        # Where the fit passes through all rows, the residual and 1 - leverage both vanish with
        # the penalty. Their ratio does not, as they are sums of small terms, not differences.
        residual = beyond + left @ (kept * projected)
        left_out = residual / np.maximum(free + (left**2) @ kept, 1e-12)
        error = float((left_out**2).mean())
        if best is None or error < best[0]:
            best = error, right.T @ (shrunk / singular * projected), left_out
    assert best is not None
    _, coefficients, left_out = best
    return LinearFit(coefficients, mean - float(center @ coefficients), target - left_out)


def relative_spread(cost: Floats, predicted: Floats) -> float:
    """Return the relative deviation at which 90 % intervals hold 90 % of these costs.

    The root mean square of the residuals would rest on the dearest architectures and on a few
    outliers, and intervals of the many others would be too narrow or too wide for their level.

    Parameters
    ----------
    cost : array of float, shape (n_archs,)
        True costs.
    predicted : array of float, shape (n_archs,)
        Positive predictions by a fit that did not see the row.

    Returns
    -------
    float
        Standard deviation of a log-normal distribution of mean 1.

    References
    ----------
    Lei et al., "Distribution-free predictive inference for regression" (JASA 2018): the split
    conformal quantile, here that of the logarithms' residuals.
    """
    residuals = np.sort(np.abs(np.log(cost / predicted)))
    rank = min(math.ceil(LEVEL * (len(residuals) + 1)), len(residuals))
    deviation = float(residuals[rank - 1]) / NormalDist().inv_cdf((1 + LEVEL) / 2)
    return math.sqrt(math.expm1(min(deviation, MOST_DEVIATION) ** 2))
