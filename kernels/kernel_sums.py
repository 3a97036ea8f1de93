"""Costs of any network as sums over its kernels, from prices that were learned before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any, Literal, Self, overload

import numpy as np
import numpy.typing as npt

from archcost.errors import IntegrityError
from archcost.kernels.kernel_arrays import COLUMNS, KINDS, KernelArrays
from archcost.kernels.kernel_component import Component, Setting, Works, mixed
from archcost.kernels.kernel_work import N_PRICES, ROLES
from archcost.kernels.layer_cost import LayerCost
from archcost.kernels.network_kernels import NetworkKernels
from archcost.kernels.network_offsets import NetworkOffsets
from archcost.kernels.spread_by_cost import SpreadByCost
from archcost.networks.graph import Graph
from archcost.networks.kernels import STYLES, executed_graph, executed_kernels

Floats = npt.NDArray[np.float64]
Networks = Sequence[Graph] | NetworkKernels

MOVED = [COLUMNS.index(name) for name in ("in_bytes", "out_bytes", "weight_bytes")]
CORRECTED_SPREAD = 0.75
"""Standard deviation of a corrected network's cost, as a share of that of an unknown one."""
UNMEASURED_SPREAD = 1.0
"""Standard deviation of the logarithm of the cost of ops that no measurement covers."""


