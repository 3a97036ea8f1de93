"""Compiled forms: exact to their tolerance, the same bits however they are asked."""

import numpy as np
import pytest
from more_spaces import ManyOps
from my_space import MySpace

from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchitectureError, IntegrityError
from archcost.models import FORMS, CostModel, Manifest
from archcost.models.additive_form import AdditiveForm
from archcost.models.chunks import CHUNK, THREADED, in_chunks
from archcost.models.pair_codes import pair_codes, pair_tables, sum_pairs
from archcost.models.table_form import TableForm, can_be_tabulated
from archcost.models.target_scale import TargetScale
from archcost.predictors import PREDICTORS
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")
N_RANDOM = 100_000

# Predictor, its parameters, the form's kind, and how far it may be off, as a share of the cost.
FBNET_FORMS = {
    "lookup": ("lookup", {}, "additive", 1e-12),
    "ridge": ("ridge", {"scale": "linear"}, "additive", 1e-12),
    "ridge, square root": ("ridge", {"scale": "sqrt"}, "additive", 1e-12),
    "ridge, logarithm": ("ridge", {"scale": "log"}, "additive", 1e-12),
    "mlp": ("mlp", {"max_epochs": 8, "width": 32, "n_members": 3}, "mlp", 1e-5),
    "gp": ("gp", {}, "gp", 1e-9),
    "gp, projected": ("gp", {"max_exact": 100, "n_inducing": 60}, "gp", 1e-9),
}


def crooked_ms(ops):
    """Return costs that are no sum over positions."""
    sums = 2.0 + ops.astype(float) @ np.linspace(0.2, 1.0, ops.shape[1])
    return sums + 0.02 * sums**2 + 0.5 * (ops[:, 0] == ops[:, 1])


@pytest.fixture(scope="module", params=list(FBNET_FORMS))
def fbnet_case(request):
    """Return a fitted predictor, its form and its tolerance."""
    name, params, kind, tolerance = FBNET_FORMS[request.param]
    ops = NETS.sample(300, seed=1)
    predictor = PREDICTORS[name](**params).fit(ops, crooked_ms(ops))
    arrays = dict(predictor.compiled())
    assert str(arrays.pop("kind")) == kind
    return predictor, FORMS[kind].from_arrays(NETS, arrays), tolerance


@pytest.mark.slow
def test_fbnet_forms_answer_like_the_predictor(fbnet_case):
    predictor, form, tolerance = fbnet_case
    ops = NETS.sample(N_RANDOM, seed=2)
    mean, std = predictor.predict(ops, return_std=True)
    np.testing.assert_allclose(form.predict(ops), mean, rtol=tolerance)
    if form.has_std:
        np.testing.assert_allclose(form.std(ops), std, rtol=tolerance)


def test_fbnet_forms_give_a_row_the_same_bits_everywhere(fbnet_case):
    _, form, _ = fbnet_case
    ops = NETS.sample(CHUNK + 700, seed=3)
    together = form.predict(ops)
    stds = form.std(ops) if form.has_std else together
    for size in (1, 2, 3, 13, 97):
        rows = ops[: 40 * size]
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        np.testing.assert_array_equal(
            np.concatenate([form.predict(part) for part in parts]), together[: len(rows)]
        )
        if form.has_std:
            np.testing.assert_array_equal(
                np.concatenate([form.std(part) for part in parts]), stds[: len(rows)]
            )
    backwards = np.asfortranarray(ops[::-1])
    np.testing.assert_array_equal(form.predict(backwards), together[::-1])
    for row, cost in zip(ops[:50].tolist(), together, strict=False):
        assert form(row) == form(tuple(row)) == form(NETS.format(row)) == cost
        assert form([NETS.op_names[op] for op in row]) == cost


def test_forms_survive_their_arrays(fbnet_case):
    _, form, _ = fbnet_case
    ops = NETS.sample(100, seed=4)
    again = type(form).from_arrays(NETS, form.arrays())
    np.testing.assert_array_equal(again.predict(ops), form.predict(ops))
    if form.has_std:
        np.testing.assert_array_equal(again.std(ops), form.std(ops))


