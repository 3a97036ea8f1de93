"""Costs that follow exactly from published ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archcost.datasets.cost_key import CostKey
from archcost.datasets.cost_table import CostTable
from archcost.datasets.table_columns import coded

if TYPE_CHECKING:
    import pyarrow as pa

FPGA_POWER_W = 7.0
"""HW-NAS-Bench's FPGA energy (mJ) over its latency (ms), in every published example."""


def derive_fpga_energy(table: CostTable) -> CostTable | None:
    """Compute the FPGA's energy where a table has its latency but not its energy.

    ``energy_mj = 7.0 * latency_ms``: HW-NAS-Bench takes the FPGA's power as constant.

    Parameters
    ----------
    table : CostTable
        Any table; read, not changed.

    Returns
    -------
    CostTable or None
        Only the derived rows, of kind ``"derived"``; None if there is nothing to derive.
    """
    known = table.keys()
    tables = []
    for key in known:
        energy = CostKey(key.space, key.device, "energy", key.dataset)
        if key.device == "fpga" and key.metric == "latency" and energy not in known:
            latency = table.select(
                space=key.space, device=key.device, metric=key.metric, dataset=key.dataset
            )
            tables.append(_energy_table(latency.to_arrow()))
    return CostTable.concat(tables) if tables else None


def _energy_table(rows: pa.Table) -> CostTable:
    import pyarrow.compute as pc

    for name, word in (("metric", "energy"), ("unit", "mJ"), ("kind", "derived")):
        rows = rows.set_column(
            rows.column_names.index(name),
            name,
            coded(np.zeros(rows.num_rows, dtype=np.int32), [word]),
        )
    for name in ("cost", "cost_min", "cost_median", "cost_std"):
        power = pc.multiply(rows.column(name), FPGA_POWER_W)
        rows = rows.set_column(rows.column_names.index(name), name, power)
    return CostTable(rows, {"derived": "energy (mJ) = 7.0 * latency (ms), HW-NAS-Bench's FPGA"})
