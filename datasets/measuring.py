"""Measure the latency of architectures in interleaved rounds that survive any interruption."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np

from archcost.datasets.errors import ArchcostError
from archcost.datasets.journal import Journal, Visit
from archcost.datasets.machine import describe_machine
from archcost.datasets.runtime import Inference, Runtime
from archcost.datasets.space import Ops, SearchSpace

DECIMALS = 6
"""Of a latency in the journal: nanoseconds."""

REFERENCE_RUNS = 2


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """How long and how often to measure.

    Parameters
    ----------
    rounds : int, default=20
        How often to go over the architectures. A neighbour on the machine slows some in one round
        and others in the next, so many short rounds beat one long one.
    runs : int, default=3
        Timed inferences of an architecture in a round.
    warmup : int, default=1
        Inferences before them that are not timed.
    threads : int, default=1
        Threads of one inference.
    loaded : int, default=200
        Networks held in memory at a time; rounds go over them before the next are loaded.
    rounds_per_load : int, default=20
        Rounds after which all networks are loaded anew, at another time and place in memory.
    time_budget_s : float, optional
        Seconds after which to stop and keep what was measured.
    seed : int, default=0
        Fixes the order of the architectures in each round.
    """

    rounds: int = 20
    runs: int = 3
    warmup: int = 1
    threads: int = 1
    loaded: int = 200
    rounds_per_load: int = 20
    time_budget_s: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"rounds": 1, "runs": 1, "warmup": 0, "threads": 1, "loaded": 1}
        for name, bound in {**least, "rounds_per_load": 1}.items():
            if getattr(self, name) < bound:
                raise ArchcostError(
                    f"{name} must be {bound} or more, but got {getattr(self, name)}"
                )
        if self.time_budget_s is not None and not self.time_budget_s > 0:
            raise ArchcostError(f"the time budget must be positive, but got {self.time_budget_s} s")


class ReferenceClock:
    """Tells how slow the machine is just now, by a network that is always the same.

    Parameters
    ----------
    infer_ms : callable
        Runs that network once.
    """

    def __init__(self, infer_ms: Inference) -> None:
        self._infer_ms = infer_ms
        self._last_ms = self._fastest_ms()

    def around_ms(self) -> float:
        """Return the geometric mean of the last timing and one taken now."""
        before_ms, self._last_ms = self._last_ms, self._fastest_ms()
        return math.sqrt(before_ms * self._last_ms)

    def _fastest_ms(self) -> float:
        return min(self._infer_ms() for _ in range(REFERENCE_RUNS))


def reference_arch(space: SearchSpace, dataset: str) -> Ops:
    """Return an architecture of medium size, with the same op everywhere so that none is dead."""
    uniform = [np.full(space.n_positions, op, dtype=np.int8) for op in range(space.n_ops)]
    uniform.sort(key=lambda arch: space.workload(arch, dataset).flops)
    return uniform[space.n_ops * 2 // 3]


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
        "batch_size": runtime.batch_size,
        "threads": settings.threads,
        "runs_per_round": settings.runs,
        "warmup_runs": settings.warmup,
        "reference_arch": space.format(reference_arch(space, dataset)),
        **describe_machine(),
        **runtime.describe(),
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
    done = journal.done()
    batches = list(_batches(names, settings, done))
    reference = ReferenceClock(
        runtime.load(space, reference_arch(space, dataset), dataset, settings.threads)
    )
    with tqdm(
        total=sum(map(len, batches)), unit="visit", disable=not progress, desc="measuring"
    ) as bar:
        for batch in batches:
            if monotonic() >= deadline:
                return
            bar.set_postfix_str("loading")
            networks = {
                place: _load(runtime, space, archs[place], dataset, settings.threads)
                for place in {place for _, place in batch}
            }
            for round_number, place in batch:
                if monotonic() >= deadline:
                    return
                bar.set_postfix_str(f"round {round_number + 1}/{settings.rounds}", refresh=False)
                visit = Visit(names[place], round_number)
                journal.append(_timed(visit, networks[place], reference, settings))
                bar.update()


def _batches(
    names: Sequence[str], settings: MeasureSettings, done: set[tuple[str, int]]
) -> Iterator[list[tuple[int, int]]]:
    """Yield visits, pairs of round and place, that share loaded networks; what is done is out."""
    for first in range(0, settings.rounds, settings.rounds_per_load):
        rounds = range(first, min(first + settings.rounds_per_load, settings.rounds))
        order = np.random.default_rng([settings.seed, first]).permutation(len(names))
        pending = [int(p) for p in order if any((names[p], r) not in done for r in rounds)]
        for start in range(0, len(pending), settings.loaded):
            places = pending[start : start + settings.loaded]
            visits = []
            for r in rounds:
                shuffled = np.random.default_rng([settings.seed, r]).permutation(places)
                visits += [(r, int(p)) for p in shuffled if (names[p], r) not in done]
            yield visits


def _load(
    runtime: Runtime, space: SearchSpace, ops: Ops, dataset: str, threads: int
) -> Inference | str:
    """Load a network; what the runtime raises is returned as text."""
    try:
        return runtime.load(space, ops, dataset, threads)
    except Exception as error:  # a runtime may raise anything, and the other networks go on
        return f"{type(error).__name__}: {error}"


def _timed(
    visit: Visit, network: Inference | str, reference: ReferenceClock, settings: MeasureSettings
) -> Visit:
    """Return the visit with its latencies, or with the error that it ended in."""
    if isinstance(network, str):
        return replace(visit, error=network)
    try:
        for _ in range(settings.warmup):
            network()
        latencies_ms = tuple(round(network(), DECIMALS) for _ in range(settings.runs))
    except Exception as error:  # as in loading
        return replace(visit, error=f"{type(error).__name__}: {error}")
    wrong = [value for value in latencies_ms if not 0 < value < math.inf]
    if wrong:
        return replace(visit, error=f"a latency must be positive, but got {wrong[0]}")
    reference_ms = round(reference.around_ms(), DECIMALS)
    return replace(visit, latencies_ms=latencies_ms, reference_ms=reference_ms)
