"""Spend a budget of scores well: evolution of a Pareto front within limits on costs."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from archcost.models import pareto_front
from archcost.search.scan_scores import given_scores
from archcost.search.search_costs import SearchCosts
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops
from archcost.training.metrics import RANK_DECIMALS

Objective = Callable[[str], float]

GENERATION = 32
"""Architectures scored before parents are chosen anew."""
CHILDREN = 8 * GENERATION
CROSSED = 0.5
MOST_CHANGES = 3
MOST_REPAIRS = 20
MOST_REDRAWS = 8
DRAWN = 4096
MOST_DRAWS = 25
CLIMBERS = 16
MOST_BARREN = 20
"""Generations without anything new, after which a search ends below its budget."""


class Scored:
    """The architectures scored so far.

    Parameters
    ----------
    space : SearchSpace
        Their space.
    objective : callable
        Scores an architecture's string; the higher, the better.
    costs : SearchCosts
        What they cost.

    Attributes
    ----------
    ops : numpy.ndarray of int, shape (n_archs, n_positions)
        The architectures.
    values : numpy.ndarray of float64, shape (n_archs, 1 + n_costs)
        Negative scores, then predicted costs.
    """

    def __init__(self, space: SearchSpace, objective: Objective, costs: SearchCosts) -> None:
        self.space = space
        self.costs = costs
        self.ops: Ops = np.empty((0, space.n_positions), dtype=space.dtype)
        self.values = np.empty((0, 1 + len(costs.limits)))
        self._objective = objective
        self._seen: set[bytes] = set()

    def add(self, ops: Ops) -> None:
        """Score architectures that are within the limits."""
        if len(ops) == 0:
            return
        score = given_scores(self._objective, self.space.format_many(ops))
        values = np.column_stack([np.negative(score), self.costs.means(ops)])
        self.ops = np.concatenate([self.ops, ops])
        self.values = np.concatenate([self.values, values])
        self._seen.update(row.tobytes() for row in ops)

    def fresh(self, ops: Ops) -> Ops:
        """Return the rows that were not scored, each once."""
        distinct = {row.tobytes(): row for row in ops if row.tobytes() not in self._seen}
        return np.array(list(distinct.values()), dtype=ops.dtype).reshape(-1, ops.shape[1])

    def front(self) -> npt.NDArray[np.int64]:
        """Return the rows of the Pareto front, highest score first."""
        values = np.round(self.values, RANK_DECIMALS)  # the last bits decide nothing
        rows = np.flatnonzero(pareto_front(values))
        return rows[np.lexsort(values[rows].T[::-1])]


def evolve(
    scored: Scored,
    pool: Ops | None,
    budget: int,
    rng: np.random.Generator,
    deadline: float = np.inf,
) -> None:
    """Score architectures up to a budget: random ones, then children of the best so far.

    Parameters
    ----------
    scored : Scored
        Takes the architectures.
    pool : numpy.ndarray of int, shape (n_archs, n_positions), or None
        What may be scored, all within the limits; the whole space if None.
    budget : int
        How many to score.
    rng : numpy.random.Generator
        Makes every choice.
    deadline : float, optional
        When to stop, by the monotonic clock.
    """
    members = None if pool is None else {row.tobytes() for row in pool}
    start = _start(scored, pool, min(budget, max(GENERATION, budget // 5)), rng, deadline)
    scored.add(start)
    barren = 0
    while 0 < len(scored.ops) < budget and barren < MOST_BARREN and time.monotonic() < deadline:
        children = scored.fresh(_children(scored, rng))
        if members is not None:
            children = children[[row.tobytes() in members for row in children]]
        room = min(GENERATION, budget - len(scored.ops))
        if pool is not None and len(children) < room:
            more = _start(scored, pool, room, rng)
            children = scored.fresh(np.concatenate([children, more]))
        barren = 0 if len(children) else barren + 1
        scored.add(children[:room])


def _children(scored: Scored, rng: np.random.Generator) -> Ops:
    """Return valid children within the limits: of the front and the best, crossed, changed."""
    front = scored.front()
    elite = np.argsort(scored.values[:, 0], kind="stable")[:GENERATION]
    parents = np.concatenate([rng.choice(front, len(elite)), elite, elite])
    children = scored.ops[rng.choice(parents, CHILDREN)]
    others = scored.ops[rng.choice(parents, CHILDREN)]
    space = scored.space
    crossed = rng.random(CHILDREN) < CROSSED
    taken = (rng.random(children.shape) < 0.5) & crossed[:, None]
    mixed = np.where(taken, others, children)
    children = np.where(space.valid(mixed)[:, None], mixed, children)
    rows = np.arange(CHILDREN)
    for change in range(MOST_CHANGES):
        changed = rows[rng.random(CHILDREN) < 0.5**change]
        children[changed] = _changed(space, children[changed], rng)
    excess = scored.costs.excess(children)
    for _ in range(MOST_REPAIRS):  # predictions are cheap: bring what is over its limits back
        over = np.flatnonzero(excess > 1.0)
        trials = _changed(space, children[over], rng)
        trial_excess = scored.costs.excess(trials)
        better = trial_excess < excess[over]
        children[over[better]], excess[over[better]] = trials[better], trial_excess[better]
    return children[excess <= 1.0]


def _changed(space: SearchSpace, ops: Ops, rng: np.random.Generator) -> Ops:
    """Return valid architectures with another op at one random position each.

    A change that breaks a rule of the space is drawn again; an architecture for which no draw
    gives a valid one stays as it is.
    """
    ops = ops.copy()
    left = np.arange(len(ops))
    for _ in range(MOST_REDRAWS):
        trials = _mutated(space, ops[left], rng)
        valid = space.valid(trials)
        ops[left[valid]] = trials[valid]
        left = left[~valid]
        if len(left) == 0:
            break
    return ops


def _mutated(space: SearchSpace, ops: Ops, rng: np.random.Generator) -> Ops:
    """Return combinations, valid or not, with another allowed op at one random position each."""
    free = np.flatnonzero([len(ids) > 1 for ids in space.choices])
    places = free[rng.integers(len(free), size=len(ops))]
    draws = rng.random(len(ops))
    for place in free:
        rows = np.flatnonzero(places == place)
        others = space.choices[place][:-1]
        drawn = others[(draws[rows] * len(others)).astype(np.intp)]
        # The last op stands in for the one that is there, which is not to be drawn.
        drawn[drawn == ops[rows, place]] = space.choices[place][-1]
        ops[rows, place] = drawn
    return ops


def _start(
    scored: Scored,
    pool: Ops | None,
    n: int,
    rng: np.random.Generator,
    deadline: float = np.inf,
) -> Ops:
    """Return up to `n` architectures within the limits that were not scored."""
    if pool is not None:
        return scored.fresh(pool[rng.permutation(len(pool))])[:n]
    space, costs = scored.space, scored.costs
    found = np.empty((0, space.n_positions), dtype=space.dtype)
    drawn = found
    for _ in range(MOST_DRAWS):
        drawn = space.draw(DRAWN, rng)
        drawn = drawn[space.valid(drawn)]
        found = np.concatenate([found, scored.fresh(costs.within(drawn))])
        if len(found) >= n or time.monotonic() > deadline:
            return found[:n]
    if len(drawn) and len(found) == 0 and len(scored.ops) == 0:
        nearest = drawn[np.argsort(costs.excess(drawn))[:CLIMBERS]]
        found = scored.fresh(np.array([_climbed(space, costs, ops) for ops in nearest]))
        found = costs.within(found)[:n]
    return found


def _climbed(space: SearchSpace, costs: SearchCosts, ops: Ops) -> Ops:
    """Change one position at a time for the better until the limits are kept, or nothing helps."""
    excess = float(costs.excess(ops[None])[0])
    while excess > 1.0:
        neighbours = space.neighbours(ops)
        excesses = costs.excess(neighbours)
        best = int(excesses.argmin())
        if excesses[best] >= excess:
            break
        ops, excess = neighbours[best], float(excesses[best])
    return ops
