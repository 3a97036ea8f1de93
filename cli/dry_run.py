"""``--dry-run``: try a little of a long job, and say how long all of it would take."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.output import show

if TYPE_CHECKING:
    from archcost.datasets import CostTable
    from archcost.measuring.isolated_measuring import Job
    from archcost.simulating.accelerator import Accelerator
    from archcost.tracking import ExperimentSettings

TRIED = 3
"""Networks or parts of networks that are tried."""

MOST_ROWS = 3000
"""Rows of the trial fits; beyond, the time of every predictor grows with the rows, or less."""


def show_measuring(args: argparse.Namespace, job: Job) -> int:
    """Measure a few networks in one and in two rounds, and say how long the job would take."""
    from archcost.measuring.journal import Journal
    from archcost.measuring.measuring import measure

    few = job.archs[:: max(1, len(job.archs) // TRIED)][:TRIED]
    settings = replace(job.settings, repeatability=None, time_budget_s=None)

    def seconds(rounds: int) -> float:
        planned = replace(settings, rounds=rounds)
        with (
            tempfile.TemporaryDirectory() as folder,
            Journal(Path(folder) / "trial.journal", job.setup) as journal,
        ):
            start = time.perf_counter()
            measure(job.space, few, job.dataset, job.runtime, journal, planned)
            return time.perf_counter() - start

    seconds(1)  # the first use of a runtime is slow
    once, twice = seconds(1), seconds(2)
    each_round = max(twice - once, 0.0) / len(few)
    each_load = max(once / len(few) - each_round, 0.0)
    done = _records(job.journal_path, job.setup)
    left = max(len(job.archs) * settings.rounds - done, 0)
    total = left * each_round + len(job.archs) * each_load * (left > 0)
    text = (
        f"would measure {len(job.archs)} architectures of {job.space.name} in {settings.rounds} "
        f"rounds with {job.runtime.name}: about {duration(total)}\n"
        f"({len(few)} were tried; {done} measurements are there already; nothing was written)"
    )
    facts = {"networks": len(job.archs), "rounds": settings.rounds, "there": done, "seconds": total}
    show(args, text, facts)
    return 0


def show_simulating(
    args: argparse.Namespace,
    bags: Sequence[Counter[str]],
    accelerator: Accelerator,
    setup: Mapping[str, Any],
) -> int:
    """Simulate a few parts of the networks, and say how long all would take."""
    from archcost.measuring.journal import journal_path
    from archcost.simulating import get_simulator

    parts = list(dict.fromkeys(part for bag in bags for part in bag))
    done = _records(journal_path(args.out), dict(setup))
    left = max(len(parts) - done, 0)
    simulator = get_simulator(accelerator)
    few = parts[:: max(1, len(parts) // TRIED)][:TRIED]
    times = []
    for part in few:
        start = time.perf_counter()
        simulator.simulate(part, accelerator)
        times.append(time.perf_counter() - start)
    total = left * sum(times) / len(times) / args.jobs
    text = (
        f"would simulate {left} distinct parts of {len(bags)} networks on {accelerator.id} with "
        f"{args.jobs} process{'' if args.jobs == 1 else 'es'}: about {duration(total)}\n"
        f"({len(few)} were tried; {done} are there already; nothing was written)"
    )
    facts = {"networks": len(bags), "parts": left, "there": done, "seconds": total}
    show(args, text, facts)
    return 0


def show_training(args: argparse.Namespace, table: CostTable, settings: ExperimentSettings) -> int:
    """Fit each predictor once on some of the rows, and say how long training would take."""
    from archcost.training.trainer import run_trial

    rows = {key: len(table.costs(key)[0]) for key in table.keys()}  # noqa: SIM118
    key = max(rows, key=lambda one: rows[one])
    tried = min(MOST_ROWS, settings.training.n_train or int(0.7 * rows[key]))
    totals = {}
    for predictor in settings.predictors_for(key):
        trial = replace(settings.training, predictor=predictor, n_train=tried)
        seconds_a_row = run_trial(table, key, trial).train_seconds / tried
        totals[predictor] = seconds_a_row * sum(
            settings.seeds * (settings.training.n_train or 0.7 * n) + n for n in rows.values()
        )
    kinds = "one kind" if len(rows) == 1 else f"{len(rows)} kinds"
    lines = [f"would train on {sum(rows.values())} costs of {kinds}:"]
    lines += [f"  {key}: {n} costs" for key, n in rows.items()]
    fits = f"{settings.seeds} seed{'' if settings.seeds == 1 else 's'} and a final fit each"
    lines.append(f"with {fits}, besides logging to MLflow (a second or two a fit):")
    lines += [f"  {name}: about {duration(total)}" for name, total in totals.items()]
    lines.append(f"(one fit each on {tried} rows of {key} was tried; nothing was written)")
    facts = [{"predictor": name, "seconds": total} for name, total in totals.items()]
    show(args, "\n".join(lines), facts)
    return 0


def duration(seconds: float) -> str:
    """Return a time in the unit that people would say it in.

    Examples
    --------
    >>> duration(0.2), duration(75), duration(5000), duration(200000)
    ('1 s', '75 s', '83 min', '56 h')
    """
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    if seconds < 3 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def _records(path: Path, setup: dict[str, Any]) -> int:
    from archcost.measuring.journal import Journal

    if not path.exists():
        return 0
    with Journal(path, setup) as journal:
        return len(journal.records)
