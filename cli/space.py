"""The command ``archcost space``: which search spaces there are, and what is wrong with one."""

from __future__ import annotations

import argparse
import textwrap

from archcost.cli.output import add_output_arguments, show

EPILOG = """\
examples:
  archcost space list
  archcost space check my_space.py:MySpace
  archcost space check fbnet

A file of your own goes wherever a command takes --space: my_space.py:MySpace. How to write one is
in docs/extending.md."""

CHECK_DESCRIPTION = """\
Check a search space on random architectures: names, slots and datasets; that strings and indices
come back as they were; how many combinations are valid; edges and canonical forms; that networks
are built and run; whether ops add up (additive), and how large the networks are. The exit status is
1 if there is a problem."""

WIDTH = 100


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``space`` to the command line."""
    parser = subparsers.add_parser(
        "space",
        help="list search spaces, and check one of your own",
        description="List search spaces, and check one of your own.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION")
    listing = actions.add_parser(
        "list",
        help="show the spaces that are known",
        epilog="example:\n  archcost space list",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_output_arguments(listing, csv=True)
    listing.set_defaults(run=run_list)
    check = actions.add_parser(
        "check",
        help="say what is wrong with a space",
        description=CHECK_DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # Not named "space", which main would make known before anything is checked.
    check.add_argument("reference", metavar="SPACE", help="my_space.py:MySpace, or a name")
    check.add_argument("--seed", type=int, default=0, help="of the architectures looked at")
    add_output_arguments(check)
    check.set_defaults(run=run_check)


def run_list(args: argparse.Namespace) -> int:
    """Print the known spaces."""
    from archcost.cli.printing import text_table
    from archcost.plugins import installed
    from archcost.spaces import SPACES, SearchSpace
    from archcost.spaces.spaces import GROUP

    spaces = {**installed(GROUP, SearchSpace), **SPACES}
    head = ["space", "positions", "ops", "combinations", "dataset"]
    rows = [
        (name, space.n_positions, space.n_ops, space.size, space.default_dataset)
        for name, space in sorted(spaces.items())
    ]
    texts = [[*map(str, row[:3]), f"{row[3]:.3g}", row[4]] for row in rows]
    show(args, text_table(head, texts), [dict(zip(head, row, strict=True)) for row in rows])
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Check a space and print the findings; return 1 if there are problems."""
    from archcost.plugins import find
    from archcost.spaces import SPACES, SearchSpace
    from archcost.spaces.space_check import check_space
    from archcost.spaces.spaces import GROUP

    space = find("space", args.reference, SPACES, GROUP, SearchSpace)
    results = check_space(space, seed=args.seed)
    name_width = max(len(result.name) for result in results)
    lines = []
    for result in results:
        indent = " " * (name_width + 2 + len("problem") + 2)
        line = f"{result.name:{name_width}}  {result.status:7}  {result.detail}"
        lines.append(textwrap.fill(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False))
    problems = sum(result.status == "problem" for result in results)
    lines += ["", f"{problems or 'no'} problem{'' if problems == 1 else 's'}"]
    show(args, "\n".join(lines), {"problems": problems, "results": results})
    return 1 if problems else 0
