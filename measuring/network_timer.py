"""Load and time networks; what goes wrong becomes a status."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

from archcost.errors import ArchcostError
from archcost.measuring.clocks import Timing, timed
from archcost.measuring.energy_counter import EnergyCounter
from archcost.measuring.journal import RoundRecord
from archcost.measuring.measure_settings import MeasureSettings
from archcost.measuring.runtime import Inference, Runtime
from archcost.spaces.space import Ops, SearchSpace

DECIMALS = 6
"""Decimals of a latency (ms) or energy (mJ) in the journal: nanoseconds and nanojoules."""

REFERENCE_RUNS = 2
"""Runs of the reference network at a time, of which the fastest counts."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a network has no cost.

    Parameters
    ----------
    status : str
        Of the row in a cost table.
    error : str
        Type and message of the exception.
    """

    status: str
    error: str

    @classmethod
    def of(cls, error: Exception, *, loading: bool) -> Failure:
        """Return the status that an exception of a runtime means."""
        if isinstance(error, TimeoutError):
            status = "timed_out"
        elif loading and not isinstance(error, MemoryError):
            status = "did_not_compile"
        else:
            status = "failed"
        return cls(status, f"{type(error).__name__}: {error}")


class ReferenceClock:
    """Times a network that is always the same, which shows how slow the machine is at a moment.

    Parameters
    ----------
    infer_ms : callable
        Runs that network once.
    """

    def __init__(self, infer_ms: Inference) -> None:
        self._infer_ms = infer_ms
        self._last = self._fastest()

    def around(self) -> Timing:
        """Return the geometric mean of the last timing and one taken now, on each clock."""
        before, self._last = self._last, self._fastest()
        wall_ms, cpu_ms = map(math.sqrt, map(math.prod, zip(before, self._last, strict=True)))
        return Timing(wall_ms, cpu_ms)

    def _fastest(self) -> Timing:
        timings = [timed(self._infer_ms) for _ in range(REFERENCE_RUNS)]
        wall_ms, cpu_ms = map(min, zip(*timings, strict=True))
        return Timing(wall_ms, cpu_ms)


class NetworkTimer:
    """Loads networks and times them; a failure is a result, not an exception.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    dataset : str
        Fixes the input size.
    runtime : Runtime
        What runs the networks.
    settings : MeasureSettings
        Runs of a network in a round, threads.
    reference : numpy.ndarray of int, shape (n_positions,)
        The reference network: shows how slow the machine is, unless the runtime repeats itself, and
        whether the device works at all.
    counter : EnergyCounter, optional
        Measures the energy as well.

    Raises
    ------
    ArchcostError
        If not even the reference network runs.
    """

    def __init__(
        self,
        space: SearchSpace,
        dataset: str,
        runtime: Runtime,
        settings: MeasureSettings,
        reference: Ops,
        *,
        counter: EnergyCounter | None = None,
    ) -> None:
        self._space, self._dataset, self._runtime = space, dataset, runtime
        self._settings = settings.for_runtime(runtime)
        self._counter = counter
        self._reference_arch = reference
        self._reference = None if runtime.repeats_itself else self.check_reference()

    def check_reference(self) -> ReferenceClock:
        """Return a clock that the reference network drives.

        Raises
        ------
        ArchcostError
            If the reference network does not run.
        """
        network = self.load(self._reference_arch)
        if not isinstance(network, Failure):
            try:
                return ReferenceClock(network)
            except Exception as error:
                network = Failure.of(error, loading=False)
        arch = self._space.format(self._reference_arch)
        raise ArchcostError(
            f"{self._runtime.name} must run the reference network {arch}, but: {network.error}; "
            "once the device works, the same command goes on"
        )

    def load(self, ops: Ops) -> Inference | Failure:
        """Return a network ready to run, or why it cannot be loaded."""
        try:
            return self._runtime.load(self._space, ops, self._dataset, self._settings.threads)
        except Exception as error:  # a runtime may raise anything, and the other networks go on
            return Failure.of(error, loading=True)

    def time(self, record: RoundRecord, network: Inference | Failure) -> RoundRecord:
        """Return the record with the measurements of a network, or with the failure."""
        measured = network if isinstance(network, Failure) else self._measured(record, network)
        if isinstance(measured, Failure):
            return replace(record, error=measured.error, status=measured.status)
        return measured

    def _measured(self, record: RoundRecord, network: Inference) -> RoundRecord | Failure:
        try:
            for _ in range(self._settings.warmup):
                network()
            timings = [timed(network) for _ in range(self._settings.runs)]
            latencies_ms = tuple(round(timing.wall_ms, DECIMALS) for timing in timings)
            wrong = [value for value in latencies_ms if not 0 < value < math.inf]
            if wrong:
                return Failure("failed", f"a latency must be positive, but got {wrong[0]}")
            record = replace(record, latencies_ms=latencies_ms)
            if self._runtime.in_process:
                cpu_ms = tuple(round(timing.cpu_ms, DECIMALS) for timing in timings)
                record = replace(record, cpu_ms=cpu_ms)
            if self._reference:
                around = self._reference.around()
                record = replace(record, reference_ms=round(around.wall_ms, DECIMALS))
                if self._runtime.in_process:
                    record = replace(record, reference_cpu_ms=round(around.cpu_ms, DECIMALS))
            if self._counter:
                energy_mj = inference_energy_mj(network, self._counter)
                if not energy_mj > 0:
                    return Failure("failed", f"energy must be positive, but got {energy_mj} mJ")
                record = replace(record, energy_mj=round(energy_mj, DECIMALS))
        except Exception as error:  # as in loading
            return Failure.of(error, loading=False)
        return record


def inference_energy_mj(network: Callable[[], object], counter: EnergyCounter) -> float:
    """Return the mean energy of an inference in mJ, over ``counter.window_s`` or a little more."""
    n_inferences = 0
    before_mj, start_s = counter.read_mj(), perf_counter()
    while perf_counter() - start_s < counter.window_s:
        network()
        n_inferences += 1
    return (counter.read_mj() - before_mj) / n_inferences
