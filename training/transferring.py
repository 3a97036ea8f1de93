"""Make a cost model of a new device from few measurements and known devices."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import replace
from typing import Any

import numpy as np

from archcost.datasets import DEVICES, CostKey, CostTable, DeviceCard
from archcost.datasets.cost_key import dataset_id
from archcost.models import CostModel, Manifest
from archcost.predictors import PREDICTORS, CostPredictor, TransferPredictor, predictor_name
from archcost.spaces import SearchSpace, get_space
from archcost.training.measurements import Measurements, read_measurements
from archcost.training.metrics import spearman
from archcost.training.model_card import library_versions
from archcost.training.transfer_sources import Sources, transfer_prior
from archcost.training.unmeasured import unmeasured_model

MANY = 300
"""Measurements from which on a predictor that learns from them alone is tried as well."""
RIVAL = "xgboost"
HELD_OUT, MARGIN = 0.2, 0.001
"""Share of the measurements on which the two are compared, and the least lead in Spearman's
correlation by which the rival is preferred."""


def transfer(
    space: str | SearchSpace,
    measurements: Any,
    *,
    device: str = "new",
    metric: str | None = None,
    dataset: str | None = None,
    sources: Sources | None = None,
    card: DeviceCard | None = None,
    seed: int = 0,
) -> CostModel:
    """Make a cost model of a device from a few measurements.

    Bayesian linear regression on cost drivers and on the costs of known devices (see
    ``TransferPredictor``). With hundreds of measurements, held-out ones decide whether gradient
    boosting on the measurements alone takes its place.

    Parameters
    ----------
    space : str or SearchSpace
        The search space.
    measurements : dict, DataFrame, path or CostTable, or None
        Architectures and their costs: a dict from one to the other; a frame or CSV or Parquet
        file with the columns ``arch`` and ``latency_ms`` or ``energy_mj``; or a cost table. An
        architecture may come several times. Where ``latency_std_ms`` or ``energy_std_mj`` is
        given, precise measurements weigh more. `suggest` says which to measure.
        None, or none of them, gives the mean of the known devices, in ms and with wide intervals.
    device : str, default="new"
        Id of the new device.
    metric : {"latency", "energy"}, optional
        By default the metric of the measurements, else latency.
    dataset : str, optional
        Fixes the input size; the space's default otherwise.
    sources : iterable of id, CostModel or CostTable, optional
        Known devices; by default those of all installed latency models of the space but the device
        itself. Those of another space have other layers, and are left out.
    card : DeviceCard, optional
        What is known of the device. Without measurements, known devices of the same kind, runtime
        and precision weigh more.
    seed : int, default=0
        Fixes everything random.

    Returns
    -------
    CostModel
        Its manifest holds the leave-one-out rank correlation, the sources and the protocol;
        `transfer_report` says more.

    Raises
    ------
    CostTableError
        If measurements are missing columns or not positive, or there is one alone; if there are
        none and no known devices either.
    ArchitectureError
        If an architecture is malformed.
    UnknownNameError
        If a source, metric or dataset does not exist.

    Examples
    --------
    >>> cells = ["|{0}~0|+|{0}~0|{0}~1|+|{0}~0|{0}~1|{0}~2|".format(op) for op in
    ...          ("nor_conv_3x3", "nor_conv_1x1", "skip_connect", "avg_pool_3x3")]
    >>> model = transfer("nasbench201", dict(zip(cells, [12.0, 5.1, 2.2, 3.9])), sources=[])
    >>> model.predict(cells[0]) > model.predict(cells[1]) > model.predict(cells[2])
    True
    """
    space = get_space(space)
    if measurements is None or (isinstance(measurements, Sized) and len(measurements) == 0):
        key = CostKey(space.name, device, metric or "latency", dataset_id(space.name, dataset))
        return unmeasured_model(space, key, card or _card(key), sources, seed)
    found = read_measurements(space, measurements, device, metric, dataset)
    key = found.key
    prior = transfer_prior(space, sources, key.dataset_name, without=device)
    predictor = TransferPredictor(seed, key.dataset_name).with_prior(prior)
    predictor.fit(found.ops, found.cost, space=space, cost_std=found.cost_std)
    scores = left_out_scores(predictor)
    model = CostModel(
        predictor, _manifest(found, predictor, card or _card(found.key), seed, scores)
    )
    if len(found.cost) >= MANY:
        model = _better(model, found, seed)
    return model


def left_out_scores(predictor: TransferPredictor) -> dict[str, float]:
    """Return the scores of leave-one-out predictions, which are known in closed form."""
    truth, left_out = predictor.measured_cost_, predictor.left_out_
    if len(truth) < 3 or np.ptp(truth) == 0:
        return {}
    within = float(np.mean(np.abs(left_out / truth - 1) <= 0.1))
    return {
        "left_out_spearman": spearman(truth, left_out),
        "left_out_within_10_percent": within,
    }


def _manifest(
    found: Measurements,
    predictor: CostPredictor,
    card: DeviceCard,
    seed: int,
    scores: dict[str, float],
) -> Manifest:
    table = CostTable.from_costs(
        found.key.space,
        *_distinct(found),
        device=found.key.device,
        metric=found.key.metric,
        dataset=found.key.dataset,
    )
    prior = getattr(predictor, "prior_", None)
    return Manifest(
        key=found.key,
        device=card,
        predictor=predictor_name(predictor),
        params=predictor.get_params(),
        training={
            "n_train": len(found.cost),
            "n_without_cost": found.n_without_cost,
            "table_sha256": table.sha256,
            "seed": seed,
            "sources": list(prior.names) if prior is not None else [],
        },
        scores={
            **scores,
            "split": "leave-one-out",
            "n_train": len(found.cost),
            "n_validation": 0,
            "n_test": len(found.cost),
            "seed": seed,
        },
        versions=library_versions(),
    )


def _distinct(found: Measurements) -> tuple[Any, Any]:
    """Return each architecture once with the median of its costs, for the table's hash."""
    ops, place = np.unique(found.ops, axis=0, return_inverse=True)
    place = place.reshape(-1)
    return ops, np.array([np.median(found.cost[place == i]) for i in range(len(ops))])


