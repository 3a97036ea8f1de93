r"""What a search can limit or rank by: predicted costs, and the work of the network.

A quantity :math:`q` is additive if an increasing function :math:`t` of it is a sum over positions,

.. math:: t(q(a)) = c + \sum_p T_{p, a_p},

so that :math:`q(a) \le L` says the same as :math:`c + \sum_p T_{p, a_p} \le t(L)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist
from typing import Protocol

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey
from archcost.datasets.cost_key import dataset_id
from archcost.errors import UnknownNameError
from archcost.models import CostModel, find_model
from archcost.models.additive_form import AdditiveForm
from archcost.models.posterior_form import PosteriorForm
from archcost.models.target_scale import TargetScale
from archcost.search.work_measures import MEASURES
from archcost.spaces import SearchSpace
from archcost.spaces.position_work import network_work, position_work
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AdditiveSum:
    """The sum over positions that an additive quantity is a function of.

    Parameters
    ----------
    table : array of float64, shape (n_positions, n_ops)
        What each op at each position adds.
    constant : float
        What everything else adds.
    to_sum : callable
        From a value of the quantity to the largest sum with at most that value; minus infinity
        where the quantity never is that low.
    from_sum : callable
        From a sum to the value of the quantity.
    """

    table: Floats
    constant: float
    to_sum: Callable[[float], float] = float
    from_sum: Callable[[float], float] = float

    def __call__(self, ops: Ops) -> Floats:
        """Return the sums ``(n_archs,)`` of op ids ``(n_archs, n_positions)``."""
        added = self.table[np.arange(ops.shape[1]), ops].sum(axis=1)
        return np.asarray(self.constant + added)


class Quantity(Protocol):
    """A number that an architecture has, such as a latency or its FLOPs."""

    @property
    def name(self) -> str:
        """Name of its column in results, such as ``raspi4_latency_ms``."""

    def values(self, ops: Ops) -> Floats:
        """Return the values ``(n_archs,)`` of valid op ids ``(n_archs, n_positions)``."""

    def interval(self, ops: Ops, level: float) -> Floats:
        """Return intervals ``(n_archs, 2)`` that hold the true value with probability `level`."""

    def upper(self, ops: Ops, level: float) -> Floats:
        """Return bounds ``(n_archs,)`` that the true value keeps with probability `level`."""

    def most_within(self, at_most: float, level: float) -> float:
        """Return a value that no architecture exceeds whose ``upper`` is within a limit.

        Only of quantities that have ``sums``.
        """

    def sums(self) -> AdditiveSum | None:
        """Return the sum that the values are a function of; None if there is none."""

    def identity(self) -> str:
        """Return what tells this quantity from others, for searches that go on later."""


@dataclass(frozen=True)
class PredictedCost:
    """A cost that a model predicts.

    Parameters
    ----------
    model : CostModel
        What predicts it.
    """

    model: CostModel

    @property
    def name(self) -> str:
        """Name of its column in results, such as ``raspi4_latency_ms``."""
        return f"{self.model.key.device}_{self.model.key.metric}_{self.model.unit.lower()}"

    def values(self, ops: Ops) -> Floats:
        """Return predicted means, without checking the op ids again."""
        form = self.model.compile()
        return np.asarray(self.model.predict(ops) if form is None else form.predict(ops))

    def interval(self, ops: Ops, level: float) -> Floats:
        """Return the model's intervals ``(n_archs, 2)``."""
        return self.model.predict_interval(ops, level)

    def upper(self, ops: Ops, level: float) -> Floats:
        """Return one-sided upper bounds ``(n_archs,)`` of the costs."""
        means, stds = self.model.predict(ops, return_std=True)
        return log_normal_quantile(means, stds, level)

    def most_within(self, at_most: float, level: float) -> float:
        """Return the highest mean whose upper bound can be within a limit."""
        form = self.model.compile()
        if isinstance(form, PosteriorForm):
            # The bound is at least the mean, unless the deviation is several times the mean.
            widest = _most_std(form) / self._least()
            bounds = log_normal_quantile(np.ones(2), np.array([0.0, widest]), level)
            return at_most / float(bounds.min())
        assert isinstance(form, AdditiveForm), "only these have sums"
        relative = np.array([form.relative_std])
        return at_most / float(log_normal_quantile(np.ones(1), relative, level)[0])

    def _least(self) -> float:
        sums = self.sums()
        assert sums is not None, "only asked of additive models"
        least = np.where(self.model.space.allowed, sums.table, np.inf).min(axis=1).sum()
        return sums.from_sum(sums.constant + float(least))

    def sums(self) -> AdditiveSum | None:
        """Return the sum behind an additive model's costs, or None."""
        form = self.model.compile()
        if isinstance(form, AdditiveForm):
            to_sum = partial(_target, form.scale)
            return AdditiveSum(form.table, form.intercept, to_sum, form.scale.cost)
        if isinstance(form, PosteriorForm):
            to_sum, from_sum = partial(_unbent, form.floor), partial(_bent, form.floor)
            return AdditiveSum(form.table, form.intercept, to_sum, from_sum)
        return None

    def identity(self) -> str:
        """Return the manifest of the model, which holds the hashes of its files."""
        return self.model.manifest.to_json()


