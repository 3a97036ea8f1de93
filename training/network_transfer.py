"""The predictor of any network on a new device, from few measurements and known devices."""

from __future__ import annotations

from typing import Any

import numpy as np

from archcost.datasets import CostKey, CostTable
from archcost.errors import UnknownNameError, check_name
from archcost.models import CostModel, find_model, model_keys
from archcost.predictors import NetworkPredictor
from archcost.predictors.kernel_transfer import transfer_kernels
from archcost.predictors.kernels import KernelPredictor
from archcost.spaces import SearchSpace
from archcost.training.measurements import Measurements
from archcost.training.transfer_sources import Sources, default_sources, listed


def transfer_networks(
    space: SearchSpace, found: Measurements, sources: Sources | None, seed: int
) -> tuple[NetworkPredictor, list[str]]:
    """Return the predictor of a new device, and the names of the devices that it started from.

    Parameters
    ----------
    space : SearchSpace
        The space of all networks.
    found : Measurements
        The measured networks.
    sources : iterable of id, CostKey, CostModel or CostTable, or None
        Known devices; None takes all installed latency models.
    seed : int
        Fixes the networks that are left out together for the intervals.
    """
    known = _known_devices(space, found.key, sources, seed)
    strings = space.format_many(found.ops)
    order = sorted(range(len(strings)), key=lambda row: (strings[row], found.cost[row]))
    graphs = space.networks(found.ops[order])
    kernels = transfer_kernels(graphs, found.cost[order], list(known.values()), seed=seed)
    left_out = np.empty(len(order))
    left_out[order] = kernels.left_out_
    kernels.left_out_ = left_out
    sizes = tuple(space.batch_sizes(graphs) or (1,))
    predictor = NetworkPredictor(seed, found.key.dataset_name)
    return predictor.with_kernels(kernels, space, sizes), list(known)


def _known_devices(
    space: SearchSpace, key: CostKey, sources: Sources | None, seed: int
) -> dict[str, KernelPredictor]:
    """Return the predictors of known devices by name, the new device itself left out."""
    given = listed(
        default_sources(space, key.dataset_name, key.device) if sources is None else sources
    )
    found: dict[str, KernelPredictor] = {}
    for source in given:
        if isinstance(source, CostTable):
            for one in source.select(space=space.name).keys():  # noqa: SIM118  no mapping
                ops, cost = source.costs(one)
                if one.device != key.device:
                    learned = NetworkPredictor(seed, one.dataset_name).fit(ops, cost, space=space)
                    found[str(one)] = learned.kernels_
            continue
        model = source if isinstance(source, CostModel) else CostModel.load(_folder(space, source))
        kernels = getattr(model.predictor, "kernels_", None)
        if kernels is None:
            raise UnknownNameError(
                f"a source must have a model that sums over kernels, but {model.key} has not; give "
                "devices that `archcost devices --space any` lists"
            )
        if model.key.device != key.device:
            found[str(model.key)] = kernels
    return found


def _folder(space: SearchSpace, source: object) -> Any:
    keys = [key for key in model_keys() if key.space == space.name]
    for key in keys:
        if source in (key, str(key), key.device) and key.metric == "latency":
            return find_model(key)
    check_name("source", source, {key.device for key in keys})
    raise UnknownNameError(f"a source must be a device with a latency model, but got {source!r}")
