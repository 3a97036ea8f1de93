"""Noise estimates: zero where costs are exact, known where noise was added."""

import numpy as np
import pytest

from archcost.analysis import noise_estimates, status_counts
from archcost.analysis.noise import equal_pairs
from archcost.datasets import CostTable
from archcost.spaces import get_space
from archcost.spaces.cell_graph import canonical

CELLS = get_space("nasbench201")
OPS = CELLS.all_ops[:6000]
EXACT = 1.0 + (OPS == 3).sum(axis=1) + 0.1 * (OPS == 4).sum(axis=1)


def estimate(cost, **repeats):
    table = CostTable.from_costs(CELLS, OPS, cost, device="board", **repeats)
    return noise_estimates(table).iloc[0]


def test_pairs_are_isomorphic_and_hold_the_same_ops():
    first, second = equal_pairs(CELLS, OPS, np.random.default_rng(0))
    assert len(first) > 100
    assert len(set(first) | set(second)) == 2 * len(first)
    assert (canonical(OPS[first]) == canonical(OPS[second])).all()
    assert (np.sort(OPS[first]) == np.sort(OPS[second])).all()
    nets = get_space("fbnet")
    assert equal_pairs(nets, nets.sample(60, seed=0), np.random.default_rng(0))[0].size == 0


def test_all_cells_hold_2484_disjoint_pairs():
    first, _ = equal_pairs(CELLS, CELLS.all_ops, np.random.default_rng(0))
    assert len(first) == 2484


def test_exact_costs_have_no_noise():
    row = estimate(EXACT)
    assert (row["disagreement"], row["pair_spearman"], row["ceiling"]) == (0, 1, 1)
    assert row["ceiling_from"] == "pairs"


def test_added_noise_is_found():
    rng = np.random.default_rng(0)
    noisy = EXACT * rng.lognormal(sigma=0.1, size=len(EXACT))
    row = estimate(noisy)
    # The median of |N(0, s sqrt 2)| is 0.954 s.
    assert row["disagreement"] == pytest.approx(0.0954, rel=0.15)
    import scipy.stats

    truth = scipy.stats.spearmanr(EXACT, noisy).statistic
    assert truth - 0.02 < row["ceiling"] < truth + 0.03


def test_repeats_tell_where_there_are_no_pairs():
    nets = get_space("fbnet").sample(50, seed=0)
    cost = np.linspace(1, 2, 50)
    table = CostTable.from_costs(
        "fbnet", nets, cost, device="board", cost_std=0.2 * cost, n_repeats=4
    )
    row = noise_estimates(table).iloc[0]
    assert row["repeat_spread"] == pytest.approx(0.2)
    assert row["ceiling_from"] == "repeats"
    assert 0.8 < row["ceiling"] < 0.98
    silent = CostTable.from_costs("fbnet", nets, cost, device="board")
    assert np.isnan(noise_estimates(silent)["ceiling"]).all()


def test_statuses_are_counted_by_cause():
    cost = np.where(np.arange(6000) < 5, np.nan, EXACT)
    status = ["did_not_compile"] * 3 + ["timed_out"] * 2 + ["ok"] * 5995
    table = CostTable.from_costs(CELLS, OPS, cost, device="board", status=status)
    counts = status_counts(table)
    assert list(counts.columns) == ["ok", "did_not_compile", "timed_out"]
    assert counts.iloc[0].tolist() == [5995, 3, 2]


def test_real_noise(real_tables):
    from archcost.datasets.source_help import parse

    table = parse(real_tables / "help").select(space="nasbench201")
    ceilings = {
        device: noise_estimates(table.select(device=device)).iloc[0]["ceiling"]
        for device in ("eyeriss", "titan_rtx_256", "pixel2")
    }
    assert ceilings["eyeriss"] == 1.0
    assert ceilings["titan_rtx_256"] > 0.999
    assert ceilings["pixel2"] < 0.95  # whole milliseconds, noisy
