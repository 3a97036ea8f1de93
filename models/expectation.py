"""The expected cost of a distribution over architectures, as differentiable search needs it."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, ArchitectureError
from archcost.models.additive_form import AdditiveForm
from archcost.models.compiled import CellTable

if TYPE_CHECKING:
    from archcost.models.cost_model import CostModel

SUM_TOLERANCE = 1e-3
"""How far probabilities may sum from one: half precision leaves a thousandth."""


def expected_cost(model: CostModel, probabilities: Any) -> Any:
    """Return the mean cost of architectures whose ops are drawn independently.

    See ``CostModel.expected_cost``, which calls this.

    Notes
    -----
    In closed form, without sampling. An additive model's sum :math:`S` has mean and variance that
    add up over positions, and :math:`E[e^S]` is a product over them, so that targets learned on
    any of the scales (linear, square root, logarithm) become an exact mean cost; only the floor
    under costs is left out. On NAS-Bench-201 every model is a table over 5^6 cells, which is
    contracted one edge after the other.

    References
    ----------
    H. Cai, L. Zhu, S. Han, "ProxylessNAS", ICLR 2019, section 3.3; B. Wu et al., "FBNet",
    CVPR 2019, section 3.3.
    """
    form = model.compile()
    weights = _checked(model, probabilities)
    if isinstance(form, AdditiveForm):
        return _of_sums(form, weights)
    if isinstance(form, CellTable):
        return _of_cells(form, weights)
    raise ArchcostError(
        f"an expected cost needs an additive model, but {model.key} is predicted by "
        f"{model.manifest.predictor}, which is not; train one with the predictor 'lookup'"
    )


def _of_sums(form: AdditiveForm, weights: Any) -> Any:
    scale = form.scale
    # What each op adds to the sum on the scale of the transformed costs.
    added = scale.scale * form.table
    fixed = scale.scale * form.intercept + scale.shift
    if scale.name == "log":
        largest = added.max(axis=1)  # taken out, so that no exponential overflows
        factors = (weights * _like(weights, np.exp(added - largest[:, None]))).sum(-1)
        return factors.prod(-1) * math.exp(fixed + float(largest.sum()))
    table = _like(weights, added)
    means = (weights * table).sum(-1)
    total = means.sum(-1) + fixed
    if scale.name == "linear":
        return total
    variance = ((weights * table**2).sum(-1) - means**2).sum(-1)
    return total**2 + variance


def _of_cells(form: CellTable, weights: Any) -> Any:
    space = form.space
    order = np.argsort(space.code(space.all_ops))
    values = _like(weights, form.means[order])
    for position in reversed(range(space.n_positions)):
        values = values.reshape(*values.shape[:-1], -1, space.n_ops)
        values = (values * weights[..., position, None, :]).sum(-1)
    return values[..., 0]


def _checked(model: CostModel, probabilities: Any) -> Any:
    weights: Any = probabilities
    if _is_tensor(weights):
        if not weights.is_floating_point():
            weights = weights.double()
    else:
        if isinstance(weights, np.ma.MaskedArray) and np.ma.getmaskarray(weights).any():
            raise ArchitectureError("probabilities must all be known, but some are masked")
        try:
            weights = np.asarray(probabilities)
            if weights.dtype.kind not in "biuf":
                raise TypeError(f"they are of type {weights.dtype}")
        except (TypeError, ValueError) as error:
            raise ArchitectureError(f"probabilities must be numbers, but: {error}") from None
        weights = weights.astype(np.float64)
    expected = (model.space.n_positions, model.space.n_ops)
    if tuple(weights.shape[-2:]) != expected:
        raise ArchitectureError(
            f"probabilities of {model.space.name} must have shape (..., {expected[0]}, "
            f"{expected[1]}), but got {tuple(weights.shape)}"
        )
    plain = weights.detach().cpu().double().numpy() if _is_tensor(weights) else weights
    if plain.size and not plain.min() >= 0:
        raise ArchitectureError(
            f"probabilities must be numbers from 0 to 1, but the least is {plain.min():.4g}; use a "
            "softmax over the last axis"
        )
    sums = plain.sum(-1, dtype=np.float64)
    if plain.size and not (np.abs(sums - 1) <= SUM_TOLERANCE).all():
        raise ArchitectureError(
            "probabilities must sum to one at each position, but got sums from "
            f"{sums.min():.4g} to {sums.max():.4g}; use a softmax over the last axis"
        )
    return weights


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")  # whoever has a tensor has imported it
    return torch is not None and isinstance(value, torch.Tensor)


def _like(weights: Any, values: npt.NDArray[np.float64]) -> Any:
    """Return `values` as an array of the kind of `weights`: numpy's, or a tensor on its device."""
    return weights.new_tensor(values) if _is_tensor(weights) else values
