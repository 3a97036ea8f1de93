"""Isomorphic cells of NAS-Bench-201."""

import numpy as np

from archcost.spaces import NASBench201
from archcost.spaces.cell_graph import canonical
from archcost.spaces.liveness import connected
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
    dead = SPACE.all_ops[~connected(SPACE, SPACE.all_ops)]
    assert len(dead) == 341
    assert len(np.unique(canonical(dead), axis=0)) == 1
