"""Which cells of NAS-Bench-201 are the same network."""

import itertools
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.spaces.nasbench201_layout import EDGES
from archcost.spaces.op_checks import Ops

NONE, SKIP = 0, 1


def canonical(ops: npt.NDArray[Any]) -> Ops:
    """Return one representative of each cell's isomorphism class.

    Two cells are isomorphic if they apply the same ops to the same sums, whatever the weights:
    dead ops are dropped, a skip is the identity, sums commute and associate.

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    numpy.ndarray of int8, shape (n_archs, 6)
        The first cell of each one's class in the plain enumeration.

    Notes
    -----
    There are 4,930 classes. The paper counts 6,466 because its rule keeps sums of zeros and
    nested sums apart; every class of the paper lies within one of these.

    References
    ----------
    X. Dong, Y. Yang, "NAS-Bench-201", ICLR 2020, section 2.1.
    """
    digits = 5 ** np.arange(5, -1, -1)
    representative = _representatives()[np.asarray(ops, dtype=np.int64) @ digits]
    return (representative[..., None] // digits % 5).astype(np.int8)


@cache
def _representatives() -> npt.NDArray[np.int64]:
    first: dict[tuple[str, ...], int] = {}
    cells = itertools.product(range(5), repeat=len(EDGES))
    codes = [first.setdefault(_output_terms(cell), code) for code, cell in enumerate(cells)]
    return np.array(codes, dtype=np.int64)


def _output_terms(cell: tuple[int, ...]) -> tuple[str, ...]:
    """Return the terms whose sum is the cell's output; equal terms, equal functions."""
    nodes: list[list[str]] = [["x"], [], [], []]
    for op, (source, target) in zip(cell, EDGES, strict=True):
        if op == NONE or not nodes[source]:
            continue
        total = "+".join(sorted(nodes[source]))
        nodes[target] += nodes[source] if op == SKIP else [f"{op}({total})"]
    return tuple(sorted(nodes[3]))
