"""Ensemble of small neural networks on layerwise features, with a ridge regression beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.datasets.space import Ops, SearchSpace
from archcost.predictors.base import CostPredictor, Floats
from archcost.predictors.ensemble_training import assign_folds, train_ensemble
from archcost.predictors.linear_fit import relative_spread
from archcost.predictors.ridge import RidgePredictor

WEIGHTS = ("weight_1", "bias_1", "weight_2", "bias_2", "weight_3", "bias_3")


class MLPPredictor(CostPredictor):
    r"""Ridge regression plus an ensemble of two-layer networks.

    .. math:: t(y) = w^T x + \frac{1}{M} \sum_m f_m(x)

    The networks see the ridge regression's features, standardised, and learn what it leaves.
    Each is trained on the rows that are not in its own fold; its fold says how far off it is.

    Parameters
    ----------
    n_members : int, default=5
        Networks in the ensemble, and folds.
    width : int, default=64
        Units of each hidden layer.
    max_epochs : int, default=150
        Passes over the rows; fewer on many rows, see Notes.
    learning_rate : float, default=0.003
        Of Adam, falling to zero along a cosine.
    weight_decay : float, default=0.003
        Decoupled weight decay.
    progress : bool, default=False
        Show a progress bar on standard error.
    seed : int, default=0
        Fixes folds, initial weights and the order of the rows.
    dataset : str or None, default=None
        Fixes the input size of the networks, and so their features; None is the space's default.

    Notes
    -----
    Training stops after 6,000 steps at the latest, so that many rows do not take many minutes.
    """

    def __init__(
        self,
        n_members: int = 5,
        width: int = 64,
        max_epochs: int = 150,
        learning_rate: float = 0.003,
        weight_decay: float = 0.003,
        progress: bool = False,
        seed: int = 0,
        dataset: str | None = None,
    ) -> None:
        super().__init__(seed, dataset)
        self.n_members = n_members
        self.width = width
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.progress = progress

    def _bind(self, space: SearchSpace) -> None:
        super()._bind(space)
        self.ridge_ = RidgePredictor(dataset=self.dataset)
        self.ridge_._bind(space)

    def _fit(self, ops: Ops, cost: Floats) -> None:
        import torch

        from archcost.predictors.mlp_network import MLPEnsemble

        self.ridge_._fit(ops, cost)
        features = self.ridge_.encoder_.transform(ops)
        self.mean_ = features.mean(axis=0)
        self.spread_ = np.where(features.std(axis=0) > 1e-9, features.std(axis=0), 1.0)
        target = self.ridge_.scale_.forward(cost)
        base = self.ridge_.targets(ops)
        rest = target - base
        self.rest_scale_ = max(float(rest.std()), 1e-9)
        folds = assign_folds(len(cost), self.n_members, self.seed)
        inputs = torch.as_tensor((features - self.mean_) / self.spread_, dtype=torch.float32)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = MLPEnsemble(self.n_members, features.shape[1], self.width)
            outputs = train_ensemble(
                network,
                (inputs,),
                rest / self.rest_scale_,
                folds,
                max_epochs=self.max_epochs,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                progress="mlp" if self.progress else None,
            )
        self.weights_ = {
            name: value.detach().numpy().astype(np.float64)
            for name, value in network.named_parameters()
        }
        left_out = outputs[folds, np.arange(len(cost))] * self.rest_scale_ + base
        self.relative_std_ = relative_spread(cost, self.ridge_.scale_.inverse(left_out))

    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats]:
        features = (self.ridge_.encoder_.transform(ops) - self.mean_) / self.spread_
        w = self.weights_
        hidden = np.broadcast_to(features, (self.n_members, *features.shape))
        hidden = _silu(hidden @ w["weight_1"] + w["bias_1"])
        hidden = _silu(hidden @ w["weight_2"] + w["bias_2"])
        outputs = (hidden @ w["weight_3"] + w["bias_3"])[..., 0]
        target = self.ridge_.targets(ops) + outputs.mean(axis=0) * self.rest_scale_
        cost = self.ridge_.scale_.inverse(target)
        return cost, self.relative_std_ * cost

    def save_weights(self, folder: Path) -> None:
        """Write the networks as ``networks.safetensors``, the rest as ``weights.npz``."""
        from safetensors.numpy import save_file

        super().save_weights(folder)
        save_file(self.weights_, folder / "networks.safetensors")

    def load_weights(self, folder: Path, space: SearchSpace) -> Self:
        """Restore what ``save_weights`` wrote; return itself."""
        from safetensors.numpy import load_file

        super().load_weights(folder, space)
        self.weights_ = load_file(folder / "networks.safetensors")
        return self

    def compiled(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return the networks with everything before the first layer folded into it.

        Returns
        -------
        dict of str to numpy.ndarray, or None
            None in spaces whose features are not additive. Else ``kind`` (``mlp``), ``first``
            (n_members, n_positions, n_ops, width), whose entries at the ops sum, with
            ``bias_1``, to the first layer's input; the other weights as in the networks;
            ``linear`` (n_positions, n_ops) and ``intercept`` of the ridge regression; and
            ``scale_name``, ``scale`` (shift, scale, floor) and ``relative_std``.

        Notes
        -----
        ``t = intercept + sum linear[p, op] + mean over m of f_m``, where ``f_m`` has SiLU after
        ``first`` and after ``weight_2``; ``raw = t * scale + shift``; the cost is ``raw``,
        ``max(raw, 0) ** 2`` or ``exp(raw)`` by ``scale_name``, and at least ``floor``.
        """
        encoder = self.ridge_.encoder_
        if encoder.graph_groups_:
            return None
        w = self.weights_
        per_feature = w["weight_1"] / self.spread_[:, None]
        rest = self.rest_scale_
        return {
            "kind": np.array("mlp"),
            "first": np.einsum("pkf,mfh->mpkh", encoder.table_, per_feature),
            "bias_1": w["bias_1"] - (self.mean_ @ per_feature)[:, None],
            "weight_2": w["weight_2"],
            "bias_2": w["bias_2"],
            "weight_3": w["weight_3"] * rest,
            "bias_3": w["bias_3"] * rest,
            "linear": encoder.table_ @ self.ridge_.coefficients_,
            "intercept": np.array(self.ridge_.intercept_),
            **self.ridge_.scale_.state(),
            "relative_std": np.array(self.relative_std_),
        }

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        own = {
            "mean": self.mean_,
            "spread": self.spread_,
            "rest_scale": np.array(self.rest_scale_),
            "own_relative_std": np.array(self.relative_std_),
        }
        return {**self.ridge_._state(), **own}

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        self.ridge_._restore(state)
        self.mean_, self.spread_ = state["mean"], state["spread"]
        self.rest_scale_ = float(state["rest_scale"])
        self.relative_std_ = float(state["own_relative_std"])


def _silu(values: Floats) -> Floats:
    # The argument of exp is clipped where the sigmoid is 0 in double precision anyway.
    return values / (1.0 + np.exp(-np.maximum(values, -700.0)))
