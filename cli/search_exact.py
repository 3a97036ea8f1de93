"""``archcost search --exact``: the proven best within limits, or the whole exact front."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from archcost.cli.output import say, show

if TYPE_CHECKING:
    import pandas as pd

    from archcost.spaces import SearchSpace


def add_exact_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--exact`` and what goes with it."""
    group = parser.add_argument_group(
        "the proven best (--exact)",
        "In a space that can be listed it is exact for any model; elsewhere for scores and costs "
        "that add up over positions. What is not proven says how far from the best it can be.",
    )
    add = group.add_argument
    add("--exact", action="store_true", help="the best within the limits, with a proof")
    add("-k", type=int, default=1, help="so many architectures, best first (default: %(default)s)")
    add("--front", metavar="NAME", help="instead every architecture on the front of the score "
        "against this cost or work")  # fmt: skip
    add(
        "--seconds", type=float, default=60.0,
        help="when to stop proving (default: %(default)s)",
    )  # fmt: skip


def run_exact(args: argparse.Namespace, space: SearchSpace) -> int:
    """Print or write the best architectures and what is proven of them."""
    from archcost.cli.limit_argument import parse_limit
    from archcost.errors import ArchcostError
    from archcost.search import exact_front, optimum

    if args.accuracy is not None or args.low:
        raise ArchcostError("--exact goes with --maximize or --minimize and --max alone")
    if args.front is not None:
        if args.maximize is None or args.max:
            raise ArchcostError("--front goes with --maximize, and without limits")
        front = exact_front(space, args.maximize, args.front, dataset=args.dataset)
        write_front(front, args)
        say(args, f"archcost: the whole front, {len(front)} architectures, exact")
        return 0
    level = 0.9 if args.level is None else args.level
    found = optimum(
        space,
        args.maximize,
        dict(map(parse_limit, args.max)),
        minimize=args.minimize,
        k=args.k,
        level=None if args.by_mean else (1 + level) / 2,
        dataset=args.dataset,
        seconds=args.seconds,
        budget=10_000 if args.budget is None else args.budget,
        seed=args.seed,
    )
    write_front(found.ranked, args)
    if found.is_proven:
        proof = "proven: no other architecture within the limits is better"
    else:
        proof = f"not proven: no architecture is beyond {found.bound:.6g}, a gap of {found.gap:.3g}"
    say(args, f"archcost: {proof} ({found.method}, {found.seconds:.2f} s)")
    return 0


def write_front(front: pd.DataFrame, args: argparse.Namespace) -> None:
    """Write architectures to ``--out``, or print them, as CSV."""
    if args.out is not None:
        front.to_csv(args.out, index=False)
        text = f"{args.out}: {len(front)} architectures"
    else:
        text = front.to_csv(index=False, float_format="%.6g").removesuffix("\n")
    show(args, text, front)
