"""The predicted costs and limits that a search obeys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey
from archcost.datasets.cost_key import dataset_id
from archcost.errors import ArchcostError, UnknownNameError
from archcost.models import CostModel, find_model
from archcost.search.scan_scores import cost_column
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SearchCost:
    """A cost that a search keeps low.

    Parameters
    ----------
    model : CostModel
        What predicts it.
    at_most : float
        Its limit in the model's unit; infinite where there is none.
    """

    model: CostModel
    at_most: float = np.inf

    @property
    def column(self) -> str:
        """Name of its column in the result, such as ``raspi4_latency_ms``."""
        return cost_column(self.model)


@dataclass(frozen=True)
class SearchCosts:
    """All costs of a search.

    Parameters
    ----------
    costs : tuple of SearchCost
        At least one.
    level : float
        Probability of the predicted intervals.
    cautious : bool
        Whether limits hold for the upper ends of the intervals rather than for the means.
    """

    costs: tuple[SearchCost, ...]
    level: float
    cautious: bool

    def means(self, ops: Ops) -> Floats:
        """Return predicted costs, shape ``(n_archs, n_costs)``."""
        return np.stack([cost.model.predict(ops) for cost in self.costs], axis=1)

    def intervals(self, ops: Ops) -> Floats:
        """Return predicted intervals, shape ``(n_archs, n_costs, 2)``."""
        return np.stack([c.model.predict_interval(ops, self.level) for c in self.costs], axis=1)

    def excess(self, ops: Ops) -> Floats:
        """Return the largest cost over its limit, shape ``(n_archs,)``; at most 1 is within."""
        limits = np.array([cost.at_most for cost in self.costs])
        bound = np.isfinite(limits)
        if len(ops) == 0 or not bound.any():
            return np.zeros(len(ops))
        costs = self.intervals(ops)[:, :, 1] if self.cautious else self.means(ops)
        return np.asarray((costs[:, bound] / limits[bound]).max(axis=1))

    def within(self, ops: Ops) -> Ops:
        """Return the architectures that keep all limits."""
        return ops[self.excess(ops) <= 1.0]


def search_costs(
    space: SearchSpace,
    constraints: Mapping[str, float],
    devices: Iterable[str],
    models: Mapping[str, CostModel],
    dataset: str | None,
    *,
    level: float,
    cautious: bool,
) -> SearchCosts:
    """Find the models of the devices that a search names.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    constraints : mapping of str to float
        Limits by device, ``"raspi4"`` (latency in ms) or ``"edgegpu:energy"`` (mJ).
    devices : iterable of str
        Further devices, without a limit.
    models : mapping of str to CostModel
        Models by such names; they go before installed ones.
    dataset : str or None
        Fixes the input size; the space's default by default.
    level, cautious
        As in `SearchCosts`.

    Returns
    -------
    SearchCosts
        Those with limits first.

    Raises
    ------
    ArchcostError
        If nothing is named, a limit is not positive, or two names mean the same cost.
    UnknownNameError
        If no model covers a device, or a given one is of another space.
    """
    limits = {**constraints, **dict.fromkeys((d for d in devices if d not in constraints), np.inf)}
    if not limits:
        raise ArchcostError("a search needs at least one device in constraints or devices")
    costs = []
    for name, at_most in limits.items():
        if not at_most > 0:
            raise ArchcostError(f"the limit of {name} must be above 0, but is {at_most}")
        model = models.get(name) or _installed(space, name, dataset)
        if model.space != space:
            raise UnknownNameError(
                f"the model of {name} must be of {space.name}, but is of {model.key}"
            )
        costs.append(SearchCost(model, float(at_most)))
    columns = [cost.column for cost in costs]
    if len(set(columns)) < len(columns):
        raise ArchcostError(f"each cost must be named once, but the names mean {columns}")
    return SearchCosts(tuple(costs), level, cautious)


def _installed(space: SearchSpace, name: str, dataset: str | None) -> CostModel:
    device, _, metric = name.partition(":")
    key = CostKey(space.name, device, metric or "latency", dataset_id(space.name, dataset))
    model = CostModel.load(find_model(key))
    model.compile()
    return model
