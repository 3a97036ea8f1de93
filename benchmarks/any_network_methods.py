"""What the kernels are compared with in ``any_network.py``, and how all are scored."""

import numpy as np
from any_network_data import Measured
from lightgbm import LGBMRegressor
from scipy.optimize import nnls

from archcost.predictors.kernels import KernelPredictor

NORMAL_90 = 1.6449
"""Half of the 90 % interval of the standard normal distribution."""

MIN_SPREAD = 1e-9


def totals(table: Measured) -> np.ndarray:
    """Return GMACs, 100 MB of activations, 100 MB of weights and 1, shape (n_networks, 4)."""
    arrays = table.kernels.by_style["eager"]
    n, place = len(table), arrays.network
    columns = [np.bincount(place, arrays.column(name), n) for name in
               ("macs", "out_bytes", "weight_bytes")]  # fmt: skip
    return np.column_stack([columns[0] / 1e9, columns[1] / 1e8, columns[2] / 1e8, np.ones(n)])


def fit_kernels(table: Measured, blocks: tuple[int, ...] = (1, 8, 16)) -> KernelPredictor:
    """Return the fitted predictor that archcost ships."""
    return KernelPredictor(blocks=blocks).fit(
        table.kernels, table.cost, families=list(table.families)
    )


def by_kernels(learned: Measured, asked: Measured, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predict as archcost does."""
    return fit_kernels(learned).predict(asked.kernels, return_std=True)


def by_flops(learned: Measured, asked: Measured, seed: int) -> tuple[np.ndarray, float]:
    """Predict one price for a multiply-accumulate, the median of the ratios."""
    price = np.median(learned.cost / totals(learned)[:, 0])
    return price * totals(asked)[:, 0], np.nan


def by_totals(learned: Measured, asked: Measured, seed: int) -> tuple[np.ndarray, float]:
    """Predict a sum of four non-negative terms, by least squares of relative errors."""
    work = totals(learned)
    prices, _ = nnls(work / learned.cost[:, None], np.ones(len(learned)))
    return np.maximum(totals(asked) @ prices, MIN_SPREAD), np.nan


def by_boosting(learned: Measured, asked: Measured, seed: int) -> tuple[np.ndarray, float]:
    """Predict the logarithm by LightGBM on the logarithms of the four totals and the depth."""

    def features(table: Measured) -> np.ndarray:
        depth = np.diff(table.kernels.by_style["eager"].starts)
        return np.log(np.column_stack([totals(table)[:, :3], depth]))

    model = LGBMRegressor(
        n_estimators=300, learning_rate=0.05, num_leaves=15, min_child_samples=5, random_state=seed,
        n_jobs=1, verbosity=-1,
    )  # fmt: skip
    model.fit(features(learned), np.log(learned.cost))
    return np.exp(model.predict(features(asked))), np.nan


METHODS = {
    "kernels": by_kernels, "boosting": by_boosting, "totals": by_totals, "flops": by_flops,
}  # fmt: skip


def scores(cost: np.ndarray, mean: np.ndarray, std: np.ndarray | None) -> dict[str, float]:
    """Return how good predictions of networks are."""
    error = np.abs(mean / cost - 1)
    order = np.triu_indices(len(cost), 1)
    difference = np.sign(np.log(cost[order[0]] / cost[order[1]]))
    predicted = np.sign(np.log(mean[order[0]] / mean[order[1]]))
    found = {
        "mape": error.mean(), "median_error": np.median(error), "within_10": (error <= 0.1).mean(),
        "within_20": (error <= 0.2).mean(),
        "pairs": (difference == predicted)[difference != 0].mean(), "n": len(cost),
    }  # fmt: skip
    if std is not None and np.isfinite(std).all():
        found["coverage"] = (np.abs(np.log(cost / mean)) <= NORMAL_90 * std / mean).mean()
    return {name: round(float(value), 5) for name, value in found.items()}
