"""A cost model of a device before anything was measured on it: what known devices say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from archcost.datasets import DEVICES, CostKey, DeviceCard
from archcost.errors import MissingDataError
from archcost.models import CostModel, Manifest
from archcost.predictors import TransferPredictor
from archcost.spaces import SearchSpace
from archcost.training.model_card import library_versions
from archcost.training.transfer_sources import Sources, transfer_prior, typical_costs

Floats = npt.NDArray[np.float64]

FACTS = ("kind", "runtime", "precision")
"""What a device card says that decides which known devices a new one resembles."""
WEIGHT_OF_FACT = 2.0
"""Factor on the weight of a source for each fact that it shares with the new device."""
LEAST_LEVEL_SPREAD = 0.9
"""Least standard deviation of the logarithm of a typical cost. Devices of HELP (no targets of a
task) lie within 1.4 of the mean of those of other kinds; nine in ten costs shall."""


def unmeasured_model(
    space: SearchSpace, key: CostKey, card: DeviceCard, sources: Sources | None, seed: int
) -> CostModel:
    """Return the mean of the known devices, those with the same facts weighing more.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    key : CostKey
        Of the new device.
    card : DeviceCard
        What is known of it: how its costs come about, runtime and precision.
    sources : iterable of id, CostModel or CostTable, or None
        Known devices.
    seed : int
        Kept with the model.

    Raises
    ------
    MissingDataError
        If there is no known device on this dataset, or the metric is energy.
    """
    prior = transfer_prior(space, sources, key.dataset_name, without=key.device)
    # Costs on another dataset would give a wrong level, and latencies say none of energy.
    fits = all(CostKey.parse(name).dataset == key.dataset for name in prior.names)
    if not prior.names or not fits or key.metric != "latency":
        raise MissingDataError(
            "without measurements a device must have a model on another dataset, or there must be "
            f"known devices with a latency model on {key.dataset}, but there are none for {key}; "
            "measure at least 2 architectures (`archcost suggest` says which)"
        )
    weights = source_weights(card, prior.names)
    typical = typical_costs(space, sources, key.dataset_name, without=key.device)
    levels = np.log([typical[name] for name in prior.names])
    level = float(weights @ levels)
    spread = max(float(np.sqrt(weights @ (levels - level) ** 2)), LEAST_LEVEL_SPREAD)
    predictor = TransferPredictor(seed, key.dataset_name).with_prior(prior)
    predictor.expect(space, weights, float(np.exp(level)), spread)
    manifest = Manifest(
        key=key,
        device=card,
        predictor="transfer",
        params=predictor.get_params(),
        training={"n_train": 0, "n_without_cost": 0, "seed": seed, "sources": list(prior.names)},
        scores={"split": "none", "n_train": 0, "n_validation": 0, "n_test": 0, "seed": seed},
        versions=library_versions(),
    )
    return CostModel(predictor, manifest)


def source_weights(card: DeviceCard, names: tuple[str, ...]) -> Floats:
    """Return the share of each source: more where its card states the same facts.

    Parameters
    ----------
    card : DeviceCard
        Of the new device.
    names : tuple of str
        Keys of the sources.
    """
    unknown = DeviceCard("unknown", "unknown")
    weights = []
    for name in names:
        known = DEVICES.get(CostKey.parse(name).device, unknown)
        shared = sum(getattr(known, fact) == getattr(card, fact) for fact in FACTS)
        weights.append(WEIGHT_OF_FACT**shared)
    return np.array(weights) / np.sum(weights)
