"""Read a network's graph from a torch module, by running it on tensors without contents."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from archcost.errors import ArchcostError, ArchcostWarning, shown
from archcost.networks import Graph
from archcost.reading.aten_ops import READERS
from archcost.reading.patterns import with_whole_ops
from archcost.reading.trace import PRECISIONS, Trace, Weight


def read_module(
    module: Any, example: Any = None, *, shape: Sequence[int] | None = None,
    batch_size: int | None = None,
) -> Graph:  # fmt: skip
    """Read the graph of a torch module or an exported program.

    The module is run once, in evaluation mode, on tensors that have shapes but no contents: no
    weight is read and none is needed, so that it may be on the device ``meta``. Linear layers,
    normalisations and attention stay whole (that which a module writes out as products and a
    softmax is read as those); what does not depend on the input is computed before.

    Parameters
    ----------
    module : torch.nn.Module or torch.export.ExportedProgram
        The network. One in training mode is read as it would be in evaluation mode, with a warning.
    example : Tensor, tuple or dict, optional
        What the module is called with: a tensor, several arguments, or arguments by name. Only
        shapes and types are looked at. An exported program has its own.
    shape : sequence of int, optional
        Shape of the only input without the batch, instead of an example.
    batch_size : int, optional
        Put in place of the first axis of all inputs; that of the example, or 1, by default.

    Returns
    -------
    Graph
        Weights have the names that they have in the state dict.

    Raises
    ------
    ArchcostError
        If there is neither an example nor a shape, the module fails on it, or what it executes
        depends on the values of tensors.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()).eval()
    >>> read_module(net, torch.zeros(1, 3, 32, 32))
    <Graph of 4 nodes: 1x3x32x32 -> 1x8x30x30>
    """
    if isinstance(module, torch.export.ExportedProgram):
        if example is None and shape is None:
            example = module.example_inputs
        module = module.module()
    if isinstance(module, torch.jit.ScriptModule):
        raise ArchcostError(
            "a module must be written in Python to be read, but got one that torch.jit compiled; "
            "give the module that it was made of, or an ONNX file"
        )
    module = getattr(module, "_orig_mod", module)  # of what torch.compile returns
    args, kwargs = _arguments(example, shape, batch_size)
    with _in_evaluation(module):
        return _run(module, args, kwargs)


def _arguments(
    example: Any, shape: Sequence[int] | None, batch_size: int | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return arguments by place and by name, tensors of the device ``meta`` for tensors."""
    if example is None:
        if shape is None:
            raise ArchcostError(
                "a module must come with an example of its input, such as "
                "example=torch.zeros(1, 3, 224, 224), or with shape=(3, 224, 224)"
            )
        example = torch.empty(1, *shape, device="meta")

    def meta(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        sizes = list(leaf.shape)
        if batch_size is not None and sizes:
            sizes[0] = batch_size
        return torch.empty(sizes, dtype=leaf.dtype, device="meta")

    example = pytree.tree_map(meta, example)
    if isinstance(example, Mapping):
        return (), dict(example)
    if (
        isinstance(example, tuple)
        and len(example) == 2
        and isinstance(example[0], tuple)
        and isinstance(example[1], dict)
    ):
        return example
    return (example if isinstance(example, tuple) else (example,)), {}


@contextmanager
def _in_evaluation(module: nn.Module) -> Iterator[None]:
    """Have a module in evaluation mode, and each of its parts in its own mode again after it."""
    training = [part for part in module.modules() if part.training]
    if training and not isinstance(module, torch.fx.GraphModule):
        warnings.warn(
            "the module is in training mode and is read as in evaluation mode; call .eval() first "
            "to have it said",
            ArchcostWarning,
            stacklevel=4,
        )
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _run(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph:
    parameters, buffers = dict(module.named_parameters()), dict(module.named_buffers())
    trace = Trace({name: parameter.numel() for name, parameter in parameters.items()})
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with fake:
        state = {
            name: torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
            for name, tensor in [*parameters.items(), *buffers.items()]
        }
        for name, tensor in state.items():
            trace.set_weight(tensor, Weight((name,), is_computed=False))
        given: list[Tensor] = []
        args, kwargs = pytree.tree_map(lambda leaf: _fake(leaf, given), (args, kwargs))
    for tensor in given:
        precision = PRECISIONS.get(tensor.dtype, "fp32")
        trace.set(tensor, trace.builder.node("input", (), tensor.shape, precision=precision))
    if not given:
        raise ArchcostError("an example must hold a tensor, but it has none")
    try:
        # A function mode, though it does nothing, keeps torch off its fused transformer layers.
        with torch.inference_mode(), fake, _EveryFunction(), _Reading(trace):
            result = torch.func.functional_call(module, state, args, kwargs)
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise ArchcostError(
            "what a network executes must not depend on the values of its tensors, but the module "
            f"asks for them in {error}; give the part that does not, or an ONNX file"
        ) from error
    except ArchcostError:
        raise
    except Exception as error:
        shapes = [tuple(tensor.shape) for tensor in given]
        raise ArchcostError(
            f"a module must run on its example, but on inputs of the shapes {shapes} it raised "
            f"{type(error).__name__}: {shown(str(error))[:300]}"
        ) from error
    results = [leaf for leaf in _tensors(result) if trace.is_known(leaf)]
    if not results:
        raise ArchcostError(
            "a module must return a tensor that depends on its input, but got "
            f"{type(result).__name__}"
        )
    return with_whole_ops(trace.graph(results), attention=False)


def _fake(leaf: Any, given: list[Tensor]) -> Any:
    if not isinstance(leaf, Tensor):
        return leaf
    given.append(torch.empty(leaf.shape, dtype=leaf.dtype, device="cpu"))
    return given[-1]


def _tensors(result: Any) -> list[Tensor]:
    leaves = pytree.tree_leaves(result)
    found = []
    for leaf in leaves:
        if isinstance(leaf, Tensor):
            found.append(leaf)
        elif hasattr(leaf, "__dict__") and not isinstance(leaf, nn.Module):
            found += [value for value in vars(leaf).values() if isinstance(value, Tensor)]
    return found


class _EveryFunction(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


class _Reading(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Give each operator to what reads it, split where nothing does and torch can."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = trace

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.namespace == "prim":  # asks for a device
            return func(*args, **kwargs) if not isinstance(args[0], Tensor) else args[0].device
        trace, name = self.trace, func._schema.name.partition("::")[2]
        in_place = name.endswith("_") and not name.endswith("__")
        reader = READERS.get(name.removesuffix("_") if in_place else name)
        if reader is None:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        result = func(*args, **kwargs)
        given = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        results = [x for x in pytree.tree_leaves(result) if isinstance(x, Tensor)]
        known = [x for x in given if trace.is_known(x)]
        if not known:
            names = tuple(dict.fromkeys(n for x in given for n in trace.weight(x).names))
            for tensor in results:
                if not any(tensor is x for x in given):
                    trace.set_weight(tensor, Weight(names))
            return result
        before = trace.value(args[0]) if in_place and trace.is_known(args[0]) else None
        if reader is not None:
            reader(trace, _by_name(func, args, kwargs), result)
        elif results:
            kind = name.removesuffix("_")
            trace.apply(kind, given, results[0])
            for number, tensor in enumerate(results[1:], 1):
                trace.apply(f"{kind}_{number}", [results[0]], tensor)
        if in_place and results and trace.value(args[0]) != before:
            trace.written(args[0])
        return result


def _by_name(func: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return all arguments of an operator by the names of its schema, defaults included."""
    named = {}
    for number, argument in enumerate(func._schema.arguments):
        if number < len(args):
            named[argument.name] = args[number]
        else:
            named[argument.name] = kwargs.get(argument.name, argument.default_value)
    return named
