"""The folding of ``none`` against worked examples and the published TensorFlow Lite tables."""

import numpy as np
import pytest
from more_spaces import FiveNodes, ReversedCells

from archcost.datasets.source_oneproxy import ONEPROXY
from archcost.features.zero_folding import fold_zeros
from archcost.spaces import NASBench201
from archcost.spaces.liveness import backward_live

CELLS = NASBench201()
NONE, SKIP, CONV1, CONV3, POOL = range(5)


@pytest.mark.parametrize(
    ("cell", "runs"),
    [
        # All ops in place: all run.
        ([CONV3] * 6, [1] * 6),
        # A dead convolution whose only consumers are `none` is fused with its zero, and runs.
        ([CONV3, NONE, NONE, CONV3, NONE, NONE], [1, 0, 0, 1, 0, 0]),
        # A dead sum is replaced by a constant; what leads to it does not run.
        ([CONV3, CONV3, CONV3, CONV3, NONE, NONE], [0, 0, 0, 1, 0, 0]),
        # A dead pool is replaced by a constant as well.
        ([POOL, NONE, NONE, CONV3, NONE, NONE], [0, 0, 0, 1, 0, 0]),
        # Nothing depends on the input: nothing runs.
        ([NONE, NONE, CONV3, NONE, CONV3, CONV3], [0] * 6),
        ([CONV3, CONV3, CONV3, NONE, NONE, NONE], [0] * 6),
        # Even where no op reaches the output, a fused zero does.
        ([CONV3, NONE, NONE, NONE, NONE, NONE], [1, 0, 0, 0, 0, 0]),
        # Convolutions of zeros run where something else depends on the input.
        ([NONE, NONE, CONV3, CONV3, NONE, NONE], [0, 0, 1, 1, 0, 0]),
    ],
)
def test_worked_examples(cell, runs):
    assert fold_zeros(CELLS, np.array([cell])).runs[0].tolist() == [bool(x) for x in runs]


def test_cells_without_none_run_whole():
    ops = CELLS.all_ops
    whole = ops[(ops != NONE).all(axis=1)]
    folded = fold_zeros(CELLS, whole)
    assert folded.runs.all()
    assert folded.depends_on_input.all()
    assert (folded.n_sums == 3).all()


def test_rows_do_not_depend_on_each_other():
    ops = CELLS.sample(200, seed=4)
    together = fold_zeros(CELLS, ops)
    for row, arch in enumerate(ops):
        alone = fold_zeros(CELLS, arch[None])
        assert (alone.runs[0] == together.runs[row]).all()
        assert alone.n_sums[0] == together.n_sums[row]


def test_it_explains_edge_tpu_better_than_liveness(real_tables):
    """The rule was read off pixel3 and raspi4; edge TPU, a third TFLite device, was not used."""
    table = ONEPROXY.parse(real_tables / "oneproxy")
    key = next(key for key in list(table.keys()) if key.device == "edgetpu")
    ops, cost = table.costs(key)

    def unexplained(mask):
        counts = np.stack([((ops == op) & mask).sum(axis=1) for op in range(1, 5)], axis=1)
        columns = np.column_stack([np.ones(len(ops)), counts])
        return cost - columns @ np.linalg.lstsq(columns, cost, rcond=None)[0]

    assert np.var(unexplained(fold_zeros(CELLS, ops).runs)) < np.var(
        unexplained(backward_live(CELLS, ops))
    )


def test_op_ids_mean_nothing():
    ops = CELLS.all_ops
    other = fold_zeros(ReversedCells(), 4 - ops)
    for one, two in zip(fold_zeros(CELLS, ops), other, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_cell_within_a_larger_graph_folds_alike():
    """The fifth node passes on the fourth; all other edges into it write zeros."""
    space = FiveNodes()
    ops = CELLS.all_ops[(CELLS.all_ops != CONV1).all(axis=1)]
    names = {NONE: "nothing", SKIP: "same", CONV3: "conv", POOL: "pool"}
    inner = np.vectorize({op: space.op_names.index(name) for op, name in names.items()}.get)(ops)
    nothing = np.full((len(ops), 3), space.op_names.index("nothing"))
    last = np.full((len(ops), 1), space.op_names.index("same"))
    folded = fold_zeros(space, np.hstack([inner, nothing, last]))
    alone = fold_zeros(CELLS, ops)
    np.testing.assert_array_equal(folded.depends_on_input, alone.depends_on_input)
    np.testing.assert_array_equal(folded.runs[:, :6], alone.runs)
    np.testing.assert_array_equal(folded.runs[:, -1], alone.depends_on_input)
    np.testing.assert_array_equal(folded.n_sums, alone.n_sums)