@dataclass(frozen=True)
class Work:
    """What the whole network computes or holds, which is known exactly.

    Parameters
    ----------
    name : {"flops", "params", "activation_bytes", "weight_bytes", "weight_bytes_int8"}
        A measure; see ``archcost.search.work_measures``.
    space : SearchSpace
        The search space.
    dataset : str, optional
        Fixes the input size; the space's default by default.
    """

    name: str
    space: SearchSpace
    dataset: str | None = None

    def values(self, ops: Ops) -> Floats:
        """Return the work ``(n_archs,)``, exact in every space."""
        dataset = self.space.check_dataset(self.dataset)
        return network_work(self.space, ops, dataset, MEASURES[self.name])[:, 0]

    def interval(self, ops: Ops, level: float) -> Floats:
        """Return the work twice, ``(n_archs, 2)``: it is certain."""
        return np.repeat(self.values(ops)[:, None], 2, axis=1)

    def upper(self, ops: Ops, level: float) -> Floats:
        """Return the work: it is certain."""
        return self.values(ops)

    def most_within(self, at_most: float, level: float) -> float:
        """Return the limit: work is certain."""
        return at_most

    def sums(self) -> AdditiveSum | None:
        """Return the work by position in an additive space, else None."""
        dataset = self.space.check_dataset(self.dataset)
        work = position_work(self.space, dataset, MEASURES[self.name])
        if not work.is_additive:
            return None
        return AdditiveSum(work.table.sum(axis=2)[..., 0], float(work.fixed.sum()))

    def identity(self) -> str:
        """Return the name and the dataset."""
        return f"{self.name} {self.space.check_dataset(self.dataset)}"


def find_quantity(
    space: SearchSpace,
    name: str,
    dataset: str | None = None,
    models: Mapping[str, CostModel] | None = None,
) -> Quantity:
    """Return the quantity of a name.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    name : str
        Work, such as ``"params"``; else a device, ``"raspi4"`` (latency in ms) or
        ``"edgegpu:energy"`` (mJ).
    dataset : str, optional
        Fixes the input size; the space's default by default.
    models : mapping of str to CostModel, optional
        Models by such names; they go before installed ones.

    Raises
    ------
    UnknownNameError
        If no model covers a device, or a given one is of another space.
    """
    if name in MEASURES:
        return Work(name, space, dataset)
    model = (models or {}).get(name)
    if model is None:
        device, _, metric = name.partition(":")
        key = CostKey(space.name, device, metric or "latency", dataset_id(space.name, dataset))
        model = CostModel.load(find_model(key))
        model.compile()
    if model.space != space:
        raise UnknownNameError(
            f"the model of {name} must be of {space.name}, but is of {model.key}"
        )
    return PredictedCost(model)


def log_normal_quantile(means: Floats, stds: Floats, level: float) -> Floats:
    """Return quantiles of log-normal distributions with these means and standard deviations.

    Parameters
    ----------
    means, stds : array of float64, shape (n_archs,)
        Means and standard deviations; where the latter is 0 the value is certain.
    level : float
        Probability below the quantile.
    """
    centre, width = log_normal_moments(means, stds)
    beyond = NormalDist().inv_cdf(level) * width
    return np.asarray(np.where(width > 0, np.exp(centre + beyond), means), dtype=np.float64)


def log_normal_moments(means: Floats, stds: Floats) -> tuple[Floats, Floats]:
    """Return centre and width of log-normal distributions with these means and deviations."""
    width = np.sqrt(np.log1p((stds / means) ** 2))
    return np.log(means) - width**2 / 2, width


def _most_std(form: PosteriorForm) -> float:
    """Return a standard deviation that no architecture's exceeds, by the triangle inequality."""
    lengths = np.linalg.norm(form.root_table, axis=-1).max(axis=1).sum()
    return math.sqrt((float(np.linalg.norm(form.root)) + float(lengths)) ** 2 + form.noise)


def _target(scale: TargetScale, cost: float) -> float:
    """Return the largest target whose cost is at most `cost`; the inverse of ``scale.cost``."""
    if cost < scale.floor or (scale.name != "linear" and cost < 0) or cost == -math.inf:
        return -math.inf
    raw = {"linear": float, "sqrt": math.sqrt, "log": _log}[scale.name](cost)
    return (raw - scale.shift) / scale.scale


def _bent(floor: float, total: float) -> float:
    """Return the cost of a sum, bent away from zero below a floor, as `PosteriorForm` has it."""
    return total if total >= floor else floor / (2 - total / floor)


def _unbent(floor: float, cost: float) -> float:
    """Return the inverse of ``_bent``."""
    if cost <= 0:
        return -math.inf
    return cost if cost >= floor else floor * (2 - floor / cost)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
