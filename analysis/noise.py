"""Noise of a table, and the ceiling that it sets to the score of any predictor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey, CostTable
from archcost.datasets.chosen_keys import chosen_keys
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.liveness import backward_live, forward_live, is_present
from archcost.spaces.space import Ops
from archcost.training.metrics import Costs, spearman

if TYPE_CHECKING:
    import pandas as pd

Rows = npt.NDArray[np.int64]
LEAST_PAIRS = 10
"""Fewest pairs of equal networks from which noise is estimated."""
N_DRAWS = 5
"""Draws of noise that a ceiling is averaged over."""


def noise_estimates(
    table: CostTable, keys: Sequence[CostKey] | None = None, *, seed: int = 0
) -> pd.DataFrame:
    """Estimate each device's noise from measurements that should be equal.

    Parameters
    ----------
    table : CostTable
        Costs.
    keys : sequence of CostKey, optional
        Which costs; all of the table by default.
    seed : int, default=0
        Fixes the pairing and the resampling.

    Returns
    -------
    pandas.DataFrame
        A row a key: key, space, device, metric, dataset, n_archs, n_pairs (pairs of equal
        networks), disagreement (median difference within a pair, as a share of the cost),
        pair_spearman (between the two of a pair), repeat_spread (median standard deviation of
        repeated measurements, as a share of the cost), ceiling (the Spearman correlation that a
        perfect predictor can expect) and ceiling_from (``"pairs"``, ``"repeats"`` or ``""``).
        NaN where the table does not say.

    Notes
    -----
    Equal networks are isomorphic architectures that hold the same ops, none of them dead: their
    costs differ by measurement alone, and by the order in which a runtime takes the ops. Only a
    space that has a canonical form (NAS-Bench-201 does) tells them.
    The ceiling is the mean Spearman correlation between the table's costs and the same costs
    disturbed once more: by differences drawn from those pairs, over sqrt(2) because each of the
    two carries half of the variance; else by the standard errors of repeated measurements. The
    costs carry their noise already, so that the ceiling errs to the high side where it is large.

    Examples
    --------
    >>> from archcost.datasets import CostTable
    >>> from archcost.spaces import NASBench201
    >>> cells = NASBench201().sample(60, seed=0)
    >>> cost_ms = 1.0 + (cells == 3).sum(axis=1)
    >>> table = CostTable.from_costs("nasbench201", cells, cost_ms, device="my_board")
    >>> noise_estimates(table)[["device", "n_archs"]].to_numpy().tolist()
    [['my_board', 60]]
    """
    import pandas as pd

    rows = []
    for key in chosen_keys(table, keys):
        ops, cost = table.costs(key)
        rng = np.random.default_rng(seed)
        first, second = equal_pairs(get_space(key.space), ops, rng)
        log_ratios = np.log(cost[second] / cost[first])
        enough = len(first) >= LEAST_PAIRS
        spread, error = _repeats(table, key)
        ceiling, ceiling_from = math.nan, ""
        if enough:
            noise = np.concatenate([log_ratios, -log_ratios]) / math.sqrt(2)
            draws = rng.choice(noise, size=(N_DRAWS, len(cost)))
            ceiling, ceiling_from = _ceiling(cost, draws), "pairs"
        elif error is not None:
            draws = rng.normal(scale=error, size=(N_DRAWS, len(cost)))
            ceiling, ceiling_from = _ceiling(cost, draws), "repeats"
        rows.append({
            "key": str(key),
            "space": key.space,
            "device": key.device,
            "metric": key.metric,
            "dataset": key.dataset,
            "n_archs": len(cost),
            "n_pairs": len(first),
            "disagreement": float(np.median(np.abs(log_ratios))) if enough else math.nan,
            "pair_spearman": spearman(cost[first], cost[second]) if enough else math.nan,
            "repeat_spread": spread,
            "ceiling": ceiling,
            "ceiling_from": ceiling_from,
        })  # fmt: skip
    return pd.DataFrame(rows)


def equal_pairs(space: SearchSpace, ops: Ops, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Pair rows whose architectures run the same ops in the same graph.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    ops : numpy.ndarray of int, shape (n_archs, n_positions)
        Distinct architectures.
    rng : numpy.random.Generator
        Pairs up classes of more than two.

    Returns
    -------
    first, second : numpy.ndarray of int64, shape (n_pairs,)
        Rows, each in one pair at most; none in a space without a canonical form.
    """
    nothing = np.empty(0, dtype=np.int64)
    if space.canonical is None:
        return nothing, nothing
    rows = rng.permutation(np.flatnonzero(_without_dead_ops(space, ops)))
    if len(rows) < 2:
        return nothing, nothing
    same = np.concatenate([space.canonical(ops[rows]), np.sort(ops[rows], axis=1)], axis=1)
    group = np.unique(same, axis=0, return_inverse=True)[1].ravel()
    rows = rows[np.argsort(group, kind="stable")]
    sizes = np.bincount(group)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    is_first = (place % 2 == 0) & (place + 1 < np.repeat(sizes, sizes))
    at = np.flatnonzero(is_first)
    return rows[at], rows[at + 1]


def _without_dead_ops(space: SearchSpace, ops: Ops) -> npt.NDArray[np.bool_]:
    """Tell which architectures hold no dead op, which a runtime may or may not execute."""
    if space.edges is None:
        return np.ones(len(ops), dtype=bool)
    live = backward_live(space, ops) & forward_live(space, ops)
    return np.all(live | ~is_present(space, ops), axis=1)


def status_counts(table: CostTable) -> pd.DataFrame:
    """Count the rows of each key by status: how many have a cost, and why the others have none.

    Returns
    -------
    pandas.DataFrame
        Index: the keys' strings; a column for each status that occurs, ``ok`` first.
    """
    import pandas as pd

    keys = chosen_keys(table)
    counts = {str(key): table.select(**asdict(key)).counts() for key in keys}
    frame = pd.DataFrame.from_dict(counts, orient="index").fillna(0).astype(int)
    return frame[sorted(frame.columns, key=lambda status: (status != "ok", status))]


def _repeats(table: CostTable, key: CostKey) -> tuple[float, Costs | None]:
    """Return the median relative spread of repeats, and each cost's relative standard error."""
    rows = table.select(**asdict(key)).to_pandas()
    rows = rows[rows["cost"].notna()]
    relative: Any = (rows["cost_std"] / rows["cost"]).to_numpy(np.float64)
    if np.isnan(relative).all():
        return math.nan, None
    error = relative / np.sqrt(rows["n_repeats"].fillna(1).clip(lower=1).to_numpy(np.float64))
    return float(np.nanmedian(relative)), np.nan_to_num(error, nan=float(np.nanmedian(error)))


def _ceiling(cost: Costs, log_noise: npt.NDArray[np.float64]) -> float:
    return float(np.mean([spearman(cost, cost * np.exp(draw)) for draw in log_noise]))
