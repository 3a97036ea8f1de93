"""Features of small spaces, found once for every architecture and looked up from then on."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]

MOST_COMBINATIONS = 1 << 15
"""Spaces with at most this many combinations are tabulated; NAS-Bench-201 has 15,625."""
MANY = 1000
"""Architectures from which on it is quicker to encode the whole space and to remember it."""


def looked_up(
    encode: Callable[..., Floats], space: SearchSpace, ops: Ops, *settings: Any
) -> Floats:
    """Return ``encode(space, ops, *settings)``, from a table if the space is small.

    Parameters
    ----------
    encode : callable
        Encodes each architecture by itself, so that a row does not depend on the others.
    space : SearchSpace
        The search space.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.
    *settings : hashable
        Further arguments of `encode`.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_features)
        The features.
    """
    if len(ops) < MANY or _n_codes(space) > MOST_COMBINATIONS:
        return encode(space, ops, *settings)
    columns: Floats = _table(encode, space, settings)[_rows(space, ops)]
    return columns


@lru_cache(maxsize=32)
def _table(encode: Callable[..., Floats], space: SearchSpace, settings: tuple[Any, ...]) -> Floats:
    table = encode(space, space.all_ops, *settings)
    table.flags.writeable = False
    return table


def _rows(space: SearchSpace, ops: Ops) -> npt.NDArray[np.intp]:
    return _row_of_code(space)[combination_numbers(space, ops)]


@lru_cache(maxsize=8)
def _row_of_code(space: SearchSpace) -> npt.NDArray[np.intp]:
    codes = combination_numbers(space, space.all_ops)
    rows = np.zeros(_n_codes(space), dtype=np.intp)
    rows[codes] = np.arange(len(codes))
    return rows


def _n_codes(space: SearchSpace) -> int:
    return int(space.n_ops) ** int(space.n_positions)


def combination_numbers(space: SearchSpace, ops: Ops) -> npt.NDArray[np.int64]:
    """Return a number for each combination of op ids; shape ``(n_archs,)``."""
    codes: npt.NDArray[np.int64] = np.zeros(len(ops), dtype=np.int64)
    for position in range(space.n_positions):
        codes = codes * space.n_ops + ops[:, position]
    return codes
