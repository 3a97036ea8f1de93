"""Scan a search space for the best architectures within limits, however large it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, check_number
from archcost.search.limits import Limit
from archcost.search.scan_scores import ScanScore
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

CHUNK = 1 << 16
"""Architectures drawn, predicted and ranked at once. It is part of what a seed means."""

WORDS = 1 << 16
"""Combinations of ops that one 16-bit number can draw."""

MAX_DRAWS = 1000
"""Draws of a chunk's size without a valid architecture, after which a scan gives up."""


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
        How many valid architectures to look at. They are drawn uniformly and independently; in a
        space that can be listed all are different.
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
            check_number(name, getattr(self, name), least, whole=True)

    @property
    def total(self) -> int:
        """How many architectures the scan looks at; never more than there are."""
        space = self.space
        return min(self.count, len(space.all_ops) if space.is_enumerable else space.size)

    @property
    def n_chunks(self) -> int:
        """How many chunks they come in."""
        return -(-self.total // CHUNK)

    def identity(self) -> dict[str, object]:
        """Return what must be the same for a scan to go on where it was stopped."""
        return {
            "space": f"{self.space.name} {self.space.fingerprint}",
            "score": self.score.identity(),
            "limits": [limit.identity() for limit in self.limits],
            "count": self.count,
            "top": self.top,
            "seed": self.seed,
            "chunk": CHUNK,
        }


class Found(NamedTuple):
    """The best architectures among those looked at, best first.

    Parameters
    ----------
    ops : array of int, shape (n_found, n_positions)
        The architectures.
    score : array of float64, shape (n_found,)
        Their scores; where equal, the architecture drawn first comes first.
    costs : array of float64, shape (n_found, n_limits)
        Their limited costs, predicted means or work.
    n_within : int
        How many architectures were within the limits.
    """

    ops: Ops
    score: npt.NDArray[np.float64]
    costs: npt.NDArray[np.float64]
    n_within: int


def nothing(plan: ScanPlan) -> Found:
    """Return what is found before anything was looked at."""
    empty = np.empty((0, plan.space.n_positions), dtype=plan.space.dtype)
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
        cost = limit.quantity.values(ops)
        bounded = cost if limit.level is None else limit.bounded(ops)
        within = bounded <= limit.at_most
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
    if space.is_enumerable:
        return space.sample(plan.total, seed=plan.seed)[start : start + n_archs]
    generator = np.random.Generator(np.random.Philox(key=[plan.seed, chunk]))
    ops = _draw(space, n_archs, generator)
    if not space.has_rules:
        return ops
    parts = [ops[space.valid(ops)]]
    while sum(map(len, parts)) < n_archs:
        if len(parts) == MAX_DRAWS and not sum(map(len, parts)):
            raise ArchcostError(
                f"a scan needs valid architectures, but {MAX_DRAWS * n_archs} random combinations "
                f"of {space.name} all break its rules; narrow its slots"
            )
        more = _draw(space, n_archs, generator)
        parts.append(more[space.valid(more)])
    return np.concatenate(parts)[:n_archs]


def highest(score: npt.NDArray[np.float64], top: int) -> npt.NDArray[np.intp]:
    """Return the places of the `top` highest scores, highest first, ties in their order."""
    places = np.arange(len(score))
    if len(score) > top:
        least = np.partition(score, len(score) - top)[len(score) - top]
        places = np.flatnonzero(score >= least)
    return places[np.argsort(-score[places], kind="stable")[:top]]


def _draw(space: SearchSpace, n_archs: int, generator: np.random.Generator) -> Ops:
    """Return combinations of allowed ops, drawn uniformly, a word of positions at a time."""
    words = _words(space)
    if space.allowed.all():
        codes = generator.integers(len(words[0]), size=(n_archs, len(words)), dtype=np.uint16)
        ops = words[0].take(codes, axis=0).reshape(n_archs, -1)
        return np.ascontiguousarray(ops[:, : space.n_positions])
    drawn = [word[generator.integers(len(word), size=n_archs, dtype=np.uint16)] for word in words]
    return np.concatenate(drawn, axis=1)


@cache
def _words(space: SearchSpace) -> list[Ops]:
    """Return, for each run of up to four positions, all combinations of the ops allowed there.

    One 16-bit number draws a word. Where all ops are allowed everywhere, the words are alike, and
    the last one may reach beyond the end.
    """
    if space.allowed.all():
        length = max(n for n in range(1, 5) if space.n_ops**n <= WORDS)
        digits = space.n_ops ** np.arange(length)
        word = np.arange(space.n_ops**length)[:, None] // digits % space.n_ops
        return [word.astype(space.dtype)] * -(-space.n_positions // length)
    runs: list[list[npt.NDArray[Any]]] = []
    for ids in space.choices:
        if runs and len(runs[-1]) < 4 and prod(map(len, runs[-1])) * len(ids) <= WORDS:
            runs[-1].append(ids)
        else:
            runs.append([ids])
    return [
        np.stack(np.meshgrid(*run, indexing="ij"), axis=-1).reshape(-1, len(run)) for run in runs
    ]
