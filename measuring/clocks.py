"""Wall time and the CPU time of the process: which one of them a network costs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import process_time_ns
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from archcost.errors import ArchcostError

if TYPE_CHECKING:
    from archcost.measuring.runtime import Runtime

Clock = Literal["cpu", "wall"]
CLOCKS: tuple[Clock, ...] = get_args(Clock)


class Timing(NamedTuple):
    """One inference on both clocks.

    Parameters
    ----------
    wall_ms : float
        What the runtime says that it took.
    cpu_ms : float
        What the process computed meanwhile, all its threads together.
    """

    wall_ms: float
    cpu_ms: float


def timed(infer_ms: Callable[[], float]) -> Timing:
    """Run a loaded network once and return its time on both clocks."""
    start = process_time_ns()
    wall_ms = infer_ms()
    return Timing(wall_ms, (process_time_ns() - start) / 1e6)


def clock_for(runtime: Runtime, threads: int, clock: Clock | None = None) -> Clock:
    """Return the clock that costs are read from.

    CPU time leaves out the waiting for other processes on the machine: at a load of 8 to 14, wall
    time was 2.4 times as long and CPU time repeated to 1 %. It is the latency only where a single
    thread of this process does the work.

    Parameters
    ----------
    runtime : Runtime
        What runs the networks.
    threads : int
        Threads of one inference.
    clock : {"cpu", "wall"}, optional
        What the user wants; by default CPU time where it is the latency.

    Raises
    ------
    ArchcostError
        If CPU time is wanted where it is not the latency.
    """
    # Windows counts CPU time in steps of 16 ms.
    possible = runtime.in_process and threads == 1 and sys.platform != "win32"
    if clock == "cpu" and not possible:
        raise ArchcostError(
            "the clock 'cpu' must go with a runtime that computes in this process with 1 thread, "
            f"not on Windows, but got {runtime.name!r} with {threads} threads; use 'wall'"
        )
    return clock or ("cpu" if possible else "wall")
