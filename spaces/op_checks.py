"""Check that op ids and op names are those of a search space."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchitectureError, check_name

if TYPE_CHECKING:
    from archcost.spaces.space import SearchSpace

Ops = npt.NDArray[np.int8]
"""Op ids: ``(n_positions,)`` for one architecture, ``(n_archs, n_positions)`` for a batch."""


def ops_from_names(space: SearchSpace, names: Sequence[str], given: object) -> Ops:
    """Return the ids of op names, one a position; `given` is what to show in an error."""
    if len(names) != space.n_positions:
        raise ArchitectureError(
            f"an architecture of {space.name} must have {space.n_positions} ops, "
            f"but got {len(names)} in {given!r}"
        )
    for name in names:
        if name not in space.op_names:
            try:
                check_name(f"op of {space.name}", name, space.op_names)
            except ValueError as error:
                raise ArchitectureError(f"{error} (in {given!r})") from None
    return np.array([space.op_names.index(name) for name in names], dtype=np.int8)


def check_ops(space: SearchSpace, ops: npt.NDArray[Any], given: Any) -> Ops:
    """Return op ids ``(n_archs, n_positions)`` as int8; `given` is what to show in an error."""
    if ops.ndim != 2 or ops.shape[1] != space.n_positions:
        raise ArchitectureError(
            f"an architecture of {space.name} must have {space.n_positions} ops, "
            f"but got shape {np.shape(given)} in {given!r}; a flat sequence of ints is one "
            "architecture, never a list of indices"
        )
    if ops.dtype == object:
        wrong = [op for op in ops.flat if not isinstance(op, Integral) or isinstance(op, bool)]
        if wrong:
            raise ArchitectureError(
                f"op ids of {space.name} must be integers, but got {wrong[0]!r} in {given!r}"
            )
    if ops.size and (ops.min() < 0 or ops.max() >= space.n_ops):
        wrong_id = ops.min() if ops.min() < 0 else ops.max()
        raise ArchitectureError(
            f"op ids of {space.name} must be between 0 and {space.n_ops - 1}, but got "
            f"{wrong_id} in {given!r}"
        )
    return ops.astype(np.int8)


def is_int_array(value: object) -> TypeGuard[npt.NDArray[np.integer[Any]]]:
    """Tell whether `value` is an array of integers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "iu"


def is_plain_ids(archs: object) -> bool:
    """Tell whether `archs` is a list of lists of plain ints, which numpy may convert at once."""
    if not isinstance(archs, (list, tuple)) or {type(arch) for arch in archs} - {list, tuple}:
        return False
    return {type(op) for arch in archs for op in arch} == {int}
