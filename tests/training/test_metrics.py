"""Metrics against independent implementations and known numbers."""

import math
import time

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from archcost.training.metrics import (
    METRICS,
    flat,
    kendall,
    mape,
    pearson,
    rmse,
    score,
    spearman,
    top_k_recall,
    top_tenth_recall,
    within_5_percent,
    within_10_percent,
)


@pytest.fixture
def costs():
    rng = np.random.default_rng(3)
    truth = np.round(rng.lognormal(size=60), 1) + 0.1  # with ties
    return truth, truth * rng.lognormal(sigma=0.2, size=60)


def brute_force_tau_b(x, y):
    concordant = discordant = ties_x = ties_y = 0
    for i in range(len(x)):
        for j in range(i):
            sign = np.sign(x[i] - x[j]) * np.sign(y[i] - y[j])
            concordant += sign > 0
            discordant += sign < 0
            ties_x += x[i] == x[j]
            ties_y += y[i] == y[j]
    pairs = len(x) * (len(x) - 1) / 2
    return (concordant - discordant) / math.sqrt((pairs - ties_x) * (pairs - ties_y))


def test_correlations_agree_with_scipy_and_brute_force(costs):
    assert spearman(*costs) == pytest.approx(scipy.stats.spearmanr(*costs).statistic, abs=1e-12)
    assert pearson(*costs) == pytest.approx(np.corrcoef(*costs)[0, 1], abs=1e-12)
    assert kendall(*costs) == pytest.approx(brute_force_tau_b(*costs), abs=1e-12)


def test_errors_agree_with_sklearn(costs):
    assert rmse(*costs) == pytest.approx(sklearn.metrics.root_mean_squared_error(*costs))
    assert mape(*costs) == pytest.approx(sklearn.metrics.mean_absolute_percentage_error(*costs))


def test_shares_within_a_tolerance():
    truth, predicted = np.full(4, 100.0), np.array([104.0, 95.5, 109.0, 130.0])
    assert within_5_percent(truth, predicted) == 0.5
    assert within_10_percent(truth, predicted) == 0.75


def test_rank_metrics_round_to_nine_decimals():
    truth = np.array([1.0, 1.0, 2.0, 3.0])
    predicted = truth + np.array([0.0, 3e-13, -4e-14, 2e-12])  # noise of another summing order
    assert spearman(truth, predicted) == 1.0
    assert kendall(truth, predicted) == 1.0
    assert kendall(truth, truth + np.array([0, 1e-8, 0, 0])) < 1


def test_top_k_recall_known_numbers():
    truth = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert top_k_recall(truth, truth, 2) == 1.0
    assert top_k_recall(truth, -truth, 3) == 0.0
    assert top_k_recall(truth, np.array([1.0, 9.0, 2.0, 3.0, 4.0, 5.0]), 2) == 0.5


def test_top_k_recall_does_not_depend_on_the_order_of_ties():
    truth = np.array([1.0, 2.0, 3.0, 4.0])
    assert top_k_recall(truth, np.ones(4), 2) == 0.5
    assert top_k_recall(truth[::-1].copy(), np.ones(4), 2) == 0.5
    # Three architectures share the second place: each of them counts as truly cheapest.
    assert top_k_recall(np.array([1.0, 2.0, 2.0, 2.0]), np.array([1.0, 5.0, 4.0, 3.0]), 2) == 1.0


def test_top_k_recall_refuses_more_than_there_are():
    with pytest.raises(ValueError, match="k must be between 1 and the 3 architectures, but got 4"):
        top_k_recall(np.ones(3), np.ones(3), 4)


def test_top_tenth_looks_for_a_tenth():
    truth = np.arange(1.0, 21.0)
    predicted = truth.copy()
    predicted[0] = 99
    assert top_tenth_recall(truth, predicted) == 0.5


def test_score_holds_every_metric_with_an_interval_around_it(costs):
    scores = score(*costs)
    assert list(scores) == list(METRICS)
    for name, figure in scores.items():
        assert figure.value == METRICS[name](*costs)
        assert figure.low <= figure.high
    # The percentile interval of a correlation near 1 leans to the left, but holds the figure.
    assert scores["spearman"].low < scores["spearman"].value <= scores["spearman"].high


def test_score_is_fixed_by_its_seed(costs):
    assert score(*costs, seed=1) == score(*costs, seed=1)
    assert score(*costs, seed=1) != score(*costs, seed=2)


def test_interval_agrees_with_scipy_bootstrap(costs):
    ours = score(*costs, n_resamples=2000)["rmse"]
    theirs = scipy.stats.bootstrap(
        costs, rmse, paired=True, vectorized=False, n_resamples=2000, method="percentile", rng=0
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, rel=0.1)
    assert ours.high == pytest.approx(theirs.high, rel=0.1)


def test_interval_of_many_rows_shrinks_with_their_number():
    rng = np.random.default_rng(0)
    truth = rng.lognormal(size=9000)
    predicted = truth * rng.lognormal(sigma=0.1, size=9000)
    small = score(truth, predicted, max_rows=1000)["mape"]
    whole = score(truth, predicted, max_rows=9000)["mape"]
    assert small.high - small.low == pytest.approx(whole.high - whole.low, rel=0.35)


def test_score_of_a_whole_space_stays_affordable():
    rng = np.random.default_rng(0)
    truth = rng.lognormal(size=15_625)
    start = time.process_time()
    score(truth, truth * rng.lognormal(sigma=0.1, size=15_625))
    assert time.process_time() - start < 3


def test_constant_predictions_have_no_correlation_but_errors():
    scores = score([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    assert math.isnan(scores["spearman"].value)
    assert math.isnan(scores["kendall"].low)
    assert scores["rmse"].value == pytest.approx(math.sqrt(2 / 3))


def test_flat_names_value_and_bounds(costs):
    scores = score(*costs)
    numbers = flat(scores)
    assert len(numbers) == 3 * len(METRICS)
    assert numbers["kendall_low"] == scores["kendall"].low


@pytest.mark.parametrize(
    ("truth", "predicted", "rule"),
    [
        ([1.0, 2.0], [1.0], "two arrays of the same length"),
        ([1.0], [1.0], "2 or more"),
        ([1.0, math.nan], [1.0, 2.0], "finite"),
        ([1.0, 0.0], [1.0, 2.0], "true costs above 0"),
    ],
)
def test_score_refuses_what_it_cannot_score(truth, predicted, rule):
    with pytest.raises(ValueError, match=rule):
        score(truth, predicted)
