"""The greedy design: each choice lowers the expected variance most, found by trying them all."""

import numpy as np

from archcost.predictors.measuring_choice import greedy_design


def test_each_choice_is_the_best_of_all():
    rng = np.random.default_rng(0)
    rows, reference = rng.standard_normal((12, 4)), rng.standard_normal((30, 4))
    moment, noise = reference.T @ reference / 30, 0.1
    chosen, spreads = greedy_design(rows, moment, noise, 5, np.eye(4))

    def expected_variance(measured):
        done = rows[measured]
        return float(np.trace(np.linalg.inv(np.eye(4) + done.T @ done / noise) @ moment))

    for step, row in enumerate(chosen):
        tried = {
            r: expected_variance([*chosen[:step], r]) for r in set(range(12)) - set(chosen[:step])
        }
        assert row == min(tried, key=tried.__getitem__)
        np.testing.assert_allclose(spreads[step + 1] ** 2, tried[row], rtol=1e-9)
