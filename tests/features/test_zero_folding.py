"""The folding of ``none`` against worked examples and the published TensorFlow Lite tables."""

import numpy as np
import pytest

from archcost.datasets.source_oneproxy import ONEPROXY
from archcost.features.zero_folding import fold_zeros
from archcost.spaces import NASBench201
from archcost.spaces.cell_graph import backward_live

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
    assert fold_zeros(np.array([cell])).runs[0].tolist() == [bool(x) for x in runs]


def test_cells_without_none_run_whole():
    ops = NASBench201().all_ops
    whole = ops[(ops != NONE).all(axis=1)]
    folded = fold_zeros(whole)
    assert folded.runs.all()
    assert folded.depends_on_input.all()
    assert (folded.n_sums == 3).all()


def test_rows_do_not_depend_on_each_other():
    ops = NASBench201().sample(200, seed=4)
    together = fold_zeros(ops)
    for row, arch in enumerate(ops):
        alone = fold_zeros(arch[None])
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

    assert np.var(unexplained(fold_zeros(ops).runs)) < np.var(unexplained(backward_live(ops)))
