"""The Gaussian process against scikit-learn's."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct

from archcost.predictors import GPPredictor
from archcost.predictors.sum_kernel import SumKernel
from archcost.spaces import NASBench201


@pytest.fixture(scope="module")
def blocks():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(25, 3)), rng.normal(size=(25, 2))]


@pytest.fixture(scope="module")
def kernel():
    amplitude, length = np.log([0.7, 1.3]), np.log([1.0, 0.8])
    return SumKernel(("linear", "rbf"), amplitude, length, float(np.log(0.2)))


def test_kernel_is_the_sum_that_scikit_learn_computes(blocks, kernel):
    linear = 0.7**2 * DotProduct(sigma_0=0, sigma_0_bounds="fixed")(blocks[0])
    rbf = 1.3**2 * RBF(0.8)(blocks[1])
    values = kernel(blocks, blocks)
    np.testing.assert_allclose(values, 1 + linear + rbf, rtol=1e-9)
    np.testing.assert_allclose(np.diag(values), kernel.diagonal(blocks))
    weights = np.linspace(-1, 1, 25)
    np.testing.assert_allclose(kernel.combine(blocks, blocks, weights), values @ weights)


def test_gradient_of_the_loss(blocks, kernel):
    statistics = kernel.statistics(blocks, blocks)
    target = np.sin(blocks[1][:, 0])

    def at(parameters):
        return SumKernel.from_parameters(kernel.kinds, parameters).loss(statistics, target)

    error = check_grad(lambda p: at(p)[0], lambda p: at(p)[1], kernel.parameters)
    assert error < 1e-4


def _data(n, seed):
    rng = np.random.default_rng(seed)
    ops = NASBench201().sample(n, seed=seed)
    weight = np.array([0.0, 0.1, 1.0, 3.0, 0.5])
    return ops, 1 + weight[ops].sum(axis=1) + 0.05 * rng.random(n)


def test_exact_predictions_are_those_of_scikit_learn():
    ops, cost_ms = _data(80, 1)
    model = GPPredictor(scale="linear").fit(ops, cost_ms)
    order = np.lexsort([cost_ms, *ops.T[::-1]])
    ops, cost_ms = ops[order], cost_ms[order]
    train = model._blocks(ops)
    # One column per block feature; scikit-learn has no kernels over blocks, so it gets values.
    noise = model.kernel_.noise
    matrix = model.kernel_(train, train) + noise * np.eye(len(ops))
    factor = np.linalg.cholesky(matrix)
    basis = np.linalg.solve(factor, model.kernel_(train, model._blocks(NASBench201().all_ops[:50])))
    mean = basis.T @ np.linalg.solve(factor, model.scale_.forward(cost_ms))
    predicted, std = model.predict(NASBench201().all_ops[:50], return_std=True)
    np.testing.assert_allclose(predicted, model.scale_.inverse(mean), rtol=1e-8)
    variance = model.kernel_.diagonal(model._blocks(NASBench201().all_ops[:50]))
    variance = variance - (basis**2).sum(axis=0) + noise
    np.testing.assert_allclose(std, np.sqrt(variance) * model.scale_.scale, rtol=1e-6)


def test_regression_equals_scikit_learn_on_one_block():
    """With one RBF block, a fixed kernel and no prior mean, both are textbook GP regression."""
    rng = np.random.default_rng(2)
    x, y, new = rng.normal(size=(40, 2)), rng.normal(size=40), rng.normal(size=(9, 2))
    ours = SumKernel(("rbf",), np.log([0.9]), np.log([1.1]), float(np.log(0.3)))
    theirs = GaussianProcessRegressor(
        ConstantKernel(1.0) + 0.81 * RBF(1.1), alpha=ours.noise, optimizer=None
    ).fit(x, y)
    weights = np.linalg.solve(ours([x], [x]) + ours.noise * np.eye(40), y)
    np.testing.assert_allclose(ours([new], [x]) @ weights, theirs.predict(new), rtol=1e-8)
    constant = 0.5 * 40 * np.log(2 * np.pi)
    deviation = ours.parameters - np.array([-1.0, 0.5, -2.0])
    prior = 0.5 * (deviation**2 / np.array([4.0, 1.0, 4.0])).sum()
    loss, _ = ours.loss(ours.statistics([x], [x]), y)
    expected = -theirs.log_marginal_likelihood_value_
    assert loss - prior + constant == pytest.approx(expected)


def test_all_rows_as_inducing_rows_are_the_exact_process():
    ops, cost_ms = _data(120, 3)
    new = NASBench201().sample(60, seed=9)
    exact = GPPredictor().fit(ops, cost_ms)
    projected = GPPredictor(max_exact=10, n_inducing=120).fit(ops, cost_ms)
    for one, other in zip(
        exact.predict(new, return_std=True), projected.predict(new, return_std=True), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=2e-3)


def test_fewer_inducing_rows_stay_close():
    ops, cost_ms = _data(300, 4)
    new = NASBench201().sample(100, seed=10)
    exact = GPPredictor().fit(ops, cost_ms).predict(new)
    projected = GPPredictor(max_exact=10, n_inducing=150).fit(ops, cost_ms).predict(new)
    np.testing.assert_allclose(projected, exact, rtol=0.02)


def test_std_grows_away_from_the_rows():
    ops, cost_ms = _data(100, 5)
    few = ops[(ops != 3).all(axis=1)]
    model = GPPredictor().fit(few, cost_ms[(ops != 3).all(axis=1)])
    _, near = model.predict(few, return_std=True)
    _, far = model.predict([[3] * 6], return_std=True)
    assert far[0] > 2 * near.max()
