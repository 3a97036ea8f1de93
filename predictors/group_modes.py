"""The modes of the log variances of groups of features, and outliers among the measurements.

Notation as in ``group_posterior``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import minimize

from archcost.predictors.group_prior import GroupPrior

Floats = npt.NDArray[np.float64]

OFFSET_VARIANCE = 0.1
"""Prior variance of the constant, relative to the typical cost."""
JITTER = 1e-9
DEGREES = 4.0
"""Degrees of freedom of the noise's Student t."""
OUTLIER_SCATTER = 1e4
"""Scatter of a measurement that is declared an outlier."""
OUTLIER_PENALTY = 4.0
"""Penalty in nats for declaring a measurement an outlier."""
FIRST_ROUNDS = 3
"""Rounds of expectation-maximisation of the scatter under the prior's mean, before any fit."""
FEWEST_PER_OUTLIER, MOST_STEPS = 4, 8
"""Measurements needed for each outlier; fits at most, so that of many several go at once."""
FEWEST_FOR_OUTLIERS = 8
"""Measurements from which on outliers are searched: fewer cannot outvote one another, and the
costliest network would be taken for one on a device unlike the sources."""
FEW = 60
"""Measurements up to which outliers are searched one by one; beyond, the Student t suffices."""
LOW, HIGH, NOISE_LOW, NOISE_HIGH = -18.0, 3.0, -14.0, 1.0
"""Bounds of the log variances of the groups and of the noise."""
MOST_EXACT = 200
"""Measurements that the log variances are found on, at most; the coefficients use all."""


def grams(features: Floats, groups: Sequence[slice]) -> Floats:
    """Return the kernel matrix of each group, shape (n_groups, n, n)."""
    return np.stack([features[:, part] @ features[:, part].T for part in groups])


def find_mode(
    kernels: Floats,
    target: Floats,
    prior: GroupPrior,
    scatter: Floats | None = None,
    start: Floats | None = None,
    max_iterations: int = 25,
) -> Floats:
    """Return the mode of the posterior of the log variances."""
    scatter = np.ones(len(target)) if scatter is None else scatter
    found = minimize(
        _loss,
        prior.mean if start is None else start,
        args=(kernels, target, prior, scatter),
        jac=True,
        method="L-BFGS-B",
        bounds=[(LOW, HIGH)] * len(kernels) + [(NOISE_LOW, NOISE_HIGH)],
        options={"maxiter": max_iterations},
    )
    mode: Floats = found.x
    return mode


class RobustMode(NamedTuple):
    """The log variances under one hypothesis, and what it makes of each measurement.

    Parameters
    ----------
    mode : numpy.ndarray of float64, shape (n_groups + 1,)
        The most probable log variances.
    scatter : numpy.ndarray of float64, shape (n_measured,)
        Factor on the noise variance of each measurement.
    precision : numpy.ndarray of float64, shape (n_groups + 1, n_groups + 1)
        Of the log variances around the mode.
    log_evidence : float
        Of the hypothesis, by Laplace's approximation, up to a constant common to all.
    """

    mode: Floats
    scatter: Floats
    precision: Floats
    log_evidence: float


def robust_mode(kernels: Floats, target: Floats, prior: GroupPrior, regular: Floats) -> RobustMode:
    """Find the mode of the log variances while outliers lose their weight.

    Parameters
    ----------
    kernels : array of float, shape (n_groups, n, n)
        From ``grams``.
    target : array of float, shape (n,)
        Relative costs, less their prior means.
    prior : GroupPrior
        One hypothesis.
    regular : array of float, shape (n,)
        Scatter of each measurement if it is no outlier: 1, or less for a precise one.
    """
    mode, scatter = _start(kernels, target, prior, regular)
    rounds = 3 if len(target) <= MOST_EXACT // 2 else 2
    for remaining in reversed(range(rounds)):
        mode = find_mode(kernels, target, prior, scatter, mode, 20)
        if remaining:
            scatter = _expected_scatter(kernels, target, mode, scatter, regular)
    loss = _loss(mode, kernels, target, prior, scatter)[0] + _scatter_penalty(scatter / regular)
    if FEWEST_FOR_OUTLIERS <= len(target) <= FEW:
        mode, scatter, loss = _without_outliers(
            kernels, target, prior, regular, (mode, scatter, loss)
        )
    inverse, _ = inverse_of(covariance_of(mode, kernels, scatter))
    parts = [w * (inverse @ k) for w, k in zip(np.exp(mode[:-1]), kernels, strict=True)]
    parts.append(inverse * (np.exp(mode[-1]) * scatter))
    flat = np.stack([part.ravel() for part in parts])
    turned = np.stack([part.T.ravel() for part in parts])
    precision = 0.5 * flat @ turned.T + np.diag(prior.spread**-2)
    half_log_det = 0.5 * float(np.linalg.slogdet(precision)[1])
    log_evidence = prior.log_share - loss - float(np.log(prior.spread).sum()) - half_log_det
    return RobustMode(mode, scatter, precision, log_evidence)


