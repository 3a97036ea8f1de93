"""From a journal of measurements to a cost table, with its repeatability."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.measuring.journal import RoundRecord
from archcost.measuring.round_costs import (
    interquartile_mean,
    quiet_reference_ms,
    round_costs,
    round_energies,
)
from archcost.measuring.split_half import split_half_correlation
from archcost.spaces.space import Ops, SearchSpace

if TYPE_CHECKING:
    from archcost.datasets.cost_table import CostTable

STATISTIC = (
    "mean of the middle half of the rounds; a round counts its fastest run, without the slowdown "
    "that a reference network shows at that moment. cost_std is over the rounds; cost_min and "
    "cost_median are over all runs as they were timed"
)
STATISTIC_WITHOUT_REFERENCE = (
    "mean of the middle half of the rounds, in each of which the runtime warms up and repeats by "
    "itself. cost_std, cost_min and cost_median are over the rounds"
)
ENERGY_STATISTIC = (
    "what the counter shows over repeated inferences, divided by their number; mean of the middle "
    "half of the rounds. cost_std, cost_min and cost_median are over the rounds"
)
ERROR_LENGTH = 300
"""Most characters of an error text in the provenance."""

Costs = Mapping[str, npt.NDArray[np.float64]]
Runs = Mapping[str, npt.NDArray[np.float64] | list[float]]


def measured_table(
    space: SearchSpace,
    archs: Ops,
    records: Sequence[RoundRecord],
    *,
    device: str,
    setup: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> CostTable:
    """Summarise measurements as a cost table, one row an architecture and metric.

    The latency is that on an undisturbed machine (see ``STATISTIC``), on the clock of the setup:
    other processes slow all networks, and the reference network shows by how much. An architecture
    that failed in every round, or was not reached, has no cost, and a status of its own; the
    provenance counts the failures and quotes the first of each status.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    archs : numpy.ndarray of int, shape (n_archs, n_positions)
        The rows of the table.
    records : sequence of RoundRecord
        The records of the journal, of these architectures and maybe others.
    device : str
        Id of the device in the table.
    setup : mapping
        As ``measuring_setup`` gives it; part of the provenance.
    provenance : mapping
        Further entries of the table's provenance.

    Returns
    -------
    CostTable
        Latency, and energy if a counter was read, with the repeatability in its provenance.
    """
    import pyarrow as pa

    from archcost.datasets.cost_table import CostTable

    names = space.format_many(archs)
    wanted = set(names)
    timed = [record for record in records if record.arch in wanted]
    kept = [record.on_clock(setup.get("clock") or "wall") for record in timed]
    costs = round_costs(kept)
    runs_ms: dict[str, list[float]] = defaultdict(list)
    for record in kept:
        runs_ms[record.arch] += record.latencies_ms
    # The last record decides: an earlier failure may have been chance.
    status = dict.fromkeys(names, "not_measured")
    status |= {record.arch: record.status for record in kept}
    status |= dict.fromkeys(costs, "ok")
    repeats: dict[str, tuple[Costs, Runs]] = {"latency": (costs, runs_ms)}
    halves = split_half_correlation(kept)
    facts = {
        # The hash of the networks is for the journal alone: tables from before have none.
        **{name: value for name, value in setup.items() if name != "networks"},
        "cost": STATISTIC if setup.get("reference_arch") else STATISTIC_WITHOUT_REFERENCE,
        "rounds": max((len(values) for values in costs.values()), default=0),
        "fewest_rounds": min((len(values) for values in costs.values()), default=0),
        "repeatability_spearman": halves.spearman,
        "repeatability_n_archs": halves.n_archs,
        **_failures(kept, status),
    }
    if any(record.cpu_ms for record in timed):
        facts["wall_over_cpu"] = _wall_over_cpu(timed)
    if any(record.temperature_c is not None for record in timed):
        facts["temperature_c"] = _temperatures(timed)
    if setup.get("reference_arch") and costs:
        facts["reference_ms"] = quiet_reference_ms(r for r in kept if r.error is None)
    if "energy_counter" in setup:
        energies = round_energies(kept)
        repeats["energy"] = (energies, energies)
        facts["energy"] = ENERGY_STATISTIC
        energy_halves = split_half_correlation(kept, round_energies)
        facts["energy_repeatability_spearman"] = energy_halves.spearman

    def column(statistic: Callable[[Any], Any], values: Runs, has: Costs) -> list[float]:
        return [float(statistic(values[name])) if name in has else math.nan for name in names]

    rows = []
    for metric, (values, runs) in repeats.items():
        table = CostTable.from_costs(
            space,
            archs,
            column(interquartile_mean, values, values),
            device=device,
            metric=metric,
            dataset=str(setup["dataset"]),
            batch_size=int(setup["batch_size"] or 1),
            status=[status[name] for name in names],
            cost_min=column(min, runs, values),
            cost_median=column(np.median, runs, values),
            cost_std=column(np.std, values, values),
            n_repeats=[len(runs.get(name, ())) for name in names],
        )
        rows.append(table.to_arrow())
    return CostTable(pa.concat_tables(rows), {**facts, **provenance})


def _wall_over_cpu(records: Iterable[RoundRecord]) -> float:
    """Return the median ratio of wall to CPU time: 1 on a machine that does nothing else."""
    ratios = [min(r.latencies_ms) / min(r.cpu_ms) for r in records if r.cpu_ms]
    return round(float(np.median(ratios)), 4)


def _temperatures(records: Iterable[RoundRecord]) -> list[float | None]:
    """Return the mean temperature of each round in degrees Celsius; None where none was read."""
    of_round: dict[int, list[float]] = defaultdict(list)
    for record in records:
        if record.temperature_c is not None:
            of_round[record.round].append(record.temperature_c)
    rounds = range(max(of_round) + 1)
    return [round(float(np.mean(of_round[n])), 1) if n in of_round else None for n in rounds]


def _failures(records: Sequence[RoundRecord], status: Mapping[str, str]) -> dict[str, Any]:
    """Return how many architectures have each status of a failure, and the first error of each."""
    failures: dict[str, dict[str, Any]] = {}
    for record in records:
        if record.error is not None and status[record.arch] == record.status:
            found = failures.setdefault(
                record.status, {"n_archs": 0, "first_error": record.error[:ERROR_LENGTH]}
            )
            found["n_archs"] = sum(value == record.status for value in status.values())
    return {"failures": failures} if failures else {}
