"""What notebooks show of a cost table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from archcost.datasets.cost_key import CostKey
from archcost.datasets.provenance import Provenance
from archcost.notebook import card_html

MOST_SHOWN = 20
"""Keys that are shown; of further ones only the number."""


def table_card(
    costs: Sequence[tuple[CostKey, int, npt.NDArray[np.float64]]],
    counts: Mapping[str, int],
    provenance: Provenance,
    checksum: str,
) -> str:
    """Return HTML that says what a table holds, and the least, median and most cost of each key.

    Parameters
    ----------
    costs : sequence of (CostKey, int, array of float)
        Each key with its number of rows and the costs that there are.
    counts : mapping from str to int
        Rows by status.
    provenance : Provenance
        Where the costs come from.
    checksum : str
        Hash of the rows.
    """
    rows = []
    for key, n_rows, cost in costs[:MOST_SHOWN]:
        spread = np.quantile(cost, [0, 0.5, 1]) if len(cost) else np.full(3, np.nan)
        rows.append((str(key), n_rows, len(cost), *spread.tolist(), key.unit))
    return card_html(
        f"CostTable: {sum(counts.values()):,} rows",
        {
            "status": ", ".join(f"{n:,} {name}" for name, n in counts.items()),
            "runtime": provenance.runtime,
            "simulator": provenance.simulator,
            "machine": provenance.cpu,
            "source": provenance.source,
            "checksum": checksum[:16],
            "further keys, not shown": len(costs) - len(rows) or None,
        },
        ("key", "rows", "with a cost", "least", "median", "most", "unit"),
        rows,
    )
