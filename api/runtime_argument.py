"""The options of a command line that say what runs the networks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archcost.datasets.runtime import Runtime


def add_runtime_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--runtime`` and what goes with it."""
    parser.add_argument(
        "--runtime", default="onnxruntime", help="what runs the networks (default: %(default)s)"
    )


def build_runtime(args: argparse.Namespace) -> Runtime:
    """Return the runtime that the options name.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    from archcost.datasets.errors import check_name
    from archcost.datasets.runtimes import RUNTIMES

    return RUNTIMES[check_name("runtime", args.runtime, RUNTIMES)]