@pytest.mark.parametrize("name", ["lookup", "ridge", "xgboost", "lightgbm", "gp"])
def test_cell_tables_are_the_predictor(name):
    ops = CELLS.sample(120, seed=1)
    predictor = PREDICTORS[name]().fit(ops, crooked_ms(ops))
    key = CostKey("nasbench201", "my_board", "latency", "cifar10")
    model = CostModel(predictor, Manifest(key, DeviceCard("my_board", "my board"), name))
    mean, std = predictor.predict(CELLS.all_ops, return_std=True)
    table = model.compile()
    np.testing.assert_array_equal(table.predict(CELLS.all_ops), mean)
    np.testing.assert_allclose(table.std(CELLS.all_ops), std, rtol=1e-6)
    np.testing.assert_array_equal(model.predict_index(np.arange(15625)), mean)
    assert model.predict_index([]).shape == (0,)
    for wrong in ([True], [1.0], ["7"], [-1], [15625]):
        with pytest.raises(ArchitectureError, match="indices must"):
            model.predict_index(wrong)
    for index in (0, 77, 15624):
        row = CELLS.all_ops[index]
        for arch in (index, np.int64(index), row, row.tolist(), tuple(row.tolist())):
            assert table(arch) == model.predict(arch) == mean[index]
        assert table(CELLS.format(row)) == table(f" {CELLS.format(row)} ") == mean[index]
        assert table([CELLS.op_names[op] for op in row]) == mean[index]


CELL_TABLE = TableForm(CELLS, np.arange(15625.0), np.ones(15625))
ADDITIVE = AdditiveForm(NETS, np.ones((22, 9)), 1.0, TargetScale("linear", 0.0, 1.0, 0.0), 0.1)


@pytest.mark.parametrize(
    "ops", [[-1, 0], [True, 0], [1.0, 0], [9, 0], ["none", "no_op"], [None, 0], [np.nan, 0]]
)
@pytest.mark.parametrize("form", [CELL_TABLE, ADDITIVE], ids=["cells", "additive"])
@pytest.mark.parametrize("sequence", [list, tuple])
def test_wrong_ops_are_refused_on_the_short_way(form, ops, sequence):
    n_positions = form.space.n_positions
    assert form(sequence([1] * n_positions)) > 0  # known by now, and [True, ...] equals it
    for wrong in (sequence(ops + ops[1:] * (n_positions - 2)), sequence([1] * (n_positions + 1))):
        with pytest.raises(ArchitectureError):
            form(wrong)
    for wrong in (-1, form.space.size, True, 1.0, None, "", "none-none", {}, sequence([])):
        with pytest.raises(ArchitectureError):
            form(wrong)


@pytest.mark.parametrize("n_positions", [1, 4, 7])
@pytest.mark.parametrize("further", [(), (3,)])
def test_sums_of_pairs(n_positions, further):
    rng = np.random.default_rng(0)
    table = rng.integers(0, 1000, size=(n_positions, 5, *further))
    ops = rng.integers(0, 5, size=(50, n_positions), dtype=np.int8)
    expected = 7 + table[np.arange(n_positions), ops].sum(axis=1)
    np.testing.assert_array_equal(sum_pairs(pair_tables(table), pair_codes(ops), 7), expected)


def test_large_batches_on_threads_keep_their_order():
    ops = np.random.default_rng(0).integers(0, 9, size=(THREADED + 5, 22), dtype=np.int8)
    sums = in_chunks(lambda some: some.sum(axis=1, dtype=np.float64), ops)
    np.testing.assert_array_equal(sums, ops.sum(axis=1))


@pytest.mark.parametrize("name", ["linear", "sqrt", "log"])
def test_scales_are_those_of_the_predictors(name):
    from archcost.predictors.cost_scale import CostScale

    costs = np.random.default_rng(0).lognormal(size=1000)
    theirs = CostScale.fit(name, costs)
    ours = TargetScale(name, theirs.shift, theirs.scale, theirs.floor)
    targets = np.linspace(-4, 4, 1001)
    back = ours.costs(targets.copy())
    np.testing.assert_array_equal(back, theirs.inverse(targets))
    assert [ours.cost(target) for target in targets.tolist()] == back.tolist()
    stds = np.full(1001, 0.3)
    np.testing.assert_allclose(ours.cost_stds(back, stds), theirs.spread(back, stds), rtol=1e-14)


MINE = MySpace()
OUTSIDE = [  # a block after an absent one, and a block in the place of the resolution
    [*MINE.parse("r16-k3_w8-k3_w8-absent-absent")[:4].tolist(), MINE.op_names.index("k3_w8")],
    [MINE.op_names.index("k3_w8")] * 5,
]


