"""The command ``archcost distil``."""

import argparse
from pathlib import Path
from typing import Any

from archcost.cli.options import add_dataset_arguments, add_space_argument
from archcost.cli.output import add_output_arguments, show

DESCRIPTION = """\
Teach an additive model what a slow one says (trees, a graph network, an ensemble of networks), by
asking it about random architectures. The student is a table of ops by position: some hundred times
as fast in search loops, and `archcost search --exact` proves its optima. How far it is from its
teacher is printed and kept in the model."""

EPILOG = """\
examples:
  archcost distil --model trained/fbnet-my_board-latency-cifar100 \\
      --out fast/fbnet-my_board-latency-cifar100
  archcost predict --archs wanted.csv --device my_board --model fast/fbnet-my_board-latency-cifar100
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "distil",
        help="make an additive model of a slow one, for search loops",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    teacher = parser.add_mutually_exclusive_group(required=True)
    teacher.add_argument("--device", metavar="ID", help="the device whose model is the teacher")
    teacher.add_argument("--model", type=Path, metavar="FOLDER", help="or its folder")
    add_space_argument(parser, "search space of the device's model: ")
    parser.add_argument("--metric", default="latency", help="latency (default) or energy")
    add_dataset_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the student's")
    parser.add_argument(
        "--count", type=int, default=20_000, metavar="N",
        help="random architectures to ask about (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="draws them (default: %(default)s)")
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Distil, save and say how far the student is from its teacher."""
    import archcost
    from archcost.models import CostModel
    from archcost.training import distil

    if arguments.model is not None:
        teacher = CostModel.load(arguments.model)
    else:
        teacher = archcost.load(
            arguments.device, arguments.metric, space=arguments.space, dataset=arguments.dataset
        )
    student = distil(teacher, n_archs=arguments.count, seed=arguments.seed)
    folder = student.save(arguments.out)
    scores = student.manifest.scores
    text = (
        f"{folder}: {scores['distilled_rmse']:.2%} from its teacher ({teacher.manifest.predictor}) "
        f"on further architectures, {scores['distilled_max']:.2%} at most, Spearman "
        f"{scores['distilled_spearman']:.4f}"
    )
    told = {name: scores[name] for name in scores if name.startswith("distilled")}
    show(arguments, text, {"folder": folder, "teacher": str(teacher.key), "scores": told})
    return 0
