"""How far theoretical costs (FLOPs, parameters, activation memory) track real ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey, CostTable
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.space import Ops
from archcost.training.metrics import Costs, kendall, pearson, spearman

if TYPE_CHECKING:
    import pandas as pd

    from archcost.networks import Layer

THEORY: dict[str, str] = {
    "flops": "FLOPs (M)",
    "params": "parameters (M)",
    "activations": "activation memory (MB)",
}
"""The theoretical costs and how they are labelled."""


def theoretical_costs(
    space: SearchSpace | str, ops: Ops, dataset: str | None = None
) -> dict[str, Costs]:
    """Return what architectures cost in theory.

    Parameters
    ----------
    space : SearchSpace or str
        The search space.
    ops : numpy.ndarray of int8, shape (n_archs, n_positions)
        The architectures.
    dataset : str, optional
        Fixes the input size; the space's default by default.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (n_archs,)
        ``flops`` (1e6, two a multiply-accumulate), ``params`` (1e6), and ``activations`` (1e6
        bytes of fp32 outputs of all layers), each summed over the whole network.
    """
    space = get_space(space)
    fixed, chosen = _tables(space, space.check_dataset(dataset))
    total = fixed + chosen[np.arange(space.n_positions), ops].sum(axis=1)
    return {name: total[:, column] / 1e6 for column, name in enumerate(THEORY)}


def theory_correlations(table: CostTable, keys: Sequence[CostKey] | None = None) -> pd.DataFrame:
    """Correlate theoretical costs with those of a table.

    Parameters
    ----------
    table : CostTable
        Real costs.
    keys : sequence of CostKey, optional
        Which costs; all of the table by default.

    Returns
    -------
    pandas.DataFrame
        A row for each key and theoretical cost: key, space, device, metric, dataset, theory,
        n_archs, spearman, kendall, pearson.

    References
    ----------
    C. Li et al., "HW-NAS-Bench", ICLR 2021, section 4: correlations as low as 0.36.
    """
    import pandas as pd

    rows = []
    for key in table.keys() if keys is None else keys:
        ops, cost = table.costs(key)
        for name, theory in theoretical_costs(key.space, ops, key.dataset).items():
            rows.append({
                "key": str(key),
                "space": key.space,
                "device": key.device,
                "metric": key.metric,
                "dataset": key.dataset,
                "theory": name,
                "n_archs": len(cost),
                "spearman": spearman(cost, theory),
                "kendall": kendall(cost, theory),
                "pearson": pearson(cost, theory),
            })  # fmt: skip
    return pd.DataFrame(rows)


@cache
def _tables(
    space: SearchSpace, dataset: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the costs of what is always there, and of each op at each position."""
    fixed = np.zeros(len(THEORY))
    chosen = np.zeros((space.n_positions, space.n_ops, len(THEORY)))
    for op in range(space.n_ops):
        for layer in space.layers([op] * space.n_positions, dataset):
            if layer.position is not None:
                chosen[layer.position, op] += _costs_of(layer)
            elif op == 0:
                fixed += _costs_of(layer)
    return fixed, chosen


def _costs_of(layer: Layer) -> npt.NDArray[np.float64]:
    return np.array([layer.flops, layer.params, layer.output_bytes], dtype=np.float64)
