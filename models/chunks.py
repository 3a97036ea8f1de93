"""Work on many architectures in chunks that fit the caches, on all cores where it pays."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from archcost.spaces.space import Ops

Costs = npt.NDArray[np.float64]

CHUNK = 4096
"""Architectures at a time: their ids, indices and sums stay within a second-level cache."""

THREADED = 1 << 17
"""From this many architectures on threads pay; numpy frees the interpreter while it gathers."""


def in_chunks(evaluate: Callable[[Ops], Costs], ops: Ops, *shape: int) -> Costs:
    """Evaluate architectures chunk by chunk.

    Parameters
    ----------
    evaluate : callable
        Takes op ids ``(n_chunk, n_positions)``, returns costs ``(n_chunk, *shape)``, each row by
        itself, so that neither chunks nor threads change a bit.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.
    *shape : int
        Further axes of the result; the larger they are, the smaller the chunks.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, *shape)
        The costs.
    """
    n_archs = len(ops)
    chunk = min(CHUNK, max(64, 8 * CHUNK // math.prod(shape)))
    if n_archs <= chunk:
        return evaluate(ops)
    costs = np.empty((n_archs, *shape))

    def fill(first: int, last: int) -> None:
        for start in range(first, last, chunk):
            end = min(start + chunk, last)
            costs[start:end] = evaluate(ops[start:end])

    cores = available_cores() if n_archs >= THREADED else 1
    if cores == 1:
        fill(0, n_archs)
        return costs
    from concurrent.futures import ThreadPoolExecutor

    bounds = np.linspace(0, n_archs, cores + 1).astype(int).tolist()
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(fill, bounds[:-1], bounds[1:]))
    return costs


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # absent on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
