"""Write what a scan found as Parquet."""

from __future__ import annotations

import json
from pathlib import Path

from archcost.datasets.whole_file import whole_file
from archcost.search.scan_scores import cost_column
from archcost.search.scanning import Found, ScanPlan


def write_result(plan: ScanPlan, found: Found, path: Path) -> None:
    """Write the architectures, their score and their limited costs, best first.

    Parameters
    ----------
    plan : ScanPlan
        What was scanned; kept in the metadata of the file, under ``archcost_scan``.
    found : Found
        What was found.
    path : pathlib.Path
        The Parquet file; replaced as a whole.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "arch": plan.space.format_many(found.ops),
        plan.score.name: plan.score.sign * found.score,
    }
    for limit, cost in zip(plan.limits, found.costs.T, strict=True):
        columns[cost_column(limit.model)] = cost
    about = {
        "space": plan.space.name,
        "score": plan.score.name,
        "limits": {cost_column(limit.model): limit.at_most for limit in plan.limits},
        "n_scanned": plan.total,
        "n_within": found.n_within,
        "seed": plan.seed,
    }
    table = pa.table(columns).replace_schema_metadata({"archcost_scan": json.dumps(about)})
    with whole_file(path) as temporary:
        pq.write_table(table, temporary)
