"""What a search space declares, checked: name, slots, datasets, rules and edges."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from archcost.errors import ArchcostError
from archcost.spaces.space import SearchSpace

N_COMBINATIONS = 2000
"""Random combinations of allowed ops of which the valid ones are counted."""

N_JUDGED = 100
"""Of these, how many are shown to the rules one by one."""

NAME = re.compile(r"[a-z0-9_]+")


class ContractError(ArchcostError):
    """A search space breaks its contract; the message gives rule and value."""


def require(kept: object, rule: str) -> None:
    """Raise an error with the rule unless it is kept."""
    if not kept:
        raise ContractError(rule)


def _name(space: SearchSpace) -> str:
    name = getattr(space, "name", None)
    require(
        isinstance(name, str) and NAME.fullmatch(name),
        f"name must be made of a-z, 0-9 and _, such as 'my_space', but is {name!r}",
    )
    return str(name)


def _slots(space: SearchSpace) -> str:
    require(space.slots, "slots must have at least one position, but has none")
    for position, names in space.slots.items():
        require(isinstance(position, str), f"a position must be a text, but got {position!r}")
        require(
            not isinstance(names, str) and names and all(isinstance(name, str) for name in names),
            f"slots[{position!r}] must be a list of op names, but is {names!r}",
        )
        require(
            len(set(names)) == len(names),
            f"slots[{position!r}] must name each op once, but is {list(names)}",
        )
    return f"{space.n_positions} positions, {space.n_ops} ops, {space.size:,} combinations"


def _datasets(space: SearchSpace) -> str:
    require(space.datasets, "datasets must have at least one Dataset, but has none")
    ids = [name.lower().replace("-", "_") for name in space.dataset_names]
    for name in ids:
        require(
            NAME.fullmatch(name),
            f"the name of a dataset must be made of letters, digits, - and _, but is {name!r}",
        )
        require(
            ids.count(name) == 1,
            "datasets must have names that differ by more than case, - and _, but are "
            f"{list(space.dataset_names)}",
        )
    return ", ".join(
        f"{data.name} ({'x'.join(map(str, data.input_shape))}, {data.n_classes} classes)"
        for data in space.datasets
    )


def _validity(space: SearchSpace) -> str:
    drawn = space.draw(N_COMBINATIONS, np.random.default_rng(0))
    for row in drawn[:N_JUDGED]:
        broken = space.violation(row)
        require(
            broken is None or (isinstance(broken, str) and broken),
            "violation must return None, or the rule that is broken as a text, but returned "
            f"{broken!r} for {row.tolist()}",
        )
    valid = space.valid(drawn)
    by_rule = np.array([space.violation(row) is None for row in drawn])
    require(
        np.array_equal(valid, by_rule),
        "valid must be True where violation returns None, but they disagree on "
        f"{drawn[np.flatnonzero(valid != by_rule)[:1]].tolist()}",
    )
    if space.is_enumerable:
        n_archs = space.n_archs
        require(n_archs, f"at least one of the {space.size} combinations must be valid")
        return f"{n_archs:,} of {space.size:,} combinations are valid"
    return f"{valid.mean():.1%} of {len(drawn):,} random combinations are valid"


def _edges(space: SearchSpace) -> str:
    edges = space.edges
    if edges is None:
        return "none: the positions follow each other"
    require(
        len(edges) == space.n_positions,
        f"edges must have one pair a position, {space.n_positions}, but has {len(edges)}",
    )
    for source, target in edges:
        require(
            0 <= source < target,
            f"an edge must lead from a node to a later one, but one is {(source, target)}",
        )
    targets = [target for _, target in edges]
    require(
        targets == sorted(targets),
        f"edges must be sorted by target, but their targets are {targets}",
    )
    last = targets[-1]
    require(
        set(targets) == set(range(1, last + 1)),
        f"each node from 1 to {last} must be entered by an edge, but those entered are "
        f"{sorted(set(targets))}",
    )
    require(
        {source for source, _ in edges} == set(range(last)),
        f"each node from 0 to {last - 1} must be left by an edge",
    )
    return f"a graph of {last + 1} nodes"


DECLARATION_CHECKS: dict[str, Callable[[SearchSpace], str]] = {
    "name": _name,
    "slots": _slots,
    "datasets": _datasets,
    "validity": _validity,
    "edges": _edges,
}
"""Each returns what it found, or raises what is wrong."""
