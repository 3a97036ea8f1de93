"""Costs that cannot be of the unit of their column: single ones, and whole clusters.

What architectures of one space cost lies within a factor of a hundred or so, but costs that were
written down in another unit are a factor of 1000 away. They are told by two things: a gap in the
sorted costs, and how far the two sides of it are apart. Architectures whose output nothing reaches
are left out of the comparison, as they cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostTable
from archcost.errors import CostTableError
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.liveness import connected
from archcost.spaces.space import Ops
from archcost.training.metrics import Costs

LEAST_GAP = 1.0
"""Width of the gap, in decades."""
LEAST_APART = 2.0
"""Decades between the medians of both sides."""
UNIT_APART = (2.0, 4.0)
"""Decades between them where a factor of 1000 is the likely reason, as costs themselves differ."""
MIXTURE_SHARE = 0.05
"""Share of the rows from which on the smaller side is no outlier but a mixture of units."""
FEWEST = 4
"""Rows from which on one of them can be told to be wrong."""
SHOWN = 3

LARGER = {"ms": "microseconds in a column of ms", "mJ": "microjoules in a column of mJ"}
SMALLER = {"ms": "seconds in a column of ms", "mJ": "joules in a column of mJ"}


class UnitCheck(NamedTuple):
    """Which costs can be of their unit, and what is wrong with the others.

    Parameters
    ----------
    sound : numpy.ndarray of bool, shape (n_archs,)
        False where a cost is an outlier that is not to be learned from.
    warnings : list of str
        A sentence for each such cost, with its row and the likely reason.
    """

    sound: npt.NDArray[np.bool_]
    warnings: list[str]


def check_units(
    space: SearchSpace, ops: Ops, cost: Costs, unit: str, rows: Sequence[int] | None = None
) -> UnitCheck:
    """Find costs that are of another unit, or otherwise far from all others.

    Parameters
    ----------
    space : SearchSpace
        The space.
    ops : numpy.ndarray of int, shape (n_archs, n_positions)
        The architectures.
    cost : numpy.ndarray of float64, shape (n_archs,)
        Their costs, positive.
    unit : {"ms", "mJ"}
        The unit that they are said to have.
    rows : sequence of int, optional
        Numbers by which the rows are called; from 0 by default.

    Raises
    ------
    CostTableError
        If so many are far away by a factor of 1000 that two units are mixed; the message shows
        both clusters.
    """
    sound = np.ones(len(cost), dtype=bool)
    alive = np.flatnonzero(connected(space, ops) if space.edges is not None else sound)
    if len(alive) < FEWEST:
        return UnitCheck(sound, [])
    numbers = range(len(cost)) if rows is None else rows
    texts: list[str] = []
    while True:
        left = alive[sound[alive]]
        split = _split(np.log10(cost[left]))
        if split is None:
            return UnitCheck(sound, texts)
        small, apart = np.sort(left[split.smaller]), split.apart
        is_unit = UNIT_APART[0] <= abs(apart) <= UNIT_APART[1]
        n_most = max(1, int(MIXTURE_SHARE * len(left)))
        if len(small) > n_most:
            if not is_unit:
                return UnitCheck(sound, texts)  # a space of very different costs, perhaps
            others = np.setdiff1d(left, small)
            raise CostTableError(
                f"costs must all be in {unit}, but they fall into two clusters that are a factor "
                f"of {10 ** abs(apart):.0f} apart: {_cluster(others, cost, numbers, unit)}; "
                f"{_cluster(small, cost, numbers, unit)}. It looks like "
                f"{_reason(apart, unit)}; write all in one unit"
            )
        for row in small:
            reason = (
                f"it looks like {_reason(apart, unit)}" if is_unit else "it looks like a mishap"
            )
            factor = cost[row] / np.median(cost[left])
            texts.append(
                f"row {numbers[row]} ({space.format(ops[row])!r}) costs {cost[row]:.4g} {unit}, "
                f"{factor:.3g} times the median; {reason}, and is left out as an outlier"
            )
        sound[small] = False


def unit_warnings(table: CostTable) -> list[str]:
    """Return a sentence for each cost of a table that cannot be of its unit.

    Raises
    ------
    CostTableError
        If two units are mixed.
    """
    texts = []
    for key in table.keys():  # noqa: SIM118  no mapping
        ops, cost = table.costs(key)
        texts += check_units(get_space(key.space), ops, cost, key.unit).warnings
    return texts


class _Split(NamedTuple):
    smaller: npt.NDArray[np.integer[Any]]
    apart: float


def _split(logs: Costs) -> _Split | None:
    """Return the smaller side of the widest gap, and how far its median is from that of the other.

    None where there is no such gap, or both sides are equally large.
    """
    order = np.argsort(logs, kind="stable")
    gaps = np.diff(logs[order])
    if len(gaps) == 0 or gaps.max() < LEAST_GAP:
        return None
    place = int(gaps.argmax()) + 1
    low, high = order[:place], order[place:]
    apart = float(np.median(logs[high]) - np.median(logs[low]))
    if apart < LEAST_APART:
        return None
    return _Split(high, apart) if len(high) <= len(low) else _Split(low, -apart)


def _reason(apart: float, unit: str) -> str:
    return (LARGER if apart > 0 else SMALLER)[unit]


def _cluster(
    rows: npt.NDArray[np.integer[Any]], cost: Costs, numbers: Sequence[int], unit: str
) -> str:
    few = ", ".join(str(numbers[row]) for row in rows[:SHOWN])
    more = ", ..." if len(rows) > SHOWN else ""
    return (
        f"{len(rows)} rows around {np.median(cost[rows]):.3g} {unit}, from {cost[rows].min():.3g} "
        f"to {cost[rows].max():.3g} (rows {few}{more})"
    )
