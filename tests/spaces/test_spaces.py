"""The two search spaces: forms, index, sampling, neighbours, errors."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcost.errors import ArchitectureError, UnknownNameError
from archcost.spaces import FBNet, NASBench201, get_space, infer_space
from archcost.spaces.spaces import SPACES

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
CELL_OPS = [3, 0, 1, 0, 0, 2]
CELLS, NETS = NASBench201(), FBNet()


def test_published_order_starts_as_the_paper_prints_it():
    node = "nor_conv_1x1~0|skip_connect~1|"
    assert CELLS.format(0) == f"|avg_pool_3x3~0|+|{node}+|{node}skip_connect~2|"
    assert CELLS.format(1).startswith("|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|")


def test_published_order_equals_the_published_file(real_tables):
    from archcost.datasets.pickles import load_torch_zip

    index_of = load_torch_zip(real_tables / "help" / "nasbench201" / "str_arch2idx.pt")
    strings = CELLS.format_many(CELLS.all_ops)
    assert {text: place for place, text in enumerate(strings)} == dict(index_of)


@pytest.mark.parametrize(
    "form",
    [
        CELL,
        f" {CELL}\n",
        CELL_OPS,
        tuple(CELL_OPS),
        np.array(CELL_OPS),
        np.array(CELL_OPS, dtype=np.uint8),
        [CELLS.op_names[op] for op in CELL_OPS],
        {"name": "infer.tiny", "C": 16, "N": 5, "arch_str": CELL, "num_classes": 10},
        CELLS.index(CELL),
        np.int64(CELLS.index(CELL)),
    ],
)
def test_every_form_of_a_cell_is_the_same_cell(form):
    ops = CELLS.parse(form)
    assert ops.dtype == np.int8 and ops.tolist() == CELL_OPS
    assert CELLS.format(form) == CELL
    assert CELLS.is_single(form)
    assert infer_space(form, among=["nasbench201", "fbnet"]) == CELLS
    if not isinstance(form, int | np.integer):
        assert infer_space(form) == CELLS


def test_every_form_of_an_fbnet_is_the_same_network():
    ops = list(range(9)) * 2 + [8, 0, 3, 5]
    names = [NETS.op_names[op] for op in ops]
    config = {"dataset": "cifar100", "num_classes": 100, "op_idx_list": ops, "arch_str": names}
    for form in ("-".join(names), names, ops, np.array(ops), config):
        assert NETS.parse(form).tolist() == ops
        assert infer_space(form) == NETS
    assert NETS.from_index(NETS.index(ops)).tolist() == ops


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_batches_parse_alike(space):
    ops = space.sample(20, seed=3)
    for batch in (ops, ops.tolist(), space.format_many(ops), list(ops)):
        assert not space.is_single(batch)
        np.testing.assert_array_equal(space.parse_many(batch), ops)
        assert infer_space(batch) == space


@given(st.integers(0, 5**6 - 1))
def test_cell_index_round_trip(index):
    assert CELLS.index(CELLS.from_index(index)) == index
    assert CELLS.index(CELLS.format(index)) == index
    assert CELLS.indices(CELLS.from_index(index)[None])[0] == index


@given(st.integers(0, 9**22 - 1))
def test_fbnet_index_round_trip(index):
    assert NETS.index(NETS.from_index(index)) == index


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("|nor_conv_3x3~0|", "must read like"),
        (CELL.replace("skip_connect", "skip_conect"), "did you mean 'skip_connect'"),
        (CELL.replace("~2", "~1"), "must read like"),
        ("", "must read like"),
        ([1, 2, 3], "must have 6 ops, but got shape"),
        ([0, 0, 0, 0, 0, 5], "between 0 and 4, but got 5"),
        ([0, 0, 0, 0, 0, -1], "between 0 and 4, but got -1"),
        ([0.0] * 6, "must be integers, but got 0.0"),
        ([True] * 6, "must be integers, but got True"),
        (15625, "between 0 and 15624, but got 15625"),
        (None, "must be a string"),
        (1.5, "must be a string"),
        ({"op_idx_list": CELL_OPS}, "must hold 'arch_str'"),
        (np.zeros((2, 3), dtype=int), "6 ops"),
    ],
)
def test_malformed_cells_are_refused(form, message):
    with pytest.raises(ArchitectureError, match=message):
        CELLS.parse(form)
    assert form not in CELLS


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("k3_e1-skip", "must have 22 ops, but got 2"),
        ("-".join(["k3_e1"] * 21 + ["k3_e2"]), r"the nearest is 'k3_e1'\. There"),
        ([0] * 21 + [9], "between 0 and 8, but got 9"),
        ({"arch_str": "x"}, "must hold 'op_idx_list'"),
    ],
)
def test_malformed_fbnets_are_refused(form, message):
    with pytest.raises(ArchitectureError, match=message):
        NETS.parse(form)


def test_a_malformed_batch_names_the_place():
    with pytest.raises(ArchitectureError, match="architecture 1: "):
        CELLS.parse_many([CELL, "nonsense"])
    with pytest.raises(ArchitectureError, match="architecture 1: "):
        CELLS.parse_many([CELL_OPS, CELL_OPS[:-1]])
    with pytest.raises(ArchitectureError, match="wrap it in a list"):
        CELLS.parse_many(CELL)


def test_an_unknown_architecture_lists_what_each_space_says():
    with pytest.raises(ArchitectureError, match=r"no search space accepts.*nasbench201.*fbnet"):
        infer_space("resnet51")
    with pytest.raises(ArchitectureError, match="at least one architecture"):
        infer_space([])


def test_a_form_of_another_tool_is_told_by_the_space_that_knows_it_alone():
    forms = {
        "from_fbnet": "-".join(["ir_k3_e1"] * 22),
        "from_nni": {"0_1": "none", "0_2": "none"},
        "from_naslib": "(2, 1, 1, 0, 1, 3)",
    }
    for converter, form in forms.items():
        for archs in (form, [form]):
            with pytest.raises(ArchitectureError) as caught:
                infer_space(archs)
            text = str(caught.value)
            assert text.count(converter) == 1 and "ofa_mbv3" not in text, text


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_samples_are_distinct_valid_and_fixed_by_the_seed(space):
    ops = space.sample(500, seed=7)
    assert ops.shape == (500, space.n_positions) and ops.dtype == np.int8
    assert len(np.unique(ops, axis=0)) == 500
    assert ops.min() == 0 and ops.max() == space.n_ops - 1
    np.testing.assert_array_equal(ops, space.sample(500, seed=7))
    assert (ops != space.sample(500, seed=8)).any()
    assert space.sample(0).shape == (0, space.n_positions)


def test_a_sample_cannot_exceed_the_space():
    assert len(np.unique(CELLS.sample(15625), axis=0)) == 15625
    with pytest.raises(ArchitectureError, match="between 0 and the 15625"):
        CELLS.sample(15626)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_neighbours_differ_in_one_position(space):
    ops = space.sample(1, seed=5)[0]
    rows = space.neighbours(ops)
    assert len(np.unique(rows, axis=0)) == len(rows)
    changed = [
        [*ops[:place], op, *ops[place + 1 :]]
        for place, ids in enumerate(space.choices)
        for op in ids
        if op != ops[place]
    ]
    assert len(rows) == sum(space.violation(np.array(row)) is None for row in changed)
    assert ((rows != ops).sum(axis=1) == 1).all()


@pytest.mark.parametrize(
    ("name", "n"), [("nasbench201", 24), ("fbnet", 176), ("natsbench_size", 35)]
)
def test_number_of_neighbours(name, n):
    assert len(SPACES[name].neighbours(SPACES[name].sample(1, seed=5)[0])) == n


def test_number_of_neighbours_where_blocks_may_be_absent():
    space = SPACES["ofa_mbv3"]
    full = space.parse([0, 25, *[27] * 20])
    # 24 resolutions, a width, 8 other blocks at each place, and no fourth block in each unit.
    assert len(space.neighbours(full)) == 24 + 1 + 20 * 8 + 5
    short = space.parse([0, 25, *([27, 27, 36, 36] * 5)])
    # A third block of 9 kinds may come to each unit of two; a fourth may not.
    assert len(space.neighbours(short)) == 24 + 1 + 10 * 8 + 5 * 9


def test_a_bare_index_of_two_spaces_is_refused():
    for index in (7, np.int64(7)):
        with pytest.raises(ArchitectureError, match="one of nasbench201 and of natsbench_size"):
            infer_space(index)
    assert infer_space(20000).name == "natsbench_size"  # cells end at 15624


def test_networks_of_22_positions_are_told_by_their_ops():
    for name in ("fbnet", "ofa_mbv3"):
        space = SPACES[name]
        ops = space.sample(5, seed=2)
        for form in (ops, ops.tolist(), ops[0], ops[0].tolist(), space.format_many(ops)):
            assert infer_space(form) == space
        assert infer_space([space.op_names[op] for op in ops[0]]) == space


def test_iteration_is_in_index_order():
    for index, ops in zip(range(5), CELLS, strict=False):
        assert CELLS.index(ops) == index
    assert sum(1 for _ in CELLS) == CELLS.size


def test_datasets_are_known_in_any_spelling():
    assert CELLS.check_dataset(None) == "cifar10"
    assert CELLS.check_dataset("imagenet16_120") == "ImageNet16-120"
    assert NETS.check_dataset("imagenet") == "ImageNet"
    with pytest.raises(UnknownNameError, match="did you mean 'cifar100'"):
        NETS.check_dataset("cifar1000")


def test_get_space_knows_names_and_spaces():
    assert get_space("fbnet") == get_space(NETS) == NETS
    with pytest.raises(UnknownNameError, match="did you mean 'nasbench201'"):
        get_space("nasbench-201")


def test_spaces_pickle():
    assert pickle.loads(pickle.dumps(CELLS)) == CELLS
