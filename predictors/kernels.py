"""Costs of any network as a sum of the costs of its kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from archcost.datasets.array_file import read_arrays
from archcost.errors import ArchcostError, IntegrityError
from archcost.features.kernel_arrays import COLUMNS, KINDS, KernelArrays
from archcost.features.kernel_work import N_PRICES, ROLES
from archcost.features.network_kernels import NetworkKernels
from archcost.networks.graph import Graph, Shape
from archcost.networks.kernels import STYLES, executed_graph, executed_kernels
from archcost.predictors.base import check_costs
from archcost.predictors.kernel_component import Component, Setting, Works, mixed
from archcost.predictors.kernel_fit import SPREAD, choose_settings
from archcost.predictors.network_offsets import NetworkOffsets
from archcost.predictors.positive_sum import Floats
from archcost.predictors.spread_by_cost import SpreadByCost

Networks = Sequence[Graph] | NetworkKernels

BASE_SPREAD = SPREAD
"""Scale of the errors that prices leave, as a share of the cost."""
MOVED = [COLUMNS.index(name) for name in ("in_bytes", "out_bytes", "weight_bytes")]
CORRECTED_SPREAD = 0.75
"""Standard deviation of a corrected network's cost, as a share of that of an unknown one."""
UNMEASURED_SPREAD = 1.0
"""Standard deviation of the logarithm of the cost of ops that no measurement covers."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """The cost of one executed kernel.

    Parameters
    ----------
    name : str
        Name of its weights, empty without.
    op : str
        Its ops, such as ``"conv+batch_norm+activation"``.
    input_shapes : tuple of tuple of int
        Shapes of what it reads.
    output_shape : tuple of int
        Shape of what it writes.
    macs : int
        Multiply-accumulate operations.
    moved_bytes : int
        Activations read and written, and parameters.
    cost : float
        In the unit of the costs that the predictor learned from.
    share : float
        Of the cost of the network.
    """

    name: str
    op: str
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    macs: int
    moved_bytes: int
    cost: float
    share: float


class KernelPredictor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Predict the cost of any network as a sum over the kernels that the device executes.

    .. math:: y = \sum_k \sum_r p_{kind(k), r} \, w_{k, r}

    Each kernel asks for work :math:`w` in several roles (``archcost.features.kernel_work``), and
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
    components_ : tuple of Component
        Prices and settings whose log costs are averaged.
    left_out_ : numpy.ndarray of float64, shape (n_networks,)
        Predictions of the networks given to ``fit`` from other families; not saved.
    residuals_ : NetworkOffsets
        What the costs of the networks given to ``fit`` are beyond the sums: a transfer to another
        device uses it, predictions of this one do not.
    corrections_ : NetworkOffsets
        What predictions of known networks are corrected by, which a transfer took from other
        devices; empty after ``fit``.
    correction_weight_ : float
        Share of the mixture that corrects: of a corrected network the interval is narrower.
    interval_scale_ : float
        What the standard deviations are multiplied by, so that 90 % of the held-out networks lie
        in their 90 % intervals.
    spread_by_cost_ : SpreadByCost
        What they are multiplied by besides: small networks are predicted less exactly.
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
        self.base_spread_ = BASE_SPREAD
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
        self.foreign_ops_ = tuple(sorted({name for g in graphs for name in _foreign(g).values()}))

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
        """
        check_is_fitted(self, "components_")
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
        check_is_fitted(self, "components_")
        style = self.components_[0].setting.style
        kernels = NetworkKernels.of([network]).by_style[style]
        foreign = _foreign(network)
        if not foreign and all(KINDS[kind] in self.kinds_ for kind in np.unique(kernels.kinds)):
            return {}  # before anything that takes a millisecond
        network = executed_graph(network)
        foreign = _foreign(network)
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
        check_is_fitted(self, "components_")
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

    def save_weights(self, folder: Path) -> None:
        """Write the fitted state into `folder` as ``weights.npz``."""
        state: dict[str, Any] = self.state()
        np.savez_compressed(folder / "weights.npz", **state)

    def load_weights(self, folder: Path) -> Self:
        """Restore what ``save_weights`` wrote; return itself, fitted."""
        return self.restore(read_arrays(folder / "weights.npz"))

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the fitted state as arrays without objects."""
        check_is_fitted(self, "components_")
        parts = self.components_
        return {
            "styles": np.array([STYLES.index(part.setting.style) for part in parts]),
            "blocks": np.array([part.setting.block for part in parts]),
            "weights": np.array([part.weight for part in parts]),
            "log_prices": np.array([part.log_prices for part in parts]),
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
        if not (np.isfinite(weights) & (weights >= 0)).all():
            raise ValueError(f"weights must be finite and from 0, but are {weights}")
        rows = zip(styles, blocks, state["log_prices"], weights, strict=True)
        self.components_ = tuple(
            Component(Setting(STYLES[style], int(block)), prices, float(weight))
            for style, block, prices, weight in rows
        )
        self.covariance_ = state["covariance"]
        # a model of its own measurements alone may have been saved without the third
        self.base_spread_, self.interval_scale_, *weight = map(float, state["spreads"])
        self.correction_weight_ = weight[0] if weight else 0.0
        self.spread_by_cost_ = SpreadByCost(*map(float, state["spread_by_cost"]))
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


def _foreign(graph: Graph) -> dict[int, str]:
    """Return the names of the ops that the vocabulary lacks, by place."""
    return {i: op_name(node) for i, node in enumerate(graph.nodes) if node.op == "other"}