@pytest.mark.parametrize("tabulated", [True, False])
def test_the_short_way_checks_slots_and_rules(tabulated):
    ops = MINE.sample(200, seed=0)
    predictor = PREDICTORS["lookup"]().fit(ops, crooked_ms(ops), space=MINE)
    if tabulated:
        form = TableForm(MINE, *predictor.predict(MINE.all_ops, return_std=True))
    else:
        arrays = dict(predictor.compiled())
        form = FORMS[str(arrays.pop("kind"))].from_arrays(MINE, arrays)
    expected = predictor.predict(MINE.all_ops)
    np.testing.assert_allclose(form.predict(MINE.all_ops), expected, rtol=1e-12)
    for row, cost in zip(MINE.all_ops[::50].tolist(), expected[::50], strict=True):
        for arch in (row, tuple(row), MINE.format(row), MINE.index(row)):
            assert form(arch) == pytest.approx(cost, rel=1e-12)
    for wrong in OUTSIDE:
        for arch in (wrong, tuple(wrong), [MINE.op_names[op] for op in wrong]):
            with pytest.raises(ArchitectureError):
                form(arch)
    with pytest.raises(ArchitectureError, match="have no block after an absent one"):
        form(OUTSIDE[0])


def test_quick_ops_check_slots_and_rules():
    form = TableForm(MINE, np.ones(MINE.n_archs), np.ones(MINE.n_archs))
    assert form.quick_ops(MINE.all_ops[3].tolist()) == MINE.all_ops[3].tolist()
    for wrong in OUTSIDE:
        with pytest.raises(ArchitectureError):
            form.quick_ops(wrong)


def test_a_table_of_another_length_is_refused():
    with pytest.raises(IntegrityError, match=r"must have 1008 costs and deviations.*but has 1200"):
        TableForm(MINE, np.ones(1200), np.ones(1200))


def test_small_spaces_of_any_kind_become_tables():
    assert can_be_tabulated(MINE) and can_be_tabulated(CELLS)
    assert not can_be_tabulated(NETS) and not can_be_tabulated(ManyOps())


@pytest.mark.parametrize("name", ["lookup", "ridge", "gp", "mlp", "transfer"])
def test_more_ops_than_int8_ids(name):
    space = ManyOps()
    ops = space.sample(150, seed=1)
    assert ops.dtype == np.int16
    cost_ms = 1.0 + 0.01 * (1 + ops.astype(float)).sum(axis=1)
    params = {"max_epochs": 5} if name == "mlp" else {}
    predictor = PREDICTORS[name](**params).fit(ops, cost_ms, space=space)
    arrays = dict(predictor.compiled())
    form = FORMS[str(arrays.pop("kind"))].from_arrays(space, arrays)
    new = space.sample(300, seed=2)
    expected, std = predictor.predict(new, return_std=True)
    together = form.predict(new)
    np.testing.assert_allclose(together, expected, rtol=1e-5)
    if form.has_std:
        np.testing.assert_allclose(form.std(new), std, rtol=1e-5)
    for row, cost in zip(new[:20], together, strict=False):
        assert form(row.tolist()) == form(space.format(row)) == cost
    with pytest.raises(ArchitectureError):
        form([0, 0, 150])
    if name != "lookup":
        true = 1.0 + 0.01 * (1 + new.astype(float)).sum(axis=1)
        assert np.corrcoef(expected, true)[0, 1] > 0.95


class Indexed(ManyOps):
    """A space too large for a table, whose index is published."""

    name = "indexed"
    has_index = True


def test_published_indices_without_a_table(monkeypatch):
    from archcost.spaces import SPACES

    space = Indexed()
    monkeypatch.setitem(SPACES, space.name, space)
    ops = space.sample(50, seed=1)
    predictor = PREDICTORS["lookup"]().fit(ops, 1.0 + ops.sum(axis=1), space=space)
    key = CostKey("indexed", "my_board", "latency", space.default_dataset)
    model = CostModel(predictor, Manifest(key, DeviceCard("my_board", "my board"), "lookup"))
    indices = [0, 7, space.size - 1]
    rows = np.array([space.from_index(index) for index in indices])
    np.testing.assert_array_equal(model.predict_index(indices), model.predict(rows))
    for wrong in ([space.size], [-1], [0.5]):
        with pytest.raises(ArchitectureError):
            model.predict_index(wrong)


def test_a_block_of_a_gaussian_process_that_lacks_an_array_is_refused():
    space = get_space("fbnet")
    ops = space.sample(40, seed=0)
    arrays = PREDICTORS["gp"]().fit(ops, 1.0 + (ops == 3).sum(axis=1)).compiled()
    blocks = [name for name in arrays if name[-1].isdecimal()]
    assert len(blocks) == 8
    for name in blocks:
        with pytest.raises(KeyError, match=name):
            FORMS["gp"].from_arrays(space, {k: v for k, v in arrays.items() if k != name})
