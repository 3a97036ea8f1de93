import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

from archcost.models.intervals import cost_interval
from archcost.predictors.linear_fit import PENALTIES, fit_ridge, relative_spread


def test_it_is_the_ridge_regression_that_scikit_learn_finds():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 12))
    target = features @ rng.normal(size=12) + rng.normal(size=60) + 5
    ours = fit_ridge(features, target)
    theirs = RidgeCV(PENALTIES).fit(features, target)
    np.testing.assert_allclose(ours.coefficients, theirs.coef_, rtol=1e-6)
    assert ours.intercept == pytest.approx(theirs.intercept_)
    for row in (0, 17):
        rest = np.arange(60) != row
        alone = Ridge(theirs.alpha_).fit(features[rest], target[rest])
        assert ours.left_out[row] == pytest.approx(alone.predict(features[[row]])[0], rel=1e-6)


def test_more_columns_than_rows_and_columns_that_repeat_are_fine():
    rng = np.random.default_rng(1)
    features = np.repeat(rng.normal(size=(10, 8)), 3, axis=1)
    fitted = fit_ridge(features, rng.normal(size=10))
    assert np.isfinite(fitted.coefficients).all()
    assert np.isfinite(fitted.left_out).all()


def test_left_out_rows_of_fits_with_more_columns_than_rows_are_right():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(12, 40))
    target = features @ rng.normal(size=40) + 3
    fitted = fit_ridge(features, target)
    for row in range(12):
        rest = np.arange(12) != row
        alone = [
            Ridge(a).fit(features[rest], target[rest]).predict(features[[row]]) for a in PENALTIES
        ]
        assert np.abs(np.ravel(alone) - fitted.left_out[row]).min() < 1e-4
    spread = np.std(target - fitted.left_out)
    assert spread > 0.2 * np.std(target)  # what 12 rows cannot know of 40 columns


def test_constant_features_leave_the_mean():
    fitted = fit_ridge(np.ones((4, 2)), np.array([1.0, 2.0, 3.0, 4.0]))
    assert fitted.intercept == pytest.approx(2.5)
    assert not fitted.coefficients.any()


def test_relative_spread_makes_intervals_hold():
    assert relative_spread(np.array([3.0, 4.0]), np.array([3.0, 4.0])) == 0
    rng = np.random.default_rng(0)
    predicted = np.exp(rng.uniform(0, 5, 4000))
    usual = predicted * np.exp(0.05 * rng.standard_normal(4000))
    assert relative_spread(usual, predicted) == pytest.approx(0.05, rel=0.05)
    # Where the few dear ones are known best, or a few are far off, the others still count.
    outliers = np.where(np.arange(4000) % 50 == 0, 30.0, 1.0)
    for cost in (predicted * np.exp(0.2 * rng.standard_t(2, 4000) / predicted), usual * outliers):
        std = relative_spread(cost, predicted)
        low, high = cost_interval(predicted, std * predicted, 0.9).T
        assert np.mean((low <= cost) & (cost <= high)) == pytest.approx(0.9, abs=0.01)
