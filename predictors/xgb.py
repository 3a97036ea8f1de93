"""Gradient-boosted trees of XGBoost on layerwise features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.predictors.base import Floats
from archcost.predictors.boosted_trees import BoostedTrees


class XGBoostPredictor(BoostedTrees):
    """Trees of XGBoost, their number found by early stopping on rows held out of training.

    Parameters
    ----------
    learning_rate : float, default=0.05
        Share of each tree.
    max_depth : int, default=5
        Depth of the trees.
    max_trees : int, default=1000
        The most trees.
    seed : int, default=0
        Fixes which rows and columns are sampled and which rows held out.
    dataset : str or None, default=None
        Fixes the input size of the networks, and so their features; None is the space's default.

    References
    ----------
    T. Chen, C. Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016.
    """

    def __init__(
        self,
        learning_rate: float = 0.05,
        max_depth: int = 5,
        max_trees: int = 1000,
        seed: int = 0,
        dataset: str | None = None,
    ) -> None:
        super().__init__(seed, dataset)
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.max_trees = max_trees

    def _train(
        self, features: Floats, target: Floats, held_out: tuple[Floats, Floats] | None, n_trees: int
    ) -> tuple[Any, int]:
        import xgboost

        data = xgboost.DMatrix(features, target, nthread=1)
        booster = xgboost.train(
            {
                "eta": self.learning_rate,
                "max_depth": self.max_depth,
                "min_child_weight": 2,
                "subsample": 0.8,
                "colsample_bynode": 0.5,
                "lambda": 1.0,
                "seed": self.seed,
                "nthread": 1,
                "base_score": 0.0,
            },
            data,
            num_boost_round=n_trees,
            evals=[] if held_out is None else [(xgboost.DMatrix(*held_out, nthread=1), "rows")],
            early_stopping_rounds=None if held_out is None else self.patience,
            verbose_eval=False,
        )
        return booster, n_trees if held_out is None else booster.best_iteration + 1

    def _evaluate(self, booster: Any, features: Floats, n_trees: int) -> Floats:
        import xgboost

        data = xgboost.DMatrix(features, nthread=1)
        values: npt.NDArray[np.float32] = booster.predict(data, iteration_range=(0, n_trees))
        return values.astype(np.float64)

    def _save_booster(self, folder: Path) -> None:
        self.booster_.save_model(folder / "trees.ubj")

    def _load_booster(self, folder: Path) -> Any:
        import xgboost

        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(folder / "trees.ubj")
        return booster
