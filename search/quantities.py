"""Predicted costs as quantities, and every quantity by its name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey
from archcost.datasets.cost_key import dataset_id
from archcost.errors import UnknownNameError, shown
from archcost.models import CostModel, find_model
from archcost.models.additive_form import AdditiveForm
from archcost.models.contextual_form import ContextualForm
from archcost.models.posterior_form import PosteriorForm
from archcost.models.target_scale import TargetScale
from archcost.search.additive_sum import AdditiveSum
from archcost.search.contextual_sum import ContextualSum
from archcost.search.known_quantities import PeakMemory, Work
from archcost.search.quantity import Quantity
from archcost.search.work_measures import MEASURES, PEAK
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]


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
        assert isinstance(form, AdditiveForm | ContextualForm), "only these have sums"
        relative = np.array([form.relative_std])
        return at_most / float(log_normal_quantile(np.ones(1), relative, level)[0])

    def _least(self) -> float:
        sums = self.sums()
        assert isinstance(sums, AdditiveSum), "only asked of additive models"
        least = np.where(self.model.space.allowed, sums.table, np.inf).min(axis=1).sum()
        return sums.from_sum(sums.constant + float(least))

    def sums(self) -> AdditiveSum | ContextualSum | None:
        """Return the sum behind the costs of a model whose form is one, or None."""
        form = self.model.compile()
        if isinstance(form, AdditiveForm):
            to_sum = partial(_target, form.scale)
            return AdditiveSum(form.table, form.intercept, to_sum, form.scale.cost)
        if isinstance(form, PosteriorForm):
            to_sum, from_sum = partial(_unbent, form.floor), partial(_bent, form.floor)
            return AdditiveSum(form.table, form.intercept, to_sum, from_sum)
        if isinstance(form, ContextualForm):
            to_sum, places = partial(_target, form.scale), form.by_place()
            return ContextualSum(self.model.space, *places, form.intercept, to_sum, form.scale.cost)
        return None

    def choices_within(self, at_most: float) -> None:
        """Return None: the ops decide together."""

    def identity(self) -> str:
        """Return the manifest of the model, which holds the hashes of its files."""
        return self.model.manifest.to_json()


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
    if not isinstance(name, str):
        raise UnknownNameError(
            "a cost must be named by a device, 'raspi4' or 'raspi4:energy', or by work, such as "
            f"'params', but got {shown(name)}"
        )
    if models is not None and not isinstance(models, Mapping):
        raise UnknownNameError(
            f"models must be a mapping from names to models, but got {shown(models)}"
        )
    if name in MEASURES:
        return Work(name, space, dataset)
    if name == PEAK:
        return PeakMemory(space, dataset)
    model = (models or {}).get(name)
    if model is None:
        device, _, metric = name.partition(":")
        key = CostKey(space.name, device, metric or "latency", dataset_id(space.name, dataset))
        model = CostModel.load(find_model(key))
        model.compile()
    if not isinstance(model, CostModel):
        raise UnknownNameError(
            f"the model of {name} must be a CostModel, such as `archcost.load` returns, but got "
            f"{shown(model)}"
        )
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
