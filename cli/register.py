"""The command ``archcost register``."""

import argparse
from typing import Any

from archcost.cli.options import add_dataset_arguments, add_space_argument
from archcost.cli.output import add_output_arguments, show

DESCRIPTION = """\
Register a model that `archcost train` logged in MLflow, under its space, device, metric and
dataset, and point an alias to it. Without --model it is the one that the latest training chose."""

EPILOG = """\
examples:
  archcost register --device my_board
  archcost register --device my_board --model models:/m-0123456789abcdef0123456789abcdef
  archcost register --device my_board --space fbnet --alias challenger

then, where MLflow is the same:
  archcost predict 1462 --device my_board \\
      --model models:/nasbench201-my_board-latency-cifar10@champion
  mlflow models serve -m models:/nasbench201-my_board-latency-cifar10@champion --env-manager local
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "register",
        help="register a trained model in MLflow under an alias",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", required=True, metavar="ID", help="device id")
    add_space_argument(parser, "search space (default: that of the device's models): ")
    parser.add_argument("--metric", default="latency", help="latency (default) or energy")
    add_dataset_arguments(parser)
    parser.add_argument("--model", metavar="URI", help="a logged model, models:/m-...")
    parser.add_argument("--alias", default="champion", help="default: %(default)s")
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Register and print the URI."""
    from archcost.datasets import CostKey
    from archcost.datasets.cost_key import dataset_id
    from archcost.tracking import register

    space = arguments.space or _only_space(arguments)
    dataset = dataset_id(space, arguments.dataset)
    key = CostKey(space, arguments.device, arguments.metric, dataset)
    uri = register(key, uri=arguments.model, alias=arguments.alias)
    show(arguments, uri, {"key": str(key), "alias": arguments.alias, "uri": uri})
    return 0


def _only_space(arguments: argparse.Namespace) -> str:
    """Return the space of the model, or of all the device's models in MLflow.

    Raises
    ------
    UnknownNameError
        If they are of several spaces.
    """
    from archcost.datasets import CostKey
    from archcost.errors import UnknownNameError
    from archcost.tracking import compare
    from archcost.tracking.registry import load_registered

    if arguments.model is not None:
        return load_registered(arguments.model).key.space
    spaces = sorted({CostKey.parse(key).space for key in compare(device=arguments.device)["key"]})
    if len(spaces) > 1:
        raise UnknownNameError(
            f"--space must be one of {spaces}, as MLflow has models of {arguments.device} for "
            "each, but got none"
        )
    return spaces[0]
