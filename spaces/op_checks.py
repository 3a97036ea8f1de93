"""Check that op ids and op names are allowed at their positions of a search space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchitectureError, check_name

Ops = npt.NDArray[np.signedinteger[Any]]
"""Op ids: ``(n_positions,)`` for one architecture, ``(n_archs, n_positions)`` for a batch."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen where.

    Parameters
    ----------
    space : str
        Name of the search space, for error messages.
    positions : tuple of str
        Names of the positions.
    op_names : tuple of str
        All ops; their place is their id.
    allowed : array of bool, shape (n_positions, n_ops)
        Which op may stand at which position.
    """

    space: str
    positions: tuple[str, ...]
    op_names: tuple[str, ...]
    allowed: npt.NDArray[np.bool_]

    @property
    def dtype(self) -> type[np.signedinteger[Any]]:
        """The smallest integer type that holds all op ids."""
        return np.int8 if len(self.op_names) <= 128 else np.int16

    def at(self, place: int) -> list[str]:
        """Return the names of the ops allowed at a position."""
        return [self.op_names[op] for op in np.flatnonzero(self.allowed[place])]

    def from_names(self, names: Sequence[str], given: object) -> Ops:
        """Return the ids of op names, one a position; `given` is what to show in an error.

        Raises
        ------
        ArchitectureError
            If the number of names is not that of the positions, or a name is not allowed.
        """
        self._check_length(len(names), given)
        ids = []
        for place, name in enumerate(names):
            op = self.op_names.index(name) if name in self.op_names else -1
            if op < 0 or not self.allowed[place, op]:
                raise ArchitectureError(self._wrong_name(place, name, given))
            ids.append(op)
        return np.array(ids, dtype=self.dtype)

    def check(self, ops: npt.NDArray[Any], given: Any) -> Ops:
        """Return op ids ``(n_archs, n_positions)`` in the space's type.

        Raises
        ------
        ArchitectureError
            If the shape is wrong or an id is no integer or not allowed at its position.
        """
        n_positions, n_ops = self.allowed.shape
        if ops.ndim != 2 or ops.shape[1] != n_positions:
            raise ArchitectureError(
                f"an architecture of {self.space} must have {n_positions} ops, "
                f"but got shape {np.shape(given)} in {given!r}; a flat sequence of ints is one "
                "architecture, never a list of indices"
            )
        if ops.dtype == object:
            wrong = [op for op in ops.flat if not isinstance(op, Integral) or isinstance(op, bool)]
            if wrong:
                raise ArchitectureError(
                    f"op ids of {self.space} must be integers, but got {wrong[0]!r} in {given!r}"
                )
        if ops.size and (ops.min() < 0 or ops.max() >= n_ops):
            wrong_id = ops.min() if ops.min() < 0 else ops.max()
            raise ArchitectureError(
                f"op ids of {self.space} must be between 0 and {n_ops - 1}, but got "
                f"{wrong_id} in {given!r}"
            )
        ids = ops.astype(self.dtype)
        if not self.allowed.all():
            rows, places = np.nonzero(~self.allowed[np.arange(n_positions), ids])
            if len(rows):
                name = self.op_names[ids[rows[0], places[0]]]
                raise ArchitectureError(self._wrong_name(int(places[0]), name, given))
        return ids

    def _check_length(self, length: int, given: object) -> None:
        if length != len(self.positions):
            raise ArchitectureError(
                f"an architecture of {self.space} must have {len(self.positions)} ops, "
                f"but got {length} in {given!r}"
            )

    def _wrong_name(self, place: int, name: object, given: object) -> str:
        where = "" if self.allowed.all() else f" at position {self.positions[place]!r}"
        try:
            check_name(f"op of {self.space}{where}", name, self.at(place))
        except ValueError as error:
            return f"{error} (in {given!r})"
        raise AssertionError("the name is allowed")


def is_int_array(value: object) -> TypeGuard[npt.NDArray[np.integer[Any]]]:
    """Tell whether `value` is an array of integers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "iu"


def is_plain_ids(archs: object) -> bool:
    """Tell whether `archs` is a list of lists of plain ints, which numpy may convert at once."""
    if not isinstance(archs, (list, tuple)) or {type(arch) for arch in archs} - {list, tuple}:
        return False
    return {type(op) for arch in archs for op in arch} == {int}
