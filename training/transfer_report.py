"""Report on the accuracy to expect of a transferred model, and the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.errors import MissingDataError
from archcost.features.cost_drivers import CostDrivers
from archcost.models import CostModel
from archcost.networks import Layer
from archcost.predictors import TransferPredictor
from archcost.predictors.group_prior import TransferPrior
from archcost.spaces import SearchSpace
from archcost.spaces.position_work import network_work
from archcost.spaces.space import Ops
from archcost.training.metrics import spearman

Floats = npt.NDArray[np.float64]

REFERENCE = 1000
"""Random architectures over which costs are compared."""
NEAREST, DRIVERS = 5, 6
"""Devices and drivers that are named, at most."""
MEANING = {
    "blocks": "number of blocks",
    "kernels": "number of layers to launch",
    "flops": "FLOPs",
    "traffic": "memory traffic",
    "params": "parameters",
    "large_kernels": "5x5 kernels",
    "op_counts": "counts of ops",
    "stages": "work by stage",
    "smooth": "op by position",
    "folded": "ops left when none is folded away",
    "live": "ops that reach the output",
    "pruned": "ops that a graph compiler leaves",
    "distinct": "distinct inputs of ops",
    "live_distinct": "distinct inputs of ops that reach the output",
    "critical": "longest paths",
    "totals": "FLOPs, parameters, activations and layers in all",
    "kinds": "work by kind of layer",
    "ops": "op by position",
    "folded_ops": "op by position, if it runs",
}


@dataclass(frozen=True, slots=True)
class TransferReport:
    """Diagnostics of a transferred model that need no further measurements.

    Parameters
    ----------
    n_measured : int
        Measurements that it was made of.
    left_out_spearman : float
        Rank correlation of measurements with what the others predict; NaN with fewer than three.
    held_out : dict of str to float
        Rank correlation over the space of the same procedure on each source device as if it were
        new, with as many measurements of the same architectures.
    nearest : dict of str to float
        The most similar source devices: rank correlation of their costs with the predicted.
    drivers : dict of str to float
        Shares of the predicted cost's variance explained by each group of drivers; they overlap.
    flops_spearman : float
        Rank correlation of FLOPs alone with the measurements.
    n_without_cost : int
        Rows of the measurements that had no cost.
    """

    n_measured: int
    left_out_spearman: float
    held_out: dict[str, float]
    nearest: dict[str, float]
    drivers: dict[str, float]
    flops_spearman: float
    n_without_cost: int = 0

    @property
    def expected_spearman(self) -> float:
        """Median of ``held_out``, NaN without sources."""
        return float(np.median(list(self.held_out.values()))) if self.held_out else float("nan")

    def to_markdown(self) -> str:
        """Return the report as text."""
        lines = [f"Made of {self.n_measured} measurements."]
        if not self.n_measured:
            lines += [
                "",
                "Nothing was measured: costs are the mean of the known devices, those of the same "
                "kind, runtime and precision weighing more. Their level is a guess within a "
                "factor of several; for that and a better order, measure ten architectures "
                "(`archcost suggest`).",
            ]
        if self.n_without_cost:
            lines.append(f"{self.n_without_cost} rows without a cost were left out.")
        lines += ["", "How well it ranks architectures that were not measured (Spearman):", ""]
        if self.left_out_spearman == self.left_out_spearman:
            lines.append(
                f"- each measurement predicted by the others: {self.left_out_spearman:.3f} "
                "(few numbers, often far apart: a lower bound rather than an estimate)"
            )
        if self.held_out:
            low, high = min(self.held_out.values()), max(self.held_out.values())
            lines.append(
                f"- the same done with each known device taken for new: median "
                f"{self.expected_spearman:.3f}, from {low:.3f} to {high:.3f}"
            )
        if self.n_measured:
            lines.append(f"- FLOPs alone, on the measurements: {self.flops_spearman:.3f}")
        if self.nearest:
            lines += ["", "Nearest known devices (rank correlation of costs):", ""]
            lines += [f"- {name}: {value:.3f}" for name, value in self.nearest.items()]
        lines += [
            "",
            "What drives its cost (share of the variance over the space; overlapping):",
            "",
        ]
        lines += [f"- {name}: {value:.0%}" for name, value in self.drivers.items()]
        return "\n".join(lines) + "\n"


def transfer_report(model: CostModel, *, held_out: bool = True) -> TransferReport:
    """Return the diagnostics of a model made by `transfer`.

    Parameters
    ----------
    model : CostModel
        From `transfer`.
    held_out : bool, default=True
        Whether to transfer to each source as if it were new, which takes a tenth of a second each.

    Raises
    ------
    MissingDataError
        If the model was not made by `transfer`, or by gradient boosting because there were many
        measurements.
    """
    predictor = model.predictor
    if not isinstance(predictor, TransferPredictor):
        raise MissingDataError(
            f"a transfer report needs a model made by transfer, but {model.key} is of "
            f"{model.manifest.predictor}; see `archcost evaluate`"
        )
    reference = predictor.drivers_.transform(_reference(model.space))
    flops = _flops(predictor)
    cost = predictor.measured_cost_
    varied = len(cost) > 2 and np.ptp(cost) > 0
    return TransferReport(
        n_measured=len(cost),
        left_out_spearman=spearman(cost, predictor.left_out_) if varied else float("nan"),
        held_out=held_out_sources(predictor) if held_out else {},
        nearest=_nearest(predictor, reference),
        drivers=_driver_shares(predictor, reference),
        flops_spearman=spearman(cost, flops) if varied and np.ptp(flops) > 0 else float("nan"),
        n_without_cost=int(model.manifest.training.get("n_without_cost", 0)),
    )


def held_out_sources(predictor: TransferPredictor) -> dict[str, float]:
    """Transfer to each source in turn, as if it were new; return the rank correlations.

    Costs of a source are those of its linear model on the cost drivers, with noise of the variance
    estimated for the new device.
    """
    prior = predictor.prior_
    drivers, ops = predictor.drivers_, predictor.measured_
    if len(ops) == 0:
        return _held_out_unmeasured(predictor)
    reference = _reference(predictor.space_, seed=1)
    space_drivers, measured_drivers = drivers.transform(reference), drivers.transform(ops)
    rng = np.random.default_rng(predictor.seed)
    noise = np.sqrt(predictor.noise_) * rng.standard_normal(len(ops))
    found = {}
    for number, name in enumerate(prior.names if len(prior.names) > 1 else ()):
        own = prior.coefficients[:, number]
        others = np.delete(prior.coefficients, number, axis=1)
        names = tuple(other for other in prior.names if other != name)
        without = TransferPrior(names, others, prior.hypotheses)
        cost = np.maximum(1 + measured_drivers @ own + noise, 0.05)
        new = TransferPredictor(predictor.seed, predictor.dataset).with_prior(without)
        new.fit(ops, cost, space=predictor.space_)
        found[name] = spearman(space_drivers @ own, new.predict(reference))
    return found


def _held_out_unmeasured(predictor: TransferPredictor) -> dict[str, float]:
    """Return the rank correlation of each source with the mean of the others."""
    prior = predictor.prior_
    costs = predictor.drivers_.transform(_reference(predictor.space_, seed=1)) @ prior.coefficients
    alike = costs / np.maximum(costs.std(axis=0), 1e-9)
    return {
        name: spearman(costs[:, number], np.delete(alike, number, axis=1).mean(axis=1))
        for number, name in enumerate(prior.names if len(prior.names) > 1 else ())
    }


def _reference(space: SearchSpace, seed: int = 0) -> Ops:
    return space.sample(min(REFERENCE, space.n_archs), seed=seed)


def _nearest(predictor: TransferPredictor, reference: Floats) -> dict[str, float]:
    predicted = _relative_cost(predictor, reference)
    if np.ptp(predicted) == 0:
        return {}
    prior = predictor.prior_
    likeness = {
        name: spearman(predicted, reference @ prior.coefficients[:, number])
        for number, name in enumerate(prior.names)
    }
    return _largest(likeness, NEAREST)


def _driver_shares(predictor: TransferPredictor, reference: Floats) -> dict[str, float]:
    """Return the variance that the best fit on each group alone explains."""
    return driver_shares(predictor.drivers_, reference, _relative_cost(predictor, reference))


def driver_shares(drivers: CostDrivers, features: Floats, cost: Floats) -> dict[str, float]:
    """Return how much of the costs' variance the best linear fit on each group alone explains.

    Parameters
    ----------
    drivers : CostDrivers
        Bound to a space.
    features : numpy.ndarray of float64, shape (n_archs, n_features)
        The drivers of some architectures.
    cost : numpy.ndarray of float64, shape (n_archs,)
        Their costs.

    Returns
    -------
    dict of str to float
        Shares by groups in words, the largest first, at most six; they overlap.
    """
    total = float(np.var(cost))
    if total == 0:
        return {}
    shares = {}
    for group, part in drivers.groups_.items():
        design = features[:, part] - features[:, part].mean(axis=0)
        if design.shape[1] > len(features) // 10:
            continue  # every op at every position explains anything additive
        solved = np.linalg.lstsq(design, cost - cost.mean(), rcond=1e-9)[0]
        shares[MEANING.get(group, group)] = float(np.var(design @ solved)) / total
    return _largest(shares, DRIVERS)


def _relative_cost(predictor: TransferPredictor, reference: Floats) -> Floats:
    """Return the predicted relative costs, before the offset, of the reference architectures."""
    expected = predictor.expected(_reference(predictor.space_))
    cost: Floats = reference @ predictor.coefficients_ + expected
    return cost


def _largest(values: dict[str, float], n: int) -> dict[str, float]:
    ordered: Sequence[tuple[str, float]] = sorted(values.items(), key=lambda item: -item[1])
    return dict(ordered[:n])


def _flops(predictor: TransferPredictor) -> Floats:
    space, ops = predictor.space_, predictor.measured_
    return network_work(space, ops, space.check_dataset(predictor.dataset), _flops_of)[:, 0]


def _flops_of(layer: Layer) -> Floats:
    return np.array([layer.flops], dtype=np.float64)
