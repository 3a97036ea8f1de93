"""Measure the latency of architectures in interleaved rounds that survive any interruption."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from archcost.datasets.errors import ArchcostError
from archcost.datasets.journal import Journal, Visit
from archcost.datasets.machine import describe_machine
from archcost.datasets.runtime import Runtime
from archcost.datasets.space import Ops, SearchSpace

DECIMALS = 6
"""Of a latency in the journal: nanoseconds."""


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """How long and how often to measure.

    Parameters
    ----------
    rounds : int, default=6
        How often to go over all architectures. A neighbour on the machine slows some architectures
        in one round and others in the next, so many short rounds beat one long one.
    runs : int, default=10
        Timed inferences of an architecture in a round.
    warmup : int, default=2
        Inferences before them that are not timed.
    threads : int, default=1
        Threads of one inference.
    time_budget_s : float, optional
        Seconds after which to stop and keep what was measured.
    seed : int, default=0
        Fixes the order of the architectures in each round.
    """

    rounds: int = 6
    runs: int = 10
    warmup: int = 2
    threads: int = 1
    time_budget_s: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("rounds", 1), ("runs", 1), ("warmup", 0), ("threads", 1)):
            value = getattr(self, name)
            if value < least:
                raise ArchcostError(f"{name} must be at least {least}, but got {value}")
        if self.time_budget_s is not None and not self.time_budget_s > 0:
            raise ArchcostError(f"the time budget must be positive, but got {self.time_budget_s} s")


def measuring_setup(
    space: SearchSpace, dataset: str, runtime: Runtime, settings: MeasureSettings
) -> dict[str, Any]:
    """Return what must stay the same over all measurements of one table."""
    return {
        "space": space.name,
        "dataset": dataset,
        "runtime": runtime.name,
        "runtime_version": runtime.version(),
        "precision": runtime.precision,
        "batch_size": 1,
        "threads": settings.threads,
        "runs_per_round": settings.runs,
        "warmup_runs": settings.warmup,
        **describe_machine(),
    }


def measure(
    space: SearchSpace,
    archs: Ops,
    dataset: str,
    runtime: Runtime,
    journal: Journal,
    settings: MeasureSettings,
    *,
    progress: bool = False,
) -> None:
    """Measure architectures in rounds, each in another order, and append to the journal.

    What the journal holds already is skipped, so the same call goes on where an earlier one
    stopped, and a call with more architectures or rounds extends it.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    archs : numpy.ndarray of int8, shape (n_archs, n_positions)
        What to measure.
    dataset : str
        Fixes the input size.
    runtime : Runtime
        What runs the networks.
    journal : Journal
        Where the measurements go.
    settings : MeasureSettings
        Rounds, runs and time budget.
    progress : bool, default=False
        Show a progress bar with the expected end.
    """
    from tqdm import tqdm

    names = space.format_many(archs)
    deadline = monotonic() + (settings.time_budget_s or math.inf)
    schedule = _schedule(names, settings, journal)
    with tqdm(total=len(schedule), unit="visit", disable=not progress, desc="measuring") as bar:
        for place, round_number in schedule:
            if monotonic() >= deadline:
                break
            load = (space, archs[place], dataset, settings.threads)
            bar.set_postfix_str(f"round {round_number + 1}/{settings.rounds}", refresh=False)
            journal.append(_visit(runtime, load, names[place], round_number, settings))
            bar.update()


def _schedule(
    names: Sequence[str], settings: MeasureSettings, journal: Journal
) -> list[tuple[int, int]]:
    """Return which architecture to visit in which round, what is done left out."""
    done = journal.done()
    schedule = []
    for round_number in range(settings.rounds):
        order = np.random.default_rng([settings.seed, round_number]).permutation(len(names))
        schedule += [(int(i), round_number) for i in order if (names[i], round_number) not in done]
    return schedule


def _visit(
    runtime: Runtime,
    load: tuple[SearchSpace, Ops, str, int],
    arch: str,
    round_number: int,
    settings: MeasureSettings,
) -> Visit:
    """Load an architecture and time it; whatever the runtime raises becomes a failed visit."""
    try:
        infer_ms = runtime.load(*load)
        for _ in range(settings.warmup):
            infer_ms()
        latencies_ms = tuple(round(infer_ms(), DECIMALS) for _ in range(settings.runs))
    except Exception as error:  # a runtime may raise anything, and the other networks go on
        return Visit(arch, round_number, error=f"{type(error).__name__}: {error}")
    wrong = [value for value in latencies_ms if not 0 < value < math.inf]
    if wrong:
        return Visit(arch, round_number, error=f"a latency must be positive, but got {wrong[0]}")
    return Visit(arch, round_number, latencies_ms)
