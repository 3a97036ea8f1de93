"""Gradient-boosted trees of LightGBM on layerwise features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from archcost.predictors.base import Floats
from archcost.predictors.boosted_trees import BoostedTrees


class LightGBMPredictor(BoostedTrees):
    """Trees of LightGBM, their number found by early stopping on rows held out of training.

    Parameters
    ----------
    learning_rate : float, default=0.05
        Share of each tree.
    num_leaves : int, default=15
        Leaves of a tree.
    max_trees : int, default=1000
        The most trees.
    seed : int, default=0
        Fixes which rows and columns are sampled and which rows held out.
    dataset : str or None, default=None
        Fixes the input size of the networks, and so their features; None is the space's default.

    References
    ----------
    G. Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.
    """

    def __init__(
        self,
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        max_trees: int = 1000,
        seed: int = 0,
        dataset: str | None = None,
    ) -> None:
        super().__init__(seed, dataset)
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.max_trees = max_trees

    def _train(
        self, features: Floats, target: Floats, held_out: tuple[Floats, Floats] | None, n_trees: int
    ) -> tuple[Any, int]:
        import lightgbm

        data = lightgbm.Dataset(features, target)
        stop = lightgbm.early_stopping(self.patience, verbose=False)
        booster = lightgbm.train(
            {
                "objective": "regression",
                "learning_rate": self.learning_rate,
                "num_leaves": self.num_leaves,
                # 20, the library's default, leaves nothing to split in 50 rows.
                "min_data_in_leaf": int(np.clip(len(target) // 50, 2, 20)),
                "bagging_fraction": 0.8 if len(target) > 4 else 1.0,
                "bagging_freq": 1,
                "feature_fraction_bynode": 0.5,
                "lambda_l2": 1.0,
                "seed": self.seed,
                "deterministic": True,
                "force_col_wise": True,
                "num_threads": 1,
                "verbosity": -1,
            },
            data,
            num_boost_round=n_trees,
            valid_sets=None if held_out is None else [lightgbm.Dataset(*held_out, reference=data)],
            callbacks=None if held_out is None else [stop],
        )
        return booster, n_trees if held_out is None else booster.best_iteration

    def _evaluate(self, booster: Any, features: Floats, n_trees: int) -> Floats:
        values = booster.predict(features, num_iteration=n_trees, num_threads=1)
        return np.asarray(values, dtype=np.float64)

    def _save_booster(self, folder: Path) -> None:
        self.booster_.save_model(folder / "trees.txt")

    def _load_booster(self, folder: Path) -> Any:
        import lightgbm

        return lightgbm.Booster(model_file=folder / "trees.txt")
