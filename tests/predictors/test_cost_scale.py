import numpy as np
import pytest
from scipy.optimize import approx_fprime

from archcost.predictors.cost_scale import SCALES, CostScale

COST = np.array([0.003, 1.0, 2.5, 40.0])


@pytest.mark.parametrize("name", SCALES)
def test_scales_standardise_and_come_back(name):
    scale = CostScale.fit(name, COST)
    target = scale.forward(COST)
    assert target.mean() == pytest.approx(0, abs=1e-12)
    assert target.std() == pytest.approx(1)
    np.testing.assert_allclose(scale.inverse(target), COST, rtol=1e-10)
    assert CostScale.restore(scale.state()) == scale


@pytest.mark.parametrize("name", SCALES)
def test_spread_and_jacobian_are_derivatives(name):
    scale = CostScale.fit(name, COST)
    slopes = [approx_fprime([c], lambda x: scale.forward(x)[0], 1e-7 * c)[0] for c in COST]
    np.testing.assert_allclose(scale.spread(COST, np.ones(4)), 1 / np.array(slopes), rtol=1e-4)
    assert scale.log_slope(COST) == pytest.approx(np.log(slopes).sum(), rel=1e-4)


@pytest.mark.parametrize("name", SCALES)
def test_costs_are_never_zero_or_negative(name):
    scale = CostScale.fit(name, COST)
    assert (scale.inverse(np.array([-50.0, -5.0, 0.0])) >= 0.02 * COST.min()).all()


def test_equal_costs_are_no_division_by_zero():
    scale = CostScale.fit("sqrt", np.full(3, 7.0))
    np.testing.assert_allclose(scale.inverse(np.zeros(1)), 7.0)
