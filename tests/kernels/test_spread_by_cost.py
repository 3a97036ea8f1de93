"""How errors change with the cost."""

import numpy as np
import pytest

from archcost.kernels.spread_by_cost import STEEPEST, SpreadByCost


def test_the_spread_falls_with_the_cost_where_errors_do():
    rng = np.random.default_rng(0)
    logs = rng.uniform(-1, 4, 400)
    scores = np.abs(rng.standard_normal(400)) * np.exp(-0.3 * logs)
    found = SpreadByCost.of(logs, scores)
    assert found.slope == pytest.approx(0.3, abs=0.06)
    even = scores / found(logs)
    small, large = np.quantile(even[logs < 1], 0.9), np.quantile(even[logs > 2], 0.9)
    assert small == pytest.approx(large, rel=0.25)


def test_it_stays_beyond_the_costs_that_were_seen():
    found = SpreadByCost(0.2, 0.0, 2.0)
    assert found(np.array([-9.0, 0.0, 1.0, 2.0, 9.0])) == pytest.approx(
        np.exp([0.2, 0.2, 0.0, -0.2, -0.2])
    )


def test_few_costs_rising_errors_and_one_size_change_nothing():
    logs = np.linspace(0, 3, 30)
    assert SpreadByCost.of(logs, np.exp(-logs)) == SpreadByCost()
    logs = np.linspace(0, 3, 300)
    assert SpreadByCost.of(logs, np.exp(logs)).slope == 0
    assert SpreadByCost.of(logs, np.exp(-4 * logs)).slope == STEEPEST
    assert SpreadByCost.of(np.full(300, 1.0), np.ones(300)) == SpreadByCost()
