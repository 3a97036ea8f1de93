"""Rank correlations between devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from archcost.datasets import CostKey, CostTable
from archcost.datasets.chosen_keys import chosen_keys
from archcost.errors import CostTableError
from archcost.training.metrics import RANK_DECIMALS

if TYPE_CHECKING:
    import pandas as pd


def cost_frame(table: CostTable, keys: Sequence[CostKey] | None = None) -> pd.DataFrame:
    """Lay a table out with one row an architecture and one column a key.

    Parameters
    ----------
    table : CostTable
        Costs of one space.
    keys : sequence of CostKey, optional
        The columns; all keys of the table by default.

    Returns
    -------
    pandas.DataFrame
        Index: the architectures' strings; columns: the keys' strings; NaN where there is no cost.

    Raises
    ------
    CostTableError
        If the keys are of several spaces.
    """
    keys = chosen_keys(table, keys)
    if len({key.space for key in keys}) != 1:
        raise CostTableError(
            f"keys must be of one search space to share architectures, but got {[*map(str, keys)]}"
        )
    import pandas as pd

    rows = table.select(space=keys[0].space).to_pandas()
    archs = rows["arch"].cat
    costs = np.full((len(archs.categories), len(keys)), np.nan)
    for column, key in enumerate(keys):
        of_key = (
            (rows["device"] == key.device)
            & (rows["metric"] == key.metric)
            & (rows["dataset"] == key.dataset)
        )
        costs[archs.codes[of_key], column] = rows["cost"][of_key]
    return pd.DataFrame(costs, index=archs.categories.astype(str), columns=[*map(str, keys)])


def device_agreement(table: CostTable, keys: Sequence[CostKey] | None = None) -> pd.DataFrame:
    """Correlate every two devices over the architectures that both have costs of.

    Parameters
    ----------
    table : CostTable
        Costs of one space.
    keys : sequence of CostKey, optional
        Which costs; all of the table by default.

    Returns
    -------
    pandas.DataFrame
        Spearman's rank correlations, index and columns the keys' strings; NaN where two share
        fewer than three architectures.

    References
    ----------
    C. Li et al., "HW-NAS-Bench", ICLR 2021, section 4: correlations as low as 0.

    Examples
    --------
    >>> from archcost.datasets import CostTable
    >>> from archcost.spaces import NASBench201
    >>> cells = NASBench201().sample(40, seed=0)
    >>> n_convolutions = (cells == 3).sum(axis=1)
    >>> table = CostTable.concat(
    ...     CostTable.from_costs("nasbench201", cells, cost, device=device)
    ...     for device, cost in {"one": 1.0 + n_convolutions, "two": 9.0 - n_convolutions}.items()
    ... )
    >>> device_agreement(table).round(2).to_numpy().tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    frame = cost_frame(table, keys).round(RANK_DECIMALS)
    return frame.corr(method="spearman", min_periods=3)


def clustered(agreement: pd.DataFrame) -> list[str]:
    """Return the keys of a matrix so that those that agree stand side by side.

    Parameters
    ----------
    agreement : pandas.DataFrame
        As `device_agreement` returns it.

    Returns
    -------
    list of str
        The leaves, in order, of an average-linkage tree over the distances 1 - correlation.
    """
    if len(agreement) < 3:
        return list(agreement.index)
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    distance = 1.0 - agreement.fillna(0.0).to_numpy(copy=True)
    distance = (distance + distance.T) / 2
    np.fill_diagonal(distance, 0.0)
    distances = squareform(distance.clip(min=0.0), checks=False)
    tree = optimal_leaf_ordering(linkage(distances, method="average"), distances)
    return [agreement.index[leaf] for leaf in leaves_list(tree)]


def device_map(agreement: pd.DataFrame) -> pd.DataFrame:
    r"""Place devices in a plane so that those that rank architectures alike lie close.

    Classical multidimensional scaling of the distances :math:`1 - \rho`.

    Parameters
    ----------
    agreement : pandas.DataFrame
        As `device_agreement` returns it, of two keys or more; NaN counts as 0.

    Returns
    -------
    pandas.DataFrame
        Index: the keys; columns: x, y, nearest (the key that agrees most), spearman (with it).

    References
    ----------
    W. S. Torgerson, "Multidimensional scaling: I. Theory and method", Psychometrika 1952.
    """
    import pandas as pd
    from sklearn.decomposition import KernelPCA

    alike = agreement.fillna(0.0).to_numpy(copy=True)
    np.fill_diagonal(alike, 1.0)
    squared = (1.0 - alike).clip(min=0.0) ** 2
    # Kernel PCA centres the kernel, which makes it classical scaling of these distances.
    scaling = KernelPCA(n_components=2, kernel="precomputed", eigen_solver="dense")
    places = np.zeros((len(alike), 2))
    if squared.any():
        found = scaling.fit_transform(-squared / 2)
        # The sign of an axis is arbitrary: let the largest coordinate be positive everywhere.
        found *= np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
        places[:, : found.shape[1]] = found
    np.fill_diagonal(alike, -np.inf)
    nearest = alike.argmax(axis=1)
    return pd.DataFrame(
        {
            "x": places[:, 0],
            "y": places[:, 1],
            "nearest": agreement.index[nearest],
            "spearman": alike[np.arange(len(alike)), nearest],
        },
        index=agreement.index,
    )
