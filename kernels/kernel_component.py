"""Prices of kernels under one setting of a device, and their mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.kernels.kernel_arrays import KernelArrays
from archcost.kernels.kernel_work import ROLES, kernel_work, network_work
from archcost.kernels.network_kernels import NetworkKernels
from archcost.networks.kernels import STYLES

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a device executes a network.

    Parameters
    ----------
    style : {"fused", "eager"}
        Whether element-wise ops run along with what they follow.
    block : int
        Channels are computed in blocks of so many.
    """

    style: str
    block: int

    def work(self, networks: NetworkKernels) -> Floats:
        """Return the work of networks, shape (n_networks, n_prices)."""
        return network_work(networks.by_style[self.style], self.block)


@dataclass(frozen=True, slots=True)
class Component:
    """Prices of a device under one setting.

    Parameters
    ----------
    setting : Setting
        How the device executes a network.
    log_prices : numpy.ndarray of float64, shape (n_prices,)
        Logarithms of the prices.
    weight : float
        Of its logarithm among the components of a mixture; all sum to 1.
    floor : float
        What the host takes to start a kernel: while it starts kernels the device works, so that a
        network costs at least so much for each; 0 where that does not limit.
    """

    setting: Setting
    log_prices: Floats
    weight: float = 1.0
    floor: float = 0.0

    def log_costs(self, works: Works) -> Floats:
        """Return the logarithm of the cost of each network, shape (n_networks,)."""
        logs = log_sums(works[self.setting], self.log_prices)
        if self.floor:
            logs = np.maximum(logs, np.log(self.floor * works.counts(self.setting)))
        return logs

    def kernel_costs(self, kernels: KernelArrays) -> Floats:
        """Return the cost of each kernel, shape (n_kernels,)."""
        prices = np.exp(self.log_prices).reshape(-1, len(ROLES))
        costs: Floats = (kernel_work(kernels, self.setting.block) * prices[kernels.kinds]).sum(1)
        return costs


class Works:
    """The work of networks under each setting, computed once.

    Parameters
    ----------
    networks : NetworkKernels
        The networks.
    """

    def __init__(self, networks: NetworkKernels) -> None:
        self.networks = networks
        self._known: dict[Setting, Floats] = {}

    def __getitem__(self, setting: Setting) -> Floats:
        if setting not in self._known:
            self._known[setting] = setting.work(self.networks)
        return self._known[setting]

    def counts(self, setting: Setting) -> Floats:
        """Return the number of kernels of each network under a setting, shape (n_networks,)."""
        counts: Floats = np.diff(self.networks.by_style[setting.style].starts).astype(np.float64)
        return counts


def log_sums(work: Floats, log_prices: Floats) -> Floats:
    """Return the logarithms of the costs of networks, shape (n_networks,)."""
    sums: Floats = np.log(work @ np.exp(log_prices))
    return sums


def mixed(components: Sequence[Component], works: Works) -> tuple[Floats, Floats]:
    """Return the weighted mean of the components' log costs, and their variance around it."""
    weights = np.array([component.weight for component in components])
    logs = np.array([component.log_costs(works) for component in components])
    mean = weights @ logs
    return mean, weights @ (logs - mean) ** 2


def settings_of(blocks: Sequence[int], styles: Sequence[str] = STYLES) -> list[Setting]:
    """Return every combination."""
    return [Setting(style, block) for style in styles for block in blocks]
