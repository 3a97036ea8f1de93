"""Measure the latency of architectures in interleaved rounds that survive any interruption."""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

import numpy as np

from archcost.errors import ArchcostError
from archcost.interrupts import kept_interrupts
from archcost.measuring.clocks import clock_for
from archcost.measuring.energy_counter import EnergyCounter
from archcost.measuring.journal import Journal, RoundRecord
from archcost.measuring.machine import describe_machine
from archcost.measuring.measure_settings import MeasureSettings
from archcost.measuring.network_timer import Failure, NetworkTimer
from archcost.measuring.runtime import Inference, Runtime
from archcost.measuring.split_half import least_split_half_correlation
from archcost.measuring.temperature import read_temperature_c, wait_until_cool
from archcost.progress import progress_bar
from archcost.spaces.space import Ops, SearchSpace

MAX_FAILURES = 2
"""Failures in a row after which an architecture is not tried again."""

DEVICE_FAILURES = 5
"""Failures of networks in a row after which the device is checked: it may be off or unplugged."""

MORE_ROUNDS = 4
"""Rounds that are added at a time while the repeatability is too low."""

N_HASHED = 8
"""Architectures whose networks a journal remembers the hash of."""

N_SAMPLED = 15
"""Architectures of which the one of median work is the reference, in a space with rules."""


def reference_arch(space: SearchSpace, dataset: str) -> Ops:
    """Return a valid architecture of medium work, always the same one.

    Where every combination is valid it has the same op everywhere, so that none is dead, and is the
    one at two thirds by FLOPs; elsewhere it is the median of a sample.
    """
    if space.allowed.all() and not space.has_rules and not space.is_open:
        archs = np.repeat(np.arange(space.n_ops, dtype=space.dtype)[:, None], space.n_positions, 1)
        place = space.n_ops * 2 // 3
    else:
        archs = space.sample(min(N_SAMPLED, space.n_archs), seed=0)
        place = len(archs) // 2
    flops = [space.workload(arch, dataset).flops for arch in archs]
    return archs[np.argsort(flops, kind="stable")[place]]


def networks_digest(space: SearchSpace, dataset: str) -> str:
    """Return a hash of the networks of a few architectures, the same ones in each call.

    A journal knows architectures by their strings; a space whose networks were changed since has
    another hash.
    """
    archs = space.sample(min(N_HASHED, space.n_archs), seed=0)
    digests = [space.graph(arch, dataset).digest for arch in archs]
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def measuring_setup(
    space: SearchSpace,
    dataset: str,
    runtime: Runtime,
    settings: MeasureSettings,
    counter: EnergyCounter | None = None,
) -> dict[str, Any]:
    """Return what must stay the same over all measurements of one table."""
    settings = settings.for_runtime(runtime)
    reference = None if runtime.repeats_itself else space.format(reference_arch(space, dataset))
    return {
        "space": space.name,
        "dataset": dataset,
        "networks": networks_digest(space, dataset),
        "runtime": runtime.name,
        "runtime_version": runtime.version(),
        "precision": runtime.precision,
        "batch_size": None if space.is_open else runtime.batch_size,
        "threads": settings.threads,
        "runs_per_round": settings.runs,
        "warmup_runs": settings.warmup,
        "reference_arch": reference,
        # What a command prints is the time of a clock that only the user knows.
        **({} if runtime.repeats_itself else {"clock": settings.clock}),
        **describe_machine(),
        **runtime.describe(),
        **({"energy_counter": counter.name} if counter else {}),
    }


def measure(
    space: SearchSpace,
    archs: Ops,
    dataset: str,
    runtime: Runtime,
    journal: Journal,
    settings: MeasureSettings,
    *,
    counter: EnergyCounter | None = None,
    on_start: Callable[[int, int], None] = lambda place, round_number: None,
    progress: bool = False,
) -> None:
    """Measure architectures in rounds, each in another order, and append to the journal.

    Measurements that are in the journal are skipped, so the same call goes on where an earlier one
    stopped, and a call with more architectures or rounds extends it. An architecture that fails
    twice in a row is not tried again.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    archs : numpy.ndarray of int, shape (n_archs, n_positions)
        The architectures to measure.
    dataset : str
        Fixes the input size.
    runtime : Runtime
        What runs the networks.
    journal : Journal
        Where the measurements go.
    settings : MeasureSettings
        Rounds, runs, repeatability to reach and time budget.
    counter : EnergyCounter, optional
        Measures the energy as well.
    on_start : callable, optional
        Called with the place in `archs` and the round before a network is loaded or run.
    progress : bool, default=False
        Show a progress bar with the expected end.

    Raises
    ------
    ArchcostError
        If the reference network does not run, at the start or after several failures in a row
        (which then do not count), or the journal cannot be written.
    """
    names = space.format_many(archs)
    wanted = set(names)
    clock = clock_for(runtime, settings.threads, settings.clock)
    deadline = monotonic() + (settings.time_budget_s or math.inf)
    rounds = _planned_rounds(settings, [r.round for r in journal.records if r.arch in wanted])
    reference = reference_arch(space, dataset)
    timer = NetworkTimer(space, dataset, runtime, settings, reference, counter=counter)
    temperature = _thermometer(runtime, settings)
    with (
        progress_bar(total=0, unit="network", show=progress, desc="measuring") as bar,
        kept_interrupts() as check_interrupt,
    ):
        while True:
            batches = list(_batches(names, replace(settings, rounds=rounds), journal))
            bar.total += sum(map(len, batches))
            bar.refresh()
            for batch in batches:
                for round_number in _measured_rounds(
                    batch, names, archs, timer, journal, deadline, on_start, temperature,
                    check_interrupt,
                ):  # fmt: skip
                    bar.set_postfix_str(f"round {round_number + 1}/{rounds}", refresh=False)
                    bar.update()
            if settings.repeatability is None or monotonic() >= deadline:
                return
            found = least_split_half_correlation(
                [r.on_clock(clock) for r in journal.records if r.arch in wanted]
            )
            if progress:
                so_far = "unknown" if found is None else f"{found:.4f}"
                goal = f"{so_far} of {settings.repeatability} wanted"
                bar.write(f"repeatability after {rounds} rounds: {goal}", file=sys.stderr)
            reached = found is None or found >= settings.repeatability
            if reached or rounds >= settings.max_rounds:
                return
            rounds = min(rounds + MORE_ROUNDS, settings.max_rounds)


