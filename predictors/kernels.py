"""Costs of any network as a sum of the costs of its kernels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from threadpoolctl import threadpool_limits

from archcost.datasets.array_file import read_arrays
from archcost.errors import ArchcostError
from archcost.kernels.kernel_arrays import KINDS
from archcost.kernels.kernel_component import Works, mixed
from archcost.kernels.kernel_sums import KernelSums, Networks, foreign_ops
from archcost.kernels.network_kernels import NetworkKernels
from archcost.kernels.network_offsets import NetworkOffsets
from archcost.predictors.base import check_costs
from archcost.predictors.kernel_fit import SPREAD, choose_settings


class KernelPredictor(KernelSums, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Predict the cost of any network as a sum over the kernels that the device executes.

    .. math:: y = \sum_k \sum_r p_{kind(k), r} \, w_{k, r}

    Each kernel asks for work :math:`w` in several roles (``archcost.kernels.kernel_work``), and
    each role has a positive price :math:`p` a kind of kernel. Only whole costs are observed; the
    prices are the most probable ones given a prior that ties kinds and roles together. How the
    device executes a network (fused or op by op, channels in blocks) is chosen on families of
    networks that are held out.

    Parameters
    ----------
    blocks : tuple of int, default=(1, 8, 16)
        Blocks of channels to choose from.
    seed : int, default=0
        Fixes the families that are held out together.

    Attributes
    ----------
    left_out_ : numpy.ndarray of float64, shape (n_networks,)
        Predictions of the networks given to ``fit`` from other families; not saved.
    components_, interval_scale_ and others
        What was learned, as in ``KernelSums``, which evaluates it.
    """

    def __init__(self, blocks: tuple[int, ...] = (1, 8, 16), seed: int = 0) -> None:
        self.blocks = blocks
        self.seed = seed

    def fit(
        self, networks: Networks, cost: npt.ArrayLike, *, families: Sequence[str] | None = None
    ) -> Self:
        """Learn from networks and their costs.

        Parameters
        ----------
        networks : sequence of Graph, or NetworkKernels
            The networks.
        cost : array of float, shape (n_networks,)
            Costs in ms or mJ, finite and positive.
        families : sequence of str, shape (n_networks,), optional
            Networks of one family are held out together; by default each by itself.

        Raises
        ------
        ArchitectureError
            If a network is no graph.
        CostTableError
            If a cost is not finite or not positive, or there are not as many costs as networks,
            or fewer than two.
        """
        kernels = NetworkKernels.of(networks)
        costs = check_costs(cost, len(kernels))
        labels = np.arange(len(costs)).astype(str) if families is None else np.asarray(families)
        if labels.shape != costs.shape:
            raise ArchcostError(
                f"families must name one a network, {len(costs)} in all, but got shape "
                f"{labels.shape}"
            )
        with threadpool_limits(1):
            chosen = choose_settings(kernels, costs, labels, tuple(self.blocks), self.seed)
        self.components_ = chosen.components
        self.covariance_ = chosen.covariance.astype(np.float32)  # as it is saved
        self.left_out_ = np.exp(chosen.left_out)
        self.base_spread_ = SPREAD
        self.interval_scale_ = chosen.interval_scale
        self.spread_by_cost_ = chosen.spread_by_cost
        logs, _ = mixed(chosen.components, Works(kernels))
        self.residuals_ = NetworkOffsets.of(kernels.signatures(), np.log(costs) - logs)
        self.corrections_ = NetworkOffsets.none()
        self.correction_weight_ = 0.0
        self._see(networks, kernels)
        return self

    def _see(self, networks: Networks, kernels: NetworkKernels) -> None:
        """Remember which kinds of kernels and which foreign ops the costs cover."""
        kinds = {kind for arrays in kernels.by_style.values() for kind in np.unique(arrays.kinds)}
        self.kinds_ = tuple(KINDS[kind] for kind in sorted(kinds))
        graphs = () if isinstance(networks, NetworkKernels) else networks
        self.foreign_ops_ = tuple(
            sorted({name for g in graphs for name in foreign_ops(g).values()})
        )

    def save_weights(self, folder: Path) -> None:
        """Write the fitted state into `folder` as ``weights.npz``."""
        state: dict[str, Any] = self.state()
        np.savez_compressed(folder / "weights.npz", **state)

    def load_weights(self, folder: Path) -> Self:
        """Restore what ``save_weights`` wrote; return itself, fitted."""
        return self.restore(read_arrays(folder / "weights.npz"))
