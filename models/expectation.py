"""The expected cost of a distribution over architectures, as differentiable search needs it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, ArchitectureError
from archcost.models.additive_form import AdditiveForm
from archcost.models.compiled import CompiledForm
from archcost.models.table_form import TableForm
from archcost.models.tensor_prediction import is_tensor
from archcost.spaces import SearchSpace

SUM_TOLERANCE = 1e-3
"""How far probabilities may sum from one: half precision leaves a thousandth."""


def expected_cost(form: CompiledForm | None, space: SearchSpace, probabilities: Any) -> Any:
    """Return the mean cost of architectures whose ops are drawn independently.

    See ``CostModel.expected_cost``, which calls this.

    Parameters
    ----------
    form : CompiledForm or None
        The compiled form of a model.
    space : SearchSpace
        Its search space.
    probabilities : torch.Tensor or array, shape (..., n_positions, n_ops)
        Probability of each op at each position.

    Returns
    -------
    torch.Tensor or numpy.ndarray, shape (...)
        Expected costs in ms or mJ.

    Raises
    ------
    ArchitectureError
        If the shape is wrong, probabilities do not sum to one at a position, or an op has some
        where it is not allowed.
    ArchcostError
        If the form is neither additive nor a table, or the space has rules on combinations.

    Notes
    -----
    In closed form, without sampling. An additive model's sum :math:`S` has mean and variance that
    add up over positions, and :math:`E[e^S]` is a product over them, so that targets learned on
    any of the scales (linear, square root, logarithm) become an exact mean cost; only the floor
    under costs is left out. A table of all architectures, such as those of NAS-Bench-201, is
    contracted one position after the other.

    References
    ----------
    H. Cai, L. Zhu, S. Han, "ProxylessNAS", ICLR 2019, section 3.3; B. Wu et al., "FBNet",
    CVPR 2019, section 3.3.
    """
    weights = _checked(space, probabilities)
    if space.has_rules:
        raise ArchcostError(
            f"an expected cost needs a space in which every combination of ops is valid, but "
            f"{space.name} has rules; predict valid architectures and average"
        )
    if isinstance(form, AdditiveForm):
        return _of_sums(form, weights)
    if isinstance(form, TableForm):
        return _of_table(form, weights)
    raise ArchcostError(
        f"an expected cost needs a model that is additive or a table of its space, but this one of "
        f"{space.name} is neither; train one with the predictor 'lookup'"
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


def _of_table(form: TableForm, weights: Any) -> Any:
    space = form.space
    sizes = [len(ids) for ids in space.choices]
    grid = np.indices(sizes).reshape(len(sizes), -1)
    ops = np.stack([ids[place] for ids, place in zip(space.choices, grid, strict=True)], axis=1)
    values = _like(weights, form.chunk_costs(ops))
    for position, ids in reversed(list(enumerate(space.choices))):
        values = values.reshape(*values.shape[:-1], -1, len(ids))
        of_allowed = weights[..., position, :][..., ids.tolist()]
        values = (values * of_allowed[..., None, :]).sum(-1)
    return values[..., 0]


def _checked(space: SearchSpace, probabilities: Any) -> Any:
    weights: Any = probabilities
    if is_tensor(weights):
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
    expected = (space.n_positions, space.n_ops)
    if tuple(weights.shape[-2:]) != expected:
        raise ArchitectureError(
            f"probabilities of {space.name} must have shape (..., {expected[0]}, "
            f"{expected[1]}), but got {tuple(weights.shape)}"
        )
    plain = weights.detach().cpu().double().numpy() if is_tensor(weights) else weights
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
    stray = plain[..., ~space.allowed]
    if stray.size and not (np.abs(stray) <= SUM_TOLERANCE).all():
        place, op = np.argwhere(~space.allowed)[
            np.abs(stray).reshape(-1, stray.shape[-1]).max(0).argmax()
        ]
        raise ArchitectureError(
            "probabilities must be 0 where an op is not allowed, but that of "
            f"{space.op_names[op]} at {space.positions[place]} is not; set its logit to minus "
            "infinity before the softmax"
        )
    return weights


def _like(weights: Any, values: npt.NDArray[np.float64]) -> Any:
    """Return `values` as an array of the kind of `weights`: numpy's, or a tensor on its device."""
    return weights.new_tensor(values) if is_tensor(weights) else values
