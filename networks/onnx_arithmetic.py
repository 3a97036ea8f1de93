"""How arithmetic on single elements, and over axes, is written in ONNX."""

from __future__ import annotations

from archcost.errors import ArchcostError
from archcost.networks.onnx_builder import TYPES, OnnxBuilder, Op

UNARY = {
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "abs": "Abs", "neg": "Neg", "sin": "Sin",
    "cos": "Cos", "erf": "Erf", "reciprocal": "Reciprocal", "floor": "Floor",
}  # fmt: skip

BINARY = {"sub": "Sub", "div": "Div", "pow": "Pow", "max": "Max", "min": "Min"}

REDUCTIONS = {
    "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd",
    "l2": "ReduceL2", "sum": "ReduceSum",
}  # fmt: skip

BOUND = 1e4
"""Of a clip whose own bounds are not known: they do not matter to a cost."""


def unwritable(kind: str) -> ArchcostError:
    """Return the error for an op that ONNX files cannot have."""
    return ArchcostError(
        f"an op must be in the vocabulary of archcost.networks to be written to an ONNX file, but "
        f"got {kind!r}"
    )


def write_unary(onnx: OnnxBuilder, op: Op) -> str:
    """Append what is done to each element."""
    kind = op["kind"]
    if kind == "cast":
        from onnx import TensorProto

        return onnx.node("Cast", op.inputs[0], to=getattr(TensorProto, TYPES[op.node.precision]))
    if kind == "clip":
        return onnx.node("Clip", op.inputs[0], onnx.number(-BOUND), onnx.number(BOUND))
    if kind == "rsqrt":
        return onnx.node("Reciprocal", onnx.node("Sqrt", op.inputs[0]))
    if kind not in UNARY:
        raise unwritable(kind)
    return onnx.node(UNARY[kind], op.inputs[0])


def write_binary(onnx: OnnxBuilder, op: Op) -> str:
    """Append what is done to the elements of two tensors."""
    if op["kind"] not in BINARY:
        raise unwritable(op["kind"])
    return onnx.node(BINARY[op["kind"]], *op.inputs)


def write_reduction(onnx: OnnxBuilder, op: Op) -> str:
    """Append what is done over axes."""
    kind, axes = op["kind"], list(op["axes"])
    keepdims = int(len(op.node.shape) == len(op.sources[0].shape))
    if kind in ("argmax", "argmin") and len(axes) == 1:
        return onnx.node(
            {"argmax": "ArgMax", "argmin": "ArgMin"}[kind], op.inputs[0], axis=axes[0],
            keepdims=keepdims,
        )  # fmt: skip
    if kind not in REDUCTIONS:
        raise unwritable(kind)
    if kind == "sum":  # the first whose axes became an input
        return onnx.node("ReduceSum", op.inputs[0], onnx.ints(*axes), keepdims=keepdims)
    return onnx.node(REDUCTIONS[kind], op.inputs[0], axes=axes, keepdims=keepdims)


def write_other(onnx: OnnxBuilder, op: Op) -> str:
    """Append one of the ops without a name in the vocabulary that ONNX has one for."""
    if op["kind"].lower() == "expand":
        return onnx.node("Expand", op.inputs[0], onnx.ints(*op.node.shape))
    raise unwritable(op["kind"])
