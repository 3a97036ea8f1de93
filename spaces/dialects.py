"""Architectures as other tools write them, turned into those of archcost.

Every function is explicit: the op ids of NASLib look like those of archcost, but name other ops on
other edges, so that nothing could tell one from the other.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archcost.errors import ArchitectureError
from archcost.spaces.fbnet import FBNet
from archcost.spaces.foreign_forms import HPOBENCH_EDGE, NNI_EDGE
from archcost.spaces.nasbench201 import NASBench201
from archcost.spaces.nasbench201_layout import EDGES
from archcost.spaces.space import Ops

NASLIB_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
"""Edges of a NAS-Bench-201 cell in NASLib's order: by source, where the published is by target."""

NASLIB_OPS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
"""Ops in NASLib's order: Identity, Zero, ReLUConvBN3x3, ReLUConvBN1x1, AvgPool1x1."""

NNI_OPS = {"conv_1x1": "nor_conv_1x1", "conv_3x3": "nor_conv_3x3"}
"""Ops that NNI spells otherwise than NAS-Bench-201."""


def from_naslib(op_indices: Sequence[int]) -> Ops:
    """Return the cell of NASLib's op indices of NAS-Bench-201.

    Parameters
    ----------
    op_indices : sequence of int
        The six numbers of ``NasBench201SearchSpace.get_hash()`` or ``get_op_indices()``: edges in
        the order of ``NASLIB_EDGES``, ops in that of ``NASLIB_OPS``.

    Returns
    -------
    numpy.ndarray of int8, shape (6,)
        The op ids of ``NASBench201``.

    Raises
    ------
    ArchitectureError
        If there are not six whole numbers from 0 to 4.

    References
    ----------
    A. Mehta et al., "NAS-Bench-Suite: NAS Evaluation is (Now) Surprisingly Easy", ICLR 2022.

    Examples
    --------
    >>> from_naslib((2, 1, 1, 0, 1, 3))
    array([3, 0, 1, 0, 0, 2], dtype=int8)
    """
    indices = list(op_indices)
    if len(indices) != 6 or any(
        isinstance(op, bool) or not isinstance(op, int | np.integer) or not 0 <= op < 5
        for op in indices
    ):
        raise ArchitectureError(
            f"NASLib's op indices of nasbench201 must be six whole numbers from 0 to 4, but got "
            f"{op_indices!r}"
        )
    return _cell({e: NASLIB_OPS[op] for e, op in zip(NASLIB_EDGES, indices, strict=True)})


def from_nni(choices: Mapping[str, str]) -> Ops:
    """Return the cell of NNI's choices, ``{"0_1": "conv_3x3", "0_2": "none", ...}``.

    Parameters
    ----------
    choices : mapping from str to str
        The op of each edge, named source_target.

    Returns
    -------
    numpy.ndarray of int8, shape (6,)
        The op ids of ``NASBench201``.

    Raises
    ------
    ArchitectureError
        If the keys are not the six edges, or an op is unknown.

    Examples
    --------
    >>> from_nni({"0_1": "conv_3x3", "0_2": "none", "1_2": "skip_connect",
    ...           "0_3": "none", "1_3": "none", "2_3": "conv_1x1"})
    array([3, 0, 1, 0, 0, 2], dtype=int8)
    """
    names = _by_edge(choices, "NNI's choices of nasbench201", NNI_EDGE)
    return _cell({edge: NNI_OPS.get(name, name) for edge, name in names.items()})


def from_hpobench(config: Mapping[str, str]) -> Ops:
    """Return the cell of HPOBench's configuration, ``{"1<-0": "nor_conv_3x3", ...}``.

    Parameters
    ----------
    config : mapping from str to str
        The op of each edge, named target<-source.

    Returns
    -------
    numpy.ndarray of int8, shape (6,)
        The op ids of ``NASBench201``.

    Raises
    ------
    ArchitectureError
        If the keys are not the six edges, or an op is unknown.

    References
    ----------
    K. Eggensperger et al., "HPOBench", NeurIPS Datasets and Benchmarks 2021.

    Examples
    --------
    >>> from_hpobench({"1<-0": "nor_conv_3x3", "2<-0": "none", "2<-1": "skip_connect",
    ...                "3<-0": "none", "3<-1": "none", "3<-2": "nor_conv_1x1"})
    array([3, 0, 1, 0, 0, 2], dtype=int8)
    """
    return _cell(_by_edge(config, "HPOBench's configuration of nasbench201", HPOBENCH_EDGE))


def from_xautodl(genotype: Any) -> Ops:
    """Return the cell of a genotype of xautodl: for each node, pairs of op and source node.

    Parameters
    ----------
    genotype : sequence of sequence of (str, int), or object with ``nodes``
        Nodes 1 to 3, such as ``CellStructure`` holds them.

    Returns
    -------
    numpy.ndarray of int8, shape (6,)
        The op ids of ``NASBench201``.

    Raises
    ------
    ArchitectureError
        If there are not three nodes that each name every earlier node once, or an op is unknown.

    References
    ----------
    X. Dong et al., "NATS-Bench", TPAMI 2021; AutoDL-Projects, ``CellStructure``.

    Examples
    --------
    >>> from_xautodl([[("nor_conv_3x3", 0)], [("none", 0), ("skip_connect", 1)],
    ...               [("none", 0), ("none", 1), ("nor_conv_1x1", 2)]])
    array([3, 0, 1, 0, 0, 2], dtype=int8)
    """
    nodes = getattr(genotype, "nodes", genotype)
    try:
        pairs = {
            (int(source), target): str(op)
            for target, node in enumerate(nodes, start=1)
            for op, source in node
        }
        n_pairs = sum(len(node) for node in nodes)
    except (TypeError, ValueError):
        pairs, n_pairs = {}, 0
    if set(pairs) != set(EDGES) or n_pairs != len(EDGES):
        raise ArchitectureError(
            "a genotype of nasbench201 must have three nodes of pairs (op, source), each source "
            f"from 0 to the node before, but got {genotype!r}"
        )
    return _cell(pairs)


def from_fbnet(blocks: Sequence[str]) -> Ops:
    """Return the network of a list of FBNet blocks, such as ``ir_k3_e1`` or ``ir_k5_s2``.

    Parameters
    ----------
    blocks : sequence of str
        One block a layer, 22 in all; ``s2`` is expansion 1 with two groups.

    Returns
    -------
    numpy.ndarray of int8, shape (22,)
        The op ids of ``FBNet``.

    Raises
    ------
    ArchitectureError
        If there are not 22 blocks, or one is unknown.

    References
    ----------
    B. Wu et al., "FBNet", CVPR 2019.

    Examples
    --------
    >>> FBNet().format(from_fbnet(["ir_k3_e1"] * 20 + ["ir_k5_s2", "skip"]))[-19:]
    'k3_e1-k5_e1_g2-skip'
    """
    names = []
    for block in blocks:
        name = re.sub(r"^ir_", "", str(block))
        names.append(re.sub(r"^(k\d)_s2$", r"\1_e1_g2", name))
    return FBNet().parse(names)


def _by_edge(given: Any, what: str, spelling: str) -> dict[tuple[int, int], str]:
    wanted = {spelling.format(*edge): edge for edge in EDGES}
    if not isinstance(given, Mapping) or set(given) != set(wanted):
        raise ArchitectureError(
            f"{what} must be a dict with the keys {list(wanted)}, but got {given!r}"
        )
    return {wanted[key]: str(name) for key, name in given.items()}


def _cell(names: Mapping[tuple[int, int], str]) -> Ops:
    return NASBench201().parse([names[edge] for edge in EDGES])
