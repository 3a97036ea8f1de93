r"""What each op adds to a network at each position, and whether the space is additive.

Notation: :math:`a` an architecture, :math:`w(\ell)` the measures of a layer, :math:`T_{p, o}` what
op :math:`o` adds at position :math:`p`, :math:`f` the layers around the positions (stem, head).

.. math:: w(a) = \sum_{\ell \in a} w(\ell) \overset{?}{=} f + \sum_p T_{p, a_p}

The second equation holds in an additive space. It does not where a choice changes the layers of
other positions, as a width does those of the next layer, or a resolution those of all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.networks.layers import Layer
from archcost.spaces.layer_contexts import N_CHECKED, Layers, layer_contexts, layers_by_place
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]
Measure = Callable[[Layer], Floats]
"""A function, hashable, from a layer to a row of numbers that add up over layers."""

N_EXAMPLES = 4
"""Architectures to average over, for an op at a position where it depends on the others."""


@dataclass(frozen=True, slots=True)
class PositionWork:
    """What ops add at positions.

    Parameters
    ----------
    table : array of float64, shape (n_positions, n_ops, n_stages, n_measures)
        What an op adds at a position and stage; 0 where it is not allowed. In a space that is not
        additive, means over examples.
    fixed : array of float64, shape (n_stages, n_measures)
        What the layers add that belong to no position; means as well.
    is_additive : bool
        Whether table and fixed part sum to the work of random architectures.
    """

    table: Floats
    fixed: Floats
    is_additive: bool


@cache
def position_work(space: SearchSpace, dataset: str, measure: Measure) -> PositionWork:
    """Tabulate the work of each op at each position.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.
    measure : callable
        From a layer to a row of numbers, shape ``(n_measures,)``, that add up over layers.

    Returns
    -------
    PositionWork
        Read-only tables, and whether they say all.
    """
    examples = example_archs(space)
    works = list(_works(space, examples, dataset, measure))
    n_stages = max(work.shape[1] for work in works)
    padded = np.stack([np.pad(w, ((0, 0), (0, n_stages - w.shape[1]), (0, 0))) for w in works])
    table = np.zeros((space.n_positions, space.n_ops, *padded.shape[2:]))
    for place in range(space.n_positions):
        for op in np.unique(examples[:, place]):
            table[place, op] = padded[examples[:, place] == op, place].mean(axis=0)
    fixed = padded[:, -1].mean(axis=0)
    for shared in (table, fixed):
        shared.setflags(write=False)
    return PositionWork(table, fixed, _is_additive(space, dataset, measure, table, fixed))


def network_work(space: SearchSpace, ops: Ops, dataset: str, measure: Measure) -> Floats:
    """Return the whole work of architectures, exact in every space.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.
    dataset : str
        One of its datasets.
    measure : callable
        As for ``position_work``.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_measures)
        From the table in an additive space, from each network's own layers elsewhere.
    """
    tabulated = position_work(space, dataset, measure)
    if tabulated.is_additive:
        return _sums(tabulated.table, tabulated.fixed, ops)
    totals = [work.sum(axis=(0, 1)) for work in _works(space, ops, dataset, measure)]
    return np.array(totals).reshape(len(ops), -1)


def work_by_position(space: SearchSpace, ops: Ops, dataset: str, measure: Measure) -> Floats:
    """Return what each architecture has at each position and stage, exact in every space.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.
    dataset : str
        One of its datasets.
    measure : callable
        As for ``position_work``.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_positions + 1, n_stages, n_measures)
        The last place on the second axis is that of the layers around the positions. Stages are
        those of ``position_work``; the last one holds all beyond.
    """
    tabulated = position_work(space, dataset, measure)
    work = np.zeros((len(ops), space.n_positions + 1, *tabulated.fixed.shape))
    if tabulated.is_additive:
        work[:, :-1] = tabulated.table[np.arange(space.n_positions), ops]
        work[:, -1] = tabulated.fixed
        return work
    last = work.shape[2] - 1
    for total, own in zip(work, _works(space, ops, dataset, measure), strict=True):
        for stage in range(own.shape[1]):
            total[:, min(stage, last)] += own[:, stage]
    return work


Entries = tuple[tuple[tuple[int, ...], ...], tuple[Floats, ...]]
"""For each place the positions that decide on it, and a number for each combination there."""


@cache
def work_entries(space: SearchSpace, dataset: str, measure: Measure) -> Entries | None:
    """Return the work at each place by the ops that decide on it.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.
    measure : callable
        As for ``position_work``, of one number.

    Returns
    -------
    tuple of (contexts, entries), or None
        For each position, and last for what is at none, the positions that decide on it, and an
        array with one axis for each of them, its choices in their order. Combinations that no
        valid architecture has add nothing. None where layers depend on too much.
    """
    contexts = layer_contexts(space, dataset, N_CHECKED + 1)
    if contexts is None:
        return None
    entries = []
    for place, context in enumerate(contexts.contexts):
        shape = tuple(len(space.choices[other]) for other in context)
        values = [
            sum(float(row.sum()) for row in _added(layers, measure).values())
            for _, layers in contexts.entries(place)
        ]
        entries.append(np.array(values, dtype=np.float64).reshape(shape))
    return contexts.contexts, tuple(entries)


def _sums(table: Floats, fixed: Floats, ops: npt.NDArray[Any]) -> Floats:
    per_position = table.sum(axis=2)
    summed: Floats = fixed.sum(axis=0) + per_position[np.arange(ops.shape[1]), ops].sum(axis=1)
    return summed


def _is_additive(
    space: SearchSpace, dataset: str, measure: Measure, table: Floats, fixed: Floats
) -> bool:
    sample = random_archs(space, seed=1)
    true = np.array([work.sum(axis=(0, 1)) for work in _works(space, sample, dataset, measure)])
    return bool(np.allclose(_sums(table, fixed, sample), true, rtol=1e-9, atol=1e-9))


def random_archs(space: SearchSpace, seed: int) -> Ops:
    """Return valid architectures to check a rule on, or all of a smaller space."""
    n_archs = len(space.all_ops) if space.is_enumerable else N_CHECKED
    return space.sample(min(N_CHECKED, n_archs), seed=seed)


def example_archs(space: SearchSpace) -> Ops:
    """Return valid architectures in which each allowed op stands at each position, if any does.

    Where every op is allowed everywhere these are the architectures of one op each.

    Returns
    -------
    numpy.ndarray of int, shape (n_examples, n_positions)
        Sorted op ids.
    """
    if space.allowed.all() and not space.has_rules:
        ids = np.arange(space.n_ops, dtype=space.dtype)
        return np.repeat(ids[:, None], space.n_positions, axis=1)
    sample = random_archs(space, seed=0)
    rows = []
    for place, ids in enumerate(space.choices):
        for op in ids:
            changed = sample.copy()
            changed[:, place] = op
            valid = changed[space.valid(changed)]
            if not len(valid) and space.is_enumerable:
                valid = space.all_ops[space.all_ops[:, place] == op]
            rows.append(valid[:N_EXAMPLES])
    return np.unique(np.concatenate(rows), axis=0)


def _works(
    space: SearchSpace, ops: Ops, dataset: str, measure: Measure
) -> Iterator[npt.NDArray[Any]]:
    """Yield the work of each network, shape (n_positions + 1, n_stages, n_measures).

    The last row is that of no position.
    """
    rows = [tuple(row) for row in ops.tolist()]
    contexts = layer_contexts(space, dataset, len(rows))
    if contexts is None:
        return (_work_by_position(space, row, dataset, measure) for row in rows)
    return (_in_stages([_added(layers, measure) for layers in contexts(row)]) for row in rows)


@lru_cache(maxsize=100_000)
def _work_by_position(
    space: SearchSpace, ops: tuple[int, ...], dataset: str, measure: Measure
) -> Floats:
    """Return the work of a network; cached, since encoders ask for the same networks again."""
    work = _in_stages([_added(layers, measure) for layers in _layers(space, ops, dataset)])
    work.setflags(write=False)
    return work


@lru_cache(maxsize=256)  # enough for the architectures that tables are made and checked with
def _layers(space: SearchSpace, ops: tuple[int, ...], dataset: str) -> list[Layers]:
    """Return the layers by place; several measures are taken of the same ones."""
    return layers_by_place(space, ops, dataset)


@lru_cache(maxsize=100_000)
def _added(layers: tuple[Layer, ...], measure: Measure) -> dict[int, Floats]:
    """Return what the layers of one place add to each stage."""
    work: dict[int, Floats] = {}
    for layer in layers:
        row = measure(layer)
        work[layer.stage] = work[layer.stage] + row if layer.stage in work else row
    return work


def _in_stages(added: list[dict[int, Floats]]) -> Floats:
    n_stages = 1 + max(stage for place in added for stage in place)
    n_measures = len(next(row for place in added for row in place.values()))
    work = np.zeros((len(added), n_stages, n_measures))
    for place, by_stage in enumerate(added):
        for stage, row in by_stage.items():
            work[place, stage] = row
    return work
