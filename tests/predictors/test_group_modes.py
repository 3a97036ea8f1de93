"""Marginal likelihood of groups of features: against scipy's density and finite differences."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from archcost.predictors import group_modes
from archcost.predictors.group_modes import (
    FEW,
    FEWEST_FOR_OUTLIERS,
    MOST_STEPS,
    OUTLIER_SCATTER,
    _loss,
    _without_outliers,
    covariance_of,
    find_mode,
    grams,
    inverse_of,
    robust_mode,
)
from archcost.predictors.group_prior import GroupPrior

RNG = np.random.default_rng(0)
FEATURES, GROUPS = RNG.standard_normal((15, 7)), [slice(0, 3), slice(3, 7)]
KERNELS, TARGET = grams(FEATURES, GROUPS), RNG.standard_normal(15)
PRIOR = GroupPrior(0.0, np.array([-1.0, -2.0, -3.0]), np.array([1.0, 2.0, 1.5]))
SCATTER = RNG.uniform(0.5, 2.0, 15)


def test_inverse_and_determinant_are_those_of_numpy():
    matrix = covariance_of(PRIOR.mean, KERNELS, SCATTER)
    expected, log_det = np.linalg.inv(matrix), np.linalg.slogdet(matrix)[1]
    inverse, half_log_det = inverse_of(matrix)
    np.testing.assert_allclose(inverse, expected, rtol=1e-9, atol=1e-12)
    assert half_log_det == pytest.approx(log_det / 2)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        inverse_of(np.ones((3, 3)) - np.eye(3))


def test_the_loss_is_the_negative_log_density_and_its_gradient_is_right():
    points = [PRIOR.mean, PRIOR.mean + 0.7]
    losses = [_loss(theta, KERNELS, TARGET, PRIOR, SCATTER)[0] for theta in points]
    densities = [
        multivariate_normal(cov=covariance_of(theta, KERNELS, SCATTER)).logpdf(TARGET)
        + PRIOR.log_density(theta[None])[0]
        for theta in points
    ]
    assert losses[1] - losses[0] == pytest.approx(densities[0] - densities[1])
    _, gradient = _loss(points[1], KERNELS, TARGET, PRIOR, SCATTER)
    numeric = approx_fprime(points[1], lambda t: _loss(t, KERNELS, TARGET, PRIOR, SCATTER)[0])
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [5, FEWEST_FOR_OUTLIERS, 15])
def test_no_measurement_of_very_few_is_declared_an_outlier(n):
    target = 0.1 * FEATURES[:n, 0]
    target[n - 1] += 3.0
    found = robust_mode(grams(FEATURES[:n], GROUPS), target, PRIOR, np.ones(n))
    if n < FEWEST_FOR_OUTLIERS:
        assert found.scatter.max() < OUTLIER_SCATTER
    if n == 15:
        assert found.scatter.argmax() == n - 1 and found.scatter[n - 1] == OUTLIER_SCATTER


@pytest.mark.parametrize("n", [FEWEST_FOR_OUTLIERS, 20, 33, 50, FEW])
def test_the_search_for_outliers_takes_no_more_steps_than_it_says(n, monkeypatch):
    rng = np.random.default_rng(n)
    target, steps = rng.standard_normal(n), []
    kernels = grams(rng.standard_normal((n, 7)), GROUPS)

    def counted(*arguments):
        steps.append(int((arguments[3] == OUTLIER_SCATTER).sum()))
        return find_mode(*arguments)

    monkeypatch.setattr(group_modes, "find_mode", counted)
    _without_outliers(kernels, target, PRIOR, np.ones(n), (PRIOR.mean, np.ones(n), 0.0))
    assert 1 < len(steps) <= MOST_STEPS
    assert n // 4 - 1 <= steps[-1] <= n // 4
