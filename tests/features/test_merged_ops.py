"""Distinct inputs of ops, against the rewrite of the real graph, and longest paths, by hand."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from more_spaces import FiveNodes

from archcost.features.critical_paths import critical_features, longest_path, weightings
from archcost.features.graph_features import GRAPH_GROUPS
from archcost.features.merged_ops import (
    distinct_features,
    executed_once,
    live_distinct_features,
    working_ops,
)
from archcost.networks.rewrites import deployed, merge_equal
from archcost.spaces import NASBench201
from archcost.spaces.liveness import backward_live, forward_live

CELLS = NASBench201()
NONE, SKIP, CONV1, CONV3, POOL = range(5)
N_CELLS = 15
"""Equal cells in a network."""


def test_columns_count_what_the_merged_graph_still_has():
    ops = CELLS.sample(40, seed=5)
    fed = (forward_live(CELLS, ops) == (ops != NONE)).all(axis=1)  # else convolutions of zeros run
    ops = ops[fed & backward_live(CELLS, ops).any(axis=1)]
    assert len(ops) > 15
    features = live_distinct_features(CELLS, ops)
    names = GRAPH_GROUPS["live_distinct"].names(CELLS)
    for row, cell in zip(features, ops, strict=True):
        graph = merge_equal(deployed(CELLS.graph(cell)))
        nodes = [node for node in graph.nodes if node.position is not None]
        n_pools = sum(node.op == "avg_pool" for node in nodes)
        n_activations = sum(node.op == "activation" for node in nodes)
        assert n_pools == N_CELLS * row[names.index("live_distinct_avg_pool_3x3")]
        assert n_activations == N_CELLS * row[names.index("live_distinct_read")]


def test_equal_nodes_are_seen_through_skips_and_zeros():
    # Node 1 is the input, node 2 is zeros: all three pools read the input.
    cell = np.array([[SKIP, NONE, NONE, POOL, POOL, NONE]])
    assert distinct_features(CELLS, cell)[0].tolist() == [0, 0, 1, 0]
    # Two convolutions of one tensor share what reads it, and are two.
    cell = np.array([[CONV3, CONV3, NONE, CONV1, NONE, POOL]])
    assert distinct_features(CELLS, cell)[0].tolist() == [1, 1, 1, 1]
    # A dead pool counts unless only live ops do.
    cell = np.array([[POOL, NONE, NONE, CONV1, NONE, NONE]])
    assert distinct_features(CELLS, cell)[0].tolist() == [1, 0, 1, 1]
    assert live_distinct_features(CELLS, cell)[0].tolist() == [1, 0, 0, 1]
    assert executed_once(CELLS, cell)[0].tolist() == [False] * 3 + [True] + [False] * 2


@pytest.mark.parametrize("space", [CELLS, FiveNodes()], ids=lambda space: space.name)
def test_the_longest_path_is_that_of_all_paths(space):
    ops = space.sample(50, seed=2)
    live = backward_live(space, ops) & forward_live(space, ops)
    lengths = np.random.default_rng(3).uniform(0.1, 1, ops.shape)
    found = longest_path(space, live, lengths)
    last = max(target for _, target in space.edges)
    inner = [c for n in range(last) for c in combinations(range(1, last), n)]
    for row, is_live, length in zip(found, live, lengths, strict=True):
        best = 0.0
        for between in inner:
            nodes = (0, *between, last)
            edges = [space.edges.index(pair) for pair in pairwise(nodes)]
            if is_live[edges].all():
                best = max(best, length[edges].sum())
        assert row == pytest.approx(best)


def test_columns_come_close_to_the_longest_path_under_any_weights():
    ops = CELLS.all_ops[::7]
    columns = critical_features(CELLS, ops)
    assert columns.shape[1] == len(weightings(CELLS)) == 19
    assert [CELLS.op_names[op] for op in working_ops(CELLS)] == [
        "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3",
    ]  # fmt: skip
    live = backward_live(CELLS, ops) & forward_live(CELLS, ops)
    truth = longest_path(CELLS, live, np.array([0, 0, 0.37, 1.0, 0.68])[ops])
    design = np.column_stack([columns, np.ones(len(ops))])
    solved = np.linalg.lstsq(design, truth, rcond=None)[0]
    assert 1 - np.var(truth - design @ solved) / np.var(truth) > 0.99
