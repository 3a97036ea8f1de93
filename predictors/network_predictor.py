"""The predictor of any network as one of architectures, of whatever space."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from archcost.kernels.network_costs import NetworkCosts
from archcost.networks.graph import Graph
from archcost.predictors.base import CostPredictor, Floats
from archcost.predictors.kernels import KernelPredictor
from archcost.spaces.known_networks import batch_size_of
from archcost.spaces.space import Ops, SearchSpace


class NetworkPredictor(CostPredictor):
    """Predict a cost as a sum over the kernels that a device executes (``KernelPredictor``).

    The predictor of networks of any kind. In a search space it learns from few architectures, for
    it sees their ops and shapes; one that knows the space alone is better with many.

    Parameters
    ----------
    seed : int, default=0
        Fixes the families of networks that are held out together.
    dataset : str or None, default=None
        Fixes the input size of the networks.

    Attributes
    ----------
    kernels_ : KernelPredictor
        The fitted predictor of graphs.
    batch_sizes_ : tuple of int
        Images at a time of the networks that it learned from, sorted.
    """

    def with_kernels(
        self, kernels: KernelPredictor, space: SearchSpace, batch_sizes: tuple[int, ...] = (1,)
    ) -> Self:
        """Take over a predictor of graphs that was fitted elsewhere.

        Parameters
        ----------
        kernels : KernelPredictor
            A fitted predictor of graphs.
        space : SearchSpace
            What the networks are of.
        batch_sizes : tuple of int, default=(1,)
            Images at a time of the networks that it learned from.

        Returns
        -------
        NetworkPredictor
            Itself, fitted.

        Examples
        --------
        >>> import archcost
        >>> from archcost.zoo import zoo_network
        >>> known = archcost.load("cpu_openvino", space="any")
        >>> predictor = NetworkPredictor().with_kernels(known.predictor.kernels_, known.space)
        >>> bool(predictor.predict_graphs([zoo_network("resnet18")], False)[0] > 0)
        True
        """
        self._bind(space)
        self.kernels_, self.batch_sizes_ = kernels, tuple(sorted(set(batch_sizes)))
        return self

    @property
    def network_costs(self) -> NetworkCosts:
        """What a model evaluates: the prices, and the batch sizes that they were learned from."""
        check_is_fitted(self, "space_")
        return NetworkCosts(self.kernels_, self.batch_sizes_)

    def predict_graphs(self, graphs: list[Graph], return_std: bool) -> tuple[Floats, Floats | None]:
        """Return costs of graphs.

        Parameters
        ----------
        graphs : list of Graph
            The networks.
        return_std : bool
            Whether to return standard deviations.

        Returns
        -------
        mean : numpy.ndarray of float64, shape (n_archs,)
            Costs in ms or mJ.
        std : numpy.ndarray of float64, shape (n_archs,), or None
            Standard deviations, if they are asked for.

        Examples
        --------
        >>> import archcost
        >>> from archcost.zoo import zoo_network
        >>> known = archcost.load("cpu_openvino", space="any")
        >>> mean, std = known.predictor.predict_graphs([zoo_network("resnet18")], True)
        >>> mean.shape, std.shape
        ((1,), (1,))
        """
        check_is_fitted(self, "space_")
        if not return_std:
            return self.kernels_.predict(graphs), None
        return self.kernels_.predict(graphs, return_std=True)

    def _fit(self, ops: Ops, cost: Floats) -> None:
        strings = self.space_.format_many(ops)  # numbers of networks differ between processes
        order = sorted(range(len(cost)), key=lambda row: (strings[row], cost[row]))
        graphs = self._graphs(ops[order])
        families = self.space_.families(ops[order])
        self.kernels_ = KernelPredictor(seed=self.seed).fit(graphs, cost[order], families=families)
        self.batch_sizes_ = tuple(sorted({batch_size_of(graph) for graph in graphs}))

    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats | None]:
        return self.predict_graphs(self._graphs(ops), return_std)

    def _graphs(self, ops: Ops) -> list[Graph]:
        return [self.space_.graph(row, self.dataset) for row in ops]

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {**self.kernels_.state(), "batch_sizes": np.array(self.batch_sizes_)}

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        self.kernels_ = KernelPredictor(seed=self.seed)
        self.batch_sizes_ = NetworkCosts.from_state(state, self.kernels_).batch_sizes
