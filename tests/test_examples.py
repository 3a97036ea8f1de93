"""The example programs, with small budgets."""

import importlib
from pathlib import Path

import numpy as np
import pytest

import archcost
from archcost.analysis import proxy_costs
from archcost.spaces import FBNet, NASBench201

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
CELLS, NETS = NASBench201(), FBNet()


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module


def n_convolutions(cell):
    return float(cell.count("nor_conv"))


def test_regularised_evolution(example):
    module = example("regularised_evolution")
    cell, score = module.evolve("raspi4", 25.0, score=n_convolutions, n_scored=150)
    latency_ms = archcost.predict(CELLS.all_ops, "raspi4")
    affordable = CELLS.format_many(CELLS.all_ops[latency_ms <= 25.0])
    assert archcost.predict(cell, "raspi4") <= 25.0
    assert score == max(map(n_convolutions, affordable))
    again = module.evolve("raspi4", 25.0, score=n_convolutions, n_scored=150)
    assert again == (cell, score)


def test_optuna(example):
    pytest.importorskip("optuna")
    module = example("optuna_search")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    limits = {"fpga:energy": 30.0, "params": 1.2e6}
    front = module.search(limits, score=n_convolutions, n_trials=150)
    assert len(front) > 2
    for trial in front:
        cell = trial.user_attrs["cell"]
        assert archcost.predict(cell, "fpga", "energy") <= 30.0
        assert CELLS.workload(cell).params <= 1.2e6
        assert trial.values == [n_convolutions(cell), archcost.predict(cell, "raspi4")]
    assert max(trial.values[0] for trial in front) >= 3


def test_pymoo(example):
    pytest.importorskip("pymoo")
    module = example("pymoo_search")
    networks, values = module.search(
        {"raspi4": 20.0, "eyeriss": 6.0, "peak_activation_bytes": 1e6},
        n_generations=20,
        population=40,
    )
    assert len(networks) > 10
    assert (values[:, 1] <= 20).all()
    assert (values[:, 2] <= 6).all()
    assert values[:, 1] == pytest.approx(archcost.predict(networks, "raspi4", space=NETS))
    ops = NETS.parse_many(networks)
    assert values[:, 0] == pytest.approx(proxy_costs(NETS, ops)["flops"])
    random = NETS.sample(800, seed=0)
    affordable = archcost.predict(random, "raspi4") <= 20
    best_random = proxy_costs(NETS, random)["flops"][affordable].max(initial=0.0)
    assert values[0, 0] > best_random


def test_gradient_search(example):
    module = example("gradient_search")
    ops = module.search("raspi4", 20.0, steps=150)
    latency_ms = archcost.predict(ops, "raspi4", space=NETS)
    assert 15.0 < latency_ms <= 20.0
    worth = module.block_worth().numpy()
    random = NETS.sample(4096, seed=0)
    affordable = random[archcost.predict(random, "raspi4") <= 20.0]
    of_random = worth[np.arange(22), affordable].sum(axis=1)
    assert worth[np.arange(22), ops].sum() > of_random.max(initial=0.0)
    assert module.search("raspi4", 1.0, steps=3) is None


def test_synflow_prefers_networks_that_carry_a_signal(example):
    synflow = example("synflow").synflow
    scores = [synflow(CELLS.format([op] * 6)) for op in (0, 4, 2, 3)]
    assert scores == sorted(scores)
    assert scores[0] < 0 < scores[3]
    assert synflow(CELLS.format([3] * 6)) == scores[3]
