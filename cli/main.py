"""The command ``archcost``."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from archcost.errors import ArchcostError, ArchcostWarning

# In the order of the help; each module cli/<name>.py adds its own parser.
COMMANDS = (
    "predict",
    "space",
    "devices",
    "data",
    "measure",
    "simulate",
    "export",
    "train",
    "evaluate",
    "distil",
    "compare",
    "register",
    "search",
    "suggest",
    "transfer",
    "report",
    "scan",
    "demo",
)

DESCRIPTION = """\
Predict what a neural architecture costs on a device (latency in ms, energy in mJ),
without running it there."""

EPILOG = """\
examples:
  archcost devices                              what can be predicted, and how well
  archcost predict 1462 --device raspi4         one NAS-Bench-201 cell, by its index
  archcost train --table my.parquet --device my_board
  archcost COMMAND --help                       more on one command
"""


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser with the commands given."""
    parser = argparse.ArgumentParser(
        "archcost",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in commands:
        import_module(f"archcost.cli.{name}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit status: 0 if all went well, 1 if a check found problems, 2 for bad input, 130 after
        Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else argv
    # A known command needs no other's parser, nor the time to import it.
    arguments = build_parser(argv[:1] if argv[:1] and argv[0] in COMMANDS else COMMANDS).parse_args(
        argv
    )
    as_before, warnings.formatwarning = warnings.formatwarning, _in_one_line
    try:
        if getattr(arguments, "space", None) is not None:
            from archcost.spaces import get_space

            # A space of a user's file is known by its name from here on, in tables and models too.
            arguments.space = get_space(arguments.space).name
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print("archcost: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ArchcostError, OSError) as error:
        print(f"archcost: error: {error}", file=sys.stderr)
        return 2
    finally:
        warnings.formatwarning = as_before


def _in_one_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    if issubclass(category, ArchcostWarning):
        return f"archcost: warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"
