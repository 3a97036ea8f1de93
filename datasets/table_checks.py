"""The rules of a cost table, each a function that raises with rule, value and remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.datasets.cost_key import CostKey
from archcost.datasets.table_columns import OPTIONAL_COLUMNS, decoded, numbers
from archcost.errors import CostTableError

if TYPE_CHECKING:
    import pyarrow as pa

STATUSES = ("ok", "did_not_compile", "failed", "timed_out", "not_measured")
"""``ok`` has a cost; every other says why there is none."""

SAME_COST = 1e-9
"""Relative difference below which two costs are the same: a sum taken in another order."""


RowNumber = Callable[[int], int]
"""From the place of a row to the number by which errors call it."""


def check_numbers(rows: pa.Table, number: RowNumber) -> None:
    """Check the costs and their spread in normalised rows.

    A row has a cost exactly where its status is ``ok``; a cost is finite and above 0.

    Raises
    ------
    CostTableError
        At the first row that breaks a rule.
    """
    cost, missing = numbers(rows, "cost")
    bad = ~missing & ~(np.isfinite(cost) & (cost > 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise CostTableError(
            f"a cost must be a finite number above 0, but row {number(row)} has {cost[row]} "
            f"({int(bad.sum())} such rows); a cost that does not exist is null with a status "
            f"such as 'did_not_compile'"
        )
    status, statuses = decoded(rows, "status")
    ok = np.array([name == "ok" for name in statuses])[status]
    contradictory = missing == ok
    if contradictory.any():
        row = int(np.flatnonzero(contradictory)[0])
        has = "no cost" if missing[row] else f"the cost {cost[row]}"
        raise CostTableError(
            f"a row must have a cost exactly if its status is 'ok', but row {number(row)} has "
            f"{has} and {statuses[status[row]]!r}; a row without a cost takes one of "
            f"{list(STATUSES[1:])}"
        )
    for name in OPTIONAL_COLUMNS:
        values, missing = numbers(rows, name)
        bad = ~missing & ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise CostTableError(
                f"{name} must be null or a finite number of at least 0, but row {number(row)} has "
                f"{values[row]}"
            )


def distinct_rows(
    rows: pa.Table,
    keys: Sequence[CostKey],
    key_of_row: npt.NDArray[np.integer[Any]],
    number: RowNumber,
) -> npt.NDArray[np.integer[Any]]:
    """Find the rows to keep where an architecture has several rows of one key.

    Parameters
    ----------
    rows : pyarrow.Table
        Normalised rows.
    keys : sequence of CostKey
        The keys of the table.
    key_of_row : numpy.ndarray of int, shape (n_rows,)
        The place of each row's key in `keys`.
    number : callable
        How errors call a row.

    Returns
    -------
    numpy.ndarray of int, shape (n_distinct,)
        Rows in their order, the first of each key and architecture.

    Raises
    ------
    CostTableError
        If the costs of an architecture differ.
    """
    arch, archs = decoded(rows, "arch")
    combined = key_of_row.astype(np.int64) * len(archs) + arch
    _, kept, inverse = np.unique(combined, return_index=True, return_inverse=True)
    if len(kept) == len(combined):
        return np.arange(len(combined))
    cost, missing = numbers(rows, "cost")  # a missing cost reads as 0, which no cost is
    first = kept[inverse]
    differs = np.abs(cost - cost[first]) > SAME_COST * cost[first]
    if differs.any():
        other = int(np.flatnonzero(differs)[0])
        one = int(first[other])
        given = " and ".join("none" if missing[row] else str(cost[row]) for row in (one, other))
        raise CostTableError(
            f"an architecture must have one cost a key, but rows {number(one)} and "
            f"{number(other)} give {archs[arch[one]]!r} the costs {given} for "
            f"{keys[key_of_row[one]]}; remove one or average them"
        )
    return np.sort(kept)


def changes_within(group: npt.NDArray[Any], values: npt.NDArray[Any]) -> int | None:
    """Return the code of a group whose `values` are not all the same, or None."""
    order = np.lexsort((values, group))
    group, values = group[order], values[order]
    changes = (group[1:] == group[:-1]) & (values[1:] != values[:-1])
    return int(group[1:][changes][0]) if changes.any() else None
