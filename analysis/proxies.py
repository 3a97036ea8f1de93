"""Proxy costs (FLOPs, parameters, activation memory), and how far they track costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey, CostTable
from archcost.datasets.chosen_keys import chosen_keys
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.position_work import network_work
from archcost.spaces.space import Ops
from archcost.training.metrics import Costs, kendall, pearson, spearman

if TYPE_CHECKING:
    import pandas as pd

    from archcost.networks import Layer

PROXIES: dict[str, str] = {
    "flops": "FLOPs (M)",
    "params": "parameters (M)",
    "activations": "activation memory (MB)",
}
"""The proxy costs and their labels."""


def proxy_costs(
    space: SearchSpace | str, ops: Ops | Sequence[object], dataset: str | None = None
) -> dict[str, Costs]:
    """Return the proxy costs of architectures, exact in every space.

    Parameters
    ----------
    space : SearchSpace or str
        The search space.
    ops : numpy.ndarray of int, shape (n_archs, n_positions), or sequence of architectures
        The architectures; an array of op ids is taken as it is.
    dataset : str, optional
        Fixes the input size; the space's default by default.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (n_archs,)
        ``flops`` (1e6, two a multiply-accumulate), ``params`` (1e6), and ``activations`` (1e6
        bytes of fp32 outputs of all layers), each summed over the whole network.

    Examples
    --------
    >>> costs = proxy_costs("nasbench201", [[3, 3, 3, 3, 3, 3]])
    >>> {name: value.round(2).tolist() for name, value in costs.items()}
    {'flops': [440.24], 'params': [1.53], 'activations': [5.45]}
    """
    space = get_space(space)
    if not isinstance(ops, np.ndarray):
        ops = space.parse_many(ops, dataset)
    total = network_work(space, ops, space.check_dataset(dataset), _costs_of)
    return {name: total[:, column] / 1e6 for column, name in enumerate(PROXIES)}


def proxy_correlations(table: CostTable, keys: Sequence[CostKey] | None = None) -> pd.DataFrame:
    """Correlate proxy costs with the costs of a table.

    Parameters
    ----------
    table : CostTable
        Costs.
    keys : sequence of CostKey, optional
        Which costs; all of the table by default.

    Returns
    -------
    pandas.DataFrame
        A row for each key and proxy cost: key, space, device, metric, dataset, proxy,
        n_archs, spearman, kendall, pearson.

    References
    ----------
    C. Li et al., "HW-NAS-Bench", ICLR 2021, section 4: correlations as low as 0.36.

    Examples
    --------
    >>> from archcost.datasets import CostTable
    >>> from archcost.spaces import NASBench201
    >>> cells = NASBench201().sample(60, seed=0)
    >>> cost_ms = 1.0 + (cells == 3).sum(axis=1)
    >>> table = CostTable.from_costs("nasbench201", cells, cost_ms, device="my_board")
    >>> found = proxy_correlations(table)
    >>> found[["proxy", "n_archs"]].to_numpy().tolist()
    [['flops', 60], ['params', 60], ['activations', 60]]
    """
    import pandas as pd

    rows = []
    for key in chosen_keys(table, keys):
        ops, cost = table.costs(key)
        for name, values in proxy_costs(key.space, ops, key.dataset).items():
            rows.append({
                "key": str(key),
                "space": key.space,
                "device": key.device,
                "metric": key.metric,
                "dataset": key.dataset,
                "proxy": name,
                "n_archs": len(cost),
                "spearman": spearman(cost, values),
                "kendall": kendall(cost, values),
                "pearson": pearson(cost, values),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _costs_of(layer: Layer) -> npt.NDArray[np.float64]:
    return np.array([layer.flops, layer.params, layer.output_bytes], dtype=np.float64)
