"""The rules of a cost table, each a function that raises with rule, value and remedy."""

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.datasets.errors import CostTableError

Codes = npt.NDArray[np.integer[Any]]

STATUSES = ("ok", "did_not_compile", "failed", "timed_out", "not_measured")
"""``ok`` has a cost; every other says why there is none."""

SAME_COST = 1e-9
"""Relative difference below which two costs are the same: a sum taken in another order."""


def check_costs(
    cost: npt.NDArray[np.float64],
    missing: npt.NDArray[np.bool_],
    ok: npt.NDArray[np.bool_],
) -> None:
    """Check that rows have a cost exactly where their status is ``ok``, and that it is sound.

    Parameters
    ----------
    cost : numpy.ndarray of float64, shape (n_rows,)
        Costs; anything where missing.
    missing : numpy.ndarray of bool, shape (n_rows,)
        Whether the cost is null.
    ok : numpy.ndarray of bool, shape (n_rows,)
        Whether the status is ``ok``.

    Raises
    ------
    CostTableError
        At the first row that breaks a rule.
    """
    bad = ~missing & ~(np.isfinite(cost) & (cost > 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise CostTableError(
            f"a cost must be a finite number above 0, but row {row} has {cost[row]} "
            f"({int(bad.sum())} such rows); a cost that does not exist is null with a status "
            f"such as 'did_not_compile'"
        )
    contradictory = missing == ok
    if contradictory.any():
        row = int(np.flatnonzero(contradictory)[0])
        has = "no cost" if missing[row] else f"the cost {cost[row]}"
        status = "'ok'" if ok[row] else "another status"
        raise CostTableError(
            f"a row must have a cost exactly if its status is 'ok', but row {row} has {has} and "
            f"{status}; a row without a cost takes one of {list(STATUSES[1:])}"
        )


def check_spread(
    name: str, values: npt.NDArray[np.float64], missing: npt.NDArray[np.bool_]
) -> None:
    """Check that a column of standard deviations or counts is finite and not negative."""
    bad = ~missing & ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise CostTableError(
            f"{name} must be null or a finite number of at least 0, but row {row} has {values[row]}"
        )


def distinct_rows(
    group: Codes,
    arch: Codes,
    cost: npt.NDArray[np.float64],
    missing: npt.NDArray[np.bool_],
) -> tuple[Codes, tuple[int, int] | None]:
    """Find the rows to keep when architectures repeat within a group.

    Parameters
    ----------
    group, arch : numpy.ndarray of int, shape (n_rows,)
        Which cost key and which architecture a row belongs to.
    cost : numpy.ndarray of float64, shape (n_rows,)
        Costs; anything where missing.
    missing : numpy.ndarray of bool, shape (n_rows,)
        Whether the cost is null.

    Returns
    -------
    kept : numpy.ndarray of int, shape (n_distinct,)
        Rows in their order, the first of each group and architecture.
    conflict : pair of int or None
        Two rows of the same architecture whose costs differ, if there are any.
    """
    combined = group.astype(np.int64) * (int(arch.max()) + 1) + arch
    _, kept, inverse = np.unique(combined, return_index=True, return_inverse=True)
    if len(kept) == len(combined):
        return np.arange(len(combined)), None
    first = kept[inverse]
    values = np.where(missing, 0.0, cost)
    differs = (missing != missing[first]) | (
        np.abs(values - values[first]) > SAME_COST * np.abs(values[first])
    )
    if differs.any():
        row = int(np.flatnonzero(differs)[0])
        return np.sort(kept), (int(first[row]), row)
    return np.sort(kept), None


def changes_within(group: npt.NDArray[Any], values: npt.NDArray[Any]) -> int | None:
    """Return the code of a group whose `values` are not all the same, or None."""
    order = np.lexsort((values, group))
    group, values = group[order], values[order]
    changes = (group[1:] == group[:-1]) & (values[1:] != values[:-1])
    return int(group[1:][changes][0]) if changes.any() else None
