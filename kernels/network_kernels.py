"""Kernels of networks under every style of execution, from graphs or from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchitectureError, IntegrityError
from archcost.kernels.kernel_arrays import COLUMNS, KINDS, KernelArrays
from archcost.networks.graph import Graph
from archcost.networks.kernels import STYLES, executed_graph

Ints = npt.NDArray[np.integer[Any]]

SIGNED_COLUMNS = ("macs", "in_bytes", "out_bytes", "weight_bytes")
"""What the sums of tell a network by."""


@dataclass(frozen=True, slots=True)
class NetworkKernels:
    """Kernels of networks, by style of execution.

    Parameters
    ----------
    by_style : mapping from str to KernelArrays
        The same networks in each of ``STYLES``.
    """

    by_style: Mapping[str, KernelArrays]

    def __len__(self) -> int:
        return len(self.by_style[STYLES[0]])

    @classmethod
    def of(cls, networks: Sequence[Graph] | NetworkKernels) -> NetworkKernels:
        """Return the kernels of graphs; what is kernels already is returned as it is.

        Raises
        ------
        ArchitectureError
            If something is no graph, or a graph executes nothing.
        """
        if isinstance(networks, NetworkKernels):
            return networks
        given = [networks] if isinstance(networks, Graph) else list(networks)
        for place, graph in enumerate(given):
            if not isinstance(graph, Graph):
                raise ArchitectureError(
                    f"networks must be graphs, but network {place} is {type(graph).__name__}; "
                    "read it first"
                )
        return cls(
            {
                style: KernelArrays.concat([_of_graph(graph, style) for graph in given])
                for style in STYLES
            }
        )

    def signatures(self) -> npt.NDArray[np.uint64]:
        """Return a number for each network, the same for those that do the same work.

        Names do not matter, nor the library that a network was read from: it is a hash of how many
        kernels run op by op, what they multiply and accumulate, read and write.

        Returns
        -------
        numpy.ndarray of uint64, shape (n_networks,)
            Two different networks have the same number with a probability of 1e-19.

        Examples
        --------
        >>> from archcost.zoo import zoo_network
        >>> one, other, again = NetworkKernels.of(
        ...     [zoo_network(name) for name in ("resnet18@64", "resnet34@64", "resnet18@64")]
        ... ).signatures()
        >>> bool(one == again), bool(one == other)
        (True, False)
        """
        kernels = self.by_style["eager"]
        n, network = len(kernels), kernels.network
        totals = [np.bincount(network, kernels.column(name), n) for name in SIGNED_COLUMNS]
        rows = np.column_stack([*totals, np.diff(kernels.starts)]).astype(np.int64)
        return np.array(
            [int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest()) for row in rows],
            dtype=np.uint64,
        )

    def take(self, networks: Ints) -> Self:
        """Return some of the networks, in the order given."""
        return type(self)({style: found.take(networks) for style, found in self.by_style.items()})

    def save(self, path: Path) -> None:
        """Write the kernels to a ``.npz`` file, each distinct kernel once."""
        arrays: dict[str, Any] = {}
        for style, kernels in self.by_style.items():
            rows = np.column_stack([kernels.kinds, kernels.numbers])
            distinct, place = np.unique(rows, axis=0, return_inverse=True)
            arrays[f"{style}_distinct"] = distinct.T.astype(np.int64)
            arrays[f"{style}_place"] = place.reshape(-1).astype(np.uint32)
            arrays[f"{style}_count"] = np.diff(kernels.starts).astype(np.uint16)
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what ``save`` wrote.

        Raises
        ------
        IntegrityError
            If the file is damaged.
        """
        found = {}
        try:
            with np.load(path, allow_pickle=False) as arrays:
                for style in STYLES:
                    rows = arrays[f"{style}_distinct"].T[arrays[f"{style}_place"]]
                    starts = np.cumsum([0, *arrays[f"{style}_count"].tolist()])
                    if rows.shape[1] != len(COLUMNS) + 1 or rows[:, 0].max() >= len(KINDS):
                        raise ValueError(f"shape {rows.shape}")
                    if starts[-1] != len(rows):
                        raise ValueError(f"{len(rows)} kernels, not {starts[-1]}")
                    numbers = rows[:, 1:].astype(np.float64)
                    found[style] = KernelArrays(rows[:, 0].astype(np.int8), numbers, starts)
        except (KeyError, ValueError, IndexError, OSError) as error:
            raise IntegrityError(
                f"{path} must hold kernels of networks, but is damaged ({error}); install it again"
            ) from None
        return cls(found)


@lru_cache(maxsize=4096)
def _of_graph(graph: Graph, style: str) -> KernelArrays:
    kernels = KernelArrays.of_graph(executed_graph(graph), style)
    if not len(kernels.kinds):
        raise ArchitectureError(
            f"a network must execute something to have a cost, but {graph!r} only renames its input"
        )
    return kernels
