"""A network's graph as a torch module, which runs it op by op, nothing pruned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from archcost.errors import ArchcostError
from archcost.networks.graph import Graph, Node, Shape
from archcost.networks.torch_arithmetic import binary_step, reduction_step, unary_step

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": nn.LeakyReLU,
    "hswish": nn.Hardswish,
    "hsigmoid": nn.Hardsigmoid,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "selu": nn.SELU,
}

Step = Callable[..., Tensor]


class Zero(nn.Module):
    """Zeros of a fixed shape but for the batch, which is that of the network's input."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, network_input: Tensor) -> Tensor:
        """Return zeros, whatever the input holds."""
        return network_input.new_zeros((network_input.shape[0], *self.shape[1:]))


class GraphModule(nn.Module):
    """Run the nodes of a graph in order, with random weights until others are loaded.

    Weights have the names of their nodes in the state dict. Inputs may have any batch size if no
    node mixes images.

    Parameters
    ----------
    graph : Graph
        The network.

    Raises
    ------
    ArchcostError
        If an op is not in the vocabulary, or torch has no such padding.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.weightless = nn.Module()
        self._steps: list[Step] = []
        named: dict[str, Step] = {}
        for place, node in enumerate(graph.nodes):
            if node.op == "constant":
                step = self._constant(node)
            else:
                step = _step(node, [graph.nodes[source] for source in node.inputs])
            if node.name:
                step = named.setdefault(node.name, step)
            if isinstance(step, nn.Module):
                owner, _, last = node.name.rpartition(".")
                if node.name:
                    self._part(owner)._modules[last] = step
                else:
                    self.weightless.add_module(str(place), step)
            self._steps.append(step)
        self._paddings = [_separate_padding(node) for node in graph.nodes]
        self._fused = [_fused_activation(node) for node in graph.nodes]
        self._done: list[list[int]] = [[] for _ in graph.nodes]  # what is needed no more after each
        for place, users in enumerate(graph.users()):
            if place not in graph.outputs:
                self._done[users[-1] if users else place].append(place)

    def forward(self, *inputs: Tensor) -> Any:
        """Return the result, or a tuple of them if there are several."""
        given = iter(inputs)
        values: dict[int, Tensor] = {}
        for place, node in enumerate(self.graph.nodes):
            if node.op == "input":
                values[place] = next(given)
                continue
            read = [values[source] for source in node.inputs] or list(inputs[:1])
            padding, activation = self._paddings[place], self._fused[place]
            if padding is not None:
                fill = -inf if node.op == "max_pool" else 0.0
                read[0] = functional.pad(read[0], padding, value=fill)
            value = self._steps[place](*read)
            values[place] = value if activation is None else activation(value)
            for source in self._done[place]:
                del values[source]
        results = tuple(values[place] for place in self.graph.outputs)
        return results[0] if len(results) == 1 else results

    def _part(self, name: str) -> nn.Module:
        """Return the module of a name, made as needed."""
        part: nn.Module = self
        for word in name.split(".") if name else ():
            # `add_module` would refuse the names of a module's own attributes, such as "half".
            inner = part._modules.setdefault(word, nn.Module())
            assert inner is not None
            part = inner
        return part

    def _constant(self, node: Node) -> Step:
        owner_name, _, last = node.name.rpartition(".")
        owner, fill = self._part(owner_name), node.attributes.get("fill")
        value = torch.randn(node.shape) * 0.02 if fill is None else torch.full(node.shape, fill)
        if node.attributes["trainable"]:
            owner._parameters[last] = nn.Parameter(value)
            return partial(_stored, owner._parameters, last)
        owner._buffers[last] = value
        return partial(_stored, owner._buffers, last)


def torch_module(graph: Graph) -> GraphModule:
    """Return a network as a torch module in evaluation mode, with random weights.

    Parameters
    ----------
    graph : Graph
        The network.

    Raises
    ------
    ArchcostError
        If an op is not in the vocabulary.
    """
    return GraphModule(graph).eval()


def _stored(tensors: Mapping[str, Any], name: str, network_input: Tensor) -> Tensor:
    value: Tensor = tensors[name]
    return value


def _step(node: Node, inputs: Sequence[Node]) -> Step:
    make = STEPS.get(node.op)
    if make is None:
        raise ArchcostError(
            f"an op must be one of {sorted(STEPS)} to run in torch, but got "
            f"{node.attributes.get('kind', node.op)!r}"
        )
    return make(node, inputs)


def _activation(node: Node, inputs: Sequence[Node]) -> nn.Module:
    kind = node.attributes["kind"]
    return nn.PReLU(node.attributes["params"]) if kind == "prelu" else ACTIVATIONS[kind]()


def _fused_activation(node: Node) -> nn.Module | None:
    kind = node.attributes.get("activation")
    return None if kind is None else ACTIVATIONS[kind]()


def _separate_padding(node: Node) -> list[int] | None:
    """Return the padding that the op's module cannot do itself, as ``functional.pad`` takes it."""
    padding = node.attributes.get("padding", ())
    if node.op not in ("conv", "max_pool", "avg_pool") or all(a == b for a, b in padding):
        return None
    if node.op == "avg_pool" and not node.attributes.get("count_include_pad"):
        raise ArchcostError(
            "the padding of an average pooling must be the same on both sides to run in torch, "
            f"but got {padding}"
        )
    return _torch_padding(padding)


def _torch_padding(padding: Sequence[tuple[int, int]]) -> list[int]:
    return [side for pair in reversed(padding) for side in pair]


