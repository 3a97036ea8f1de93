"""What a device charges for on one input size, and what the same prices make of another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from archcost.features.whole_work import work_by_kind
from archcost.spaces.position_work import network_work
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]

SHRINKAGE = 0.003
"""Weight of equal shares: where the costs cannot tell a launch from work, they count the same."""


def priced_work(space: SearchSpace, dataset: str, ops: Ops) -> Floats:
    """Return a run, and launches, FLOPs and memory traffic of each kind of layer.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, 28)
        A constant 1, then ``work_by_kind`` of the whole networks.
    """
    work = network_work(space, ops, dataset, work_by_kind)
    return np.hstack([np.ones((len(ops), 1)), work])


def find_prices(work: Floats, cost: Floats) -> Floats:
    r"""Return the non-negative prices of work that explain the costs of a device.

    .. math:: \min_{p \ge 0} \|W p - y\|^2 + \lambda \sum_k (\bar W_k p_k)^2

    Parameters
    ----------
    work : array of float, shape (n_archs, n_measures)
        From ``priced_work``.
    cost : array of float, shape (n_archs,)
        What the architectures cost.

    Returns
    -------
    numpy.ndarray of float64, shape (n_measures,)
        Prices in the unit of the costs.
    """
    size = np.maximum(work.mean(axis=0), 1e-12)
    scale = float(np.median(cost))
    # Work that all architectures share, as that of the classifier, cannot be told from the cost of
    # a run; a share of it would grow with the number of classes.
    there = np.ptp(work, axis=0) > 1e-9 * size
    there[0] = True
    design = work[:, there] / size[there] / np.sqrt(len(work))
    ridge = np.sqrt(SHRINKAGE) * np.eye(int(there.sum())) * float(np.std(cost) / scale + 1e-3)
    target = np.concatenate([cost / scale / np.sqrt(len(work)), np.zeros(len(ridge))])
    found, _ = nnls(np.vstack([design, ridge]), target)
    prices = np.zeros(work.shape[1])
    prices[there] = scale * found / size[there]
    return prices