def _start(
    kernels: Floats, target: Floats, prior: GroupPrior, regular: Floats
) -> tuple[Floats, Floats]:
    """Return log variances and scatter to start from.

    Either all measurements are regular, or those are not that are far from what the prior's mean
    expects: a fit that has seen outliers takes them for noise of everything. The likelier start is
    taken.
    """
    suspicious = regular
    for _ in range(FIRST_ROUNDS):
        suspicious = _expected_scatter(kernels, target, prior.mean, suspicious, regular)
    starts = []
    for scatter in (regular, suspicious):
        mode = find_mode(kernels, target, prior, scatter, None, 12)
        loss = _loss(mode, kernels, target, prior, scatter)[0] + _scatter_penalty(scatter / regular)
        starts.append((loss, mode, scatter))
    _, mode, scatter = min(starts, key=lambda start: start[0])
    return mode, scatter


def _scatter_penalty(scatter: Floats) -> float:
    """Return what scatters cost in nats, 0 for regular ones.

    About the divergence of their posterior from their prior, with noise of Student's t.
    """
    return float(DEGREES / 2 * (np.log(scatter) + 1 / scatter - 1).sum())


def _expected_scatter(
    kernels: Floats, target: Floats, mode: Floats, scatter: Floats, regular: Floats
) -> Floats:
    """Return the scatter of each measurement that its expected squared residual says."""
    noise = np.exp(mode[-1]) * scatter
    inverse = inverse_of(covariance_of(mode, kernels, scatter))[0]
    expected = (noise * (inverse @ target)) ** 2 + noise - noise**2 * np.diag(inverse)
    unusual = np.maximum(expected, 0.0) / (np.exp(mode[-1]) * regular)
    updated: Floats = regular * (DEGREES + unusual) / (DEGREES + 1)
    return updated


def _without_outliers(
    kernels: Floats,
    target: Floats,
    prior: GroupPrior,
    regular: Floats,
    found: tuple[Floats, Floats, float],
) -> tuple[Floats, Floats, float]:
    """Declare measurements outliers one after the other, and keep the best number of them.

    Among few measurements an outlier pulls the fit towards itself, so that only a fit without it
    shows its residual, and two of them hide each other: the next is taken out even if the last
    brought nothing yet.

    Parameters
    ----------
    kernels, target, prior, regular : as for ``robust_mode``
    found : tuple of array, array and float
        Log variances, scatter and penalised loss so far; returned if nothing is better.

    Returns
    -------
    tuple of array, array and float
        Log variances, scatter and penalised loss.
    """
    n = len(target)
    mode, _, best = found
    scatter = regular.copy()
    at_once = max(1, -(-(n // FEWEST_PER_OUTLIER) // MOST_STEPS))
    for n_out in range(at_once, n // FEWEST_PER_OUTLIER + 1, at_once):
        inverse, _ = inverse_of(covariance_of(mode, kernels, scatter))
        leave_one_out = (inverse @ target) ** 2 / np.diag(inverse)
        leave_one_out[scatter >= OUTLIER_SCATTER] = 0.0
        scatter = scatter.copy()
        scatter[np.argsort(-leave_one_out)[:at_once]] = OUTLIER_SCATTER
        mode = find_mode(kernels, target, prior, scatter, prior.mean, 15)
        loss = _loss(mode, kernels, target, prior, scatter)[0] + OUTLIER_PENALTY * n_out
        if loss < best:
            best, found = loss, (mode, scatter, loss)
    return found


def _loss(
    theta: Floats, kernels: Floats, target: Floats, prior: GroupPrior, scatter: Floats
) -> tuple[float, Floats]:
    """Return the negative log posterior of log variances and its gradient."""
    noise, weights = np.exp(theta[-1]), np.exp(theta[:-1])
    inverse, half_log_det = inverse_of(covariance_of(theta, kernels, scatter))
    solved = inverse @ target
    outer = inverse - np.outer(solved, solved)
    gradient = np.empty(len(theta))
    gradient[:-1] = 0.5 * weights * (kernels.reshape(len(kernels), -1) @ outer.ravel())
    gradient[-1] = 0.5 * noise * float(np.diag(outer) @ scatter)
    standard = (theta - prior.mean) / prior.spread
    value = 0.5 * float(target @ solved) + half_log_det
    return value + 0.5 * float(standard @ standard), gradient + standard / prior.spread


def covariance_of(theta: Floats, kernels: Floats, scatter: Floats) -> Floats:
    """Return the covariance of the targets, shape (n, n), under log variances `theta`."""
    n = len(scatter)
    weighted = np.exp(theta[:-1]) @ kernels.reshape(len(kernels), -1)
    matrix: Floats = weighted.reshape(n, n) + OFFSET_VARIANCE
    matrix[np.diag_indices(n)] += np.exp(theta[-1]) * scatter + JITTER
    return matrix


def inverse_of(matrix: Floats) -> tuple[Floats, float]:
    """Return the inverse of a covariance, and half the logarithm of its determinant.

    Parameters
    ----------
    matrix : array of float, shape (n, n)
        Symmetric and positive definite; overwritten.

    Raises
    ------
    numpy.linalg.LinAlgError
        If it is not positive definite.
    """
    # LAPACK itself: on matrices this small, the checks around it cost as much as the work.
    factor, failed = dpotrf(matrix.T, lower=1, clean=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError("the covariance of the measurements is singular")
    half_log_det = float(np.log(factor.diagonal()).sum())
    lower, _ = dpotri(factor, lower=1, overwrite_c=1)
    inverse: Floats = lower + lower.T
    inverse[np.diag_indices(len(inverse))] *= 0.5
    return inverse, half_log_det
