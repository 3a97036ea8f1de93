r"""Bayesian linear regression whose coefficients have one unknown variance per group.

.. math:: t_i = z_i^T \beta + c + \epsilon_i, \quad \beta_g \sim N(0, w_g I), \quad
          c \sim N(0, v_c), \quad \epsilon_i \sim N(0, s \, d_i)

====================  ======================  ====================================================
symbol                in the code             meaning
====================  ======================  ====================================================
:math:`t_i`           ``target``              relative cost of measurement i less its prior mean
:math:`z_i`           ``features``            cost drivers and source costs, ``(n, n_features)``
:math:`g`             ``groups``              a group of features, as a slice of the columns
:math:`\beta, c`      ``mean``                coefficients and the constant, which comes last
:math:`w_g`           ``exp(theta[:-1])``     prior variance of each coefficient of group g
:math:`v_c`           ``OFFSET_VARIANCE``     prior variance of the constant
:math:`s`             ``exp(theta[-1])``      variance of the noise
:math:`d_i`           ``scatter``             factor on the noise of measurement i, 1 if regular
:math:`\theta`        ``theta``, ``samples``  log variances :math:`(\log w, \log s)`
:math:`K_g`           ``kernels``             :math:`Z_g Z_g^T`, kernel matrix of group g
..                    ``shares``              importance weights of the samples of theta, sum 1
..                    ``priors``              hypotheses, each a normal prior over theta
====================  ======================  ====================================================

The log variances are averaged over: samples around the modes of their posterior under each
hypothesis of the prior, weighted by importance. The scatter makes the noise a Student t (by
expectation-maximisation), which bounds the influence of an outlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from archcost.predictors.group_modes import (
    DEGREES,
    HIGH,
    JITTER,
    LOW,
    MOST_EXACT,
    OFFSET_VARIANCE,
    covariance_of,
    grams,
    inverse_of,
    robust_mode,
)
from archcost.predictors.group_prior import GroupPrior

Floats = npt.NDArray[np.float64]

SAMPLES, KEPT = 96, 12
"""Samples of the log variances for the posterior mean, and for its covariance."""
WIDENING = 1.2
"""Factor on the spread of the normal approximations that samples are drawn from."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The posterior of the coefficients, the constant last.

    Parameters
    ----------
    mean : numpy.ndarray of float64, shape (n_features + 1,)
        Posterior mean.
    root : numpy.ndarray of float64, shape (n_features + 1, n_roots)
        A root of the posterior covariance: the variance of a prediction is the squared norm of
        the features times it, plus the noise.
    noise : float
        Variance of the noise.
    left_out, left_out_std : numpy.ndarray of float64, shape (n_measured,)
        Leave-one-out predictions of the targets, and their standard deviations.
    log_variances : numpy.ndarray of float64, shape (n_groups + 1,)
        Logarithms of the posterior mean variances of the groups, the noise last.
    """

    mean: Floats
    root: Floats
    noise: float
    left_out: Floats
    left_out_std: Floats
    log_variances: Floats


class _Solved(NamedTuple):
    """What the targets say under each sample of the log variances.

    Parameters
    ----------
    likelihood : numpy.ndarray of float64, shape (n_samples,)
        Log marginal likelihood, up to a constant.
    dual, inverse_diagonal : numpy.ndarray of float64, shape (n_samples, n_measured)
        The inverse covariance of the targets times these, and its diagonal.
    """

    likelihood: Floats
    dual: Floats
    inverse_diagonal: Floats


def infer(
    features: Floats,
    target: Floats,
    groups: Sequence[slice],
    priors: Sequence[GroupPrior],
    seed: int = 0,
    regular: Floats | None = None,
) -> Coefficients:
    """Return the posterior of the coefficients.

    Parameters
    ----------
    features : array of float, shape (n_measured, n_features)
        Cost drivers of the measured architectures.
    target : array of float, shape (n_measured,)
        Relative costs, less their prior means.
    groups : sequence of slice
        Columns of the groups.
    priors : sequence of GroupPrior
        Hypotheses over the log variances.
    seed : int, default=0
        Fixes the samples.
    regular : array of float, shape (n_measured,), optional
        Variance of the noise of each measurement that is no outlier, relative to the others';
        all the same by default.
    """
    regular = np.ones(len(target)) if regular is None else regular
    rng = np.random.default_rng(seed)
    some = np.sort(rng.permutation(len(target))[:MOST_EXACT])
    kernels, few = grams(features[some], groups), target[some]
    modes = [robust_mode(kernels, few, prior, regular[some]) for prior in priors]
    evidence = np.array([found.log_evidence for found in modes])
    shares_of_modes = np.exp(evidence - evidence.max())
    # What a hypothesis makes of a measurement counts as much as the hypothesis does.
    scatter = np.exp(
        shares_of_modes @ np.log([found.scatter for found in modes]) / shares_of_modes.sum()
    )
    samples, log_density = _sample([(found.mode, found.precision) for found in modes], rng)
    log_prior = np.logaddexp.reduce([prior.log_density(samples) for prior in priors], axis=0)
    solved = _solve_each(kernels, few, scatter, samples)
    shares = _shares(solved.likelihood + log_prior - log_density)
    if len(some) == len(target):
        return _average(features, target, groups, scatter, samples, shares, solved, rng)
    best = samples[shares.argmax()]
    variances = _variances(best, groups, features.shape[1])
    scatter = _all_scatter(features, target, variances, best, regular)
    order = np.argsort(-shares)[:KEPT]  # the samples hardly differ, and each costs more
    shares = shares[order] / shares[order].sum()
    return _average(features, target, groups, scatter, samples[order], shares, None, rng)


def _sample(
    modes: Sequence[tuple[Floats, Floats]], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw log variances around the modes; return them and their log density."""
    drawn = []
    for mode, precision in modes:
        lower = np.linalg.cholesky(np.linalg.inv(precision))
        normal = rng.standard_normal((SAMPLES // len(modes), len(mode)))
        drawn.append(mode + WIDENING * normal @ lower.T)
    samples = np.clip(np.vstack(drawn), LOW, HIGH)
    densities = []
    for mode, precision in modes:
        away = samples - mode
        exponent = np.einsum("ij,jk,ik->i", away, precision / WIDENING**2, away)
        densities.append(0.5 * (np.linalg.slogdet(precision)[1] - exponent))
    return samples, np.logaddexp.reduce(densities, axis=0)


def _solve_each(kernels: Floats, target: Floats, scatter: Floats, samples: Floats) -> _Solved:
    """Solve for the dual coefficients under each sample of the log variances."""
    shape = len(samples), len(target)
    dual, inverse_diagonal = np.empty(shape), np.empty(shape)
    likelihood = np.empty(len(samples))
    for number, theta in enumerate(samples):
        inverse, half_log_det = inverse_of(covariance_of(theta, kernels, scatter))
        dual[number], inverse_diagonal[number] = inverse @ target, inverse.diagonal()
        likelihood[number] = -0.5 * float(target @ dual[number]) - half_log_det
    return _Solved(likelihood, dual, inverse_diagonal)


def _shares(log_weights: Floats) -> Floats:
    """Return the importance of each sample; none gets more than three tenths, then rescaled."""
    shares = np.exp(log_weights - log_weights.max())
    shares = np.minimum(shares / shares.sum(), 0.3)
    shares[shares < 1e-4] = 0.0
    result: Floats = shares / shares.sum()
    return result


def _variances(theta: Floats, groups: Sequence[slice], n_features: int) -> Floats:
    """Return the prior variance of each coefficient, the constant last."""
    variances = np.full(n_features + 1, OFFSET_VARIANCE)
    for part, log_variance in zip(groups, theta[:-1], strict=True):
        variances[part] = np.exp(log_variance)
    return variances


def _all_scatter(
    features: Floats, target: Floats, variances: Floats, theta: Floats, regular: Floats
) -> Floats:
    """Return the scatter of all measurements, given log variances found on some."""
    scatter = regular
    for _ in range(2):
        mean, cover, _ = _solve(features, target, variances, np.exp(theta[-1]) * scatter)
        residual = target - features @ mean[:-1] - mean[-1]
        unusual = (residual**2 + cover) / (np.exp(theta[-1]) * regular)
        scatter = regular * (DEGREES + unusual) / (DEGREES + 1)
    return scatter


def _solve(
    features: Floats, target: Floats, variances: Floats, noise: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return posterior mean, variance explained at each measurement, and covariance.

    By measurements where they are fewer than the coefficients, else by coefficients.
    """
    design = np.hstack([features, np.ones((len(features), 1))])
    if len(target) <= design.shape[1]:
        scaled = design * variances
        matrix = scaled @ design.T
        matrix[np.diag_indices(len(target))] += noise + JITTER
        lower = np.linalg.cholesky(matrix)
        half = solve_triangular(lower, scaled, lower=True, check_finite=False)
        white = solve_triangular(lower, target, lower=True, check_finite=False)
        covariance = np.diag(variances) - half.T @ half
        mean = half.T @ white
    else:
        root = np.sqrt(variances)
        scaled = design * root
        precision = (scaled.T / (noise + JITTER)) @ scaled + np.eye(design.shape[1])
        covariance = np.linalg.inv(precision) * np.outer(root, root)
        mean = covariance @ (design.T @ (target / (noise + JITTER)))
    explained = np.einsum("ij,ij->i", design @ covariance, design)
    return mean, np.maximum(explained, 0.0), covariance


def _average(
    features: Floats,
    target: Floats,
    groups: Sequence[slice],
    scatter: Floats,
    samples: Floats,
    shares: Floats,
    solved: _Solved | None,
    rng: np.random.Generator,
) -> Coefficients:
    """Return the mean over all samples, and the covariance over some drawn by importance."""
    n_features = features.shape[1]
    ticks = (np.arange(KEPT) + rng.uniform()) / KEPT
    drawn = np.searchsorted(np.cumsum(shares), ticks).clip(max=len(shares) - 1)
    design = np.hstack([features, np.ones((len(features), 1))])
    mean, left_out = np.zeros(n_features + 1), np.zeros(len(target))
    left_out_variance = np.zeros(len(target))
    kept = []
    for number, (theta, share) in enumerate(zip(samples, shares, strict=True)):
        times = int((drawn == number).sum())
        if share == 0 and times == 0:
            continue
        noise = np.exp(theta[-1]) * scatter
        variances = _variances(theta, groups, n_features)
        if times or solved is None:
            one, explained, own = _solve(features, target, variances, noise)
            leverage = explained / (noise + JITTER)
        else:
            one = variances * (solved.dual[number] @ design)
            leverage = 1 - noise * solved.inverse_diagonal[number]
        if times:
            kept.append((times, one, own, float(np.exp(theta[-1]))))
        mean += share * one
        residual = target - design @ one
        free = np.maximum(1 - leverage, 1e-6)
        left_out += share * (target - residual / free)
        left_out_variance += share * np.exp(theta[-1]) * (1 + leverage / free)
    covariance = np.zeros((n_features + 1, n_features + 1))
    for times, one, own, _ in kept:
        covariance += times / KEPT * (own + np.outer(one - mean, one - mean))
    noise_variance = sum(times / KEPT * s for times, _, _, s in kept)
    values, vectors = np.linalg.eigh(covariance)
    large = values > 1e-7 * max(values[-1], 1e-12)
    root = vectors[:, large] * np.sqrt(values[large])
    log_variances = np.log(shares @ np.exp(samples))
    left_out_std = np.sqrt(left_out_variance)
    return Coefficients(mean, root, float(noise_variance), left_out, left_out_std, log_variances)
