"""Scan a search space for the best architectures within limits, however large it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError
from archcost.models import CostModel
from archcost.search.scan_scores import ScanScore, predicted
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

CHUNK = 1 << 16
"""Architectures drawn, predicted and ranked at once. It is part of what a seed means."""

SMALL = 1 << 20
"""Spaces up to this size are sampled without repetition."""


@dataclass(frozen=True)
class Limit:
    """A cost that must not exceed a value.

    Parameters
    ----------
    model : CostModel
        What predicts the cost.
    at_most : float
        The highest cost allowed, in the model's unit.
    """

    model: CostModel
    at_most: float


@dataclass(frozen=True)
class ScanPlan:
    """What to scan, and what to keep.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    score : ScanScore
        What is to be large.
    limits : tuple of Limit
        What must be small enough.
    count : int
        How many architectures to look at. They are drawn uniformly and independently; in a small
        space, such as NAS-Bench-201, all are different.
    top : int
        How many to keep.
    seed : int
        Fixes the draw.

    Raises
    ------
    ArchcostError
        If `count` or `top` is not positive, or a seed negative.
    """

    space: SearchSpace
    score: ScanScore
    limits: tuple[Limit, ...] = ()
    count: int = 10**6
    top: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("count", 1), ("top", 1), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise ArchcostError(f"{name} must be at least {least}, but got {value}")

    @property
    def total(self) -> int:
        """How many architectures the scan looks at; never more than there are."""
        return min(self.count, self.space.size)

    @property
    def n_chunks(self) -> int:
        """How many chunks they come in."""
        return -(-self.total // CHUNK)

    def identity(self) -> dict[str, object]:
        """Return what must be the same for a scan to go on where it was stopped."""
        limits = [[limit.model.manifest.to_json(), limit.at_most] for limit in self.limits]
        return {
            "space": self.space.name,
            "score": self.score.identity(),
            "limits": limits,
            "count": self.count,
            "top": self.top,
            "seed": self.seed,
            "chunk": CHUNK,
        }


class Found(NamedTuple):
    """The best architectures among those looked at, best first.

    Parameters
    ----------
    ops : array of int8, shape (n_found, n_positions)
        The architectures.
    score : array of float64, shape (n_found,)
        Their scores; where equal, the architecture drawn first comes first.
    costs : array of float64, shape (n_found, n_limits)
        Their limited costs.
    n_within : int
        How many architectures were within the limits.
    """

    ops: Ops
    score: npt.NDArray[np.float64]
    costs: npt.NDArray[np.float64]
    n_within: int


def nothing(plan: ScanPlan) -> Found:
    """Return what is found before anything was looked at."""
    empty = np.empty((0, plan.space.n_positions), dtype=np.int8)
    return Found(empty, np.empty(0), np.empty((0, len(plan.limits))), 0)


def scan_chunk(plan: ScanPlan, chunk: int) -> Found:
    """Draw one chunk of architectures and return the best within the limits.

    Parameters
    ----------
    plan : ScanPlan
        What to scan.
    chunk : int
        Which chunk, from 0 to ``plan.n_chunks - 1``; each can be scanned anywhere, in any order.
    """
    ops = draw_chunk(plan, chunk)
    costs = np.empty((len(ops), 0))
    for limit in plan.limits:
        cost = predicted(limit.model, ops)
        within = cost <= limit.at_most
        ops = ops[within]
        costs = np.concatenate([costs[within], cost[within, None]], axis=1)
    score = plan.score(ops)
    best = highest(score, plan.top)
    return Found(ops[best], score[best], costs[best], len(ops))


def merge(plan: ScanPlan, earlier: Found, later: Found) -> Found:
    """Return the best of two finds; those of `earlier` were drawn first."""
    ops = np.concatenate([earlier.ops, later.ops])
    score = np.concatenate([earlier.score, later.score])
    costs = np.concatenate([earlier.costs, later.costs])
    best = highest(score, plan.top)
    return Found(ops[best], score[best], costs[best], earlier.n_within + later.n_within)


def draw_chunk(plan: ScanPlan, chunk: int) -> Ops:
    """Return the architectures ``(n_archs, n_positions)`` of one chunk.

    Each chunk has its own counter-based generator, so that no chunk waits for another.
    """
    space = plan.space
    start = chunk * CHUNK
    n_archs = min(CHUNK, plan.total - start)
    if space.size <= SMALL:
        return space.sample(plan.total, seed=plan.seed)[start : start + n_archs]
    generator = np.random.Generator(np.random.Philox(key=[plan.seed, chunk]))
    words = _words(space.n_ops)
    n_words = -(-space.n_positions // words.shape[1])
    codes = generator.integers(len(words), size=(n_archs, n_words), dtype=np.uint16)
    ops = words.take(codes, axis=0).reshape(n_archs, -1)
    return np.ascontiguousarray(ops[:, : space.n_positions])


def highest(score: npt.NDArray[np.float64], top: int) -> npt.NDArray[np.intp]:
    """Return the places of the `top` highest scores, highest first, ties in their order."""
    places = np.arange(len(score))
    if len(score) > top:
        least = np.partition(score, len(score) - top)[len(score) - top]
        places = np.flatnonzero(score >= least)
    return places[np.argsort(-score[places], kind="stable")[:top]]


def _words(n_ops: int) -> Ops:
    """Return all combinations of up to four ops, to draw that many with one 16-bit number."""
    length = max(n for n in range(1, 5) if n_ops**n <= 1 << 16)
    digits = n_ops ** np.arange(length)
    return (np.arange(n_ops**length)[:, None] // digits % n_ops).astype(np.int8)
