"""Prices from sums."""

import numpy as np
import pytest

from archcost.kernels.kernel_component import log_sums
from archcost.predictors.positive_sum import PricePrior, fit_prices, log_spread

PRIOR = PricePrior(np.zeros(3), 4.0 + np.eye(3))


def sums(n, seed=0, noise=0.0):
    rng = np.random.default_rng(seed)
    work = rng.lognormal(size=(n, 3))
    prices = np.array([3.0, 0.5, 1.5])
    return work, work @ prices * np.exp(noise * rng.standard_normal(n)), prices


def test_prices_come_back_from_exact_sums():
    work, cost, prices = sums(200)
    fitted = fit_prices(work, cost, PRIOR, 0.01)
    assert np.exp(fitted.log_prices) == pytest.approx(prices, rel=0.01)


def test_outliers_do_not_bend_prices():
    work, cost, prices = sums(200, noise=0.05)
    cost[:10] *= 8
    assert np.exp(fit_prices(work, cost, PRIOR, 0.05).log_prices) == pytest.approx(prices, rel=0.05)


def test_a_price_without_work_follows_the_others():
    work = sums(50)[0]
    tied = PricePrior(np.zeros(3), 4.0 + 0.01 * np.eye(3))
    work[:, 2] = 0
    fitted = fit_prices(work, 7 * work[:, :2].sum(axis=1), tied, 0.05)
    assert np.exp(fitted.log_prices[2]) == pytest.approx(7, rel=0.05)


def test_covariance_is_that_of_the_inverse_curvature():
    work, cost, _ = sums(30, noise=0.05)
    fitted = fit_prices(work, cost, PRIOR, 0.05)
    share = work * np.exp(fitted.log_prices)
    share /= share.sum(axis=1, keepdims=True)
    error = np.log(cost) - log_sums(work, fitted.log_prices)
    weight = 5 / (4 * 0.05**2 + error**2)
    curvature = np.linalg.inv(PRIOR.covariance) + share.T @ (share * weight[:, None])
    covariance = PRIOR.covariance - fitted.root @ fitted.root.T
    assert covariance == pytest.approx(np.linalg.inv(curvature), rel=1e-4, abs=1e-9)
    expected = np.sqrt(np.einsum("ij,jk,ik->i", share, np.linalg.inv(curvature), share))
    assert log_spread(work, fitted, PRIOR) == pytest.approx(expected, rel=1e-4)


def test_the_evidence_prefers_the_prior_that_holds():
    work, cost, prices = sums(8, noise=0.05)
    right = PricePrior(np.log(prices), 4.0 + 0.01 * np.eye(3))
    wrong = PricePrior(np.log(prices[::-1]), 4.0 + 0.01 * np.eye(3))
    gains = [fit_prices(work, cost, prior, 0.05).log_evidence for prior in (right, wrong)]
    assert gains[0] > gains[1] + 3
