"""All that is known of a cost model: scores, errors, calibration, drivers, alike devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from archcost.analysis.nearest_devices import nearest_in_cost
from archcost.datasets import CostTable
from archcost.errors import ArchcostError
from archcost.features.cost_drivers import CostDrivers
from archcost.models import CostModel, Manifest
from archcost.models.held_out import HeldOut
from archcost.models.intervals import cost_interval
from archcost.predictors import TransferPredictor
from archcost.training.metrics import Costs
from archcost.training.transfer_report import driver_shares

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Probabilities at which intervals are checked."""
QUARTERS = ("cheapest quarter", "second quarter", "third quarter", "dearest quarter")
NEAREST, WORST = 6, 5
REFERENCE = 1000
"""Random architectures over which drivers are found."""

KEPT = "test rows that the model had not learned from when it was scored"
LEFT_OUT = "measurements, each predicted from the others"
NOT_KEPT = (
    "The predictions behind its scores were not kept with it. To see errors and calibration, give "
    "costs that it has not learned from (--table FILE), or make a model of your own of such costs "
    "(archcost train), which keeps them."
)


@dataclass(frozen=True, slots=True)
class Errors:
    """How far predictions are off.

    Parameters
    ----------
    rows : str
        Which rows they are of, in words.
    held_out : HeldOut
        True and predicted costs.
    median, largest : float
        Of the absolute relative errors, as shares of the true cost.
    bias : float
        Mean relative error; positive where predictions are too high.
    by_cost : dict of str to float
        Median absolute relative error by quarters of the true cost.
    calibration : dict of float to float
        Share of true costs within the interval of each level; empty without deviations.
    worst : list of dict
        The architectures that are furthest off: arch, true, predicted, error.
    """

    rows: str
    held_out: HeldOut
    median: float
    largest: float
    bias: float
    by_cost: dict[str, float]
    calibration: dict[float, float]
    worst: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What `archcost show` says of a model.

    Parameters
    ----------
    manifest : Manifest
        Card, predictor, training rows, scores and versions.
    errors : Errors or None
        None if no held-out predictions are at hand.
    drivers : dict of str to float
        Shares of the predicted costs' variance that groups of drivers explain; they overlap.
    nearest : list of pairs of str and float
        Models of the devices that rank architectures most alike, and Spearman's correlation.
    """

    manifest: Manifest
    errors: Errors | None
    drivers: dict[str, float] = field(default_factory=dict)
    nearest: list[tuple[str, float]] = field(default_factory=list)


def model_facts(
    model: CostModel, known: Sequence[Manifest], table: CostTable | None = None
) -> ModelFacts:
    """Collect what is known of a model.

    Parameters
    ----------
    model : CostModel
        The model.
    known : sequence of Manifest
        Installed models, among which the nearest devices are looked for.
    table : CostTable, optional
        Costs to compare predictions with, instead of the held-out rows that the model keeps.

    Returns
    -------
    ModelFacts
        The facts.

    Raises
    ------
    MissingDataError
        If the table has no costs of the model's key.
    """
    rows, held_out = _held_out(model, table)
    return ModelFacts(
        model.manifest,
        None if held_out is None else errors_of(held_out, rows),
        _drivers(model),
        _nearest(model.manifest, known),
    )


def errors_of(held_out: HeldOut, rows: str) -> Errors:
    """Return the errors of held-out predictions.

    Parameters
    ----------
    held_out : HeldOut
        True and predicted costs.
    rows : str
        Which rows they are of, in words.

    Returns
    -------
    Errors
        In shares of the true cost.
    """
    truth, predicted, stds = held_out.truth, held_out.predicted, held_out.stds
    error = (predicted - truth) / truth
    edges = np.quantile(truth, [0.25, 0.5, 0.75])
    quarter = np.searchsorted(edges, truth, side="left")
    by_cost = {
        name: float(np.median(np.abs(error[quarter == place])))
        for place, name in enumerate(QUARTERS)
        if (quarter == place).any()
    }
    worst = np.argsort(-np.abs(error), kind="stable")[:WORST]
    return Errors(
        rows=rows,
        held_out=held_out,
        median=float(np.median(np.abs(error))),
        largest=float(np.abs(error).max()),
        bias=float(error.mean()),
        by_cost=by_cost,
        calibration=calibration(truth, predicted, stds),
        worst=[
            {
                "arch": held_out.archs[row],
                "true": float(truth[row]),
                "predicted": float(predicted[row]),
                "error": float(error[row]),
            }
            for row in worst
        ],
    )


def calibration(truth: Costs, predicted: Costs, stds: Costs) -> dict[float, float]:
    """Return the share of true costs within the intervals of each level of `LEVELS`.

    Examples
    --------
    >>> truth = np.array([1.0, 2.0, 3.0])
    >>> calibration(truth, truth * 1.1, 0.2 * truth)[0.9]
    1.0
    """
    if not np.isfinite(stds).all():
        return {}
    shares = {}
    for level in LEVELS:
        low, high = cost_interval(predicted, stds, level).T
        # A prediction that is exact but for rounding is within an interval of no width.
        slack = 1e-9 * truth
        shares[level] = float(np.mean((low - slack <= truth) & (truth <= high + slack)))
    return shares


def _held_out(model: CostModel, table: CostTable | None) -> tuple[str, HeldOut | None]:
    if table is not None:
        ops, truth = table.costs(model.key)
        predicted, stds = model.predict(ops, return_std=True)
        learned = table.sha256 == model.manifest.training.get("table_sha256")
        rows = "rows of the table given" + (
            ", FROM WHICH THE MODEL HAS LEARNED: new costs would be off further" if learned else ""
        )
        return rows, HeldOut(model.space.format_many(ops), truth, predicted, stds)
    if model.held_out is not None:
        return KEPT, model.held_out
    if model.manifest.predictor == "transfer" and isinstance(model.predictor, TransferPredictor):
        found = model.predictor
        stds = np.full(len(found.measured_cost_), np.nan)
        archs = model.space.format_many(found.measured_)
        return LEFT_OUT, HeldOut(archs, found.measured_cost_, found.left_out_, stds)
    return "", None


def _drivers(model: CostModel) -> dict[str, float]:
    """Return the shares of groups of drivers; none where architectures cannot be drawn."""
    space = model.space
    try:
        archs = space.sample(min(REFERENCE, space.n_archs), seed=0)
        drivers = CostDrivers(dataset=model.key.dataset_name).bind(space)
        return driver_shares(drivers, drivers.transform(archs), model.predict(archs))
    except ArchcostError:
        return {}


def _nearest(manifest: Manifest, known: Sequence[Manifest]) -> list[tuple[str, float]]:
    key = manifest.key
    comparable = [
        other
        for other in known
        if (other.key.space, other.key.dataset, other.key.metric)
        == (key.space, key.dataset, key.metric)
    ]
    try:
        alike = nearest_in_cost(key.device, comparable)
    except ArchcostError:
        return []
    return [
        (str(other.key), likeness) for other, likeness in alike if other.key.device != key.device
    ][:NEAREST]


def as_data(facts: ModelFacts) -> Mapping[str, Any]:
    """Return facts as JSON has them, without the single held-out rows."""
    manifest, errors = facts.manifest, facts.errors
    return {
        "model": str(manifest.key),
        "unit": manifest.key.unit,
        "device": manifest.device,
        "predictor": manifest.predictor,
        "params": dict(manifest.params),
        "scores": dict(manifest.scores),
        "errors": None
        if errors is None
        else {
            "rows": errors.rows,
            "n": len(errors.held_out.archs),
            "median": errors.median,
            "largest": errors.largest,
            "bias": errors.bias,
            "by_cost": errors.by_cost,
            "worst": errors.worst,
        },
        "calibration": {} if errors is None else errors.calibration,
        "drivers": facts.drivers,
        "nearest": dict(facts.nearest),
        "training": dict(manifest.training),
        "versions": dict(manifest.versions),
    }