def _padding(node: Node) -> tuple[int, ...]:
    pads = node.attributes["padding"]
    return tuple(a for a, _ in pads) if all(a == b for a, b in pads) else (0,) * len(pads)


def _conv(node: Node, inputs: Sequence[Node]) -> nn.Module:
    a = node.attributes
    kinds: Any = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}
    bias = a["bias"] or "norm" in a
    return kinds[len(node.shape)](
        inputs[0].shape[1], node.shape[1], a["kernel"], a["stride"], _padding(node),
        a["dilation"], a["groups"], bias,
    )  # fmt: skip


def _conv_transpose(node: Node, inputs: Sequence[Node]) -> nn.Module:
    a = node.attributes
    kinds: Any = {3: nn.ConvTranspose1d, 4: nn.ConvTranspose2d, 5: nn.ConvTranspose3d}
    return kinds[len(node.shape)](
        inputs[0].shape[1], node.shape[1], a["kernel"], a["stride"], _padding(node),
        a.get("output_padding", 0), a["groups"], a["bias"] or "norm" in a, a["dilation"],
    )  # fmt: skip


def _linear(node: Node, inputs: Sequence[Node]) -> nn.Module:
    bias = node.attributes["bias"] or "norm" in node.attributes
    return nn.Linear(inputs[0].shape[-1], node.shape[-1], bias)


def _batch_norm(node: Node, inputs: Sequence[Node]) -> nn.Module:
    kinds: Any = {4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
    kind: Any = kinds.get(len(node.shape), nn.BatchNorm1d)
    return kind(node.shape[1], node.attributes["epsilon"])


def _layer_norm(node: Node, inputs: Sequence[Node]) -> nn.Module:
    a = node.attributes
    return nn.LayerNorm(node.shape[-a["axes"] :], a["epsilon"], a["affine"])


def _group_norm(node: Node, inputs: Sequence[Node]) -> nn.Module:
    a = node.attributes
    return nn.GroupNorm(a["groups"], node.shape[1], a["epsilon"], a["affine"])


def _max_pool(node: Node, inputs: Sequence[Node]) -> nn.Module:
    kinds: Any = {3: nn.MaxPool1d, 4: nn.MaxPool2d, 5: nn.MaxPool3d}
    a = node.attributes
    return kinds[len(node.shape)](a["kernel"], a["stride"], _padding(node))


def _avg_pool(node: Node, inputs: Sequence[Node]) -> nn.Module:
    kinds: Any = {3: nn.AvgPool1d, 4: nn.AvgPool2d, 5: nn.AvgPool3d}
    a = node.attributes
    return kinds[len(node.shape)](
        a["kernel"], a["stride"], _padding(node),
        count_include_pad=a.get("count_include_pad", False),
    )  # fmt: skip


def _global_pool(node: Node, inputs: Sequence[Node]) -> nn.Module:
    kinds: Any = {3: nn.AdaptiveAvgPool1d, 4: nn.AdaptiveAvgPool2d, 5: nn.AdaptiveAvgPool3d}
    return kinds[len(node.shape)](1)


def _reshape(x: Tensor, *, shape: Shape) -> Tensor:
    if x.numel() == prod(shape):
        return x.reshape(shape)
    return x.reshape(x.shape[0], *shape[1:])


def _concat(*tensors: Tensor, axis: int) -> Tensor:
    return torch.cat(tensors, axis)


def _gather(table: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    picked = table.index_select(axis, indices.reshape(-1).long())
    return picked.reshape(*table.shape[:axis], *indices.shape, *table.shape[axis + 1 :])


def _split(x: Tensor, *, axis: int, start: int, length: int, step: int) -> Tensor:
    part = torch.narrow(x, axis, start, (length - 1) * step + 1)
    return part if step == 1 else part[(slice(None),) * axis + (slice(None, None, step),)]


def _resize(node: Node, inputs: Sequence[Node]) -> Step:
    return partial(functional.interpolate, size=node.shape[2:], mode=node.attributes["mode"])


STEPS: dict[str, Callable[[Node, Sequence[Node]], Step]] = {
    "input": lambda node, inputs: nn.Identity(),
    "zero": lambda node, inputs: Zero(node.shape),
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "matmul": lambda node, inputs: torch.matmul,
    "attention": lambda node, inputs: functional.scaled_dot_product_attention,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "activation": _activation,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_pool": _global_pool,
    "add": lambda node, inputs: torch.add,
    "multiply": lambda node, inputs: torch.mul,
    "concat": lambda node, inputs: partial(_concat, axis=node.attributes["axis"]),
    "split": lambda node, inputs: partial(
        _split,
        axis=node.attributes["axis"],
        start=node.attributes["start"],
        length=node.shape[node.attributes["axis"]],
        step=node.attributes.get("step", 1),
    ),
    "reshape": lambda node, inputs: partial(_reshape, shape=node.shape),
    "transpose": lambda node, inputs: partial(torch.permute, dims=node.attributes["axes"]),
    "channel_shuffle": lambda node, inputs: nn.ChannelShuffle(node.attributes["groups"]),
    "softmax": lambda node, inputs: nn.Softmax(node.attributes["axis"]),
    "gather": lambda node, inputs: partial(_gather, axis=node.attributes["axis"]),
    "pad": lambda node, inputs: partial(
        functional.pad, pad=_torch_padding(node.attributes["padding"])
    ),
    "resize": _resize,
    "binary": lambda node, inputs: binary_step(node),
    "unary": lambda node, inputs: unary_step(node),
    "reduce": lambda node, inputs: reduction_step(node, inputs[0]),
}
"""What runs each op."""
