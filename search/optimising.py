"""The best architecture of a search space within limits, with a proof that it is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, check_number
from archcost.models import CostModel
from archcost.search.additive_program import TOLERANCE
from archcost.search.additive_sum import AdditiveSum
from archcost.search.branch_and_bound import Branched
from archcost.search.cases import cases, deciding, solve
from archcost.search.evolving import Scored, evolve
from archcost.search.limits import Limit, find_limits, within_limits
from archcost.search.quantities import find_quantity
from archcost.search.scan_scores import LowCost, ScanScore, as_score
from archcost.search.scanning import highest
from archcost.search.search_costs import SearchCosts
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.space import Ops

if TYPE_CHECKING:
    import pandas as pd

LISTED = 64
"""Architectures of a listed space whose limits are asked for first; then ever more at once."""


@dataclass(frozen=True)
class Optimum:
    """The best architectures within limits, and how sure that is.

    Parameters
    ----------
    ranked : pandas.DataFrame
        The best architectures, best first: arch (the space's string), the score under its name,
        and each limited cost, such as ``raspi4_latency_ms``.
    bound : float
        No architecture within the limits that is not in `ranked` has a better score than this.
    seconds : float
        What the search took.
    method : {"listed", "branch and bound", "HiGHS", "evolution"}
        What found the last of `ranked`.
    sign : int
        -1 if the score is a cost, of which the lowest is the best; else 1.
    """

    ranked: pd.DataFrame
    bound: float
    seconds: float
    method: str
    sign: int = 1

    @property
    def arch(self) -> str:
        """The best architecture."""
        return str(self.ranked["arch"].iloc[0])

    @property
    def score(self) -> float:
        """Its score."""
        return float(self.ranked.iloc[0, 1])

    @property
    def costs(self) -> dict[str, float]:
        """Its limited costs by name."""
        return {name: float(value) for name, value in self.ranked.iloc[0, 2:].items()}

    @property
    def gap(self) -> float:
        """How much better than the last of `ranked` another architecture may be; 0 if proven."""
        return max(0.0, self.sign * (self.bound - float(self.ranked.iloc[-1, 1])))

    @property
    def is_proven(self) -> bool:
        """Whether no other architecture within the limits is better."""
        return self.gap == 0.0


def optimum(
    space: SearchSpace | str,
    maximize: Any = None,
    limits: Mapping[str, float] | None = None,
    *,
    minimize: str | None = None,
    k: int = 1,
    level: float | None = None,
    dataset: str | None = None,
    models: Mapping[str, CostModel] | None = None,
    seconds: float = 60.0,
    budget: int = 10_000,
    seed: int = 0,
) -> Optimum:
    """Find the best architectures within limits, and prove that no other one is better.

    Parameters
    ----------
    space : SearchSpace or str
        The search space.
    maximize : table, str, path, score or callable, optional
        What is to be large: a table ``(n_positions, n_ops)`` of what each op at each position
        adds, such as a supernet's; ``"flops"`` or ``"params"``; a CSV file with the columns
        position, op and weight; or a function of the space's string, of which nothing can be
        proven unless the space can be listed.
    limits : mapping of str to float, optional
        Highest values by name: ``{"raspi4": 20.0, "fpga:energy": 60, "params": 4e6}`` is latency in
        ms, energy in mJ and parameters; see ``archcost.search.work_measures`` for all work.
    minimize : str, optional
        In place of `maximize`: such a name, whose value is to be small.
    k : int, default=1
        How many architectures, best first.
    level : float, optional
        Probability with which the true costs keep the limits; by default the predicted means do.
    dataset : str, optional
        Fixes the input size; the space's default by default.
    models : mapping of str to CostModel, optional
        Models by names as in `limits`; installed ones by default.
    seconds : float, default=60
        When to stop proving; evolution then has as long again.
    budget : int, default=10000
        Architectures that evolution scores where nothing is additive.
    seed : int, default=0
        Fixes evolution.

    Returns
    -------
    Optimum
        The architectures and the proof.

    Raises
    ------
    ArchcostError
        If no architecture keeps the limits, or nothing or two things are to be optimised.
    UnknownNameError
        If no model covers a device.

    Notes
    -----
    A space that can be listed is listed, and the result exact for any model. Elsewhere an additive
    score within additive limits is solved by branch and bound (``branch_and_bound``), and what that
    leaves open by HiGHS (``integer_program``). Rules of the space, limits that do not add up and
    upper bounds are checked exactly for every candidate: the relaxation without them still bounds
    the score. Where these leave a gap, evolution looks for better architectures, and the bound says
    how far from the best they can be.

    Examples
    --------
    >>> found = optimum("fbnet", "flops", {"raspi4": 20.0, "params": 1e6})
    >>> found.is_proven, round(found.score, 1), found.costs["params"] <= 1e6
    (True, 92.9, True)
    """
    space, start = get_space(space), time.monotonic()
    if (maximize is None) == (minimize is None):
        raise ArchcostError("an optimum needs one of maximize and minimize, and not both")
    check_number("k", k, 1, whole=True)
    check_number("seconds", seconds, 0)
    check_number("budget", budget, 0, whole=True)
    check_number("seed", seed, 0, whole=True)
    if minimize is None:
        score = as_score(maximize, space, dataset)
    else:
        score = LowCost(find_quantity(space, minimize, dataset, models))
    bound_by = find_limits(space, limits or {}, dataset, models, level=level)
    task = _Task(space, score, bound_by, k)
    if space.is_enumerable:
        found, method = task.listed(), "listed"
    else:
        found, method = task.branched(start + seconds)
        if found.bound > task.last(found.ops) and not task.is_additive:
            found, method = task.evolved(found, method, budget, seed, time.monotonic() + seconds)
    if len(found.ops) == 0:
        kept = {limit.quantity.name: limit.at_most for limit in bound_by}
        proof = "no architecture keeps" if found.bound == -np.inf else "none was found that keeps"
        raise ArchcostError(f"{proof} the limits {kept}; raise them")
    ops = found.ops[highest(score(found.ops), k)]
    worst = float(score(ops[-1:])[0])
    bound = worst if found.bound <= task.last(ops) else found.bound
    return Optimum(
        ranking(space, score, bound_by, ops), score.sign * bound, time.monotonic() - start, method,
        score.sign,
    )  # fmt: skip


def ranking(
    space: SearchSpace, score: ScanScore, limits: Sequence[Limit], ops: Ops
) -> pd.DataFrame:
    """Return architectures with their scores and costs as a table, in their order."""
    import pandas as pd

    columns: dict[str, Any] = {
        "arch": space.format_many(ops),
        score.name: score.sign * score(ops),
    }
    for limit in limits:
        columns.setdefault(limit.quantity.name, limit.quantity.values(ops))
    return pd.DataFrame(columns)


@dataclass(frozen=True)
class _Task:
    """What is looked for: the `k` best by a score within limits."""

    space: SearchSpace
    score: ScanScore
    limits: tuple[Limit, ...]
    k: int

    @property
    def is_additive(self) -> bool:
        """Whether score and limits add up exactly: one order of equal positions says all."""
        summed = [self.score.sums()] + [
            None if limit.level is not None else limit.quantity.sums()
            for limit in self.limits
            if limit.choices() is None
        ]
        return not self.space.has_rules and all(isinstance(one, AdditiveSum) for one in summed)

    @property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Which op may stand where, within the limits that single ops decide."""
        allowed = self.space.allowed
        for limit in self.limits:
            choices = limit.choices()
            if choices is not None:
                allowed = allowed & choices
        return allowed

    def accept(self, ops: Ops) -> npt.NDArray[np.bool_]:
        """Tell which architectures are valid and within all limits, exactly."""
        accepted = self.space.valid(ops)
        accepted[accepted] = within_limits(self._cheapest_first, ops[accepted])
        return accepted

    @cached_property
    def _cheapest_first(self) -> list[Limit]:
        """The limits, those last whose quantity takes the network to be written."""
        return sorted(self.limits, key=lambda limit: limit.quantity.sums() is None)

    def last(self, ops: Ops) -> float:
        """Return the score that another architecture must exceed, rounding aside."""
        if len(ops) < self.k:
            return -np.inf
        score = float(self.score(ops[-1:])[0])
        return score + TOLERANCE * abs(score)

    def listed(self) -> Branched:
        """Return the best of the whole space; limits are asked for from the best score down."""
        ops = self.space.all_ops
        ops = ops[highest(self.score(ops), len(ops))]
        found, start = ops[:0], 0
        while len(found) < self.k and start < len(ops):
            some = ops[start : 2 * start + LISTED]
            found = np.concatenate([found, some[self.accept(some)]])
            start += len(some)
        return Branched(found[: self.k], -np.inf)

    def branched(self, deadline: float) -> tuple[Branched, str]:
        """Return what the additive relaxation finds and proves."""
        nothing = np.empty((0, self.space.n_positions), dtype=self.space.dtype)
        sums = self.score.sums()
        if not self.allowed.any(axis=1).all():
            return Branched(nothing, -np.inf), "branch and bound"
        if sums is None:
            return Branched(nothing, np.inf), "evolution"
        decided = deciding(self.allowed, sums, [limit.relaxed() for limit in self.limits])
        if decided is None:
            return Branched(nothing, np.inf), "evolution"

        def accept(ops: Ops) -> npt.NDArray[np.bool_]:
            return self.accept(ops.astype(self.space.dtype))

        every = cases(self.allowed, decided[0], sums, decided[1])
        if not every:
            return Branched(nothing, -np.inf), "branch and bound"
        found, method = solve(every, self.k, accept, deadline, is_exact=self.is_additive)
        bound = sums.from_sum(found.bound) if np.isfinite(found.bound) else found.bound
        return Branched(found.ops.astype(self.space.dtype), bound), method

    def evolved(
        self, found: Branched, method: str, budget: int, seed: int, deadline: float
    ) -> tuple[Branched, str]:
        """Return what evolution adds to what was found; the bound stays."""
        space = self.space

        def objective(arch: str) -> float:
            return float(self.score(space.parse(arch)[None])[0])

        scored = Scored(space, objective, SearchCosts(tuple(self._cheapest_first), 0.9))
        scored.add(found.ops)
        evolve(scored, None, budget, np.random.default_rng(seed), deadline)
        order = np.argsort(scored.values[:, 0], kind="stable")[: self.k]
        ops = scored.ops[order]
        same = len(ops) == len(found.ops) and np.array_equal(ops, found.ops)
        return Branched(ops, found.bound), method if same else "evolution"
