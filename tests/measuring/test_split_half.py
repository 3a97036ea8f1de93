import numpy as np
import pytest
from scipy.stats import spearmanr

from archcost.measuring.journal import RoundRecord
from archcost.measuring.round_costs import interquartile_mean, round_energies, sensitivity
from archcost.measuring.split_half import least_split_half_correlation, split_half_correlation


def test_interquartile_mean_ignores_both_ends():
    assert interquartile_mean(np.array([9.0, 1.0, 2.0, 3.0])) == 2.5
    assert interquartile_mean(np.array([4.0])) == 4.0


def test_sensitivity_is_the_slope_within_architectures():
    rng = np.random.default_rng(1)
    records = []
    for place in range(30):
        for round_number in range(8):
            reference_ms = 2 * np.exp(rng.random())
            latency_ms = (1 + place) * reference_ms**0.6 * np.exp(0.01 * rng.standard_normal())
            records.append(RoundRecord(f"arch {place}", round_number, (latency_ms,), reference_ms))
    assert sensitivity(records) == pytest.approx(0.6, abs=0.01)
    assert sensitivity(records[:1]) == 0.0


def test_repeatability_is_the_rank_correlation_of_the_halves():
    rng = np.random.default_rng(0)
    latencies_ms = 5 + rng.random((40, 5, 3)) + np.linspace(0, 2, 40)[:, None, None]
    records = [
        RoundRecord(f"arch {i}", r, tuple(latencies_ms[i, r]))
        for r in reversed(range(5))
        for i in range(40)
    ]
    fastest = latencies_ms.min(axis=2)
    # Of 2 and 3 rounds the middle half is all of them.
    first, second = fastest[:, :2].mean(axis=1), fastest[:, 2:].mean(axis=1)
    found = split_half_correlation(records)
    assert found.n_archs == 40
    assert found.spearman == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)


def test_repeatability_of_too_little_is_none():
    one_round = [RoundRecord(f"arch {i}", 0, (1.0 + i,)) for i in range(5)]
    assert split_half_correlation(one_round).spearman is None
    all_equal = [RoundRecord(f"arch {i}", r, (1.0,)) for i in range(5) for r in range(2)]
    assert split_half_correlation(all_equal).spearman is None
    assert split_half_correlation([]).n_archs == 0


def test_repeatability_of_latency_and_energy_is_the_lower_one():
    records = [
        RoundRecord(f"arch {i}", r, (1.0 + i,), energy_mj=float((i * 7**r) % 11 + 1))
        for r in range(2)
        for i in range(11)
    ]
    energy = split_half_correlation(records, round_energies).spearman
    assert energy < split_half_correlation(records).spearman == 1.0
    assert least_split_half_correlation(records) == energy
    assert least_split_half_correlation(records[:2]) is None
