"""What notebooks show of a cost table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archcost.notebook import card_html

if TYPE_CHECKING:
    from archcost.datasets.cost_table import CostTable

MOST_SHOWN = 20
"""Keys that are shown; of further ones only the number."""


def table_card(table: CostTable) -> str:
    """Return HTML that says what a table holds, and the least, median and most cost of each key."""
    keys, said = table.keys(), table.provenance
    rows = []
    for key in keys[:MOST_SHOWN]:
        of_key = table.select(
            space=key.space, device=key.device, metric=key.metric, dataset=key.dataset
        )
        cost = of_key.costs(key)[1]
        spread = np.quantile(cost, [0, 0.5, 1]) if len(cost) else np.full(3, np.nan)
        rows.append((str(key), len(of_key), len(cost), *spread.tolist(), key.unit))
    return card_html(
        f"CostTable: {len(table):,} rows",
        {
            "status": ", ".join(f"{n:,} {name}" for name, n in table.counts().items()),
            "runtime": said.runtime,
            "simulator": said.simulator,
            "machine": said.cpu,
            "source": said.source,
            "checksum": table.sha256[:16],
            "further keys, not shown": len(keys) - len(rows) or None,
        },
        ("key", "rows", "with a cost", "least", "median", "most", "unit"),
        rows,
    )
