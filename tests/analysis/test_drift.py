"""Drift told from noise, on tables made with and without it."""

import numpy as np
import pytest

from archcost.analysis.drift import drift_estimates, drift_warnings
from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.spaces import get_space
from archcost.training import TrainSettings, run_trial
from archcost.training.drift import drift_at, smooth_drift, without_drift

NETS = get_space("fbnet")
OPS = NETS.sample(1_000, seed=0)
TRUE = 5.0 + (OPS % 3 * np.linspace(0.2, 1.0, 22)).sum(axis=1)
RNG = np.random.default_rng(0)
NOISE = np.exp(0.03 * RNG.normal(size=len(OPS)))


def walk(length, size=0.1):
    """Return a drift that forgets itself within some rows."""
    keep, value, values = np.exp(-1 / length), 0.0, []
    for step in np.random.default_rng(1).normal(size=len(OPS)):
        value = keep * value + np.sqrt(1 - keep**2) * step
        values.append(value)
    return size * np.array(values)


def table_of(cost):
    return CostTable.from_costs("fbnet", OPS, cost, device="my_board")


def test_noise_is_no_drift():
    found = drift_estimates(table_of(TRUE * NOISE)).iloc[0]
    assert abs(found.autocorrelation) < 0.1
    assert found.drift < 0.01
    assert abs(found.spearman - found.spearman_without_drift) < 0.002
    assert drift_warnings(table_of(TRUE * NOISE)) == []


def test_drift_is_found_and_taken_off_rows_it_was_not_learned_from():
    found = drift_estimates(table_of(TRUE * NOISE * np.exp(walk(10)))).iloc[0]
    assert found.autocorrelation > 0.5
    assert found.drift == pytest.approx(0.09, abs=0.03)
    assert found.spearman_without_drift > found.spearman + 0.02
    (sentence,) = drift_warnings(table_of(TRUE * NOISE * np.exp(walk(10))))
    assert "costs drifted by" in sentence
    assert "--in-order" in sentence


def test_alternation_is_said_and_not_smoothed():
    swing = 0.1 * (-1.0) ** np.arange(len(OPS)) * (1 + 0.1 * RNG.normal(size=len(OPS)))
    swing *= np.repeat(RNG.choice([-1, 1], size=100), 10)  # with a phase that wanders
    table = table_of(TRUE * np.exp(swing))
    assert drift_estimates(table).iloc[0].autocorrelation < -0.3
    (sentence,) = drift_warnings(table)
    assert "alternated" in sentence


def test_rows_sorted_by_cost_say_nothing():
    order = np.argsort(TRUE)
    table = CostTable.from_costs("fbnet", OPS[order], (TRUE * NOISE)[order], device="my_board")
    assert drift_estimates(table).iloc[0].is_sorted
    assert drift_warnings(table) == []


def test_the_smoother_by_hand():
    # Weights exp(-|t - s| / length) of the neighbours, the row itself left out.
    residuals = np.repeat([1.0, -1.0], 300)
    found = smooth_drift(residuals)
    assert found.explained > 0.9
    inner = np.r_[10:290, 310:590]
    np.testing.assert_allclose(found.values[inner], residuals[inner], rtol=0.05)
    at = np.arange(0, 600, 2)
    np.testing.assert_allclose(
        drift_at(residuals[at], at, np.array([101, 401])).values, [1.0, -1.0], rtol=0.05
    )
    assert smooth_drift(np.tile([1.0, -1.0], 300)).explained == 0.0


def test_training_in_order_learns_the_cost_and_not_the_weather():
    drifting = TRUE * NOISE * np.exp(walk(20, size=0.2))
    cleaned = without_drift(NETS, "cifar100", OPS, drifting, np.arange(len(OPS)))
    assert np.std(np.log(cleaned / TRUE)) < 0.4 * np.std(np.log(drifting / TRUE))
    errors = []
    for in_order in (False, True):
        settings = TrainSettings(predictor="ridge", test_share=0.3, in_order=in_order)
        trial = run_trial(table_of(drifting), settings=settings)
        ratio = np.log(trial.model.predict(OPS) / TRUE)
        errors.append(np.std(ratio))
        assert trial.model.manifest.training["in_order"] is in_order
    assert errors[1] < 0.7 * errors[0]


def test_shuffled_rows_and_few_rows():
    drifting = TRUE * NOISE * np.exp(walk(20, size=0.2))
    at = np.arange(len(OPS))
    mixed = np.random.default_rng(2).permutation(len(OPS))
    straight = without_drift(NETS, "cifar100", OPS, drifting, at)
    np.testing.assert_array_equal(
        without_drift(NETS, "cifar100", OPS[mixed], drifting[mixed], at[mixed]), straight[mixed]
    )
    few = slice(0, 100)
    np.testing.assert_array_equal(
        without_drift(NETS, "cifar100", OPS[few], drifting[few], at[few]), drifting[few]
    )


def test_data_check_says_it(tmp_path, capsys):
    table_of(TRUE * NOISE * np.exp(walk(10))).write(tmp_path / "drifting.parquet")
    assert main(["data", "check", str(tmp_path / "drifting.parquet")]) == 0
    assert "costs drifted by" in capsys.readouterr().out