class KernelSums:
    r"""Evaluate the cost of any network as a sum over the kernels that the device executes.

    .. math:: y = \sum_k \sum_r p_{kind(k), r} \, w_{k, r}

    Each kernel asks for work :math:`w` in several roles (``archcost.kernels.kernel_work``), and
    each role has a positive price :math:`p` a kind of kernel. ``KernelPredictor`` learns the
    prices; to evaluate them takes numpy alone.

    Attributes
    ----------
    components_ : tuple of Component
        Prices and settings whose log costs are averaged.
    covariance_ : numpy.ndarray of float32, shape (n_prices, n_prices)
        Of the log prices of the first component.
    base_spread_ : float
        Scale of the errors that prices leave, as a share of the cost.
    interval_scale_ : float
        What the standard deviations are multiplied by, so that 90 % of the held-out networks lie
        in their 90 % intervals.
    spread_by_cost_ : SpreadByCost
        What they are multiplied by besides: small networks are predicted less exactly.
    residuals_ : NetworkOffsets
        What the costs of the networks learned from are beyond the sums: a transfer to another
        device uses it, predictions of this one do not.
    corrections_ : NetworkOffsets
        What predictions of known networks are corrected by, which a transfer took from other
        devices; empty where all was measured on the device itself.
    correction_weight_ : float
        Share of the mixture that corrects: of a corrected network the interval is narrower.
    kinds_, foreign_ops_ : tuple of str
        Kinds of kernels, and ops outside the vocabulary, that measurements cover.
    """

    components_: tuple[Component, ...]
    covariance_: npt.NDArray[Any]
    base_spread_: float
    interval_scale_: float
    spread_by_cost_: SpreadByCost
    residuals_: NetworkOffsets
    corrections_: NetworkOffsets
    correction_weight_: float
    kinds_: tuple[str, ...]
    foreign_ops_: tuple[str, ...]

    @overload
    def predict(self, networks: Networks, return_std: Literal[False] = False) -> Floats: ...

    @overload
    def predict(self, networks: Networks, return_std: Literal[True]) -> tuple[Floats, Floats]: ...

    def predict(
        self, networks: Networks, return_std: bool = False
    ) -> Floats | tuple[Floats, Floats]:
        """Predict the cost of networks.

        Parameters
        ----------
        networks : sequence of Graph, or NetworkKernels
            The networks.
        return_std : bool, default=False
            Also return standard deviations.

        Returns
        -------
        numpy.ndarray of float64, shape (n_networks,)
            Costs in the unit of those given to ``fit``; with `return_std` a pair (mean, std).

        Examples
        --------
        >>> import archcost
        >>> from archcost.spaces import get_space
        >>> kernels = archcost.load("cpu_litert", space="any").network_costs.kernels
        >>> mean_ms, std_ms = kernels.predict(
        ...     [get_space("nasbench201").graph([3] * 6)], return_std=True
        ... )
        >>> mean_ms.shape, bool((std_ms < mean_ms).all())
        ((1,), True)
        """
        self._check_fitted()
        works = Works(NetworkKernels.of(networks))
        logs, between = mixed(self.components_, works)
        if len(self.corrections_):
            logs = logs + self.corrections_(works.networks.signatures())
        cost: Floats = np.exp(logs)
        if not return_std:
            return cost
        shares = self._price_shares(works)
        spread = self._log_std(works, shares, between) * self.spread_by_cost_(logs)
        return cost, cost * (spread + UNMEASURED_SPREAD * self._unmeasured(networks, shares))

    def _check_fitted(self) -> None:
        if not hasattr(self, "components_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(
                f"this {type(self).__name__} must be fitted before it predicts; call fit"
            )

    def _log_std(self, works: Works, shares: Floats, between: Floats) -> Floats:
        """Return the standard deviations of the logarithms that prices leave."""
        variance = between + np.einsum("ij,jk,ik->i", shares, self.covariance_, shares)
        std: Floats = self.interval_scale_ * np.sqrt(self.base_spread_**2 + np.maximum(variance, 0))
        if self.correction_weight_:
            known = self.corrections_.knows(works.networks.signatures())
            std[known] *= 1 - (1 - CORRECTED_SPREAD) * self.correction_weight_
        return std

    def _price_shares(self, works: Works) -> Floats:
        first = self.components_[0]
        shares = works[first.setting] * np.exp(first.log_prices)
        return shares / shares.sum(axis=1, keepdims=True)

    def _unmeasured(self, networks: Networks, shares: Floats) -> Floats:
        """Return the share of the cost in ops that no measurement covers, of each network."""
        if not isinstance(networks, NetworkKernels):
            return np.array([sum(self.unmeasured(graph).values()) for graph in networks])
        known = np.isin(np.repeat(KINDS, len(ROLES)), self.kinds_)
        unmeasured: Floats = shares[:, ~known].sum(axis=1)
        return unmeasured

    def unmeasured(self, network: Graph) -> dict[str, float]:
        """Return the ops that no measurement covers, with the share of the cost that they carry."""
        self._check_fitted()
        style = self.components_[0].setting.style
        kernels = NetworkKernels.of([network]).by_style[style]
        foreign = foreign_ops(network)
        if not foreign and all(KINDS[kind] in self.kinds_ for kind in np.unique(kernels.kinds)):
            return {}  # before anything that takes a millisecond
        network = executed_graph(network)
        foreign = foreign_ops(network)
        found: dict[str, float] = {}
        shares, arrays = self._kernel_shares(network, style)
        for kernel, kind, share in zip(
            executed_kernels(network, style), arrays.kinds, shares, strict=True
        ):
            name = foreign.get(kernel.anchor)
            if name is not None and name not in self.foreign_ops_:
                found[name] = found.get(name, 0.0) + float(share)
            elif KINDS[kind] not in self.kinds_:
                found[KINDS[kind]] = found.get(KINDS[kind], 0.0) + float(share)
        return found

    def layer_costs(self, network: Graph) -> list[LayerCost]:
        """Return the cost of each kernel that the device executes; they sum to the prediction.

        Parameters
        ----------
        network : Graph
            The network.

        Returns
        -------
        list of LayerCost
            In order of execution.
        """
        self._check_fitted()
        style = self.components_[0].setting.style
        total = float(self.predict([network])[0])
        network = executed_graph(network)
        shares, arrays = self._kernel_shares(network, style)
        nodes, layers = network.nodes, []
        moved = arrays.numbers[:, MOVED].sum(axis=1)
        macs = arrays.column("macs")
        for place, kernel in enumerate(executed_kernels(network, style)):
            names = [nodes[i].name for i in (kernel.anchor, *kernel.places) if nodes[i].name]
            layers.append(
                LayerCost(
                    names[0] if names else "",
                    "+".join(op_name(nodes[i]) for i in kernel.places),
                    tuple(nodes[i].shape for i in kernel.reads),
                    nodes[kernel.places[-1]].shape,
                    int(macs[place]),
                    int(moved[place]),
                    total * float(shares[place]),
                    float(shares[place]),
                )
            )
        return layers

    def _kernel_shares(self, network: Graph, style: str) -> tuple[Floats, KernelArrays]:
        """Return the share of each kernel of a style in the cost, from the components of it."""
        arrays = NetworkKernels.of([network]).by_style[style]
        shares = np.zeros(len(arrays.kinds))
        for component in self.components_:
            if component.setting.style == style:
                costs = component.kernel_costs(arrays)
                shares += component.weight * costs / costs.sum()
        return shares / shares.sum(), arrays

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the fitted state as arrays without objects."""
        self._check_fitted()
        parts = self.components_
        floors = np.array([part.floor for part in parts])
        return {
            "styles": np.array([STYLES.index(part.setting.style) for part in parts]),
            "blocks": np.array([part.setting.block for part in parts]),
            "weights": np.array([part.weight for part in parts]),
            "log_prices": np.array([part.log_prices for part in parts]),
            **({"floors": floors} if any(floors) else {}),
            "covariance": self.covariance_,
            "spreads": np.array([self.base_spread_, self.interval_scale_, self.correction_weight_]),
            "spread_by_cost": np.array(astuple(self.spread_by_cost_)),
            "kinds": np.array(self.kinds_, dtype=np.str_),
            "foreign_ops": np.array(self.foreign_ops_, dtype=np.str_),
            **_offset_arrays("residual", self.residuals_),
            **_offset_arrays("correction", self.corrections_),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Take the fitted state from arrays; return itself, fitted.

        Raises
        ------
        IntegrityError
            If it is that of a version that told other kinds of kernels apart.
        ValueError
            If a component is none that can be fitted.
        """
        if state["log_prices"].shape[1:] != (N_PRICES,) or "spread_by_cost" not in state:
            raise IntegrityError(
                f"a model of any networks must have {N_PRICES} prices, but this one, of another "
                f"version of archcost, has {state['log_prices'].shape[-1]}; train it anew"
            )
        styles, blocks, weights = state["styles"], state["blocks"], state["weights"]
        if not (np.isin(styles, range(len(STYLES))).all() and (blocks >= 1).all()):
            raise ValueError(f"styles are {styles} and blocks {blocks}")
        with np.errstate(over="ignore"):
            prices = np.exp(state["log_prices"])
        if not (len(prices) and np.isfinite(prices).all() and (prices > 0).all()):
            raise ValueError(f"prices must be finite and positive, but are {prices}")
        floors = state.get("floors", np.zeros(len(weights)))
        for name, values in (("weights", weights), ("floors", floors)):
            if not (np.isfinite(values) & (values >= 0)).all():
                raise ValueError(f"{name} must be finite and from 0, but are {values}")
        rows = zip(styles, blocks, state["log_prices"], weights, floors, strict=True)
        self.components_ = tuple(
            Component(Setting(STYLES[style], int(block)), log_prices, float(weight), float(floor))
            for style, block, log_prices, weight, floor in rows
        )
        self.covariance_ = state["covariance"]
        # a model of its own measurements alone may have been saved without the third
        self.base_spread_, self.interval_scale_, *weight = map(float, state["spreads"])
        self.correction_weight_ = weight[0] if weight else 0.0
        self.spread_by_cost_ = SpreadByCost(*map(float, state["spread_by_cost"]))
        for name in ("covariance", "spreads", "spread_by_cost"):
            if not np.isfinite(state[name]).all():
                raise ValueError(f"{name} must be finite, but is {state[name]}")
        self.kinds_ = tuple(map(str, state["kinds"]))
        self.foreign_ops_ = tuple(map(str, state["foreign_ops"]))
        self.residuals_ = _offsets_in(state, "residual")
        self.corrections_ = _offsets_in(state, "correction")
        return self


def _offset_arrays(name: str, offsets: NetworkOffsets) -> dict[str, npt.NDArray[Any]]:
    return {
        f"{name}_signatures": offsets.signatures,
        f"{name}_offsets": offsets.offsets,
    }


def _offsets_in(state: Mapping[str, npt.NDArray[Any]], name: str) -> NetworkOffsets:
    return NetworkOffsets(state[f"{name}_signatures"], state[f"{name}_offsets"])


def op_name(node: Any) -> str:
    """Return the op of a node by the name that says most: that of an activation is its kind."""
    named = node.op in ("activation", "unary", "binary", "reduce", "other")
    return str(node.attributes.get("kind", node.op)) if named else str(node.op)


def foreign_ops(graph: Graph) -> dict[int, str]:
    """Return the names of the ops that the vocabulary lacks, by place."""
    return {i: op_name(node) for i, node in enumerate(graph.nodes) if node.op == "other"}
