"""Optima where some choices change what all others add: against brute force."""

import numpy as np
import pytest

from archcost.datasets import DEVICES, CostKey
from archcost.errors import ArchcostError
from archcost.models import CostModel, Manifest, pareto_front
from archcost.models.contextual_form import ContextualForm
from archcost.models.target_scale import TargetScale
from archcost.networks import GraphBuilder, Value
from archcost.search import exact_front, optimum
from archcost.search.cases import deciding
from archcost.search.contextual_sum import ContextualSum
from archcost.search.known_quantities import Work
from archcost.search.limits import Limit
from archcost.search.quantities import PredictedCost
from archcost.spaces import Dataset, SearchSpace, get_space
from archcost.spaces.space import Ops
from archcost.spaces.spaces import SPACES

RNG = np.random.default_rng(0)
KERNELS = ("k1", "k3", "k5")


class Scaled(SearchSpace):
    """Five blocks, the last of which may be absent, all of one width and resolution."""

    name = "scaled"
    slots = {  # noqa: RUF012
        "resolution": ("r8", "r12", "r16"),
        "width": ("w4", "w6"),
        **{f"block{number}": KERNELS for number in (1, 2, 3)},
        **{f"block{number}": (*KERNELS, "absent") for number in (4, 5)},
    }
    datasets = (Dataset("images", (3, 16, 16), 10),)

    def violation(self, ops: Ops) -> str | None:
        """Refuse a block after an absent one."""
        names = [self.op_names[op] for op in ops[-2:]]
        return "end where a block is absent" if names[0] == "absent" != names[1] else None

    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write the blocks and the classifier."""
        names = [self.op_names[op] for op in ops]
        side, width = (int(name[1:]) for name in names[:2])
        with builder.at(part="stem"):
            x = builder.conv(builder.input((3, side, side)), width, 3, name="stem")
        for place, block in enumerate(names[2:], start=2):
            if block != "absent":
                with builder.at(place):
                    kernel = int(block[1:])
                    x = builder.relu(builder.conv(x, width, kernel, name=f"block{place}"))
        with builder.at(part="head"):
            return builder.linear(builder.flatten(builder.global_pool(x)), 10, name="head")


SPACE = Scaled()
EVERY = SPACE.all_ops


@pytest.fixture(autouse=True)
def unlisted(monkeypatch):
    """Make the space too large to be listed, so that brute force can check the search."""
    monkeypatch.setitem(SPACES, SPACE.name, SPACE)
    monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 100)


def contextual_model(scale="sqrt"):
    contexts = np.eye(SPACE.n_positions + 1, SPACE.n_positions, dtype=bool)
    contexts[2:, :2] = True  # resolution and width decide on all blocks and the head
    sizes = [np.prod([len(SPACE.choices[q]) for q in np.flatnonzero(row)]) for row in contexts]
    entries = RNG.uniform(0.1, 1.0, int(sum(sizes)))
    form = ContextualForm(SPACE, contexts, entries, 0.2, TargetScale(scale, 0.1, 0.9, 0.2), 0.05)
    key = CostKey(SPACE.name, "raspi4", "latency", SPACE.default_dataset)
    model = CostModel(None, Manifest(key, DEVICES["raspi4"], "ridge"))
    model._form = form
    return model


@pytest.mark.parametrize("name", ["flops", "params", "activation_bytes"])
def test_work_is_a_sum_once_resolution_and_width_are_decided(name):
    work = Work(name, SPACE)
    sums = work.sums()
    assert isinstance(sums, ContextualSum) and sums.deciding <= {0, 1}
    for row in EVERY[:: len(EVERY) // 40]:
        decided = {0: int(row[0]), 1: int(row[1])}
        assert sums.given(decided)(row[None])[0] == work.values(row[None])[0]
        load = SPACE.workload(row)
        assert work.values(row[None])[0] == getattr(load, name)


@pytest.mark.parametrize("scale", ["linear", "sqrt", "log"])
def test_models_are_sums_once_resolution_and_width_are_decided(scale):
    cost = PredictedCost(contextual_model(scale))
    sums = cost.sums()
    for row in EVERY[:: len(EVERY) // 40]:
        total = sums.given({0: int(row[0]), 1: int(row[1])})(row[None])[0]
        assert sums.from_sum(total) == pytest.approx(cost.values(row[None])[0], rel=1e-12)


SCORES = {
    "flops": lambda ops: Work("flops", SPACE).values(ops) / 1e6,
    "params": lambda ops: Work("params", SPACE).values(ops) / 1e6,
    "table": None,
}


@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize("level", [None, 0.95])
@pytest.mark.parametrize("score", list(SCORES))
def test_brute_force_agrees(score, level, k):
    model = contextual_model("log")
    table = RNG.normal(size=SPACE.allowed.shape)
    values = (SCORES[score] or (lambda ops: table[np.arange(7), ops].sum(axis=1)))(EVERY)
    cost = Limit(PredictedCost(model), 1.0, level).bounded(EVERY)
    params = Work("params", SPACE).values(EVERY)
    for share in (0.01, 0.2, 0.7):
        limits = {"raspi4": float(np.quantile(cost, share**0.5)),
                  "params": float(np.quantile(params, share**0.5))}  # fmt: skip
        within = (cost <= limits["raspi4"]) & (params <= limits["params"])
        expected = np.sort(values[within])[::-1][:k]
        found = optimum(
            SPACE, table if score == "table" else score, limits, models={"raspi4": model},
            level=level, k=k,
        )  # fmt: skip
        assert found.is_proven and found.method == "branch and bound"
        np.testing.assert_allclose(found.ranked.iloc[:, 1], expected, rtol=1e-12)
        assert found.ranked["arch"].is_unique


@pytest.mark.parametrize("k", [1, 10])
def test_whole_numbers_with_ties_and_a_limit_that_says_the_same(k):
    table = RNG.integers(0, 4, SPACE.allowed.shape).astype(float)
    values = table[np.arange(7), EVERY].sum(axis=1)
    params = Work("params", SPACE).values(EVERY)
    for share in (0.1, 0.5):
        at_most = float(np.quantile(params, share))
        for score, expected in ((table, values), ("params", params / 1e6)):
            found = optimum(SPACE, score, {"weight_bytes": 4 * at_most}, k=k)
            best = np.sort(expected[params <= at_most])[::-1][:k]
            assert found.is_proven and found.ranked["arch"].is_unique
            np.testing.assert_allclose(found.ranked.iloc[:, 1], best, rtol=1e-12)


@pytest.mark.parametrize("score", ["flops", "table"])
def test_the_front_agrees_with_brute_force(score):
    model = contextual_model("sqrt")
    table = RNG.normal(size=SPACE.allowed.shape)
    table[5:, SPACE.op_names.index("absent")] = 3.0
    table[6] = table[5]  # so that absent blocks may come last
    model.compile().entries[:] = _alike_blocks(model.compile())
    values = Work("flops", SPACE).values(EVERY) / 1e6
    if score == "table":
        values = table[np.arange(7), EVERY].sum(axis=1)
    objectives = np.stack([-values, model.predict(EVERY)], axis=1)
    expected = np.unique(objectives[pareto_front(objectives)].round(9), axis=0)
    front = exact_front(SPACE, table if score == "table" else score, "raspi4",
                        models={"raspi4": model})  # fmt: skip
    np.testing.assert_allclose(front.iloc[:, 1:].to_numpy() * [-1, 1], expected, rtol=1e-8)
    assert all(arch in SPACE for arch in front["arch"])


def _alike_blocks(form):
    """Return entries in which the last two blocks add alike."""
    _, parts = form.by_place()
    parts[6][...] = parts[5]
    return np.concatenate([part.ravel() for part in parts])


def test_a_cost_that_is_to_be_small_and_limits_that_nothing_keeps():
    model = contextual_model()
    found = optimum(SPACE, minimize="raspi4", models={"raspi4": model}, k=3)
    np.testing.assert_allclose(found.ranked.iloc[:, 1], np.sort(model.predict(EVERY))[:3])
    assert found.is_proven
    with pytest.raises(ArchcostError, match="no architecture keeps"):
        optimum(SPACE, "flops", {"params": 10.0})


def test_the_bound_covers_cases_that_time_did_not_suffice_for():
    table = RNG.normal(size=SPACE.allowed.shape)
    model = contextual_model()
    at_most = float(np.quantile(model.predict(EVERY), 0.2))
    best = table[np.arange(7), EVERY].sum(axis=1)[model.predict(EVERY) <= at_most].max()
    found = optimum(SPACE, table, {"raspi4": at_most}, models={"raspi4": model}, seconds=0.0,
                    budget=50)  # fmt: skip
    assert found.bound >= best - 1e-9 and found.score <= best + 1e-9


def test_limits_that_need_too_many_decisions_are_left_out():
    allowed = np.ones((4, 40), dtype=bool)
    two = ContextualSum(SPACE, ((0,), (0, 1), (2,), (3,), ()), ())
    three = ContextualSum(SPACE, ((0,), (1,), (2,), (2, 3), ()), ())
    assert deciding(allowed, two, [(three, 1.0), None, (two, 2.0)]) == ((0,), [(two, 2.0)])
    many = ContextualSum(SPACE, ((0,), (0, 1), (1, 2), (3,), ()), ())
    assert deciding(allowed, many, []) is None


@pytest.mark.slow  # the work of so large a space is tabulated once, in six seconds
def test_the_best_once_for_all_network_within_a_latency_is_proven():
    space = get_space("ofa_mbv3")
    found = optimum(space, "flops", {"cpu_onnxruntime": 5.0}, seconds=600.0)
    assert found.is_proven and found.costs["cpu_onnxruntime_latency_ms"] <= 5.0
    work, near = Work("flops", space), space.neighbours(found.arch)
    near = near[PredictedCost(_loaded(space)).values(near) <= 5.0]
    assert len(near) > 30 and work.values(near).max() / 1e6 <= found.score


def _loaded(space):
    import archcost

    return archcost.load("cpu_onnxruntime", space=space)


def test_a_front_whose_rules_equal_positions_cannot_keep_is_refused():
    table = np.zeros(SPACE.allowed.shape)
    table[5, SPACE.op_names.index("absent")] = 1.0  # better than any block, but none may follow
    table[6, 0] = 1.0
    table[6, SPACE.op_names.index("absent")] = -9.0
    with pytest.raises(ArchcostError, match="needs rules that equal positions can keep"):
        exact_front(SPACE, table, "raspi4", models={"raspi4": contextual_model()})


def test_a_limit_that_must_be_looked_up_network_by_network_stops_in_time(monkeypatch):
    looked_up = []

    def values(self, ops):
        looked_up.append(len(ops))
        return np.full(len(ops), 1.0)

    monkeypatch.setattr("archcost.search.known_quantities.PeakMemory.values", values)
    monkeypatch.setattr("archcost.search.known_quantities.PeakMemory.choices_within",
                        lambda self, at_most: None)  # fmt: skip
    found = optimum(SPACE, "flops", {"peak_activation_bytes": 2.0, "params": 1e4}, k=2)
    assert found.is_proven and sum(looked_up) < len(EVERY) / 2
    with pytest.raises(ArchcostError, match="none was found that keeps"):
        optimum(SPACE, "flops", {"peak_activation_bytes": 0.5}, seconds=0.0)
