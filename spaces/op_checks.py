"""Check that op ids and op names are allowed at their positions of a search space."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchitectureError, check_name, shown
from archcost.spaces.plain_forms import is_integer

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
        if len(names) != len(self.positions):
            raise self._wrong_length(str(len(names)), given)
        ids = []
        for place, name in enumerate(names):
            op = self.op_names.index(name) if name in self.op_names else -1
            if op < 0 or not self.allowed[place, op]:
                raise ArchitectureError(self._wrong_name(place, name, given))
            ids.append(op)
        return np.array(ids, dtype=self.dtype)

    def from_ids(self, ids: Sequence[object], given: object) -> Ops:
        """Return the op ids of one architecture in the space's type.

        Raises
        ------
        ArchitectureError
            If their number is wrong, or one is no integer or not allowed at its position.
        """
        for op in ids:
            if not is_integer(op):
                raise ArchitectureError(
                    f"op ids of {self.space} must be integers, but got {shown(op)} in "
                    f"{shown(given)}"
                )
            if not 0 <= op < len(self.op_names):
                raise self._wrong_id(op, given)
        return self.check(np.array([ids], dtype=np.int64), given)[0]

    def check(self, ops: npt.NDArray[np.integer[Any]], given: object) -> Ops:
        """Return op ids ``(n_archs, n_positions)`` in the space's type.

        Raises
        ------
        ArchitectureError
            If the shape is wrong or an id is not allowed at its position.
        """
        n_positions, n_ops = self.allowed.shape
        if ops.ndim != 2 or ops.shape[1] != n_positions:
            shape = ops.shape[1:] if ops.shape[0] == 1 else ops.shape
            raise self._wrong_length(f"shape {shape}", given)
        if ops.size and (ops.min() < 0 or ops.max() >= n_ops):
            raise self._wrong_id(int(ops.min() if ops.min() < 0 else ops.max()), given)
        ids = ops.astype(self.dtype)
        if not self.allowed.all():
            rows, places = np.nonzero(~self.allowed[np.arange(n_positions), ids])
            if len(rows):
                name = self.op_names[ids[rows[0], places[0]]]
                raise ArchitectureError(self._wrong_name(int(places[0]), name, given))
        return ids

    def _wrong_length(self, got: str, given: object) -> ArchitectureError:
        return ArchitectureError(
            f"an architecture of {self.space} must have {len(self.positions)} ops, but got {got} "
            f"in {shown(given)}; a flat sequence of ints is one architecture, never a list of "
            "indices"
        )

    def _wrong_id(self, op: int, given: object) -> ArchitectureError:
        return ArchitectureError(
            f"op ids of {self.space} must be between 0 and {len(self.op_names) - 1}, but got "
            f"{shown(op)} in {shown(given)}"
        )

    def _wrong_name(self, place: int, name: object, given: object) -> str:
        where = "" if self.allowed.all() else f" at position {self.positions[place]!r}"
        try:
            choices = self.at(place)
            check_name(f"op of {self.space}{where}", name, choices, nearest_op(name, choices))
        except ValueError as error:
            return f"{error} (in {shown(given)})"
        raise AssertionError("the name is allowed")


NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?")


def nearest_op(name: object, choices: Sequence[str]) -> str | None:
    """Return the op whose numbers are nearest to those of a name that is the same but for them.

    Examples
    --------
    >>> nearest_op("r150", ["r128", "r132", "r148", "r152"]), nearest_op("skip", ["r128"])
    ('r148', None)
    """
    if not isinstance(name, str):
        return None
    numbers, words = list(map(float, NUMBER.findall(name))), NUMBER.split(name)
    near = [choice for choice in choices if NUMBER.split(choice) == words]

    def distance(choice: str) -> float:
        others = map(float, NUMBER.findall(choice))
        return sum(abs(a - b) for a, b in zip(numbers, others, strict=True))

    return min(near, key=distance) if numbers and near else None