def _card(key: CostKey) -> DeviceCard:
    if key.device in DEVICES:
        return DEVICES[key.device]
    return DeviceCard(key.device, key.device, notes="transferred from known devices")


def _better(model: CostModel, found: Measurements, seed: int) -> CostModel:
    """Return the model, or that of the rival if it ranks held-out measurements better."""
    order = np.random.default_rng(seed).permutation(len(found.cost))
    n_held_out = int(HELD_OUT * len(order))
    held_out, rest = order[:n_held_out], order[n_held_out:]
    assert isinstance(model.predictor, TransferPredictor)
    name = found.key.dataset_name
    transferred = TransferPredictor(seed, name).with_prior(model.predictor.prior_)
    rivals = {"transfer": transferred, RIVAL: PREDICTORS[RIVAL](seed=seed, dataset=name)}
    scores = {}
    transferred.fit(
        found.ops[rest],
        found.cost[rest],
        space=model.space,
        cost_std=None if found.cost_std is None else found.cost_std[rest],
    )
    rivals[RIVAL].fit(found.ops[rest], found.cost[rest], space=model.space)
    for kind, rival in rivals.items():
        scores[kind] = spearman(found.cost[held_out], rival.predict(found.ops[held_out]))
    manifest = replace(model.manifest, scores={**model.manifest.scores, "held_out": scores})
    if scores[RIVAL] <= scores["transfer"] + MARGIN:
        return CostModel(model.predictor, manifest)
    predictor = PREDICTORS[RIVAL](seed=seed, dataset=name)
    predictor.fit(found.ops, found.cost, space=model.space)
    return CostModel(predictor, replace(manifest, predictor=RIVAL, params=predictor.get_params()))
