"""Tell architectures as other tools write them, so that errors can name the converter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

NODES = range(4)
"""Nodes of a NAS-Bench-201 cell."""

NNI_EDGE, HPOBENCH_EDGE = "{0}_{1}", "{1}<-{0}"
"""How NNI and HPOBench name the edge from one node to another."""

NNI_KEYS = {NNI_EDGE.format(*edge) for edge in combinations(NODES, 2)}
HPOBENCH_KEYS = {HPOBENCH_EDGE.format(*edge) for edge in combinations(NODES, 2)}
NASLIB_TEXT = re.compile(r"\s*[(\[]\s*\d(\s*,\s*\d){5}\s*[)\]]\s*")
"""NASLib's six op indices as text, the keys of its JSON files."""


def cell_hint(given: object) -> str:
    """Return which converter reads a NAS-Bench-201 cell of another tool, or ``""``.

    NASLib's six numbers are op ids of ``NASBench201`` as well, of another cell: nothing can tell
    them apart, and only their text is found here.

    Examples
    --------
    >>> cell_hint({"0_1": "none", "0_2": "none"})
    "it looks like NNI's choices, which archcost.spaces.from_nni(...) reads"
    >>> cell_hint("|none~0|")
    ''
    """
    if isinstance(given, Mapping) and given:
        if set(given) <= NNI_KEYS:
            return _reads("NNI's choices", "from_nni")
        if set(given) <= HPOBENCH_KEYS:
            return _reads("HPOBench's configuration", "from_hpobench")
    if isinstance(given, str) and NASLIB_TEXT.fullmatch(given):
        return _reads("NASLib's op indices as text", "from_naslib", "(2, 1, 1, 0, 1, 3)")
    nodes = getattr(given, "nodes", given)
    if (
        isinstance(nodes, (list, tuple))
        and len(nodes) == len(NODES) - 1
        and all(map(_pairs, nodes))
    ):
        return _reads("a genotype of xautodl", "from_xautodl")
    return ""


def fbnet_hint(given: object) -> str:
    """Return that ``from_fbnet`` reads a network of FBNet's own block names, or ``""``.

    Examples
    --------
    >>> fbnet_hint(["ir_k3_e1"] * 22)
    "it looks like FBNet's own block names, which archcost.spaces.from_fbnet(...) reads"
    """
    if isinstance(given, str):
        given = given.split("-")
    if not isinstance(given, Sequence) or not all(isinstance(block, str) for block in given):
        return ""
    if any(re.fullmatch(r"ir_k\d_(e\d|s2)|k\d_s2", block) for block in given):
        return _reads("FBNet's own block names", "from_fbnet")
    return ""


def _reads(what: str, function: str, argument: str = "...") -> str:
    return f"it looks like {what}, which archcost.spaces.{function}({argument}) reads"


def _pairs(node: object) -> bool:
    """Tell whether it is a sequence of pairs of op and source node."""
    return (
        isinstance(node, (list, tuple))
        and len(node) > 0
        and all(
            isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str)
            for pair in node
        )
    )
