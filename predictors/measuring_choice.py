"""Choose the architectures whose measurement says most about an unknown device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from archcost.predictors.group_modes import HIGH, LOW, OFFSET_VARIANCE
from archcost.predictors.group_prior import GroupPrior

Floats = npt.NDArray[np.float64]

DIRECTIONS = 60
"""Directions of features that are looked at; the rest have next to no variance."""
DRAWS = 32
"""Draws of the log variances that the choice is made for, about."""

Weighted = list[tuple[float, Floats]]


def choose(
    candidates: Floats,
    reference: Floats,
    groups: Sequence[slice],
    variances: Weighted,
    n: int,
    measured: Floats | None = None,
) -> tuple[list[int], list[float]]:
    r"""Choose greedily what lowers the expected variance over the space most.

    .. math:: a_{k+1} = \arg\max_a \sum_d p_d \frac{1}{V_{dk}}
              \frac{\sum_r \mathrm{cov}_{dk}(f(a), f(r))^2}{\mathrm{var}_{dk} f(a) + s}

    over log variances :math:`d` of probability :math:`p_d`; each counts by the share of its
    expected variance :math:`V_{dk}` that a measurement removes.

    Parameters
    ----------
    candidates : array of float, shape (n_candidates, n_features)
        Features of what can be measured.
    reference : array of float, shape (n_reference, n_features)
        Features of architectures that stand for the space.
    groups : sequence of slice
        Columns of the groups.
    variances : list of (float, array of float, shape (n_groups + 1,))
        Log variances of the groups and of the noise, with their probabilities: from
        ``mean_variances`` or ``drawn_variances``.
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
        the typical cost; the geometric mean over the draws.
    """
    designs, weights = [], []
    for weight, theta in variances:
        scale = np.concatenate(
            [
                np.full(part.stop - part.start, np.exp(log_variance / 2))
                for part, log_variance in zip(groups, theta[:-1], strict=True)
            ]
        )
        noise = float(np.exp(theta[-1]))
        design = _with_offset(reference * scale)
        _, _, directions = np.linalg.svd(design, full_matrices=False)
        project = directions[:DIRECTIONS].T
        design = design @ project
        covariance = np.eye(project.shape[1])
        if measured is not None and len(measured):
            done = _with_offset(measured * scale) @ project
            covariance = np.linalg.inv(covariance + done.T @ done / noise)
        rows = _with_offset(candidates * scale) @ project
        designs.append(LinearDesign(rows, design.T @ design / len(design), noise, covariance))
        weights.append(weight)
    return greedy_design(designs, n, weights)


class LinearDesign:
    """What can be measured of a linear model, and what is known after each choice.

    Parameters
    ----------
    rows : array of float, shape (n_candidates, n_features)
        What can be measured.
    second_moment : array of float, shape (n_features, n_features)
        Of the features of what is to be predicted.
    noise : float
        Variance of a measurement.
    covariance : array of float, shape (n_features, n_features)
        Of the coefficients before any choice.
    """

    def __init__(
        self, rows: Floats, second_moment: Floats, noise: float, covariance: Floats
    ) -> None:
        self.rows, self.noise = rows, noise
        self._second_moment, self._covariance = second_moment, covariance
        # Kept up to date by steps of rank one, as products anew for each choice took most of the
        # time.
        shifted = rows @ covariance
        self._spread_by = shifted @ second_moment
        self._variance = np.einsum("ij,ij->i", shifted, rows)
        self._gain = np.einsum("ij,ij->i", self._spread_by, shifted)

    @property
    def expected_variance(self) -> float:
        """Mean variance of what is to be predicted."""
        return max(float((self._covariance * self._second_moment).sum()), 0.0)

    def gains(self) -> Floats:
        """Return by how much measuring each row would lower the expected variance."""
        gains: Floats = self._gain / (self.noise + self._variance)
        return gains

    def measure(self, row: int) -> None:
        """Take the measurement of a row into account."""
        vector = self._covariance @ self.rows[row]
        moved = self._second_moment @ vector
        share = 1 / (self.noise + self.rows[row] @ vector)
        along = self.rows @ vector
        curved = share * (vector @ moved) * along - 2 * (self._spread_by @ vector)
        self._gain += share * along * curved
        self._variance -= share * along**2
        self._spread_by -= np.outer(share * along, moved)
        self._covariance = self._covariance - share * np.outer(vector, vector)


def greedy_design(
    designs: Sequence[LinearDesign], n: int, weights: Sequence[float] = (1.0,)
) -> tuple[list[int], list[float]]:
    """Choose greedily the rows that lower the expected variance most.

    Parameters
    ----------
    designs : sequence of LinearDesign
        Models that may be true, with the same candidates; updated in place.
    n : int
        How many to choose, at most all candidates.
    weights : sequence of float, default=(1.0,)
        Probability of each model.

    Returns
    -------
    chosen : list of int
        Rows, the most telling first.
    spreads : list of float
        Root mean expected variance before any choice and after each, the geometric mean over the
        models.
    """
    spreads = [_spread(designs, weights)]
    free, chosen = np.ones(len(designs[0].rows), dtype=bool), []
    for _ in range(min(n, len(free))):
        score = np.zeros(len(free))
        for design, weight in zip(designs, weights, strict=True):
            score += weight / max(design.expected_variance, 1e-300) * design.gains()
        best = int(np.where(free, score, -1.0).argmax())
        chosen.append(best)
        free[best] = False
        for design in designs:
            design.measure(best)
        spreads.append(_spread(designs, weights))
    return chosen, spreads


def mean_variances(priors: Sequence[GroupPrior]) -> Weighted:
    """Return the mean over the hypotheses of their median variances, as `choose` takes them."""
    shares = np.exp([prior.log_share for prior in priors])
    medians = np.array([np.exp(prior.mean) for prior in priors])
    return [(1.0, np.log(shares @ medians / shares.sum()))]


def drawn_variances(priors: Sequence[GroupPrior]) -> Weighted:
    """Return log variances spread evenly over each hypothesis, as `choose` takes them.

    Which groups matter on the new device is not known, and devices differ in it by orders of
    magnitude: what `mean_variances` calls for tells little where other groups matter. The noise is
    that of the hypothesis.
    """
    rng = np.random.default_rng(0)
    shares = np.exp([prior.log_share for prior in priors])
    shares = shares / shares.sum()
    draws: Weighted = []
    for prior, share in zip(priors, shares.tolist(), strict=True):
        n_draws = max(1, round(share * DRAWS))
        levels = (np.arange(n_draws) + 0.5) / n_draws
        normal = np.stack([ndtri(rng.permutation(levels)) for _ in prior.mean], axis=1)
        normal[:, -1] = 0.0
        thetas = np.clip(prior.mean + prior.spread * normal, LOW, HIGH)
        draws += [(share / n_draws, theta) for theta in thetas]
    return draws


def _with_offset(features: Floats) -> Floats:
    offset = np.full((len(features), 1), np.sqrt(OFFSET_VARIANCE))
    return np.hstack([features, offset])


def _spread(designs: Sequence[LinearDesign], weights: Sequence[float]) -> float:
    logs = [np.log(max(design.expected_variance, 1e-300)) for design in designs]
    return float(np.exp(0.5 * np.average(logs, weights=weights)))
