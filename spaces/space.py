"""The contract of a search space: what every encoder, predictor and model builds on."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from archcost.errors import ArchitectureError, check_name
from archcost.networks.layers import Layer, Workload, workload
from archcost.spaces.op_checks import Ops, check_ops, is_int_array, is_plain_ids, ops_from_names

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Ops", "SearchSpace"]


class SearchSpace(ABC):
    """A finite set of architectures, each a choice of one op per position.

    A space is stateless and hashable by its name; a new one is one file that subclasses this,
    plus an entry in ``SPACES``.
    """

    name: ClassVar[str]
    positions: ClassVar[tuple[str, ...]]
    op_names: ClassVar[tuple[str, ...]]
    datasets: ClassVar[tuple[str, ...]]
    default_dataset: ClassVar[str]

    @property
    def n_positions(self) -> int:
        """Number of positions of an architecture."""
        return len(self.positions)

    @property
    def n_ops(self) -> int:
        """Number of ops to choose from at a position."""
        return len(self.op_names)

    @property
    def size(self) -> int:
        """Number of architectures."""
        return self.n_ops**self.n_positions

    # What a space must say -------------------------------------------------------------------

    @abstractmethod
    def _parse_string(self, text: str) -> list[str]:
        """Split the string form into op names, one a position."""

    @abstractmethod
    def _join(self, names: Sequence[str]) -> str:
        """Join op names, one a position, to the string form."""

    @abstractmethod
    def layers(self, arch: object, dataset: str | None = None) -> tuple[Layer, ...]:
        """Return the layers of the network in order of execution, nothing pruned."""

    @abstractmethod
    def network(self, arch: object, dataset: str | None = None) -> nn.Module:
        """Build the network as a torch module in evaluation mode, with random weights."""

    @abstractmethod
    def input_shape(self, dataset: str | None = None) -> tuple[int, int, int]:
        """Return channels, height and width of the network's input."""

    @abstractmethod
    def config_ops(self, config: Mapping[str, Any]) -> object:
        """Return the architecture that a HW-NAS-Bench config dict names."""

    # What follows from it --------------------------------------------------------------------

    def check_dataset(self, dataset: str | None) -> str:
        """Return the dataset's name, the space's default for None.

        Raises
        ------
        UnknownNameError
            If the space has no such dataset. Upper and lower case and ``-``/``_`` are the same.
        """
        if dataset is None:
            return self.default_dataset
        if isinstance(dataset, str):
            for known in self.datasets:
                if dataset.lower().replace("-", "_") == known.lower().replace("-", "_"):
                    return known
        return check_name(f"dataset of {self.name}", dataset, self.datasets)

    def parse(self, arch: object) -> Ops:
        """Return the canonical form of one architecture.

        Parameters
        ----------
        arch : array of int, str, sequence of op names or ids, int, or mapping
            Any accepted form: the op ids; the space's string; a list of op names or ids;
            NAS-Bench-201's published index; HW-NAS-Bench's config dict.

        Returns
        -------
        numpy.ndarray of int8, shape (n_positions,)
            The op ids.

        Raises
        ------
        ArchitectureError
            If the form is malformed or an op does not exist in this space.
        """
        if isinstance(arch, str):
            return ops_from_names(self, self._parse_string(arch.strip()), arch)
        if isinstance(arch, Mapping):
            return self.parse(self.config_ops(arch))
        if isinstance(arch, Integral) and not isinstance(arch, bool):
            return self.from_index(int(arch))
        if isinstance(arch, (Sequence, np.ndarray)):
            if len(arch) and all(isinstance(op, str) for op in arch):
                return ops_from_names(self, [str(op) for op in arch], arch)
            ops = arch if is_int_array(arch) else np.asarray(arch, dtype=object)
            return check_ops(self, ops[None], arch)[0]
        raise ArchitectureError(
            f"an architecture of {self.name} must be a string, a list of {self.n_positions} ops, "
            f"an index or a config dict, but got {type(arch).__name__} {arch!r}"
        )

    def parse_many(self, archs: object) -> Ops:
        """Return the canonical form of several architectures.

        Parameters
        ----------
        archs : array (n_archs, n_positions) of int, or sequence of architectures
            An array of op ids is checked as a whole; any other sequence is parsed one by one.

        Returns
        -------
        numpy.ndarray of int8, shape (n_archs, n_positions)
            The op ids.

        Raises
        ------
        ArchitectureError
            If an architecture is malformed; the message gives its place in the sequence.
        """
        if is_plain_ids(archs):
            with contextlib.suppress(ValueError):  # ragged: the loop below names the place
                archs = np.array(archs)
        if isinstance(archs, np.ndarray) and archs.ndim == 2 and archs.dtype.kind in "iu":
            return check_ops(self, archs, archs)
        if self.is_single(archs) or not hasattr(archs, "__iter__"):
            raise ArchitectureError(
                f"architectures must be a sequence of architectures of {self.name}, but got the "
                f"single architecture {archs!r}; wrap it in a list"
            )
        rows = []
        for place, arch in enumerate(archs):
            try:
                rows.append(self.parse(arch))
            except ArchitectureError as error:
                raise ArchitectureError(f"architecture {place}: {error}") from None
        return np.array(rows, dtype=np.int8).reshape(len(rows), self.n_positions)

    def is_single(self, archs: object) -> bool:
        """Tell whether `archs` is one architecture rather than a sequence of them.

        A flat sequence of ints, or of op names, is one architecture; never a list of indices.
        """
        if isinstance(archs, (str, Mapping, Integral)):
            return True
        if isinstance(archs, np.ndarray) and archs.dtype != object:
            return archs.ndim <= 1 and archs.dtype.kind in "iu"
        if not isinstance(archs, (Sequence, np.ndarray)) or len(archs) == 0:
            return False
        first = archs[0]
        if isinstance(first, str):
            return first in self.op_names
        return isinstance(first, Integral)

    def format(self, arch: object) -> str:
        """Return the space's string form of one architecture in any accepted form."""
        return self._join([self.op_names[op] for op in self.parse(arch)])

    def format_many(self, archs: object) -> list[str]:
        """Return the string forms of several architectures."""
        return [self._join([self.op_names[op] for op in row]) for row in self.parse_many(archs)]

    def from_index(self, index: int) -> Ops:
        """Return the architecture at `index`: its op ids read as digits, first position first."""
        index = self._check_index(index)
        digits = np.empty(self.n_positions, dtype=np.int8)
        for place in reversed(range(self.n_positions)):
            index, digits[place] = divmod(index, self.n_ops)
        return digits

    def index(self, arch: object) -> int:
        """Return the index of an architecture, the inverse of ``from_index``."""
        value = 0
        for op in self.parse(arch):
            value = value * self.n_ops + int(op)
        return value

    def sample(self, n: int, *, seed: int = 0) -> Ops:
        """Draw `n` distinct architectures uniformly.

        Parameters
        ----------
        n : int
            How many; at most ``size``.
        seed : int, default=0
            Fixes the draw.

        Returns
        -------
        numpy.ndarray of int8, shape (n, n_positions)
            Distinct architectures in random order.

        Raises
        ------
        ArchitectureError
            If `n` or `seed` is negative, or `n` larger than the space.
        """
        if not 0 <= n <= self.size:
            raise ArchitectureError(
                f"n must be between 0 and the {self.size} architectures of {self.name}, but got {n}"
            )
        if seed < 0:
            raise ArchitectureError(f"the seed must be 0 or more, but got {seed}")
        rng = np.random.default_rng(seed)
        if self.size <= 10**6:
            picked = rng.permutation(self.size)[:n]
            return np.array([self.from_index(int(i)) for i in picked], dtype=np.int8).reshape(
                n, self.n_positions
            )
        rows = np.empty((0, self.n_positions), dtype=np.int8)
        while len(rows) < n:
            more = rng.integers(self.n_ops, size=(n - len(rows), self.n_positions), dtype=np.int8)
            rows = np.concatenate([rows, more])
            _, first = np.unique(rows, axis=0, return_index=True)
            rows = rows[np.sort(first)]
        return rows

    def neighbours(self, arch: object) -> Ops:
        """Return the architectures that differ from `arch` in exactly one position.

        Returns
        -------
        numpy.ndarray of int8, shape (n_positions * (n_ops - 1), n_positions)
            Ordered by position, then op id.
        """
        ops = self.parse(arch)
        steps = np.arange(1, self.n_ops, dtype=np.int8)
        rows = np.repeat(ops[None], self.n_positions * len(steps), axis=0)
        place = np.repeat(np.arange(self.n_positions), len(steps))
        others = np.sort((ops[:, None] + steps) % self.n_ops, axis=1)
        rows[np.arange(len(rows)), place] = others.ravel()
        return rows

    def workload(self, arch: object, dataset: str | None = None) -> Workload:
        """Return FLOPs, parameters and activation bytes, without building the network."""
        return workload(self.layers(arch, dataset))

    def __iter__(self) -> Iterator[Ops]:
        """Iterate over all architectures in index order."""
        return (self.from_index(index) for index in range(self.size))

    def __contains__(self, arch: object) -> bool:
        """Tell whether `arch` is an architecture of this space."""
        try:
            self.parse(arch)
        except ArchitectureError:
            return False
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(self.name)

    def _check_index(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise ArchitectureError(
                f"an index of {self.name} must be between 0 and {self.size - 1}, but got {index}"
            )
        return index
