"""The training loop of the neural predictors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from archcost.progress import progress_bar

if TYPE_CHECKING:
    from torch import Tensor, nn

Floats = npt.NDArray[np.float64]

MAX_STEPS = 6000
CHECK_EPOCHS = 5
"""Epochs between looks at the folds, which decide when the networks were best."""
BATCH_ROWS = (16, 256)
"""Smallest and largest batch; in between, a sixteenth of the rows."""


def assign_folds(n_rows: int, n_members: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each row, that is, the member of an ensemble that does not see it."""
    folds = np.random.default_rng(seed).permutation(n_rows) % n_members
    return folds.astype(np.int64)


def train_ensemble(
    network: nn.Module,
    inputs: Tensor,
    target: Floats,
    base: Floats,
    folds: npt.NDArray[np.int64],
    *,
    n_members: int,
    max_epochs: int,
    learning_rate: float,
    weight_decay: float,
    progress: str | None,
) -> Floats:
    """Train all members of an ensemble at once, each on the rows outside its fold.

    Parameters
    ----------
    network : torch.nn.Module
        Maps a batch of inputs to outputs ``(n_members, n_batch)``.
    inputs : torch.Tensor
        First dimension n_archs.
    target : array of float, shape (n_archs,)
        Standardised targets.
    base : array of float, shape (n_archs,)
        What the networks will be blended with: predictions of rows it has not seen.
    folds : array of int, shape (n_archs,)
        The member that does not see the row.
    n_members : int
        Networks in the ensemble; with fewer rows some have no fold and see all.
    max_epochs : int
        Passes over the rows, fewer if they would take more than ``MAX_STEPS`` steps.
    learning_rate, weight_decay : float
        Of AdamW; the rate falls to zero along a cosine.
    progress : str or None
        Text of a progress bar on standard error; None shows none.

    Returns
    -------
    numpy.ndarray of float64, shape (n_members, n_archs)
        Outputs on all rows of the trained network, which is left in the state after the epoch
        whose blend was best on the folds.
    """
    import torch

    n_rows = len(target)
    goal = torch.as_tensor(target, dtype=torch.float32)
    seen = torch.as_tensor(folds) != torch.arange(n_members)[:, None]
    batch_rows = int(np.clip(n_rows // 16, *BATCH_ROWS))
    n_batches = -(-n_rows // batch_rows)
    epochs = max(1, min(max_epochs, MAX_STEPS // n_batches))
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=learning_rate, weight_decay=weight_decay, foreach=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=epochs * n_batches, pct_start=0.1
    )
    best: tuple[float, dict[str, Tensor], Floats] | None = None
    for epoch in progress_bar(range(epochs), desc=progress, show=progress is not None, leave=False):
        for rows in torch.split(torch.randperm(n_rows), batch_rows):
            outputs = network(inputs[rows])
            weights = seen[:, rows].float()
            loss = (weights * (outputs - goal[rows]) ** 2).sum() / weights.sum().clamp(min=1.0)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        if (epoch + 1) % CHECK_EPOCHS and epoch + 1 < epochs:
            continue
        on_all = _evaluate(network, inputs)
        error = _blend_error(target, base, on_all[folds, np.arange(n_rows)])
        if best is None or error < best[0]:
            state = {name: value.clone() for name, value in network.state_dict().items()}
            best = error, state, on_all
    assert best is not None
    network.load_state_dict(best[1])
    return best[2]


def blend_weight(target: Floats, base: Floats, unseen: Floats) -> float:
    """Return the weight, from 0 to 1, of networks in a blend with another predictor.

    Parameters
    ----------
    target, base, unseen : array of float, shape (n_archs,)
        The truth, the other's predictions, and the networks'; of rows that neither has seen.

    Returns
    -------
    float
        The weight whose blend has the least squared error.
    """
    change = unseen - base
    weight = float(change @ (target - base)) / max(float(change @ change), 1e-12)
    return float(np.clip(weight, 0.0, 1.0))


def _blend_error(target: Floats, base: Floats, unseen: Floats) -> float:
    """Return the sum of squares that the best blend leaves."""
    blend = base + blend_weight(target, base, unseen) * (unseen - base)
    return float(np.sum((target - blend) ** 2))


def _evaluate(network: nn.Module, inputs: Tensor) -> Floats:
    """Return outputs ``(n_members, n_archs)`` on all rows."""
    import torch

    with torch.no_grad():
        parts = [network(part) for part in torch.split(inputs, 2048)]
    return torch.cat(parts, dim=1).numpy().astype(np.float64)
