"""The command ``archcost data``: published cost tables and your own."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archcost.cli.merge import add_merge
from archcost.cli.options import add_dataset_arguments, add_space_argument
from archcost.cli.output import add_output_arguments, say, show
from archcost.cli.printing import table_facts, table_text

if TYPE_CHECKING:
    from archcost.datasets import Source

Subparsers = argparse._SubParsersAction

DESCRIPTION = """\
Cost tables: list what there is, fetch the published ones, import your own, check any.

Published tables are kept in the data folder: ARCHCOST_DATA_DIR if it is set, else the user's
cache. They are downloaded once, at a fixed commit, and checked against fixed hashes; everything
else works without a network."""

EXAMPLES = """\
examples:
  archcost data list                            sources, licences, what is here
  archcost data fetch                           all published tables (17 MB)
  archcost data fetch hw-nas-bench --from-file HW-NAS-Bench-v1_0.pickle
  archcost data import mine.csv --device my_board --out my_board.parquet
  archcost data merge part1.parquet part2.parquet --out all.parquet
  archcost data check my_board.parquet
"""

IMPORT_DESCRIPTION = """\
Turn a table of yours into a cost table, checked, as Parquet.

A CSV or Parquet file needs a column `arch` (the space's string, or NAS-Bench-201's index) and one
or both of `latency_ms` and `energy_mj`; `latency_std_ms`, `energy_std_mj`, `n_repeats` and
`status` are kept where they are there. A row without a cost says why in `status`:
did_not_compile, failed, timed_out or not_measured."""

IMPORT_EXAMPLES = """\
examples:
  mine.csv:   arch,latency_ms
              |nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|,7.31
              |skip_connect~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|,4.05

  archcost data import mine.csv --device my_board --out my_board.parquet
  archcost data import HW-NAS-Bench-v1_0.pickle --source hw-nas-bench --out all.parquet