def _thermometer(runtime: Runtime, settings: MeasureSettings) -> Callable[[float], float | None]:
    """Return what waits until the machine is cool, if it must be, and reads its temperature.

    A command may run the networks elsewhere, so that the temperature here says nothing of them.
    """
    most_c = settings.max_temperature_c
    if most_c is not None:
        if runtime.repeats_itself:
            raise ArchcostError(
                "--max-temperature reads the sensors of this machine, but --runtime "
                f"{runtime.name} may run the networks elsewhere; wait in the command"
            )
        wait_until_cool(math.inf)  # says at once that there is no sensor
        return partial(wait_until_cool, most_c)
    if runtime.repeats_itself or read_temperature_c() is None:
        return lambda deadline: None
    return lambda deadline: read_temperature_c()


def _planned_rounds(settings: MeasureSettings, rounds_begun: Sequence[int]) -> int:
    """Return how many rounds to make; those that a goal made an earlier call begin are finished."""
    if settings.repeatability is None or not rounds_begun:
        return settings.rounds
    return max(settings.rounds, min(max(rounds_begun) + 1, settings.max_rounds))


def _batches(
    names: Sequence[str], settings: MeasureSettings, journal: Journal
) -> Iterator[list[tuple[int, int]]]:
    """Yield pairs of round and place that share loaded networks and are not in the journal yet."""
    done, failures = journal.done(), journal.failures_in_a_row()
    for first in range(0, settings.rounds, settings.rounds_per_load):
        rounds = range(first, min(first + settings.rounds_per_load, settings.rounds))
        order = np.random.default_rng([settings.seed, first]).permutation(len(names))
        alive = [int(place) for place in order if failures[names[place]] < MAX_FAILURES]
        pending = [p for p in alive if any((names[p], r) not in done for r in rounds)]
        for start in range(0, len(pending), settings.loaded):
            places = pending[start : start + settings.loaded]
            batch = []
            for r in rounds:
                shuffled = np.random.default_rng([settings.seed, r]).permutation(places)
                batch += [(r, int(p)) for p in shuffled if (names[p], r) not in done]
            yield batch


def _measured_rounds(
    batch: Sequence[tuple[int, int]],
    names: Sequence[str],
    archs: Ops,
    timer: NetworkTimer,
    journal: Journal,
    deadline: float,
    on_start: Callable[[int, int], None],
    temperature: Callable[[float], float | None],
    check_interrupt: Callable[[], None],
) -> Iterator[int]:
    """Measure the networks of a batch until the deadline and yield their rounds.

    A network is loaded right before its first measurement, so that even a short time budget gets
    somewhere, and kept for the next ones.
    """
    failures = journal.failures_in_a_row()
    unconfirmed: list[RoundRecord] = []
    networks: dict[int, Inference | Failure] = {}
    for round_number, place in batch:
        if monotonic() >= deadline:
            break
        name = names[place]
        if failures[name] < MAX_FAILURES:
            on_start(place, round_number)
            if place not in networks:
                networks[place] = timer.load(archs[place])
            now_c = temperature(deadline)
            record = timer.time(
                RoundRecord(name, round_number, temperature_c=now_c), networks[place]
            )
            check_interrupt()  # what was interrupted may be no true failure or cost
            unconfirmed.append(record)
            if record.error is None:
                failures[name] = 0
            else:
                failures[name] += 1
                del networks[place]
                if len(unconfirmed) == DEVICE_FAILURES:
                    timer.check_reference()
            if record.error is None or len(unconfirmed) == DEVICE_FAILURES:
                journal.extend(unconfirmed)
                unconfirmed.clear()
        yield round_number
    if unconfirmed:
        timer.check_reference()
        journal.extend(unconfirmed)
