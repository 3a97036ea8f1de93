"""Times of works that run in turns."""

import time
from collections.abc import Callable
from typing import Any


def best_times(repeats: int, *works: Callable[[], object]) -> list[float]:
    """Return the shortest time of each work in seconds; they run in turns."""
    shortest = [float("inf")] * len(works)
    for _ in range(repeats + 1):  # one more, to warm up
        for place, work in enumerate(works):
            start = time.perf_counter()
            work()
            shortest[place] = min(shortest[place], time.perf_counter() - start)
    return shortest


def each(function: Callable[[Any], object], items: list[Any]) -> Callable[[], None]:
    """Return a loop over items, so that all sides pay for the same loop."""

    def work() -> None:
        for item in items:
            function(item)

    return work
