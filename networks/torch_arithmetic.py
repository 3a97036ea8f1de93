"""What runs arithmetic on single elements, and over axes, in torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from archcost.errors import ArchcostError
from archcost.networks.graph import Node

Step = Callable[..., Tensor]

BINARY: dict[str, Step] = {
    "sub": torch.sub,
    "div": torch.div,
    "pow": torch.pow,
    "max": torch.maximum,
    "min": torch.minimum,
}

UNARY: dict[str, Step] = {
    name: getattr(torch, name)
    for name in ("exp", "log", "sqrt", "rsqrt", "abs", "neg", "sin", "cos", "erf", "reciprocal",
                 "floor")
}  # fmt: skip

REDUCTIONS: dict[str, Step] = {
    "mean": torch.mean,
    "sum": torch.sum,
    "max": torch.amax,
    "min": torch.amin,
    "l2": torch.linalg.vector_norm,
}

DTYPES = {
    "fp64": torch.float64, "fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16,
    "int64": torch.int64, "int32": torch.int32, "int16": torch.int16, "int8": torch.int8,
    "uint8": torch.uint8, "bool": torch.bool,
}  # fmt: skip


def _known(what: str, steps: Mapping[str, Step], node: Node) -> Step:
    kind = node.attributes["kind"]
    if kind not in steps:
        raise ArchcostError(
            f"a {what} must be one of {sorted(steps)} to run in torch, but got {kind!r}"
        )
    return steps[kind]


def unary_step(node: Node) -> Step:
    """Return what is done to each element."""
    kind = node.attributes["kind"]
    if kind == "cast":
        return partial(torch.Tensor.to, dtype=DTYPES[node.precision])
    if kind == "clip":  # its bounds are not known and do not matter to a cost
        return partial(torch.clamp, min=-1e4, max=1e4)
    return _known("unary op", UNARY, node)


def binary_step(node: Node) -> Step:
    """Return what is done to the elements of two tensors."""
    return _known("binary op", BINARY, node)


def reduction_step(node: Node, source: Node) -> Step:
    """Return what is done over axes."""
    step = _known("reduction", REDUCTIONS, node)
    return partial(step, dim=node.attributes["axes"], keepdim=len(node.shape) == len(source.shape))
