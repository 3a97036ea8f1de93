r"""Sums of positive prices, learned from the logarithms of the sums.

=================  =================================================================================
:math:`X`          work, shape (n_rows, n_prices), not negative
:math:`\phi`       logarithms of the prices
:math:`y`          costs; :math:`\log y = \log X e^\phi + e`, :math:`e` of Student's t distribution
:math:`\mu, S`     mean and covariance of the normal prior of :math:`\phi`
:math:`J`          :math:`\partial \log X e^\phi / \partial \phi`: the share of each price
=================  =================================================================================

The prior is what makes few rows enough: a covariance with groups says that prices rise and fall
together. It is also why a price without any work in the rows is not lost: it follows its groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FREEDOM = 4.0
"""Degrees of freedom of Student's t: few networks that run unlike all others do not bend prices."""
STEPS, TOLERANCE, LONGEST_STEP, SHORTEST = 60, 1e-5, 2.0, 1e-3
JITTER = 1e-9
"""Added to the variances of a prior, which may know some prices exactly from others."""


@dataclass(frozen=True, slots=True)
class PricePrior:
    """What is known of prices before any cost.

    Parameters
    ----------
    mean : numpy.ndarray of float64, shape (n_prices,)
        Of the logarithms of the prices.
    covariance : numpy.ndarray of float64, shape (n_prices, n_prices)
        Of the same.
    """

    mean: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True)
class PriceFit:
    """Prices that are most probable given costs.

    Parameters
    ----------
    log_prices : numpy.ndarray of float64, shape (n_prices,)
        Logarithms of the prices.
    root : numpy.ndarray of float64, shape (n_prices, n_rows)
        ``covariance - root @ root.T`` is the covariance of the logarithms given the costs.
    log_evidence : float
        Logarithm of the probability of the costs, up to a constant (Laplace's approximation).
    """

    log_prices: Floats
    root: Floats
    log_evidence: float


def fit_prices(work: Floats, cost: Floats, prior: PricePrior, spread: float) -> PriceFit:
    r"""Return the most probable prices.

    .. math:: \min_\phi \sum_i (\nu + 1) \log\left(1 + \frac{e_i^2}{\nu s^2}\right)
              + (\phi - \mu)^T S^{-1} (\phi - \mu)

    by Gauss-Newton steps in the space of the rows or of the prices, whichever is smaller.

    Parameters
    ----------
    work : numpy.ndarray of float64, shape (n_rows, n_prices)
        Not negative, and positive somewhere in each row.
    cost : numpy.ndarray of float64, shape (n_rows,)
        Positive costs.
    prior : PricePrior
        Mean and covariance of the logarithms of the prices.
    spread : float
        Scale :math:`s` of the errors of a row, as a share of the cost.

    Returns
    -------
    PriceFit
        Prices, their uncertainty and the evidence.
    """
    used = np.flatnonzero(work.any(axis=0))
    columns = np.ascontiguousarray(work[:, used])
    mean, covariance = prior.mean[used], prior.covariance[np.ix_(used, used)]
    target = np.log(cost)
    start = mean + np.median(target - np.log(columns @ np.exp(mean)))
    solve = _by_rows if len(cost) < len(used) else _by_prices
    phi, pull, value, error = solve(columns, target, mean, covariance, start, spread)
    shares, weight = _linearised(columns, phi, error, spread)
    scaled = shares * np.sqrt(weight)[:, None]
    noise = np.eye(len(cost)) + scaled @ covariance @ scaled.T
    triangle = np.linalg.cholesky(noise)
    root = np.linalg.solve(triangle, scaled @ prior.covariance[used]).T
    follow = prior.covariance[:, used] @ pull
    evidence = -value / 2 - np.log(np.diag(triangle)).sum() - len(cost) * np.log(spread)
    return PriceFit(prior.mean + follow, root, float(evidence))


