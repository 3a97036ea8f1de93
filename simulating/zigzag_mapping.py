"""Ways to spread the loops of a layer over an array."""

from __future__ import annotations

import math

from archcost.simulating.zigzag_description import LOOPS, Array, ZigZagDescription
from archcost.simulating.zigzag_layers import LoopNest

Unrolling = tuple[tuple[tuple[str, int], ...], ...]
"""For each dimension of the array the loops spread along it and over how many units."""


def unrollings(nest: LoopNest, description: ZigZagDescription) -> list[tuple[int, Unrolling]]:
    """Return the distinct ways to spread a loop nest over the array, by all mappings of the array.

    Along each dimension of the array the loops that a mapping names take room in turn.

    Returns
    -------
    list of (int, unrolling)
        Each with the steps that the array takes if no memory makes it wait.
    """
    found: dict[Unrolling, int] = {}
    array = array_of(nest, description)
    for mapping in array.mappings:
        left = dict(nest.sizes)
        spread = []
        for dimension, units in array.sizes.items():
            along: dict[str, int] = {}
            for name in mapping[dimension]:
                loop = LOOPS[name]
                share = _share(left[loop], units, description.divisors_only)
                if share > 1:
                    along[loop] = along.get(loop, 1) * share
                    units //= share
                    left[loop] = -(-left[loop] // share)
            spread.append(tuple(along.items()))
        found[tuple(spread)] = math.prod(left.values())
    return [(steps, way) for way, steps in found.items()]


def array_of(nest: LoopNest, description: ZigZagDescription) -> Array:
    """Return the array that computes a loop nest."""
    return description.depthwise_array if nest.is_depthwise else description.array


def _share(iterations: int, units: int, divisors_only: bool) -> int:
    most = min(iterations, units)
    if not divisors_only:
        return most
    return next(share for share in range(most, 0, -1) if iterations % share == 0)
