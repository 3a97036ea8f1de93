"""What the neural predictors share: networks, and the ridge regression that they blend with."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from archcost.features.layerwise import FIRST_SUMMARY_GROUPS, SUMMARY_GROUPS
from archcost.predictors.base import CostPredictor, Floats
from archcost.predictors.ensemble_training import assign_folds, blend_weight, train_ensemble
from archcost.predictors.linear_fit import relative_spread
from archcost.predictors.ridge import RidgePredictor
from archcost.spaces.space import Ops, SearchSpace

if TYPE_CHECKING:
    from torch import nn

FILE = "networks.safetensors"


class NetworkEnsemble(CostPredictor):
    r"""A blend of ridge regression and the mean of several networks.

    .. math:: t(y) = (1 - c)\, w^T x + \frac{c}{M} \sum_m f_m(x), \quad 0 \le c \le 1

    Each network is trained on the rows outside its own fold. The folds, together with the ridge
    regression's leave-one-out predictions, decide when training was best, the weight of the
    networks in the blend (:math:`c`, by least squares), and the standard deviation of the
    predictions.

    Parameters
    ----------
    n_members : int
        Networks, and folds.
    width : int
        Units of each hidden layer.
    max_epochs : int
        Passes over the rows; fewer on many rows (``ensemble_training.MAX_STEPS``).
    learning_rate, weight_decay : float
        Of AdamW; the rate falls to zero along a cosine.
    progress : bool
        Show a progress bar on standard error.
    seed : int
        Fixes folds, initial weights and the order of the rows.
    dataset : str or None
        Fixes the input size of the networks, and so their features.

    Attributes
    ----------
    blend_weight_ : float
        Weight of the networks in the blend, from 0 to 1.
    """

    def __init__(
        self,
        n_members: int,
        width: int,
        max_epochs: int,
        learning_rate: float,
        weight_decay: float,
        progress: bool,
        seed: int,
        dataset: str | None,
    ) -> None:
        super().__init__(seed, dataset)
        self.n_members = n_members
        self.width = width
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.progress = progress

    @abstractmethod
    def _inputs(self, ops: Ops) -> npt.NDArray[np.float32]:
        """Return the networks' inputs; first dimension n_archs."""

    @abstractmethod
    def _network(self) -> nn.Module:
        """Return untrained networks that map inputs to outputs ``(n_members, n_archs)``."""

    @abstractmethod
    def _outputs(self, ops: Ops) -> Floats:
        """Return the trained networks' outputs ``(n_members, n_archs)``."""

    @abstractmethod
    def _standardise(self, ops: Ops) -> None:
        """Learn what ``_inputs`` needs to standardise."""

    def _bind(self, space: SearchSpace) -> None:
        super()._bind(space)
        self._use_groups(SUMMARY_GROUPS)

    def _use_groups(self, groups: tuple[str, ...]) -> None:
        """Make the encoders of groups of ``LayerwiseFeatures``; the ridge's has the ops too."""
        self.groups_ = groups
        self.ridge_ = RidgePredictor(dataset=self.dataset, groups=("ops", *groups))
        self.ridge_._bind(self.space_)

    def _fit(self, ops: Ops, cost: Floats) -> None:
        import torch

        self.ridge_._fit(ops, cost)
        self._standardise(ops)
        base, target = self.ridge_.left_out_, self.ridge_.scale_.forward(cost)
        folds = assign_folds(len(cost), self.n_members, self.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = self._network()
            outputs = train_ensemble(
                network,
                torch.as_tensor(self._inputs(ops)),
                target,
                base,
                folds,
                n_members=self.n_members,
                max_epochs=self.max_epochs,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                progress=type(self).__name__ if self.progress else None,
            )
        self.networks_ = {name: value.numpy() for name, value in network.state_dict().items()}
        unseen = outputs[folds, np.arange(len(cost))]
        self.blend_weight_ = blend_weight(target, base, unseen)
        guess = self.ridge_.scale_.inverse(base + self.blend_weight_ * (unseen - base))
        self.relative_std_ = relative_spread(cost, guess)

    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats]:
        target = self.ridge_.targets(ops)
        if self.blend_weight_ > 0:
            target = target + self.blend_weight_ * (self._outputs(ops).mean(axis=0) - target)
        cost = self.ridge_.scale_.inverse(target)
        return cost, self.relative_std_ * cost

    def save_weights(self, folder: Path) -> None:
        """Write the networks as ``networks.safetensors``, the rest as ``weights.npz``."""
        from safetensors.numpy import save_file

        super().save_weights(folder)
        save_file(self.networks_, folder / FILE)

    def load_weights(self, folder: Path, space: SearchSpace) -> Self:
        """Restore what ``save_weights`` wrote; return itself."""
        from safetensors.numpy import load_file

        super().load_weights(folder, space)
        self.networks_ = load_file(folder / FILE)
        return self

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {
            **self.ridge_._state(),
            "groups": np.array(self.groups_),
            "blend_weight": np.array(self.blend_weight_),
            "own_relative_std": np.array(self.relative_std_),
        }

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        known = "groups" in state
        self._use_groups(tuple(state["groups"].tolist()) if known else FIRST_SUMMARY_GROUPS)
        self.ridge_._restore(state)
        # Pretrained models hold it under its former name, `trust`.
        self.blend_weight_ = float(state["blend_weight" if "blend_weight" in state else "trust"])
        self.relative_std_ = float(state["own_relative_std"])


def column_spread(values: npt.NDArray[Any]) -> Floats:
    """Return the standard deviation over all axes but the last, 1 where nothing varies."""
    spread = values.reshape(-1, values.shape[-1]).std(axis=0)
    return np.where(spread > 1e-9, spread, 1.0)
