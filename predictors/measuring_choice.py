"""Choose the architectures whose measurement says most about an unknown device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from archcost.predictors.group_modes import OFFSET_VARIANCE
from archcost.predictors.group_prior import GroupPrior

Floats = npt.NDArray[np.float64]

DIRECTIONS = 80
"""Directions of features that are looked at; the rest have next to no variance."""


def choose(
    candidates: Floats,
    reference: Floats,
    groups: Sequence[slice],
    priors: Sequence[GroupPrior],
    n: int,
    measured: Floats | None = None,
) -> tuple[list[int], list[float]]:
    r"""Choose greedily what lowers the expected variance over the space most.

    .. math:: a_{k+1} = \arg\max_a \frac{\sum_r \mathrm{cov}_k(f(a), f(r))^2}
              {\mathrm{var}_k f(a) + s}

    Parameters
    ----------
    candidates : array of float, shape (n_candidates, n_features)
        Features of what can be measured.
    reference : array of float, shape (n_reference, n_features)
        Features of architectures that stand for the space.
    groups : sequence of slice
        Columns of the groups.
    priors : sequence of GroupPrior
        Hypotheses over the log variances; the design is for their mean variances.
    n : int
        How many to choose, at most all candidates.
    measured : array of float, shape (n_measured, n_features), optional
        Features of what is measured already.

    Returns
    -------
    chosen : list of int
        Rows of `candidates`, the most telling first.
    spreads : list of float
        Root mean expected variance over the space before any choice and after each, relative to
        the typical cost.
    """
    shares = np.exp([prior.log_share for prior in priors])
    means = np.array([np.exp(prior.mean) for prior in priors])
    variances = shares @ means / shares.sum()
    noise = float(variances[-1])
    scale = np.zeros(candidates.shape[1])
    for part, variance in zip(groups, variances[:-1], strict=True):
        scale[part] = np.sqrt(variance)
    design = _with_offset(reference * scale)
    _, _, directions = np.linalg.svd(design, full_matrices=False)
    project = directions[:DIRECTIONS].T
    design = design @ project
    second_moment = design.T @ design / len(design)
    rows = _with_offset(candidates * scale) @ project
    covariance = np.eye(rows.shape[1])
    if measured is not None and len(measured):
        done = _with_offset(measured * scale) @ project
        covariance = np.linalg.inv(covariance + done.T @ done / noise)
    return greedy_design(rows, second_moment, noise, n, covariance)


def greedy_design(
    rows: Floats, second_moment: Floats, noise: float, n: int, covariance: Floats
) -> tuple[list[int], list[float]]:
    """Choose greedily the rows of a linear model that lower its expected variance most.

    Parameters
    ----------
    rows : array of float, shape (n_candidates, n_features)
        What can be measured.
    second_moment : array of float, shape (n_features, n_features)
        Of the features of what is to be predicted.
    noise : float
        Variance of a measurement.
    n : int
        How many to choose, at most all candidates.
    covariance : array of float, shape (n_features, n_features)
        Of the coefficients before any choice.

    Returns
    -------
    chosen : list of int
        Rows, the most telling first.
    spreads : list of float
        Root mean expected variance before any choice and after each.
    """
    spreads = [_spread(covariance, second_moment)]
    free, chosen = np.ones(len(rows), dtype=bool), []
    # Kept up to date by steps of rank one, as products anew for each choice took most of the time.
    shifted = rows @ covariance
    spread_by = shifted @ second_moment
    variance = np.einsum("ij,ij->i", shifted, rows)
    gain = np.einsum("ij,ij->i", spread_by, shifted)
    for _ in range(min(n, len(rows))):
        best = int(np.where(free, gain / (noise + variance), -1.0).argmax())
        chosen.append(best)
        free[best] = False
        vector = covariance @ rows[best]
        moved = second_moment @ vector
        share = 1 / (noise + rows[best] @ vector)
        along = rows @ vector
        gain += share * along * (share * (vector @ moved) * along - 2 * (spread_by @ vector))
        variance -= share * along**2
        spread_by -= np.outer(share * along, moved)
        covariance = covariance - share * np.outer(vector, vector)
        spreads.append(_spread(covariance, second_moment))
    return chosen, spreads


def _with_offset(features: Floats) -> Floats:
    offset = np.full((len(features), 1), np.sqrt(OFFSET_VARIANCE))
    return np.hstack([features, offset])


def _spread(covariance: Floats, second_moment: Floats) -> float:
    return float(np.sqrt(max((covariance * second_moment).sum(), 0.0)))
