"""Other tools' spellings of the same architectures."""

import itertools

import numpy as np
import pytest

from archcost.errors import ArchitectureError
from archcost.spaces import (
    FBNet,
    NASBench201,
    from_fbnet,
    from_hpobench,
    from_naslib,
    from_nni,
    from_xautodl,
)

CELLS = NASBench201()


def naslib_string(indices):
    """Spell NASLib's indices as its own converter does, edge by edge."""
    ops = ["skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"]
    e = dict(zip([(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)], indices, strict=True))
    e = {edge: ops[op] for edge, op in e.items()}
    return f"|{e[1, 2]}~0|+|{e[1, 3]}~0|{e[2, 3]}~1|+|{e[1, 4]}~0|{e[2, 4]}~1|{e[3, 4]}~2|"


def test_naslib_is_a_bijection_that_agrees_with_its_own_strings():
    cells = set()
    for indices in itertools.product(range(5), repeat=6):
        ops = from_naslib(indices)
        cells.add(CELLS.index(ops))
        if sum(indices) % 97 == 0:
            assert CELLS.format(ops) == naslib_string(indices)
    assert len(cells) == 15625


@pytest.mark.parametrize("index", [0, 1462, 15624])
def test_every_dialect_gives_the_same_cell(index):
    ops = CELLS.parse(index)
    names = [CELLS.op_names[op] for op in ops]
    edges = CELLS.edges
    short = [name.removeprefix("nor_") for name in names]
    nni = {f"{a}_{b}": name for (a, b), name in zip(edges, short, strict=True)}
    hpobench = {f"{b}<-{a}": name for (a, b), name in zip(edges, names, strict=True)}
    genotype = [
        tuple((n, a) for (a, b), n in zip(edges, names, strict=True) if b == node)
        for node in (1, 2, 3)
    ]
    for found in (from_nni(nni), from_hpobench(hpobench), from_xautodl(genotype)):
        np.testing.assert_array_equal(found, ops)


def test_blocks_of_fbnet():
    names = ["ir_k3_e1", "ir_k3_s2", "ir_k3_e3", "ir_k3_e6", "ir_k5_e1", "ir_k5_s2", "ir_k5_e3",
             "ir_k5_e6", "skip"]  # fmt: skip
    assert from_fbnet([*names, *names, *names[:4]]).tolist() == [*range(9), *range(9), 0, 1, 2, 3]
    assert FBNet().parse(["k3_e1_g2"] * 22).tolist() == from_fbnet(["ir_k3_s2"] * 22).tolist()


@pytest.mark.parametrize(
    ("convert", "given", "message"),
    [
        (from_naslib, (0, 1, 2), "six whole numbers from 0 to 4"),
        (from_naslib, (0, 1, 2, 3, 4, 5), "six whole numbers from 0 to 4"),
        (from_naslib, (0, 1, 2, 3, 4, True), "six whole numbers from 0 to 4"),
        (from_nni, {"0_1": "conv_3x3"}, "'0_1', '0_2', '1_2'"),
        (from_nni, [1, 2], "must be a dict"),
        (from_hpobench, {"0_1": "none"}, "'1<-0'"),
        (from_xautodl, [[("none", 0)]], "three nodes"),
        (from_xautodl, [[("none", 0)], [("none", 0)] * 2, [("none", 0)] * 3], "three nodes"),
        (from_fbnet, ["ir_k3_e1"] * 3, "22 ops"),
        (from_fbnet, ["ir_k4_e1"] * 22, "k4_e1"),
    ],
)
def test_errors_name_the_rule(convert, given, message):
    with pytest.raises(ArchitectureError, match=message):
        convert(given)
