"""The command ``archcost show``: all that is known of a device's cost models."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from archcost.cli.options import DATASET_HELP, add_space_argument
from archcost.cli.output import add_output_arguments, say, show

DESCRIPTION = """\
Show all that is known of the cost models of a device, and write a page for each: the device's
card, scores, errors on held-out architectures, how well intervals hold what they promise, what
drives the cost, the nearest known devices, and who measured what. The page is one HTML file that
needs no other and no network."""

EPILOG = """\
examples:
  archcost show my_board
  archcost show raspi4 --space nasbench201 --out pages
  archcost show my_board --table new_measurements.csv     errors on costs not learned from
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "show",
        help="all that is known of a device's cost models, as text and a page",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("device", metavar="DEVICE", help="device id, such as my_phone")
    add_space_argument(parser, "only this search space: ")
    parser.add_argument("--metric", help="latency or energy (default: all)")
    parser.add_argument("--dataset", help=DATASET_HELP.partition(" (")[0] + " (default: all)")
    parser.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help="cost table to compare with; best one that the model has not learned from",
    )
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="FOLDER", help="where pages go (default: here)"
    )
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the facts and write the pages."""
    from archcost.analysis.model_facts import as_data, model_facts
    from archcost.analysis.model_page import model_text, write_model_page
    from archcost.models import CostModel, find_model, manifests

    known = manifests()
    chosen = _chosen(arguments, known)
    texts, records = [], []
    for manifest in chosen:
        table = None
        if arguments.table is not None:
            from archcost.datasets import CostTable

            key = manifest.key
            table = CostTable.read(
                arguments.table, space=key.space, device=key.device, dataset=key.dataset
            ).select(metric=key.metric)
        facts = model_facts(CostModel.load(find_model(manifest.key)), known, table)
        page = write_model_page(facts, arguments.out)
        texts.append(model_text(facts))
        records.append({**as_data(facts), "page": page})
        say(arguments, f"page: {page}")
    show(arguments, "\n\n\n".join(texts), records)
    return 0


def _chosen(arguments: argparse.Namespace, known: Any) -> Any:
    """Return the manifests of the device's models that were asked for.

    Raises
    ------
    UnknownNameError
        If there is no such device, metric or dataset.
    """
    from archcost.errors import check_name

    of_space = [one for one in known if arguments.space in (None, one.key.space)]
    check_name("device", arguments.device, {one.key.device for one in of_space})
    chosen = [one for one in of_space if one.key.device == arguments.device]
    if arguments.metric is not None:
        check_name("metric", arguments.metric, {one.key.metric for one in chosen})
        chosen = [one for one in chosen if one.key.metric == arguments.metric]
    if arguments.dataset is not None:
        wanted = re.sub(r"\W", "_", arguments.dataset.lower())  # as keys spell it
        check_name("dataset", wanted, {one.key.dataset for one in chosen})
        chosen = [one for one in chosen if one.key.dataset == wanted]
    return chosen
