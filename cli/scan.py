"""The command ``archcost scan``: the best of a search space within limits."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.names_argument import Names
from archcost.cli.options import add_dataset_arguments, add_space_argument
from archcost.cli.output import add_output_arguments, show

if TYPE_CHECKING:
    import pandas as pd

    from archcost.search.scan_scores import ScanScore
    from archcost.search.scanning import Found, ScanPlan

PRINTED = 10
"""Architectures that are shown on the terminal."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

DESCRIPTION = """\
Look at very many architectures of a search space, keep those within limits on predicted costs,
print the best of them, write them as Parquet or CSV, and plot them.

Architectures are drawn with --seed. Memory does not grow with --count, all cores are used, and
the result does not depend on their number. If the scan is stopped, by Ctrl-C or kill -9, the same
command goes on where it was (from OUT.progress)."""

EXAMPLES = """\
examples:
  archcost scan --space fbnet --device raspi4 --max-latency-ms 20 --count 100000000
      the largest networks (FLOPs) that raspi4 runs in 20 ms
  archcost scan --space fbnet --max raspi4=20 --max params=4e6 --level 0.95 --out best.csv
      at most 4 million parameters, and 20 ms with a probability of 95 %
  archcost scan --space fbnet --device raspi4 --max-latency-ms 20 --max eyeriss:latency=8 \\
      --maximize my_weights.csv --top 100 --out best.parquet
      two limits; the score is the sum of a weight for each op at each position
      (columns position, op, weight: an accuracy proxy of your own)
  archcost scan --space nasbench201 --minimize fpga:energy --max raspi4:latency=10
  archcost scan --space fbnet --minimize raspi4 --ray auto --count 10000000000
      on a running Ray cluster
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "scan",
        help="find the best of millions of architectures within limits",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add_space_argument(parser, required=True)
    add_dataset_arguments(parser)
    add("--device", help="the device that --max-latency-ms and --max-energy-mj are about")
    add("--max-latency-ms", type=float, metavar="MS", help="latency limit of --device")
    add("--max-energy-mj", type=float, metavar="MJ", help="energy limit of --device")
    add(
        "--max", action=Names, nargs="+", default=[], metavar="NAME=VALUE",
        help="a limit on DEVICE (ms), DEVICE:energy (mJ), flops, params, activation_bytes, "
        "peak_activation_bytes, weight_bytes or weight_bytes_int8; several go side by side",
    )  # fmt: skip
    add("--level", type=float, help="probability that the true costs keep the limits, such as "
        "0.95 (default: the predicted means keep them)")  # fmt: skip
    rank = parser.add_mutually_exclusive_group()
    rank.add_argument(
        "--maximize", metavar="SCORE", default="flops",
        help="flops or params (of the whole network), or a CSV file with the columns position, "
        "op and weight (default: %(default)s)",
    )  # fmt: skip
    rank.add_argument("--minimize", metavar="DEVICE[:METRIC]", help="a predicted cost instead")
    add("--count", type=int, default=10**6, help="architectures to look at (default: %(default)s)")
    add("--top", type=int, default=1000, help="architectures to keep (default: %(default)s)")
    add("--seed", type=int, default=0, help="fixes the draw (default: %(default)s)")
    add(
        "--out", type=Path, default=Path("scan.parquet"), metavar="FILE",
        help=".parquet or .csv; the plot goes beside it as .png (default: %(default)s)",
    )  # fmt: skip
    add("--threads", type=int, help="threads (default: one a core)")
    add(
        "--ray", nargs="?", const="local", metavar="ADDRESS",
        help="scan on Ray: the cluster at ADDRESS, a local one by default "
        "(pip install archcost[ray])",
    )  # fmt: skip
    add_output_arguments(parser, csv=True)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Scan and write the result; return the exit status."""
    from archcost.errors import ArchcostError
    from archcost.models.chunks import available_cores
    from archcost.search.limits import find_limits
    from archcost.search.quantities import find_quantity
    from archcost.search.scan_engines import on_ray, on_threads
    from archcost.search.scan_progress import scan
    from archcost.search.scan_scores import LowCost, read_score
    from archcost.search.scanning import ScanPlan
    from archcost.spaces import get_space

    if args.out.suffix not in (".parquet", ".csv"):
        raise ArchcostError(f"--out must end in .parquet or .csv, but got {str(args.out)!r}")
    if args.threads is not None and args.threads < 1:
        raise ArchcostError(f"--threads must be at least 1, but got {args.threads}")
    space = get_space(args.space)
    if args.minimize is not None:
        score: ScanScore = LowCost(find_quantity(space, args.minimize, args.dataset))
    else:
        score = read_score(args.maximize, space, args.dataset)
    plan = ScanPlan(
        space,
        score,
        find_limits(space, _limits(args), args.dataset, level=args.level),
        count=args.count,
        top=args.top,
        seed=args.seed,
    )
    if args.ray:
        engine = on_ray(None if args.ray == "local" else args.ray)
    else:
        engine = on_threads(args.threads or available_cores())
    kept_in = args.out.with_name(args.out.name + ".progress")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = scan(plan, engine, kept_in, progress=not args.quiet)
    except KeyboardInterrupt:
        print("archcost: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    frame = _frame(plan, found)
    _write(plan, found, frame, args.out)
    kept_in.unlink(missing_ok=True)
    _plot(plan, frame, args.out.with_suffix(".png"))
    share = found.n_within / plan.total
    summary = (
        f"{args.out}: the best {len(found.ops)} by {plan.score.name}; {found.n_within} of "
        f"{plan.total} architectures ({share:.2%}) are within the limits"
    )
    show(args, f"{_winners(frame)}\n{summary}", frame)
    return 0


def _limits(args: argparse.Namespace) -> dict[str, float]:
    from archcost.cli.limit_argument import parse_limit
    from archcost.errors import ArchcostError

    limits: dict[str, float] = {}
    own = {"latency": args.max_latency_ms, "energy": args.max_energy_mj}
    for metric, value in own.items():
        if value is not None:
            if args.device is None:
                raise ArchcostError(f"a limit on {metric} needs --device")
            limits[f"{args.device}:{metric}"] = value
    if args.device is not None and not limits:
        raise ArchcostError("--device needs --max-latency-ms or --max-energy-mj")
    return limits | dict(map(parse_limit, args.max))


def _frame(plan: ScanPlan, found: Found) -> pd.DataFrame:
    """Return the architectures, their score and their limited costs, best first."""
    import pandas as pd

    columns = {
        "arch": plan.space.format_many(found.ops),
        plan.score.name: plan.score.sign * found.score,
    }
    for limit, cost in zip(plan.limits, found.costs.T, strict=True):
        columns.setdefault(limit.quantity.name, cost)
    return pd.DataFrame(columns)


def _write(plan: ScanPlan, found: Found, frame: pd.DataFrame, path: Path) -> None:
    """Write what was found; a Parquet file holds in its metadata what was scanned."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    from archcost.datasets.whole_file import whole_file

    about = {
        "space": plan.space.name,
        "score": plan.score.name,
        "limits": {limit.quantity.name: limit.at_most for limit in plan.limits},
        "n_scanned": plan.total,
        "n_within": found.n_within,
        "seed": plan.seed,
    }
    with whole_file(path) as temporary:
        if path.suffix == ".csv":
            frame.to_csv(temporary, index=False)
        else:
            table = pa.table(dict(frame.items()))
            table = table.replace_schema_metadata({"archcost_scan": json.dumps(about)})
            pq.write_table(table, temporary)


def _winners(frame: pd.DataFrame) -> str:
    """Return the first architectures as a table."""
    from archcost.cli.printing import text_table

    names = [*frame.columns[1:], "arch"]
    rows = [
        [value if isinstance(value, str) else f"{value:.6g}" for value in row]
        for row in frame[names].head(PRINTED).itertuples(index=False)
    ]
    return text_table(names, rows)


def _plot(plan: ScanPlan, frame: pd.DataFrame, path: Path) -> None:
    """Plot the score of what was found against the first limited cost, or its rank."""
    from matplotlib.figure import Figure

    score = plan.score.name
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_ylabel(score)
    if plan.limits:
        name = plan.limits[0].quantity.name
        axes.plot(frame[name], frame[score], "o", markersize=3)
        axes.axvline(plan.limits[0].at_most, color="gray", linestyle="--", label="limit")
        axes.legend()
        axes.set_xlabel(name)
    else:
        axes.plot(range(1, 1 + len(frame)), frame[score], "o", markersize=3)
        axes.set_xlabel("rank")
    axes.set_title(f"the best {len(frame)} of {plan.total:,} architectures of {plan.space.name}")
    figure.savefig(path, dpi=150)
