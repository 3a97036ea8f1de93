"""The options of a command line that say which architectures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archcost.spaces import SearchSpace
    from archcost.spaces.space import Ops


def add_architecture_arguments(
    parser: argparse.ArgumentParser, *, count: int | None, count_help: str, required: bool = False
) -> None:
    """Add ``--space``, ``--dataset``, ``--count`` or ``--archs``, and ``--seed``."""
    add = parser.add_argument
    add("--space", required=True, help="search space: nasbench201 or fbnet")
    add("--dataset", help="input size and classes (default: the space's, cifar10 or cifar100)")
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument(
        "--count",
        type=int,
        default=count,
        metavar="N",
        help=f"draw N distinct architectures with --seed{count_help}",
    )
    which.add_argument(
        "--archs",
        type=Path,
        metavar="FILE",
        help="take the architectures of a CSV file with a column 'arch', such as suggest prints "
        "(or one architecture a line)",
    )
    add("--seed", type=int, default=0, help="fixes everything drawn (default: %(default)s)")


def chosen_architectures(
    args: argparse.Namespace, space: SearchSpace, default_count: int | None = None
) -> tuple[Ops, str]:
    """Return the architectures ``(n_archs, n_positions)``, and in words how they were chosen.

    Raises
    ------
    ArchcostError
        If there are none, or the file is wrong.
    """
    from archcost.datasets.architecture_file import read_architectures
    from archcost.errors import ArchcostError

    if args.archs is not None:
        return read_architectures(args.archs, space), "listed by the user"
    count = default_count if args.count is None else args.count
    assert count is not None, "the command has a default or requires one of the two"
    archs = space.sample(count, seed=args.seed)
    if len(archs) == 0:
        raise ArchcostError(f"--count must be at least 1, but got {count}")
    return archs, f"{count} drawn uniformly with seed {args.seed}"
