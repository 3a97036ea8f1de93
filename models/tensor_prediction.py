"""Predict costs of op ids in a torch tensor, on the device where the tensor is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard
from weakref import WeakKeyDictionary

import numpy as np

from archcost.errors import ArchitectureError
from archcost.models.additive_form import AdditiveForm
from archcost.models.compiled import CompiledForm
from archcost.models.mlp_form import MLPForm
from archcost.models.posterior_form import PosteriorForm
from archcost.models.table_form import TableForm
from archcost.models.target_scale import TargetScale
from archcost.spaces import SearchSpace

if TYPE_CHECKING:
    from torch import Tensor

ON_DEVICES = (AdditiveForm, TableForm, MLPForm, PosteriorForm)
"""Forms that are evaluated on any device."""

SINGLE = ("first", "bias_1", "weight_2", "bias_2", "weight_3")
"""Weights of networks, which are evaluated in single precision as in `MLPForm`."""

_KEPT: WeakKeyDictionary[Any, dict[Any, dict[str, Tensor]]] = WeakKeyDictionary()
"""Arrays of forms and spaces as tensors, by form or space and by device."""


class Model(Protocol):
    """What of a cost model this file asks for."""

    space: SearchSpace

    def compile(self) -> CompiledForm | None:
        """Return the compiled form, if there is one."""

    def predict(self, archs: object, *, return_std: bool = False) -> Any:
        """Return costs of numpy arrays of op ids."""


def is_tensor(value: object) -> TypeGuard[Tensor]:
    """Tell whether `value` is a torch tensor; whoever has one has imported torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def predict_tensor(model: Model, ops: Tensor, *, return_std: bool = False) -> Any:
    """Predict costs of op ids.

    Parameters
    ----------
    model : Model
        What predicts, such as a ``CostModel``.
    ops : torch.Tensor of int, shape (n_archs, n_positions) or (n_positions,)
        Op ids of valid architectures.
    return_std : bool, default=False
        Also return standard deviations.

    Returns
    -------
    torch.Tensor of float64, shape (n_archs,) or ()
        Costs in ms or mJ on the device of `ops`; with `return_std` a pair (mean, std).

    Raises
    ------
    ArchitectureError
        If the shape or the type is wrong, or an op is not allowed at its position.

    Notes
    -----
    Additive models, ensembles of networks and tables are evaluated on the device. Other models, the
    rules of a space that has some, and standard deviations go through numpy and back; so do tensors
    on the CPU, whose memory numpy shares.
    """
    import torch

    space, form = model.space, model.compile()
    rows = ops[None] if ops.ndim == 1 else ops
    in_numpy = return_std or space.has_rules or not isinstance(form, ON_DEVICES)
    if in_numpy or ops.device.type == "cpu":
        found = model.predict(rows.cpu().numpy(), return_std=return_std)
        parts = [
            torch.tensor(part, device=ops.device) for part in (found if return_std else [found])
        ]
    else:
        assert form is not None, "one of ON_DEVICES"
        check_tensor(space, rows)
        parts = [on_device(form, rows)]
    parts = [part[0] if ops.ndim == 1 else part for part in parts]
    return tuple(parts) if return_std else parts[0]


def on_device(form: CompiledForm, ops: Tensor) -> Tensor:
    """Return costs ``(n_archs,)`` of valid op ids by a form of ``ON_DEVICES``, where they are."""
    import torch

    if isinstance(form, TableForm):
        return _from_table(form, ops)
    held = _tensors(form, form.arrays, ops.device)
    if isinstance(form, MLPForm):
        total = _sum(held["linear"], ops) + held["intercept"] + held["bias_3"].mean()
        return _costs(TargetScale.from_arrays(form.arrays()), total + _networks(held, ops))
    total = _sum(held["table"], ops) + held["intercept"]
    if isinstance(form, AdditiveForm):
        return _costs(form.scale, total)
    assert isinstance(form, PosteriorForm), "checked before"
    floor = form.floor
    return torch.where(total < floor, floor / (2 - total.clamp(max=floor) / floor), total)


def _sum(table: Tensor, ops: Tensor) -> Tensor:
    """Return the sums over positions of what the ops add, shape ``(n_archs, ...)``."""
    total = table[0].index_select(0, ops[:, 0].int())
    for place in range(1, len(table)):  # a gather of all positions at once needs far more memory
        total += table[place].index_select(0, ops[:, place].int())
    return total


def _from_table(form: TableForm, ops: Tensor) -> Tensor:
    import torch

    def arrays() -> dict[str, Any]:
        space = form.space
        digits = space.n_ops ** np.arange(space.n_positions)
        codes = space.all_ops @ digits
        order = np.argsort(codes)
        return {"digits": digits, "codes": codes[order], "means": np.asarray(form.means)[order]}

    held = _tensors(form, arrays, ops.device)
    return held["means"][torch.searchsorted(held["codes"], (ops * held["digits"]).sum(1))]


def _networks(held: dict[str, Tensor], ops: Tensor) -> Tensor:
    """Return the mean outputs of the networks of an ensemble, shape ``(n_archs,)``."""
    import torch
    from torch.nn.functional import silu

    n_members = len(held["first"])
    inner = torch.stack([_sum(first, ops) for first in held["first"]])
    hidden = silu(inner + held["bias_1"].reshape(n_members, 1, -1))
    hidden = silu(hidden @ held["weight_2"] + held["bias_2"].reshape(n_members, 1, -1))
    return (hidden * held["weight_3"].reshape(n_members, 1, -1)).sum(-1).mean(0).double()


def _costs(scale: TargetScale, targets: Tensor) -> Tensor:
    raw = targets * scale.scale + scale.shift
    if scale.name == "sqrt":
        raw = raw.clamp(min=0.0) ** 2
    elif scale.name == "log":
        raw = raw.exp()
    return raw.clamp(min=scale.floor)


def check_tensor(space: SearchSpace, ops: Tensor) -> None:
    """Refuse a tensor whose shape or type is wrong, or an op not allowed at its position.

    Raises
    ------
    ArchitectureError
        If there is one.
    """
    if ops.ndim != 2 or ops.shape[1] != space.n_positions or ops.is_floating_point():
        raise ArchitectureError(
            f"a tensor of architectures of {space.name} must hold integers in the shape "
            f"(n_archs, {space.n_positions}), but got {ops.dtype} in {tuple(ops.shape)}"
        )
    wrong = (ops < 0) | (ops >= space.n_ops)
    if not space.allowed.all():
        allowed = _tensors(space, lambda: {"allowed": space.allowed}, ops.device)["allowed"]
        ids = ops.clamp(0, space.n_ops - 1)
        for place in range(space.n_positions):
            wrong[:, place] |= ~allowed[place].index_select(0, ids[:, place].int())
    if bool(wrong.any()):
        row = int(wrong.any(1).nonzero()[0, 0])
        space.parse(ops[row].cpu().numpy())  # names what is wrong
        raise AssertionError("an op is wrong")


def _tensors(owner: Any, arrays: Callable[[], Mapping[str, Any]], device: Any) -> dict[str, Tensor]:
    """Return numbers as tensors on a device, copied there once."""
    import torch

    by_device = _KEPT.setdefault(owner, {})
    if device not in by_device:
        by_device[device] = {
            name: torch.tensor(
                array, device=device, dtype=torch.float32 if name in SINGLE else None
            )
            for name, array in arrays().items()
            if np.asarray(array).dtype.kind in "fbi"
        }
    return by_device[device]
