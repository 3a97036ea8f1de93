"""What ``archcost measure`` prints in the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archcost.datasets.cost_table import CostTable


def measuring_report(table: CostTable, out: Path, goal: float | None) -> str:
    """Say what a measured table holds and how far it can be trusted.

    Parameters
    ----------
    table : CostTable
        As ``measured_table`` makes it.
    out : Path
        Its file.
    goal : float, optional
        The repeatability that was wanted.
    """
    counts = ", ".join(f"{rows} {status}" for status, rows in table.counts().items())
    lines = [f"{out}: {', '.join(map(str, table.keys()))}, {counts}"]
    told = table.provenance
    for status, found in (told.failures or {}).items():
        lines.append(f"{status}: {found['n_archs']}, the first with {found['first_error']}")
    agreements = {"repeatability": told.repeatability_spearman}
    if told.energy_counter is not None:
        agreements["repeatability of energy"] = told.energy_repeatability_spearman
    rounds = told.rounds
    for name, agreement in agreements.items():
        noise = (
            "unknown (it takes 2 rounds and 3 architectures of different cost)"
            if agreement is None
            else f"{agreement:.4f} (Spearman between halves of the {rounds} rounds)"
        )
        if goal is not None and agreement is not None:
            noise += f", {goal} was wanted: " + (
                "reached" if agreement >= goal else "NOT reached; more --max-rounds, or time, help"
            )
        lines.append(f"{name}: {noise}")
    return "\n".join(lines)
