r"""Which choices the layers at a position depend on, so that few networks tell those of all.

Notation: :math:`L_p(a)` the layers of architecture :math:`a` at position :math:`p`, :math:`C_p` the
context of :math:`p`: the positions whose ops decide on them.

.. math:: L_p(a) = L_p(b) \quad\text{wherever}\quad a_q = b_q \;\;\forall q \in C_p

A width that is chosen at one position changes the layers of the next, a resolution those of all;
but hardly ever does every choice change every layer. Once a context was seen, no further network
with it has to be described. What is not an op's own is at one more place: stem and head.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

from archcost.networks.layers import Layer
from archcost.spaces.space import Ops, SearchSpace

Layers = tuple[Layer, ...]
Context = tuple[int, ...]

N_BASES, N_CHANGES = 6, 2
"""Random architectures, and other ops tried at each position of each, to find the contexts."""

N_CHECKED = 64
"""Random architectures that must agree with what the contexts say."""

MOST_ENTRIES = 50_000
"""Spaces whose contexts have more combinations than this together are described one by one."""

_FOUND: dict[tuple[SearchSpace, str], LayerContexts | None] = {}


class LayerContexts:
    """The layers at each place of a network by the ops of their context.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.
    contexts : tuple of tuple of int
        For each position, and last for what is at none, the positions that its layers depend on.
    """

    def __init__(self, space: SearchSpace, dataset: str, contexts: tuple[Context, ...]) -> None:
        self.space, self.dataset, self.contexts = space, dataset, contexts
        self._known: list[dict[Context, Layers]] = [{} for _ in contexts]

    def __call__(self, ops: tuple[int, ...]) -> list[Layers]:
        """Return the layers of an architecture at each position, and last those at none."""
        keys = self.keys(ops)
        try:
            return [known[key] for known, key in zip(self._known, keys, strict=True)]
        except KeyError:
            groups = layers_by_place(self.space, ops, self.dataset)
            for known, key, layers in zip(self._known, keys, groups, strict=True):
                known.setdefault(key, layers)
            return groups

    def keys(self, ops: tuple[int, ...]) -> list[Context]:
        """Return the ops of each place's context."""
        return [tuple([ops[place] for place in context]) for context in self.contexts]

    def agrees(self, ops: tuple[int, ...], groups: list[Layers]) -> bool:
        """Tell whether the layers of an architecture are those that its contexts say."""
        return all(
            known.setdefault(key, layers) == layers
            for known, key, layers in zip(self._known, self.keys(ops), groups, strict=True)
        )

    def entries(self, place: int) -> Iterator[tuple[Context, Layers]]:
        """Yield each combination of ops of a place's context, and the layers there.

        Combinations that no valid architecture has come without layers.
        """
        for key in self._combinations(place):
            yield key, self._known[place].get(key, ())

    def _combinations(self, place: int) -> Iterator[Context]:
        return product(*(self.space.choices[other].tolist() for other in self.contexts[place]))

    def fill(self) -> None:
        """Describe networks until every combination of every context was met."""
        bases = _random(self.space, N_CHECKED, seed=2)
        for place, context in enumerate(self.contexts):
            for number, key in enumerate(self._combinations(place)):
                if key not in self._known[place]:
                    ops = self._having(context, key, number, bases)
                    if ops is not None:
                        self(tuple(ops.tolist()))

    def _having(self, context: Context, key: Context, number: int, bases: Ops) -> Ops | None:
        """Return a valid architecture with the given ops in a context, None if there is none.

        The other positions take their ops in turn, so that few architectures have all of them.
        """
        in_turn = [ids[number % len(ids)] for ids in self.space.choices]
        rows = np.concatenate([np.array([in_turn], dtype=bases.dtype), bases])
        rows[:, list(context)] = key
        valid = np.flatnonzero(self.space.valid(rows))
        return rows[valid[0]] if len(valid) else None


def layer_contexts(space: SearchSpace, dataset: str, n_archs: int) -> LayerContexts | None:
    """Return the layers by context, if they are known or finding them pays.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.
    n_archs : int
        Architectures whose layers are asked for; few are described sooner than contexts are found.

    Returns
    -------
    LayerContexts or None
        None as well where layers depend on too much.
    """
    if (space, dataset) not in _FOUND:
        if n_archs <= N_CHECKED:
            return None
        _FOUND[space, dataset] = _find(space, dataset)
    return _FOUND[space, dataset]


def layers_by_place(space: SearchSpace, ops: tuple[int, ...], dataset: str) -> list[Layers]:
    """Return the layers of an architecture at each position, and last those at none."""
    groups: list[list[Layer]] = [[] for _ in range(space.n_positions + 1)]
    for layer in space.layers(list(ops), dataset):
        groups[-1 if layer.position is None else layer.position].append(layer)
    return [tuple(group) for group in groups]


def _find(space: SearchSpace, dataset: str) -> LayerContexts | None:
    depends = _dependence(space, dataset)
    contexts = tuple(tuple(np.flatnonzero(row).tolist()) for row in depends)
    if sum(prod(len(space.choices[q]) for q in context) for context in contexts) > MOST_ENTRIES:
        return None
    found = LayerContexts(space, dataset, contexts)
    for row in map(tuple, _random(space, N_CHECKED, seed=1).tolist()):
        if not found.agrees(row, layers_by_place(space, row, dataset)):
            return None
    found.fill()
    return found


def _dependence(space: SearchSpace, dataset: str) -> npt.NDArray[np.bool_]:
    """Return whether layers at a place change with a position, (n_positions + 1, n_positions)."""
    depends = np.eye(space.n_positions + 1, space.n_positions, dtype=bool)
    rng = np.random.default_rng(0)
    for base in _random(space, N_BASES, seed=0):
        own = layers_by_place(space, tuple(base.tolist()), dataset)
        for position, ids in enumerate(space.choices):
            others = rng.permutation(ids[ids != base[position]])[:N_CHANGES]
            changed = np.repeat(base[None], len(others), axis=0)
            changed[:, position] = others
            for row in changed[space.valid(changed)]:
                groups = layers_by_place(space, tuple(row.tolist()), dataset)
                differ = [a != b for a, b in zip(own, groups, strict=True)]
                depends[:, position] |= differ
    return depends


def _random(space: SearchSpace, n_archs: int, seed: int) -> Ops:
    return space.sample(min(n_archs, space.n_archs), seed=seed)
