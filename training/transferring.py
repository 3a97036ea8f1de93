"""Make a cost model of a new device from few measurements and known devices."""

from __future__ import annotations

import warnings
from collections.abc import Sized
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone

from archcost.datasets import DEVICES, CostKey, CostTable, DeviceCard
from archcost.datasets.cost_key import dataset_id
from archcost.errors import ArchcostWarning, check_number
from archcost.models import CostModel, Manifest
from archcost.predictors import (
    PREDICTORS,
    CostPredictor,
    RescaledPredictor,
    TransferPredictor,
    predictor_name,
)
from archcost.predictors.few_measurements import FewMeasurementsPredictor
from archcost.spaces import Dataset, SearchSpace, get_space
from archcost.training.measurements import Measurements, read_measurements
from archcost.training.metrics import Costs, spearman
from archcost.training.model_card import library_versions
from archcost.training.network_transfer import transfer_networks
from archcost.training.other_datasets import KnownDevice, known_on_another_dataset
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
    dataset: str | Dataset | None = None,
    sources: Sources | None = None,
    card: DeviceCard | None = None,
    seed: int = 0,
    extrapolate: bool = False,
) -> CostModel:
    """Make a cost model of a device from a few measurements.

    Bayesian linear regression on cost drivers and on the costs of known devices (see
    ``TransferPredictor``). With hundreds of measurements, held-out ones decide whether gradient
    boosting on the measurements alone takes its place. Networks of any kind are predicted from the
    prices of kernels on known devices, and on a device like none of them (``transfer_kernels``).

    A device that has a model on another dataset is known already: its costs there are where the
    new model starts from (see ``RescaledPredictor``), and other devices are not asked.

    Parameters
    ----------
    space : str or SearchSpace
        The search space.
    measurements : dict, DataFrame, path or CostTable, or None
        Architectures and their costs: a dict from one to the other; a frame or CSV or Parquet
        file with the columns ``arch`` and ``latency_ms`` or ``energy_mj``; or a cost table. An
        architecture may come several times. Where ``latency_std_ms`` or ``energy_std_mj`` is
        given, precise measurements weigh more. `suggest` says which to measure. None or an empty
        dict with `extrapolate`.
    device : str, default="new"
        Id of the device: a new one, or one with a model on another dataset.
    metric : {"latency", "energy"}, optional
        By default the metric of the measurements, else latency.
    dataset : str or Dataset, optional
        Fixes the input size; the space's default otherwise.
    sources : iterable of id, CostModel or CostTable, optional
        Known devices; by default those of all installed latency models of the space but the device
        itself. Those of another space have other layers, and are left out. A source that is the
        device itself on another dataset takes the place of all others.
    card : DeviceCard, optional
        What is known of the device. Without measurements, known devices of the same kind, runtime
        and precision weigh more.
    seed : int, default=0
        Fixes everything random.
    extrapolate : bool, default=False
        Whether no measurement will do: the device's costs on another dataset are taken, or else
        the mean of the known devices. A warning says so, and intervals are wide.

    Returns
    -------
    CostModel
        Its manifest holds the leave-one-out rank correlation, the sources and the protocol;
        `transfer_report` says more.

    Raises
    ------
    CostTableError
        If measurements are missing columns or not positive, or there are fewer than two.
    ArchitectureError
        If an architecture is malformed.
    UnknownNameError
        If a source, metric or dataset does not exist.
    MissingDataError
        If there is no known device to extrapolate from.

    Examples
    --------
    >>> cells = ["|{0}~0|+|{0}~0|{0}~1|+|{0}~0|{0}~1|{0}~2|".format(op) for op in
    ...          ("nor_conv_3x3", "nor_conv_1x1", "skip_connect", "avg_pool_3x3")]
    >>> model = transfer("nasbench201", dict(zip(cells, [12.0, 5.1, 2.2, 3.9])), sources=[])
    >>> model.predict(cells[0]) > model.predict(cells[1]) > model.predict(cells[2])
    True
    """
    space = get_space(space)
    check_number("seed", seed, 0, whole=True)
    if extrapolate and (measurements is None or _is_empty(measurements)):
        return _extrapolated(space, device, metric or "latency", dataset, sources, card, seed)
    found = read_measurements(space, measurements, device, metric, dataset)
    key, card = found.key, card or _card(found.key)
    if space.is_open:
        networks, names = transfer_networks(space, found, sources, seed)
        scores = _scores(found.cost, networks.kernels_.left_out_)
        return CostModel(networks, _manifest(found, networks, card, seed, scores, tuple(names)))
    known = known_on_another_dataset(space, device, key.metric, key.dataset_name, sources)
    if known is not None:
        return _rescaled(found, known, card, seed)
    prior = transfer_prior(space, sources, key.dataset_name, without=device)
    predictor = TransferPredictor(seed, key.dataset_name).with_prior(prior)
    predictor.fit(found.ops, found.cost, space=space, cost_std=found.cost_std)
    scores = left_out_scores(predictor)
    model = CostModel(predictor, _manifest(found, predictor, card, seed, scores))
    if len(found.cost) >= MANY:
        model = _better(model, found, seed)
    return model


