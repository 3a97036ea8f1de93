"""Split a list of architectures over processes or machines."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archcost.errors import ArchcostError
from archcost.spaces.space import Ops


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several equal parts of a list.

    Parameters
    ----------
    number : int
        Which part, from 1.
    n_shards : int
        How many parts there are.

    Raises
    ------
    ArchcostError
        If there is no such part.
    """

    number: int
    n_shards: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.n_shards:
            raise ArchcostError(
                f"a shard must read i/n with i from 1 to n, such as 2/8, but got '{self}'"
            )

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read a shard such as ``2/8``.

        Examples
        --------
        >>> Shard.parse("2/8")
        Shard(number=2, n_shards=8)
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        if not found:
            raise ArchcostError(f"a shard must read i/n, such as 2/8, but got {text!r}")
        return cls(int(found[1]), int(found[2]))

    def part(self, archs: Ops) -> Ops:
        """Return every n-th architecture; all parts together are the list.

        Parameters
        ----------
        archs : numpy.ndarray of int, shape (n_archs, n_positions)
            The list, the same for all parts.

        Raises
        ------
        ArchcostError
            If nothing is left for this part.
        """
        if self.number > len(archs):
            raise ArchcostError(
                f"there must be an architecture for each shard, but there are {len(archs)} for "
                f"shard {self}"
            )
        return archs[self.number - 1 :: self.n_shards]

    def __str__(self) -> str:
        return f"{self.number}/{self.n_shards}"
