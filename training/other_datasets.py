"""What a device is known to cost on another dataset of the space, to start from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from archcost.datasets import CostKey, CostTable
from archcost.models import CostModel, find_model, manifests, model_keys
from archcost.predictors import PREDICTORS
from archcost.predictors.known_costs import KnownCosts
from archcost.spaces import SearchSpace
from archcost.spaces.dataset import spelled
from archcost.training.transfer_sources import FEWEST, Sources, listed

MOST_ROWS = 900
"""Rows of a table from which the costs of the other architectures are learned."""


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device on the dataset on which it is known.

    Parameters
    ----------
    key : CostKey
        Its key there.
    costs : KnownCosts
        What the architectures cost there.
    """

    key: CostKey
    costs: KnownCosts


def known_on_another_dataset(
    space: SearchSpace, device: str, metric: str, dataset: str, sources: Sources | None = None
) -> KnownDevice | None:
    """Return what a device costs on another dataset, None if nothing says it.

    Parameters
    ----------
    space : SearchSpace
        The space.
    device, metric, dataset : str
        What is wanted.
    sources : iterable of id, CostKey, CostModel or CostTable, optional
        Where to look; the installed models by default. Where several datasets are known, the one
        with the most similar input is taken, a model of many measurements before one that was
        itself transferred.
    """
    wanted = spelled(space.check_dataset(dataset))
    found: dict[CostKey, CostModel | CostTable | None] = {}
    if sources is None:
        found = dict.fromkeys(model_keys(warn=False))
    else:
        for source in listed(sources):
            if isinstance(source, CostModel):
                found[source.key] = source
            elif isinstance(source, CostTable):
                found |= {k: source for k in source.keys() if len(source.costs(k)[0]) >= FEWEST}  # noqa: SIM118
            else:
                installed = model_keys(warn=False)
                found |= dict.fromkeys(k for k in installed if str(source) in (str(k), k.device))
    same = [
        key
        for key in found
        if (key.space, key.device, key.metric) == (space.name, device, metric)
        and key.dataset != wanted
    ]
    if not same:
        return None
    first_hand = _first_hand(same, found)
    key = min(first_hand or same, key=lambda key: _difference(space, key, wanted))
    chosen = found[key]
    if isinstance(chosen, CostTable):
        ops, cost = chosen.costs(key)
        some = np.random.default_rng(0).permutation(len(ops))[:MOST_ROWS]
        predictor = PREDICTORS["gp"](dataset=key.dataset_name)
        predictor.fit(ops[some], cost[some], space=space)
        return KnownDevice(key, KnownCosts.of(space, predictor.predict))
    model = chosen or CostModel.load(find_model(key))
    return KnownDevice(key, KnownCosts.of(space, model.predict))


def _first_hand(
    keys: Iterable[CostKey], found: dict[CostKey, CostModel | CostTable | None]
) -> list[CostKey]:
    """Return the keys whose costs were not themselves transferred from other devices."""
    transferred = {m.key for m in manifests() if "sources" in m.training}
    transferred |= {
        m.key
        for m in found.values()
        if isinstance(m, CostModel) and "sources" in m.manifest.training
    }
    return [key for key in keys if key not in transferred]


def _difference(space: SearchSpace, key: CostKey, dataset: str) -> tuple[float, str]:
    """Return how far apart two inputs are, as a logarithm of their sizes."""
    sizes = [np.prod(space.input_shape(name), dtype=float) for name in (key.dataset, dataset)]
    return abs(float(np.log(sizes[0] / sizes[1]))), str(key)
