"""The greedy design: each choice lowers the expected variance most, found by trying them all."""

import numpy as np

from archcost.predictors.group_prior import GroupPrior
from archcost.predictors.measuring_choice import (
    LinearDesign,
    choose,
    drawn_variances,
    greedy_design,
    mean_variances,
)


def test_each_choice_is_the_best_of_all():
    rng = np.random.default_rng(0)
    rows, reference = rng.standard_normal((12, 4)), rng.standard_normal((30, 4))
    moment, noise = reference.T @ reference / 30, 0.1
    chosen, spreads = greedy_design([LinearDesign(rows, moment, noise, np.eye(4))], 5)

    def expected_variance(measured):
        done = rows[measured]
        return float(np.trace(np.linalg.inv(np.eye(4) + done.T @ done / noise) @ moment))

    for step, row in enumerate(chosen):
        tried = {
            r: expected_variance([*chosen[:step], r]) for r in set(range(12)) - set(chosen[:step])
        }
        assert row == min(tried, key=tried.__getitem__)
        np.testing.assert_allclose(spreads[step + 1] ** 2, tried[row], rtol=1e-9)


def test_a_choice_for_two_kinds_of_devices_tells_both_from_noise():
    # Two groups of one feature each: a device charges for the one or for the other.
    rows = np.array([[4.0, 0.0], [0.0, 4.0], [2.5, 2.5], [3.9, 0.1]])
    groups = [slice(0, 1), slice(1, 2)]
    kinds = np.array([[0.0, -9.0, -3.0], [-9.0, 0.0, -3.0]])
    mean = np.log(np.exp(kinds).mean(axis=0))

    def chosen(variances, n):
        return choose(rows, rows, groups, variances, n)[0]

    assert chosen([(0.5, kinds[0]), (0.5, kinds[1])], 1) == [2]
    assert set(chosen([(0.5, kinds[0]), (0.5, kinds[1])], 3)) >= {2}
    assert chosen([(1.0, kinds[0])], 1) == [0]
    assert chosen([(1.0, kinds[1])], 1) == [1]
    assert len(chosen([(1.0, mean)], 9)) == 4


def test_draws_span_each_hypothesis_and_keep_its_noise():
    priors = [
        GroupPrior(np.log(0.25), np.array([-4.0, -6.0]), np.array([2.0, 1.0])),
        GroupPrior(np.log(0.75), np.array([1.0, -5.0]), np.array([0.5, 1.0])),
    ]
    draws = drawn_variances(priors)
    weights = np.array([weight for weight, _ in draws])
    thetas = np.array([theta for _, theta in draws])
    np.testing.assert_allclose(weights.sum(), 1.0)
    first = thetas[:, 1] == -6.0
    np.testing.assert_allclose(weights[first].sum(), 0.25)
    np.testing.assert_allclose(thetas[first, 0].mean(), -4.0)
    assert 1.5 < thetas[first, 0].std() < 2.0
    assert set(thetas[~first, 1]) == {-5.0}
    ((weight, means),) = mean_variances(priors)
    assert weight == 1.0
    np.testing.assert_allclose(means[0], np.log(0.25 * np.exp(-4.0) + 0.75 * np.exp(1.0)))
