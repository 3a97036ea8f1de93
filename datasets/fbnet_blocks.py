"""FBNet costs as HW-NAS-Bench publishes them: a cost for each block, summed over a network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import numpy.typing as npt

from archcost.errors import IntegrityError
from archcost.spaces.fbnet import FBNet
from archcost.spaces.fbnet_layout import BLOCKS, MACRO, STEM_CHANNELS, Slot, layer_slots, macro_of
from archcost.spaces.space import Ops


def covered_datasets(published: Mapping[str, float]) -> list[str]:
    """Return the datasets whose stem has a published cost."""
    return [
        dataset
        for dataset, macro in MACRO.items()
        if _norm_key(macro.resolution, 3, STEM_CHANNELS, 3, macro.stem_stride) in published
    ]


def block_costs(
    published: Mapping[str, float], dataset: str | None = None
) -> tuple[float, npt.NDArray[np.float64]]:
    """Arrange published block costs as what is always there and what a layer chooses.

    Parameters
    ----------
    published : mapping of str to float
        Cost of each block, such as
        ``"ConvBlock_H32_W32_Cin16_Cout16_exp1_kernel3_stride1_group1"``.
    dataset : str, optional
        Fixes the macro architecture; CIFAR-100 by default.

    Returns
    -------
    fixed : float
        Cost of stem and head.
    chosen : numpy.ndarray of float64, shape (22, 9)
        Cost of each op at each layer.

    Raises
    ------
    IntegrityError
        If a block is missing.
    """
    fixed, chosen = _keys(dataset)
    missing = sorted({key for row in (fixed, *chosen) for key in row} - set(published))
    if missing:
        raise IntegrityError(
            f"block costs of FBNet must hold every block, but {len(missing)} are missing, "
            f"such as {missing[0]!r}"
        )
    return (
        float(sum(published[key] for key in fixed)),
        np.array([[published[key] for key in row] for row in chosen], dtype=np.float64),
    )


def sum_blocks(ops: Ops, fixed: float, chosen: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the cost of whole networks, ``fixed + sum_l chosen[l, ops[l]]``.

    Parameters
    ----------
    ops : numpy.ndarray of int8, shape (n_archs, 22)
        Op ids.
    fixed, chosen
        As `block_costs` returns them.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs,)
        Costs.
    """
    return fixed + chosen[np.arange(chosen.shape[0]), ops].sum(axis=1)


def network_keys(ops: Ops, dataset: str | None = None) -> list[str]:
    """Return the keys of the blocks of one network in order of execution.

    Parameters
    ----------
    ops : numpy.ndarray of int8, shape (22,)
        Op ids.
    dataset : str, optional
        Fixes the macro architecture; CIFAR-100 by default.

    Returns
    -------
    list of str
        26 keys: stem, 22 blocks, the head's convolution, pooling and classifier.
    """
    fixed, chosen = _keys(dataset)
    blocks = [row[op] for row, op in zip(chosen, ops.tolist(), strict=True)]
    return [fixed[0], *blocks, *fixed[1:]]


@cache
def _keys(dataset: str | None) -> tuple[list[str], list[list[str]]]:
    """Return the keys that every network has, stem first, and those that each layer chooses."""
    space = FBNet()
    macro = macro_of(space.dataset(dataset))
    slots = layer_slots(macro)
    last = slots[-1]
    size, head = last.size // last.stride, macro.head_channels
    fixed = [
        _norm_key(macro.resolution, 3, STEM_CHANNELS, 3, macro.stem_stride),
        _norm_key(size, last.c_out, head, 1, 1),
        f"AvgP_H{size}_W{size}_Cin{head}_Cout{head}_kernel{size}_stride1",
        f"FC_Cin{head}_Cout{macro.classes}",
    ]
    return fixed, [[_slot_key(op, slot) for op in space.op_names] for slot in slots]


def _norm_key(size: int, c_in: int, c_out: int, kernel: int, stride: int) -> str:
    return f"ConvNorm_H{size}_W{size}_Cin{c_in}_Cout{c_out}_kernel{kernel}_stride{stride}_group1"


def _slot_key(op: str, slot: Slot) -> str:
    shape = f"H{slot.size}_W{slot.size}_Cin{slot.c_in}_Cout{slot.c_out}"
    if op == "skip":
        return f"Skip_{shape}_stride{slot.stride}"
    block = BLOCKS[op]
    return (
        f"ConvBlock_{shape}_exp{block.expansion}_kernel{block.kernel}_stride{slot.stride}"
        f"_group{block.groups}"
    )