def _by_prices(
    columns: Floats, target: Floats, mean: Floats, covariance: Floats, start: Floats, spread: float
) -> tuple[Floats, Floats, float, Floats]:
    """Return prices, the pull of the prior on them, the loss and the errors, by damped steps."""
    inverse = np.linalg.inv(covariance + JITTER * np.eye(len(mean)))

    def loss(phi: Floats) -> tuple[float, Floats]:
        error = target - np.log(columns @ np.exp(phi))
        return unlikely(error, spread) + float((phi - mean) @ inverse @ (phi - mean)), error

    phi, (value, error), damping = start, loss(start), 1e-3
    for _ in range(STEPS):
        shares, weight = _linearised(columns, phi, error, spread)
        curvature = shares.T @ (shares * weight[:, None]) + inverse
        slope = shares.T @ (weight * error) - inverse @ (phi - mean)
        while True:
            damped = curvature + damping * np.diag(np.diag(curvature))
            step = np.clip(np.linalg.solve(damped, slope), -LONGEST_STEP, LONGEST_STEP)
            tried, tried_error = loss(phi + step)
            if tried <= value or damping > 1e6:
                break
            damping *= 4
        if tried > value:
            break
        phi, gain, value, error = phi + step, value - tried, tried, tried_error
        damping = max(damping / 4, 1e-6)
        if gain < TOLERANCE * max(1.0, abs(value)):
            break
    return phi, inverse @ (phi - mean), value, error


def _by_rows(
    columns: Floats, target: Floats, mean: Floats, covariance: Floats, start: Floats, spread: float
) -> tuple[Floats, Floats, float, Floats]:
    r"""Return the same by shortened steps to the optimum of the linearised problem.

    With :math:`W` the weights of the rows, that optimum is :math:`\mu + S J^T u`,
    :math:`(W^{-1} + J S J^T) u = e + J (\phi - \mu)`, so that few rows need no large matrix.
    """
    phi = start
    ridged = covariance + JITTER * np.eye(len(mean))
    pull = np.linalg.solve(ridged, start - mean).astype(np.float64, copy=False)
    error = target - np.log(columns @ np.exp(phi))
    value = unlikely(error, spread) + float((phi - mean) @ pull)
    for _ in range(STEPS):
        shares, weight = _linearised(columns, phi, error, spread)
        reach = covariance @ shares.T
        wanted = error + shares @ (phi - mean)
        dual = np.linalg.solve(np.diag(1 / weight) + shares @ reach, wanted)
        step, step_of_pull = mean + reach @ dual - phi, shares.T @ dual - pull
        length = min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), LONGEST_STEP))
        while True:
            tried, tried_pull = phi + length * step, pull + length * step_of_pull
            tried_error = target - np.log(columns @ np.exp(tried))
            loss = unlikely(tried_error, spread) + float((tried - mean) @ tried_pull)
            if loss <= value or length < SHORTEST:
                break
            length /= 2
        if loss > value:
            break
        gain = value - loss
        phi, pull, value, error = tried, tried_pull, loss, tried_error
        if gain < TOLERANCE * max(1.0, abs(value)):
            break
    return phi, pull, value, error


def unlikely(error: Floats, spread: float) -> float:
    """Return the loss of errors, minus twice their log likelihood up to a constant."""
    return float((FREEDOM + 1) * np.log1p(error**2 / (FREEDOM * spread**2)).sum())


def log_spread(work: Floats, fit: PriceFit, prior: PricePrior) -> Floats:
    """Return the standard deviation of the logarithm of each cost, shape (n_rows,)."""
    shares = work * np.exp(fit.log_prices)
    shares /= shares.sum(axis=1, keepdims=True)
    variance = np.einsum("ij,jk,ik->i", shares, prior.covariance, shares)
    variance -= ((shares @ fit.root) ** 2).sum(axis=1)
    return np.sqrt(np.maximum(variance, 0.0))


def _linearised(
    columns: Floats, phi: Floats, error: Floats, spread: float
) -> tuple[Floats, Floats]:
    """Return the share of each price in each row, and the weight of each row's error."""
    shares = columns * np.exp(phi)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares, (FREEDOM + 1) / (FREEDOM * spread**2 + error**2)
