"""What is known of networks' costs on a device: prices of kernels, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy.typing as npt

from archcost.kernels.kernel_sums import KernelSums


@dataclass(frozen=True)
class NetworkCosts:
    """Prices of kernels, and the batch sizes that they were learned from.

    Parameters
    ----------
    kernels : KernelSums
        With its state.
    batch_sizes : tuple of int
        Images at a time of the networks learned from, sorted.
    """

    kernels: KernelSums
    batch_sizes: tuple[int, ...]

    @classmethod
    def from_state(cls, state: Mapping[str, npt.NDArray[Any]], kernels: KernelSums) -> Self:
        """Return what was saved.

        Parameters
        ----------
        state : mapping from str to numpy.ndarray
            As ``KernelSums.state`` gives it, and ``batch_sizes``.
        kernels : KernelSums
            What takes the state.

        Returns
        -------
        NetworkCosts
            The prices, with the batch sizes.

        Raises
        ------
        IntegrityError, ValueError
            If it cannot have been learned.

        Examples
        --------
        >>> import archcost
        >>> costs = archcost.load("cpu_litert", space="any").network_costs
        >>> state = {**costs.kernels.state(), "batch_sizes": [1, 8]}
        >>> NetworkCosts.from_state(state, KernelSums()).batch_sizes
        (1, 8)
        """
        kernels.restore(state)
        batch_sizes = tuple(map(int, state["batch_sizes"]))
        if not batch_sizes or min(batch_sizes) < 1:
            raise ValueError(f"batch_sizes must be from 1, but are {batch_sizes}")
        return cls(kernels, batch_sizes)
