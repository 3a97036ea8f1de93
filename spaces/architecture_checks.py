"""Architectures of a search space, checked: strings, indices, canonical forms and networks."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError
from archcost.networks.layers import Layer
from archcost.spaces.declaration_checks import require
from archcost.spaces.position_work import position_work
from archcost.spaces.space import Ops, SearchSpace

N_NETWORKS = 4
"""Networks that are built and run for each dataset."""

N_WITH_NEIGHBOURS = 10
"""Architectures of which all neighbours are looked at."""


class CannotCheckError(ArchcostError):
    """Something that a check takes is missing; the message says what."""


def _strings(space: SearchSpace, sample: Ops) -> str:
    texts = space.format_many(sample)
    for row, text in zip(sample, texts, strict=True):
        names = [space.op_names[op] for op in row]
        require(isinstance(text, str), f"join must return a text, but returned {text!r}")
        require(
            text == text.strip() and "\n" not in text and not text.isdecimal(),
            "a string form must be one line without blanks around it and more than a number, which "
            f"would be an index, but is {text!r}",
        )
        found = list(space.split(text))
        require(found == names, f"split must undo join, but made {found} of {text!r}, not {names}")
        require(
            np.array_equal(space.parse(text), row),
            f"parse must undo format, but made {space.parse(text).tolist()} of {text!r}, not "
            f"{row.tolist()}",
        )
    require(
        len(set(texts)) == len(texts),
        "join must give each architecture a string of its own, but "
        f"{len(texts) - len(set(texts))} of {len(texts)} share theirs",
    )
    return f"{len(texts)} round trips, such as {texts[0]}"


def _neighbours(space: SearchSpace, sample: Ops) -> str:
    counts = []
    for row in sample[:N_WITH_NEIGHBOURS]:
        found = space.neighbours(row)
        counts.append(len(found))
        require(
            (np.sum(found != row, axis=1) == 1).all() and space.valid(found).all(),
            f"neighbours of {row.tolist()} must be valid and differ at one position",
        )
    return f"{min(counts)} to {max(counts)} valid ones an architecture"


def _indices(space: SearchSpace, sample: Ops) -> str:
    for row in sample:
        index = space.index(row)
        require(
            np.array_equal(space.from_index(index), row),
            f"from_index must undo index, but made {space.from_index(index).tolist()} of {index}, "
            f"not {row.tolist()}",
        )
        if space.is_enumerable:
            require(
                0 <= index < space.size,
                f"an index must be between 0 and {space.size - 1}, but is {index}",
            )
    if space.is_enumerable:
        found = space.indices(space.all_ops)
        require(
            len(np.unique(found)) == len(found), "each architecture must have an index of its own"
        )
    return f"{len(sample)} round trips"


def _canonical(space: SearchSpace, sample: Ops) -> str:
    if space.canonical is None:
        return "none: no two architectures are said to be the same network"
    found = np.asarray(space.canonical(sample))
    require(
        found.shape == sample.shape,
        f"canonical must return as many op ids as it gets, {sample.shape}, but returned "
        f"{found.shape}",
    )
    wrong = np.flatnonzero([row not in space for row in found])
    require(
        not len(wrong), f"a canonical form must be valid, but {found[wrong[:1]].tolist()} is not"
    )
    changed = np.flatnonzero((space.canonical(found) != found).any(axis=1))
    require(
        not len(changed),
        "the canonical form of a canonical form must be itself, but that of "
        f"{found[changed[:1]].tolist()} is another one",
    )
    kept = int((found == sample).all(axis=1).sum())
    return f"{kept} of {len(sample)} architectures are their class's representative"


def _pickles(space: SearchSpace, sample: Ops) -> str:
    again = pickle.loads(pickle.dumps(space))
    require(
        again == space and np.array_equal(again.parse(sample[0]), sample[0]),
        f"a space must be equal to its pickled copy, but {again!r} is not",
    )
    return "can be sent to other processes"


def _networks(space: SearchSpace, sample: Ops) -> str:
    sizes = []
    for row, dataset in _built(space, sample):
        layers = space.layers(row, dataset)
        where = f"the network of {space.format(row)} for {dataset}"
        require(layers, f"{where} must have layers, but has none")
        for layer in layers:
            require(
                layer.position is None or 0 <= layer.position < space.n_positions,
                f"a layer's position must be None or one of 0 to {space.n_positions - 1}, but in "
                f"{where} it is {layer.position!r}",
            )
        require(
            layers == space.layers(row, dataset), f"{where} must have the same layers at each call"
        )
        sizes.append(len(layers))
    return f"{min(sizes)} to {max(sizes)} layers"


def _modules(space: SearchSpace, sample: Ops) -> str:
    if find_spec("torch") is None:
        raise CannotCheckError("torch is not installed; pip install torch")
    import torch

    for row, dataset in _built(space, sample):
        module = space.network(row, dataset).eval()
        with torch.inference_mode():
            result = module(torch.ones(space.graph(row, dataset).input_shapes[0]))
        where = f"the module of {space.format(row)} for {dataset}"
        shape = (1, space.dataset(dataset).n_classes)
        require(
            tuple(result.shape) == shape,
            f"{where} must return classes of shape {shape}, but returned {tuple(result.shape)}",
        )
        n_params = sum(weights.numel() for weights in module.parameters())
        require(
            n_params == space.workload(row, dataset).params,
            f"{where} must have as many parameters as its layers, "
            f"{space.workload(row, dataset).params:,}, but has {n_params:,}",
        )
    return f"run with torch on {', '.join(space.dataset_names)}"


def _work(space: SearchSpace, sample: Ops) -> str:
    works = [space.workload(row) for row in sample]
    mflops = [work.flops / 1e6 for work in works]
    params = [work.params for work in works]
    require(max(mflops) > 0, "some network must have layers that compute, but all have 0 FLOPs")
    additive = position_work(space, space.default_dataset, _flops_and_params).is_additive
    return (
        f"{min(mflops):.3g} to {max(mflops):.3g} MFLOPs, {min(params):,} to {max(params):,} "
        f"parameters; {'additive' if additive else 'not additive: ops depend on each other'}"
    )


def _flops_and_params(layer: Layer) -> npt.NDArray[np.float64]:
    return np.array([layer.flops, layer.params], dtype=np.float64)


def _built(space: SearchSpace, sample: Ops) -> Iterator[tuple[npt.NDArray[Any], str]]:
    for dataset in space.dataset_names:
        for row in sample[:N_NETWORKS]:
            yield row, dataset


ARCHITECTURE_CHECKS: dict[str, Callable[[SearchSpace, Ops], str]] = {
    "strings": _strings,
    "neighbours": _neighbours,
    "indices": _indices,
    "canonical form": _canonical,
    "pickling": _pickles,
    "networks": _networks,
    "torch modules": _modules,
    "work": _work,
}
"""Each takes random architectures and returns what it found, or raises what is wrong."""
