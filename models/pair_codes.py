"""Op ids two positions at a time: half the gathers of a sum over positions.

A pair of neighbouring int8 ids is read as one uint16 without any arithmetic, and what the two
positions add is looked up at once. The codes are sparse (``a + 256 b``), but rows that no code
names are never touched, so they cost addresses, not memory. Ids of spaces with more than 128 ops
are int16 and stay single: codes and tables are then the ids and the table themselves.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.spaces.space import Ops

Codes = npt.NDArray[np.integer[Any]]

MOST_PAIRED_OPS = 128
"""Spaces with at most this many ops have int8 ids."""


def pair_codes(ops: Ops) -> Codes:
    """Return the codes of pairs of op ids.

    Parameters
    ----------
    ops : array of int8 or int16, shape (n_archs, n_positions)
        Valid op ids in the space's type.

    Returns
    -------
    numpy.ndarray of uint16, shape (n_archs, n_pairs)
        A view where the memory layout allows it. With an odd number of positions the last one
        pairs with op 0 of nowhere. Of int16 ids, the ids.
    """
    if ops.dtype == np.int16:
        return ops
    n_archs, n_positions = ops.shape
    if n_positions % 2:
        padded = np.zeros((n_archs, n_positions + 1), dtype=np.int8)
        padded[:, :-1] = ops
        ops = padded
    return np.ascontiguousarray(ops, dtype=np.int8).view(np.uint16)


def pair_tables(table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return tables of what pairs of positions add together.

    Parameters
    ----------
    table : array, shape (n_positions, n_ops, ...)
        What each op at each position adds: a number, or a vector along the further axes.

    Returns
    -------
    numpy.ndarray, shape (n_pairs, n_codes, ...)
        To be indexed by ``pair_codes``; zero where no code points. Of more than 128 ops, the
        table.
    """
    n_positions, n_ops = table.shape[:2]
    if n_ops > MOST_PAIRED_OPS:
        return table
    n_codes = 257 * (n_ops - 1) + 1
    pairs = np.zeros(((n_positions + 1) // 2, n_codes, *table.shape[2:]), dtype=table.dtype)
    first, second = np.divmod(np.arange(n_ops**2), n_ops)
    codes = pair_codes(np.stack([first, second], axis=1).astype(np.int8))[:, 0]
    for pair in range(len(pairs)):
        left, right = table[2 * pair], table[2 * pair + 1 : 2 * pair + 2]
        pairs[pair, codes] = left[first] + right[0, second] if len(right) else left[first]
    return pairs


def sum_pairs(pairs: npt.NDArray[Any], codes: Codes, start: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return ``start`` plus the entries of all pairs, always added in the same order.

    Parameters
    ----------
    pairs : array, shape (n_pairs, n_codes, ...)
        From ``pair_tables``.
    codes : array of int, shape (n_archs, n_pairs)
        From ``pair_codes``.
    start : number or array, shape ``(...)``
        Added first; the further axes of `pairs`.

    Returns
    -------
    numpy.ndarray, shape (n_archs, ...)
        The sums.
    """
    total = np.empty((len(codes), *pairs.shape[2:]), dtype=pairs.dtype)
    total[:] = start
    for entries, code in zip(pairs, codes.T, strict=True):
        total += entries.take(code, axis=0)
    return total
