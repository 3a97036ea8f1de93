"""The command ``archcost scan``: the best of a search space within limits."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.options import DATASET_HELP, add_space_argument

if TYPE_CHECKING:
    from archcost.search.scan_scores import ScanScore
    from archcost.search.scanning import Limit
    from archcost.spaces import SearchSpace

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

DESCRIPTION = """\
Look at very many architectures of a search space, keep those within limits on predicted costs,
and write the best of them as Parquet.

Architectures are drawn with --seed. Memory does not grow with --count, all cores are used, and
the result does not depend on their number. If the scan is stopped, by Ctrl-C or kill -9, the same
command goes on where it was (from OUT.progress)."""

EXAMPLES = """\
examples:
  archcost scan --space fbnet --device raspi4 --max-latency-ms 20 --count 100000000
      the largest networks (FLOPs) that raspi4 runs in 20 ms
  archcost scan --space fbnet --device raspi4 --max-latency-ms 20 --max eyeriss:latency=8 \\
      --maximize my_weights.csv --top 100 --out best.parquet
      two limits; the score is the sum of a weight for each op at each position
      (columns position, op, weight: an accuracy proxy of your own)
  archcost scan --space nasbench201 --minimize edgegpu:energy --max raspi4:latency=10
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
    add("--dataset", help=DATASET_HELP)
    add("--device", help="the device that --max-latency-ms and --max-energy-mj are about")
    add("--max-latency-ms", type=float, metavar="MS", help="latency limit of --device")
    add("--max-energy-mj", type=float, metavar="MJ", help="energy limit of --device")
    add(
        "--max", action="append", default=[], metavar="DEVICE:METRIC=VALUE",
        help="a further limit; can be given several times",
    )  # fmt: skip
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
    add("--out", type=Path, default=Path("scan.parquet"), help="default: %(default)s")
    add("--threads", type=int, help="threads (default: one a core)")
    add(
        "--ray", nargs="?", const="local", metavar="ADDRESS",
        help="scan on Ray: the cluster at ADDRESS, a local one by default "
        "(pip install archcost[ray])",
    )  # fmt: skip
    add("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Scan and write the result; return the exit status."""
    from archcost.errors import ArchcostError
    from archcost.models.chunks import available_cores
    from archcost.search.scan_engines import on_ray, on_threads
    from archcost.search.scan_progress import scan
    from archcost.search.scan_result import write_result
    from archcost.search.scanning import ScanPlan
    from archcost.spaces import get_space

    if args.out.suffix != ".parquet":
        raise ArchcostError(f"--out must end in .parquet, but got {str(args.out)!r}")
    if args.threads is not None and args.threads < 1:
        raise ArchcostError(f"--threads must be at least 1, but got {args.threads}")
    space = get_space(args.space)
    plan = ScanPlan(
        space,
        _score(args, space),
        tuple(_limits(args, space)),
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
    write_result(plan, found, args.out)
    kept_in.unlink(missing_ok=True)
    share = found.n_within / plan.total
    print(
        f"{args.out}: the best {len(found.ops)} by {plan.score.name}; {found.n_within} of "
        f"{plan.total} architectures ({share:.2%}) are within the limits"
    )
    return 0


def _score(args: argparse.Namespace, space: SearchSpace) -> ScanScore:
    from archcost.errors import MissingDataError
    from archcost.prediction import load
    from archcost.search.scan_scores import WORK, LowCost, read_weights, work_score

    if args.minimize is not None:
        device, _, metric = args.minimize.partition(":")
        return LowCost(load(device, metric or "latency", space=space, dataset=args.dataset))
    if args.maximize in WORK:
        return work_score(args.maximize, space, args.dataset)
    path = Path(args.maximize)
    if not path.is_file():
        raise MissingDataError(
            f"--maximize must be one of {list(WORK)} or a CSV file, but got {args.maximize!r}; "
            "a device's cost goes to --minimize"
        )
    return read_weights(path, space)


def _limits(args: argparse.Namespace, space: SearchSpace) -> list[Limit]:
    from archcost.errors import ArchcostError
    from archcost.prediction import load
    from archcost.search.scanning import Limit

    asked: list[tuple[str, str, float]] = []
    own = {"latency": args.max_latency_ms, "energy": args.max_energy_mj}
    for metric, value in own.items():
        if value is not None:
            if args.device is None:
                raise ArchcostError(f"a limit on {metric} needs --device")
            asked.append((args.device, metric, value))
    if args.device is not None and not asked:
        raise ArchcostError("--device needs --max-latency-ms or --max-energy-mj")
    for text in args.max:
        name, _, number = text.partition("=")
        device, _, metric = name.partition(":")
        try:
            asked.append((device, metric or "latency", float(number)))
        except ValueError:
            raise ArchcostError(
                f"--max must read DEVICE:METRIC=VALUE, such as eyeriss:energy=5, but got {text!r}"
            ) from None
    return [
        Limit(load(device, metric, space=space, dataset=args.dataset), value)
        for device, metric, value in asked
    ]
