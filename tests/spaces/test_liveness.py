"""Which ops matter in a graph, against a search of all paths and the network itself."""

import numpy as np
import torch
from more_spaces import FiveNodes, ReversedCells

from archcost.spaces import FBNet, NASBench201
from archcost.spaces.liveness import backward_live, connected, forward_live, op_roles

SPACE = NASBench201()


def test_roles_are_told_from_the_layers():
    for space in (SPACE, ReversedCells(), FiveNodes()):
        roles = op_roles(space)
        for names, mask in (
            ({"none", "nothing"}, roles.zero),
            ({"skip_connect", "same"}, roles.identity),
            ({"nor_conv_1x1", "nor_conv_3x3", "conv"}, roles.convolution),
        ):
            assert (mask == np.isin(space.op_names, list(names))).all()
    assert not op_roles(FBNet()).zero.any()


def paths_of(space, ops):
    """Return the paths from input to output as sets of edges, by trying all of them."""
    whole, unfinished = [], [((), 0)]
    while unfinished:
        path, node = unfinished.pop()
        if node == max(max(space.edges)):
            whole.append(set(path))
        unfinished += [
            ((*path, edge), target)
            for edge, (source, target) in enumerate(space.edges)
            if source == node and space.op_names[ops[edge]] not in ("none", "nothing")
        ]
    return whole


def test_live_ops_of_any_graph_are_those_on_its_paths():
    for space in (ReversedCells(), FiveNodes()):
        ops = space.sample(300, seed=3)
        live = backward_live(space, ops) & forward_live(space, ops)
        for row, mask, is_connected in zip(ops, live, connected(space, ops), strict=True):
            paths = paths_of(space, row)
            assert set(np.flatnonzero(mask)) == set().union(*paths)
            assert is_connected == bool(paths)


def test_live_edges_equal_a_search_of_all_paths():
    paths = [[0, 2, 5], [0, 4], [1, 5], [3]]  # edges of the four paths from input to output
    for ops in SPACE.sample(400, seed=4):
        present = ops != 0
        into = {0: True}
        for edge, (source, target) in enumerate(SPACE.edges):
            into[target] = into.get(target, False) or bool(into[source] and present[edge])
        expected_forward = [bool(present[e] and into[SPACE.edges[e][0]]) for e in range(6)]
        assert forward_live(SPACE, ops[None])[0].tolist() == expected_forward
        both = backward_live(SPACE, ops[None])[0] & forward_live(SPACE, ops[None])[0]
        on_path = {edge for path in paths if present[path].all() for edge in path}
        assert set(np.flatnonzero(both)) == on_path
        assert connected(SPACE, ops[None])[0] == bool(on_path)


def test_a_backward_dead_op_changes_nothing():
    ops = np.array([3, 2, 0, 1, 0, 0])  # 0->1 and 0->2 lead only to `none`
    assert backward_live(SPACE, ops[None])[0].tolist() == [False, False, False, True, False, False]
    network = SPACE.network(ops).double()
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        before = network(image)
        for name, weight in network.named_parameters():
            if ".edges.0." in name or ".edges.1." in name:
                weight.mul_(3.0)
        assert torch.equal(network(image), before)