def _is_empty(measurements: Any) -> bool:
    return isinstance(measurements, Sized) and len(measurements) == 0


def _rescaled(found: Measurements, known: KnownDevice, card: DeviceCard, seed: int) -> CostModel:
    """Return the model of a device that is known on another dataset."""
    name, space = found.key.dataset_name, get_space(found.key.space)
    predictor = RescaledPredictor(seed, name).with_source(known.costs, known.key.dataset_name)
    predictor.fit(found.ops, found.cost, space=space, cost_std=found.cost_std)
    manifest = _manifest(
        found, predictor, card, seed, left_out_scores(predictor), (str(known.key),)
    )
    model = CostModel(predictor, manifest)
    return _better(model, found, seed) if len(found.cost) >= MANY else model


def _extrapolated(
    space: SearchSpace,
    device: str,
    metric: str,
    dataset: str | Dataset | None,
    sources: Sources | None,
    card: DeviceCard | None,
    seed: int,
) -> CostModel:
    """Return a model of no measurement at all, and say so."""
    key = CostKey(space.name, device, metric, dataset_id(space.name, dataset))
    known = known_on_another_dataset(space, device, metric, key.dataset_name, sources)
    if known is None:
        model = unmeasured_model(space, key, card or _card(key), sources, seed)
        warnings.warn(
            f"{key} is the mean of {len(model.manifest.training['sources'])} known devices, "
            "without any measurement; its intervals are wide, and a few measurements make it far "
            "better",
            ArchcostWarning,
            stacklevel=3,
        )
        return model
    predictor = RescaledPredictor(seed, key.dataset_name)
    predictor.with_source(known.costs, known.key.dataset_name).extrapolate(space)
    warnings.warn(
        f"{key} is extrapolated from {known.key} without any measurement; its intervals are wide, "
        "and a few measurements make it far better",
        ArchcostWarning,
        stacklevel=3,
    )
    manifest = Manifest(
        key=key,
        device=card or _card(key),
        predictor=predictor_name(predictor),
        params=predictor.get_params(),
        training={"n_train": 0, "seed": seed, "sources": [str(known.key)], "extrapolated": True},
        scores={"n_train": 0, "n_test": 0, "seed": seed},
        versions=library_versions(),
    )
    return CostModel(predictor, manifest)


def left_out_scores(predictor: TransferPredictor | RescaledPredictor) -> dict[str, float]:
    """Return the scores of leave-one-out predictions, which are known in closed form."""
    return _scores(predictor.measured_cost_, predictor.left_out_)


def _scores(truth: Costs, left_out: Costs) -> dict[str, float]:
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
    sources: tuple[str, ...] = (),
) -> Manifest:
    table = CostTable.from_costs(
        found.key.space,
        *_distinct(found),
        device=found.key.device,
        metric=found.key.metric,
        dataset=found.key.dataset,
    )
    prior = getattr(predictor, "prior_", None)
    sources = sources if prior is None else prior.names
    return Manifest(
        key=found.key,
        device=card,
        predictor=predictor_name(predictor),
        params=predictor.get_params(),
        training={
            "n_train": len(found.cost),
            "n_without_cost": found.n_without_cost,
            "n_outliers": found.n_outliers,
            "table_sha256": table.sha256,
            "seed": seed,
            "sources": list(sources),
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
    name, kind = found.key.dataset_name, model.manifest.predictor
    rivals = {kind: clone(model.predictor), RIVAL: PREDICTORS[RIVAL](seed=seed, dataset=name)}
    scores = {}
    for rival_kind, rival in rivals.items():
        stds = found.cost_std if isinstance(rival, FewMeasurementsPredictor) else None
        given = {} if stds is None else {"cost_std": stds[rest]}
        rival.fit(found.ops[rest], found.cost[rest], space=model.space, **given)
        scores[rival_kind] = spearman(found.cost[held_out], rival.predict(found.ops[held_out]))
    manifest = replace(model.manifest, scores={**model.manifest.scores, "held_out": scores})
    if scores[RIVAL] <= scores[kind] + MARGIN:
        return CostModel(model.predictor, manifest)
    predictor = PREDICTORS[RIVAL](seed=seed, dataset=name)
    predictor.fit(found.ops, found.cost, space=model.space)
    return CostModel(predictor, replace(manifest, predictor=RIVAL, params=predictor.get_params()))
