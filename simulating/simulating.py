"""Simulate each distinct part of many networks once, and add up what each network costs."""

from __future__ import annotations

import math
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from archcost.errors import ArchcostError
from archcost.interrupts import kept_interrupts
from archcost.measuring.journal import Journal, RoundRecord
from archcost.progress import progress_bar
from archcost.simulating import Accelerator, NotCompilableError, Simulator, get_simulator
from archcost.spaces.space import Ops, SearchSpace
from archcost.spaces.spaces import SPACES, register

if TYPE_CHECKING:
    from archcost.datasets.cost_table import CostTable


def simulating_setup(accelerator: Accelerator) -> dict[str, Any]:
    """Return what must stay the same over all simulations of one table."""
    simulator = get_simulator(accelerator)
    return {
        "accelerator": accelerator.id,
        "accelerator_sha256": accelerator.sha256,
        "simulator": simulator.name,
        "simulator_version": simulator.version(),
    }


def simulate_parts(
    parts: Iterable[str],
    accelerator: Accelerator,
    journal: Journal,
    *,
    jobs: int = 1,
    progress: bool = False,
) -> None:
    """Simulate the parts that the journal does not hold yet, and append them to it.

    A part that fails is recorded with its error, and the others go on.

    Parameters
    ----------
    parts : iterable of str
        As ``Simulator.parts`` names them; repeated ones are simulated once.
    accelerator : Accelerator
        The accelerator to simulate.
    journal : Journal
        Where the costs go: a record has the part as its ``arch``.
    jobs : int, default=1
        Processes that simulate side by side.
    progress : bool, default=False
        Show a progress bar with the expected end.

    Raises
    ------
    ArchcostError
        If a process ends without an answer; the same call goes on.
    """
    if jobs < 1:
        raise ArchcostError(f"jobs must be 1 or more, but got {jobs}")
    known = {record.arch for record in journal.records}
    left = [part for part in dict.fromkeys(parts) if part not in known]
    with (
        progress_bar(total=len(left), unit="part", show=progress, desc="simulating") as bar,
        kept_interrupts() as check_interrupt,
    ):
        for record in _simulated(left, accelerator, jobs):
            check_interrupt()  # what was interrupted may be no true cost
            journal.append(record)
            bar.update()


def simulated_table(
    space: SearchSpace,
    archs: Ops,
    bags: Sequence[Counter[str]],
    records: Iterable[RoundRecord],
    accelerator: Accelerator,
    *,
    dataset: str,
    provenance: Mapping[str, Any],
) -> CostTable:
    """Add up the parts of each network; one row an architecture and metric.

    A network with a part that failed or was not simulated has no cost, and the status of that part.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    archs : numpy.ndarray of int, shape (n_archs, n_positions)
        The networks.
    bags : sequence of Counter of str, length n_archs
        Their parts.
    records : iterable of RoundRecord
        The records of the journal, of these parts and maybe others.
    accelerator : Accelerator
        Its id is the device of the table, its description goes into the provenance.
    dataset : str
        Fixes the input size.
    provenance : mapping
        Further entries of the table's provenance.

    Returns
    -------
    CostTable
        Rows of kind ``simulated``.
    """
    from archcost.datasets.cost_table import CostTable

    simulator = get_simulator(accelerator)
    by_part = {record.arch: record for record in records}
    status = [_status(bag, by_part) for bag in bags]
    origin = {
        **simulating_setup(accelerator),
        "description": accelerator.describe(),
        "cost": "sum over the parts of the network that are simulated separately",
        "distinct_parts": len(set().union(*bags)),
        **provenance,
    }
    tables = [
        CostTable.from_costs(
            space,
            archs,
            [
                _total(metric, bag, by_part) if state == "ok" else math.nan
                for bag, state in zip(bags, status, strict=True)
            ],
            device=accelerator.id,
            metric=metric,
            dataset=dataset,
            kind="simulated",
            status=status,
        )
        for metric in simulator.metrics
    ]
    return CostTable.concat(tables).with_provenance(origin)


def _total(metric: str, bag: Counter[str], by_part: Mapping[str, RoundRecord]) -> float:
    if metric == "energy":
        return sum(times * (by_part[part].energy_mj or 0.0) for part, times in bag.items())
    return sum(times * by_part[part].latencies_ms[0] for part, times in bag.items())


def _status(bag: Counter[str], by_part: Mapping[str, RoundRecord]) -> str:
    """Return the status of a network with these parts: a failure before what was not reached."""
    states = {by_part[part].status if part in by_part else "not_measured" for part in bag}
    ranked = ("did_not_compile", "failed", "not_measured")
    return next((state for state in ranked if state in states), "ok")


def _simulated(parts: Sequence[str], accelerator: Accelerator, jobs: int) -> Iterator[RoundRecord]:
    simulator = get_simulator(accelerator)
    if jobs == 1 or len(parts) <= 1:
        yield from (_simulate(part, accelerator, simulator) for part in parts)
        return
    pool = ProcessPoolExecutor(
        jobs, get_context("spawn"), _start_worker, initargs=(tuple(SPACES.values()),)
    )
    try:
        futures = [pool.submit(_simulate, part, accelerator, simulator) for part in parts]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise ArchcostError(
            "a process that simulates must answer, but one ended without, maybe for want of "
            "memory; the same command goes on, with --jobs 1 it needs the least"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _simulate(part: str, accelerator: Accelerator, simulator: Simulator) -> RoundRecord:
    try:
        costs = simulator.simulate(part, accelerator)
    except NotCompilableError as error:
        return RoundRecord(part, 0, error=str(error), status="did_not_compile")
    except Exception as error:  # whatever is wrong with one part, the others go on
        return RoundRecord(part, 0, error=f"{type(error).__name__}: {error}", status="failed")
    return RoundRecord(part, 0, (costs["latency"],), energy_mj=costs.get("energy"))


def _start_worker(spaces: Iterable[SearchSpace]) -> None:
    """Make the parent's search spaces known, and leave interrupts to the parent."""
    for space in spaces:
        register(space)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
