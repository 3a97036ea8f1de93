"""Dead ops and isomorphic cells of NAS-Bench-201."""

import numpy as np
import torch

from archcost.spaces import NASBench201
from archcost.spaces.cell_graph import backward_live, canonical, connected, forward_live
from archcost.spaces.nasbench201_layout import EDGES

SPACE = NASBench201()


def published_string(ops) -> str:
    """Return NAS-Bench-201's own unique string (``to_unique_str`` with zeros considered)."""
    nodes = ["0"]
    for target in (1, 2, 3):
        terms = []
        for op, (source, end) in zip(ops, EDGES, strict=True):
            if end != target:
                continue
            if op == 0 or nodes[source] == "#":
                terms.append("#")
            elif op == 1:
                terms.append(nodes[source])
            else:
                terms.append(f"({nodes[source]})@{op}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def test_classes_join_whole_classes_of_the_paper():
    forms = canonical(SPACE.all_ops)
    of_published: dict[str, set] = {}
    for ops, form in zip(SPACE.all_ops.tolist(), forms.tolist(), strict=True):
        of_published.setdefault(published_string(ops), set()).add(tuple(form))
    assert len(of_published) == 6466
    assert all(len(classes) == 1 for classes in of_published.values())
    assert len(np.unique(forms, axis=0)) == 4930


def test_canonical_is_idempotent_and_keeps_shape():
    forms = canonical(SPACE.all_ops)
    np.testing.assert_array_equal(canonical(forms), forms)
    np.testing.assert_array_equal(canonical(forms[7]), forms[7])


def test_cells_without_a_path_are_one_class():
    dead = SPACE.all_ops[~connected(SPACE.all_ops)]
    assert len(dead) == 341
    assert len(np.unique(canonical(dead), axis=0)) == 1


def test_live_edges_equal_a_search_of_all_paths():
    paths = [[0, 2, 5], [0, 4], [1, 5], [3]]  # edges of the four paths from input to output
    for ops in SPACE.sample(400, seed=4):
        present = ops != 0
        into = {0: True}
        for edge, (source, target) in enumerate(EDGES):
            into[target] = into.get(target, False) or bool(into[source] and present[edge])
        expected_forward = [bool(present[e] and into[EDGES[e][0]]) for e in range(6)]
        assert forward_live(ops[None])[0].tolist() == expected_forward
        both = backward_live(ops[None])[0] & forward_live(ops[None])[0]
        on_path = {edge for path in paths if present[path].all() for edge in path}
        assert set(np.flatnonzero(both)) == on_path
        assert connected(ops[None])[0] == bool(on_path)


def test_a_backward_dead_op_changes_nothing():
    ops = np.array([3, 2, 0, 1, 0, 0])  # 0->1 and 0->2 lead only to `none`
    assert backward_live(ops[None])[0].tolist() == [False, False, False, True, False, False]
    network = SPACE.network(ops).double()
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        before = network(image)
        for name, weight in network.named_parameters():
            if ".edges.0." in name or ".edges.1." in name:
                weight.mul_(3.0)
        assert torch.equal(network(image), before)