then:
  archcost train --table my_board.parquet --device my_board
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add ``data`` to the command line."""
    parser = subparsers.add_parser(
        "data",
        help="list, fetch, import, merge and check cost tables",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION")
    _add_list(actions)
    _add_fetch(actions)
    _add_import(actions)
    add_merge(actions)
    _add_check(actions)


def _add_list(actions: Subparsers[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "list",
        help="show sources and tables, and what is here",
        epilog="example:\n  archcost data list",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_output_arguments(parser)
    parser.set_defaults(run=run_list)


def _add_fetch(actions: Subparsers[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "fetch",
        help="download published tables into the data folder",
        description="Download published tables once, check them, and keep them. Files that are "
        "here and sound are not fetched again.",
        epilog="examples:\n  archcost data fetch\n"
        "  archcost data fetch hw-nas-bench --from-file HW-NAS-Bench-v1_0.pickle",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="help, hw-nas-bench, oneproxy, or your own, my_source.py:MY_SOURCE (default: all)",
    )
    parser.add_argument(
        "--from-file",
        type=Path,
        metavar="PATH",
        help="take the files from PATH, not the network: the pickle of hw-nas-bench; for the "
        "others a clone of the repository or its zip archive",
    )
    add_output_arguments(parser)
    parser.set_defaults(run=run_fetch)


def _add_import(actions: Subparsers[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "import",
        help="turn a CSV, Parquet or published file into a cost table",
        description=IMPORT_DESCRIPTION,
        epilog=IMPORT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("file", type=Path, help="the table; with --source its file or folder")
    add("--out", type=Path, required=True, help="the table to write, .parquet")
    add(
        "--source",
        help="read FILE as a published source: help, hw-nas-bench or oneproxy; or your own, "
        "my_source.py:MY_SOURCE",
    )
    add("--device", help="id of your device, from a-z, 0-9 and _")
    add_space_argument(parser, "(default: inferred from the architectures) ")
    add_dataset_arguments(parser)
    add("--batch-size", type=int, default=1, metavar="N", help="images a run (default: 1)")
    add("--kind", default="measured", help="measured (default), simulated or derived")
    add_output_arguments(parser)
    parser.set_defaults(run=run_import)


def _add_check(actions: Subparsers[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "check",
        help="check tables, or the data folder",
        description="Check your tables against every rule of a cost table; without FILE, the "
        "hashes of the published files here, their costs, and that sources agree with one another. "
        "Where the costs drift with the order of the rows, it says so.",
        epilog="examples:\n  archcost data check my_board.parquet\n"
        "  archcost data check mine.csv --device my_board",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help=".parquet or .csv")
    parser.add_argument("--device", help="device of tables that do not say it")
    add_space_argument(parser, "search space of tables that do not say it: ")
    add_output_arguments(parser)
    parser.set_defaults(run=run_check)


def run_list(args: argparse.Namespace) -> int:
    """Print sources, what of them is here, and the bundled tables."""
    from archcost.datasets import SOURCES, bundled_tables, data_folder, load_bundled

    folder = data_folder()
    lines = [f"data folder: {folder}", ""]
    sources, bundled = [], []
    for source in SOURCES.values():
        here = sum((folder / source.folder / file.path).is_file() for file in source.files)
        state = "complete" if here == len(source.files) else f"{here} of {len(source.files)} files"
        lines += [f"{source.name} ({state if here else 'not here'})", _about(source), ""]
        sources.append(_facts(source) | {"files": len(source.files), "files_here": here})
    lines.append("bundled with archcost")
    for name in bundled_tables():
        table = load_bundled(name)
        keys = list(map(str, table.keys()))
        lines.append(f"  {name}: {len(table)} rows, {', '.join(keys)}")
        bundled.append({"name": name, "rows": len(table), "keys": keys})
    show(args, "\n".join(lines), {"folder": folder, "sources": sources, "bundled": bundled})
    return 0


def run_fetch(args: argparse.Namespace) -> int:
    """Fetch the sources that were named, or all."""
    from archcost.datasets import SOURCES, fetch
    from archcost.errors import CostTableError

    sources = list(map(_source, args.sources)) or list(SOURCES.values())
    if args.from_file and len(sources) > 1:
        raise CostTableError(
            f"--from-file must go with one source of {list(SOURCES)}, but got {args.sources}"
        )
    lines, fetched = [], []
    for source in sources:
        say(args, f"{source.name}\n{_about(source)}")
        folder = fetch(source, from_file=args.from_file, progress=not args.quiet)
        lines.append(f"{source.name} is here: {folder}")
        fetched.append(_facts(source) | {"folder": folder})
    show(args, "\n".join(lines), {"sources": fetched})
    return 0


def run_import(args: argparse.Namespace) -> int:
    """Read one table and write it as Parquet."""
    from archcost.datasets import CostTable

    if args.source:
        table = _source(args.source).parse(args.file)
    else:
        table = CostTable.read(
            args.file,
            device=args.device,
            space=args.space,
            dataset=args.dataset,
            batch_size=args.batch_size,
            kind=args.kind,
        )
        if table.provenance.imported_from is None:
            told = replace(table.provenance, imported_from=args.file.name)
            table = table.with_provenance(told)
    table.write(args.out)
    show(args, table_text(args.out, table), table_facts(args.out, table))
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Check tables, or everything in the data folder."""
    from archcost.analysis.drift import drift_warnings
    from archcost.datasets import CostTable
    from archcost.errors import ArchcostError
    from archcost.training.unit_checks import unit_warnings

    if not args.files:
        return _check_data_folder(args)
    texts, sound, failed = [], [], {}
    for file in args.files:
        try:
            table = CostTable.read(file, device=args.device, space=args.space)
        except ArchcostError as error:
            failed[str(file)] = str(error)
            print(f"{file}: {error}", file=sys.stderr)
        else:
            drifts = drift_warnings(table)
            texts += [table_text(file, table), *(f"{file}: {drift}" for drift in drifts)]
            try:
                outliers = unit_warnings(table)
            except ArchcostError as error:
                failed[str(file)] = str(error)
                print(f"{file}: {error}", file=sys.stderr)
                continue
            texts += [f"{file}: {outlier}" for outlier in outliers]
            sound.append({**table_facts(file, table), "drift": drifts, "outliers": outliers})
    show(args, "\n".join(texts), {"tables": sound, "errors": failed})
    return 1 if failed else 0


def _check_data_folder(args: argparse.Namespace) -> int:
    from archcost.datasets import SOURCES, data_folder, load_published
    from archcost.datasets.fetching import is_sound

    folder = data_folder()
    damaged: list[Path] = []
    lines, counts = [], []
    for source in SOURCES.values():
        paths = [(folder / source.folder / file.path, file.digest) for file in source.files]
        here = [(path, digest) for path, digest in paths if path.is_file()]
        wrong = [path for path, digest in here if not is_sound(path, digest)]
        damaged += wrong
        sound = len(here) - len(wrong)
        lines.append(f"{source.name}: {sound} of {len(paths)} files here and sound")
        counts.append({"source": source.name, "files": len(paths), "sound": sound})
        for path in wrong:
            print(f"{path}: not the published file; fetch it again", file=sys.stderr)
    facts: dict[str, object] = {"sources": counts, "damaged": damaged}
    if not damaged:
        table = load_published(folder)
        lines.append(table_text(folder, table))
        facts["table"] = table_facts(folder, table)
    show(args, "\n".join(lines), facts)
    return 1 if damaged else 0


def _source(name: str) -> Source:
    """Return a source of costs: one that ships, or that of a file or an entry point."""
    from archcost.datasets import SOURCES, Source
    from archcost.plugins import find

    return find("source", name, SOURCES, "archcost.sources", Source)


def _about(source: Source) -> str:
    return (
        f"  {source.title}\n  holds: {source.holds}\n"
        f"  from: {source.homepage}  licence: {source.licence}\n  cite: {source.citation}"
    )


def _facts(source: Source) -> dict[str, object]:
    names = ("name", "title", "holds", "homepage", "licence", "citation")
    return {name: getattr(source, name) for name in names}
