"""Predict costs of any networks: what no measurement covers is named, and widens or refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.errors import ArchcostError
from archcost.networks.graph import Graph
from archcost.spaces.known_networks import batch_size_of

if TYPE_CHECKING:
    from archcost.kernels import NetworkCosts
    from archcost.models.chunks import Costs

MOST_UNMEASURED = 0.2
"""Share of the cost in ops that no measurement covers from which on a prediction is refused."""

OTHER_BATCH_STD = 0.15
"""What a doubling of the batch size beyond those that were measured adds to a standard deviation,
as a share of the cost."""


def predict_networks(
    costs: NetworkCosts,
    networks: Sequence[Graph],
    *,
    return_std: bool,
    extrapolate: bool,
) -> tuple[Costs, Costs | None]:
    """Return the costs of networks, and standard deviations if they are asked for.

    Parameters
    ----------
    costs : NetworkCosts
        What is known of the device.
    networks : sequence of Graph, shape (n_networks,)
        The networks.
    return_std : bool
        Whether standard deviations are wanted.
    extrapolate : bool
        Predict networks that the measurements hardly cover, too.

    Raises
    ------
    ArchcostError
        If ops that no measurement covers carry more than ``MOST_UNMEASURED`` of a network's cost,
        or its batch size is beyond those that were measured, unless told to extrapolate.
    """
    beyond = [beyond_batches(costs.batch_sizes, graph) for graph in networks]
    if not extrapolate:
        for graph, doublings in zip(networks, beyond, strict=True):
            _check_covered(costs, graph, doublings)
    if not return_std:
        return costs.kernels.predict(networks), None
    means, stds = costs.kernels.predict(networks, return_std=True)
    return means, stds + OTHER_BATCH_STD * np.array(beyond) * means


def beyond_batches(batch_sizes: Sequence[int], network: Graph) -> float:
    """Return by how many doublings a network's batch size is beyond those that were measured.

    Examples
    --------
    >>> from archcost.zoo import zoo_network
    >>> [beyond_batches((1, 4), zoo_network("resnet18", batch_size=n)) for n in (1, 2, 4, 16)]
    [0.0, 0.0, 0.0, 2.0]
    """
    least, most, own = min(batch_sizes), max(batch_sizes), batch_size_of(network)
    return float(np.log2(max(least / own, own / most, 1.0)))


def _check_covered(costs: NetworkCosts, network: Graph, doublings: float) -> None:
    remedy = (
        "measure such networks (archcost measure --space any --networks FILE), or predict in "
        "spite of it with --extrapolate or extrapolate=True"
    )
    if doublings:
        sizes = costs.batch_sizes
        known = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        raise ArchcostError(
            f"a network must have a batch size that was measured, {known}, but has "
            f"{batch_size_of(network)}; {remedy}"
        )
    unmeasured = costs.kernels.unmeasured(network)
    share = sum(unmeasured.values())
    if share > MOST_UNMEASURED:
        raise ArchcostError(
            f"ops that no measurement covers must carry at most {100 * MOST_UNMEASURED:.0f} % of "
            f"a network's cost, but here they carry {100 * share:.0f} %: "
            f"{named_shares(unmeasured)}; {remedy}"
        )


def named_shares(shares: Mapping[str, float]) -> str:
    """Return the ops with their shares of the cost, the dearest first.

    Examples
    --------
    >>> named_shares({"fft": 0.05, "lstm": 0.305})
    'lstm (30 %), fft (5 %)'
    """
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} ({share:.0%})".replace("%", " %") for name, share in ordered)


def layer_rows(layers: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the costs of layers as rows of a table, in order of execution.

    Parameters
    ----------
    layers : sequence of LayerCost
        As ``CostModel.layer_costs`` returns them.
    """
    return [
        {
            "layer": place,
            "name": layer.name,
            "op": layer.op,
            "inputs": " ".join("x".join(map(str, shape)) for shape in layer.input_shapes),
            "output": "x".join(map(str, layer.output_shape)),
            "macs": layer.macs,
            "moved_bytes": layer.moved_bytes,
            "cost": layer.cost,
            "share": layer.share,
        }
        for place, layer in enumerate(layers)
    ]
