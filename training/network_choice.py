r"""Choose the networks whose measurement says most about other networks.

Notation: :math:`t` the cost of a network, :math:`s_k` the share of its time that is work of kind
:math:`k` on a rough processor, :math:`w_k` by how much a device differs from that, :math:`q` the
logarithm of the whole time.

.. math:: \log t = \log \sum_k w_k s_k \approx c + \sum_k s_k \log w_k + \beta q

A network also deviates in its own way, at all sizes of its image alike. The :math:`\log w_k` and
:math:`\beta` are unknown with a common prior variance each, so that the
design of experiments for a linear model applies: greedily, what lowers the expected variance most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, shown
from archcost.features.work_shares import work_times
from archcost.networks.graph import Graph
from archcost.networks.work import graph_work
from archcost.predictors.measuring_choice import LinearDesign, greedy_design
from archcost.training.suggestions import Suggestions
from archcost.zoo import NETWORKS, zoo_network

KIND_DEVIATION, SIZE_DEVIATION, LEVEL_DEVIATION = 0.7, 0.1, 2.0
"""Prior standard deviations: of each log w, of the slope per standard deviation of q, and of c."""

OWN_DEVIATION, NOISE_DEVIATION = 0.08, 0.06
"""Of what the shares do not tell about a cost, in its logarithm: of networks of one name, and of
each by itself."""

MOST_GMACS = 6
"""Networks with more are no candidates by default: on a small board they take seconds a run."""

SIDES = (None, 160)
"""Sides of images of the default candidates; None for that which a network was published for."""


def suggest_networks(
    n: int,
    candidates: Sequence[Any] | Mapping[str, Graph] | None = None,
    *,
    measured: Sequence[Any] = (),
    reference: Sequence[Any] | None = None,
) -> Suggestions:
    """Choose the networks whose measurement is most informative about any other network.

    Parameters
    ----------
    n : int
        How many.
    candidates : sequence of str or Graph, or dict of Graph, optional
        What can be measured: names of the zoo, graphs, or graphs by the names to return. By
        default the zoo's networks of up to 6 GMACs.
    measured : sequence of str or Graph, default=()
        What is measured already.
    reference : sequence of str or Graph, optional
        What shall be predicted; by default the zoo's networks.

    Returns
    -------
    Suggestions
        At most `n` of the candidates as given, the most informative first.

    Raises
    ------
    ArchcostError
        If `n` is less than one, there is no candidate, or a candidate is no network.

    Examples
    --------
    >>> suggest_networks(2, ["resnet18", "resnet34", "vit_tiny_patch16"])
    ['vit_tiny_patch16', 'resnet18']
    """
    if n < 1:
        raise ArchcostError(f"n must be at least 1, but got {n}")
    given = _default_candidates() if candidates is None else candidates
    names: list[Any] = list(given)
    if not names:
        raise ArchcostError("candidates must hold at least one network, but is empty")
    graphs = list(given.values()) if isinstance(given, Mapping) else names
    times = _times(graphs)
    aims = _times(list(NETWORKS) if reference is None else list(reference))
    log_size = np.log(aims.sum(axis=1))
    centre, spread = log_size.mean(), log_size.std() or 1.0
    own = _own_columns([*names, *measured])
    aim = _features(aims, centre, spread)
    aim = np.hstack([aim, np.zeros((len(aim), own.shape[1]))])
    rows = np.hstack([_features(times, centre, spread), own[: len(names)]])
    covariance: npt.NDArray[np.float64] = np.eye(rows.shape[1])
    if len(measured):
        done = np.hstack([_features(_times(list(measured)), centre, spread), own[len(names) :]])
        precision = covariance + done.T @ done / NOISE_DEVIATION**2
        covariance = np.linalg.inv(precision).astype(np.float64)
    second_moment = aim.T @ aim / len(aim)
    chosen, spreads = greedy_design(
        [LinearDesign(rows, second_moment, NOISE_DEVIATION**2, covariance)], n
    )
    return Suggestions([names[place] for place in chosen], spreads)


def _default_candidates() -> dict[str, Graph]:
    graphs: dict[str, Graph] = {}
    for name in NETWORKS:
        for side in SIDES:
            try:
                reference = name if side is None else f"{name}@{side}"
                graphs[reference] = _zoo_network(reference)
            except ArchcostError:  # not all take images of that side
                continue
    return {
        name: graph for name, graph in graphs.items() if graph_work(graph).macs <= MOST_GMACS * 1e9
    }


def _times(networks: Sequence[Any]) -> npt.NDArray[np.float64]:
    return np.stack([_graph_times(_graph(network)) for network in networks])


@lru_cache(maxsize=512)
def _graph_times(graph: Graph) -> npt.NDArray[np.float64]:
    return work_times(graph)


def _graph(network: Any) -> Graph:
    if isinstance(network, Graph):
        return network
    if isinstance(network, str):
        return _zoo_network(network)
    raise ArchcostError(
        f"a network must be a name of the zoo or a Graph to be chosen from, but got "
        f"{shown(network)}"
    )


@lru_cache(maxsize=512)
def _zoo_network(name: str) -> Graph:
    return zoo_network(name)


def _features(
    times: npt.NDArray[np.float64], centre: float, spread: float
) -> npt.NDArray[np.float64]:
    """Return the columns of the linear model, scaled so that their coefficients are standard."""
    whole = times.sum(axis=1, keepdims=True)
    size = (np.log(whole) - centre) / spread
    level = np.full_like(whole, LEVEL_DEVIATION)
    return np.hstack([KIND_DEVIATION * times / whole, SIZE_DEVIATION * size, level])


def _own_columns(names: Sequence[Any]) -> npt.NDArray[np.float64]:
    """Return a column for each network, whatever the size of its image."""
    labels = [
        name.partition("@")[0] if isinstance(name, str) else f"{place}"
        for place, name in enumerate(names)
    ]
    _, own = np.unique(labels, return_inverse=True)
    return OWN_DEVIATION * np.eye(own.max() + 1)[own]
