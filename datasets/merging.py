"""Merge tables that were made in parts, such as shards, and keep what is known of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from archcost.datasets.cost_table import CostTable
from archcost.datasets.provenance import Provenance
from archcost.errors import CostTableError, shown

LEAST = ("repeatability_spearman", "energy_repeatability_spearman")
"""What of the parts is known of the whole: that it is no better than the worst of them."""

OF_PART = ("keys", "n_rows", *LEAST)
"""What is always said of each part by itself."""

SAME_REFERENCE = 1.05
"""Ratio of the parts' reference latencies up to which their machines count as equally fast."""


def merge_tables(tables: Sequence[CostTable], *, allow_different_setups: bool = False) -> CostTable:
    """Merge tables of the same or of different devices, metrics and spaces.

    Costs are kept as they are. The provenance holds what all parts say alike, the provenance of
    each under ``parts``, and as repeatability that of the least repeatable part (none if it is
    unknown of one): nothing is known about the order of architectures of different parts.

    Parameters
    ----------
    tables : sequence of CostTable
        At least two.
    allow_different_setups : bool, default=False
        Merge costs of one key although runtime, machine or accelerator differ.

    Raises
    ------
    CostTableError
        If the setups of parts with the same key differ, or an architecture has two different
        costs.
    """
    if len(tables) < 2:
        raise CostTableError(f"merging takes two tables or more, but got {len(tables)}")
    parts = [part for table in tables for part in _parts(table)]
    if not allow_different_setups:
        _check_setups(parts)
    merged = CostTable.concat(tables)
    first = parts[0]
    common = {
        name: value
        for name, value in first.items()
        if name not in OF_PART and all(name in part and part[name] == value for part in parts)
    }
    told: dict[str, Any] = {
        **common,
        "parts": [{k: v for k, v in part.items() if k not in common} for part in parts],
    }
    for name in LEAST:
        if any(name in part for part in parts):
            known = [part[name] for part in parts if part.get(name) is not None]
            told[name] = min(known) if len(known) == len(parts) else None
    return merged.with_provenance(told)


def reference_spread(table: CostTable) -> float | None:
    """Return how much longer the reference network took on one part's machine than on another's.

    Returns
    -------
    float or None
        The greatest ratio among parts with a key in common, 1 if all took equally long; None if
        no two of them tell.
    """
    by_key: dict[str, list[float]] = defaultdict(list)
    for part in _parts(table):
        for key in part["keys"] if part.get("reference_ms") else ():
            by_key[key].append(part["reference_ms"])
    ratios = [max(found) / min(found) for found in by_key.values() if len(found) > 1]
    return max(ratios, default=None)


def missing_shards(table: CostTable) -> list[str]:
    """Return in words the shards that the parts of a table leave out."""
    found: dict[tuple[str, int], set[int]] = defaultdict(set)
    for part in _parts(table):
        if "shard" in part:
            number, n_shards = map(int, str(part["shard"]).split("/"))
            found[str(part.get("architectures", "")), n_shards].add(number)
    return [
        f"{number}/{n_shards} {archs and f'of {archs}'}".rstrip()
        for (archs, n_shards), numbers in sorted(found.items())
        for number in range(1, n_shards + 1)
        if number not in numbers
    ]


def _parts(table: CostTable) -> list[dict[str, Any]]:
    """Return what is said of a table, or of each part if it was merged from some."""
    told = table.provenance.to_dict()
    if "parts" in told:
        common = {name: told[name] for name in told if name not in ("parts", *OF_PART)}
        return [{**common, **part} for part in told["parts"]]
    return [{"keys": list(map(str, table.keys())), "n_rows": len(table), **told}]


def _check_setups(parts: Sequence[Mapping[str, Any]]) -> None:
    """Check that parts with a key in common were made in the same way."""
    by_key: dict[str, Mapping[str, Any]] = {}
    for part in parts:
        setup = Provenance.of(part).setup()
        for key in part["keys"]:
            first = by_key.setdefault(key, setup)
            differing = [name for name in {**first, **setup} if first.get(name) != setup.get(name)]
            if differing:
                said = ", ".join(
                    f"{name} {shown(first.get(name))} and {shown(setup.get(name))}"
                    for name in differing
                )
                raise CostTableError(
                    f"the costs of one key must come from one setup, but {key} was made with "
                    f"{said}; give one of the devices another id, or merge in spite of it with "
                    "--allow-different-setups"
                )
