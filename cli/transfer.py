"""The command ``archcost transfer``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.names_argument import Names
from archcost.cli.options import add_dataset_arguments, add_space_argument
from archcost.cli.output import add_output_arguments, show
from archcost.datasets.whole_file import whole_file

if TYPE_CHECKING:
    from archcost.models import CostModel

DESCRIPTION = """\
Make a cost model of a new device from a few measurements and the devices that are known.

The measurements are a CSV or Parquet file with the columns arch and latency_ms or energy_mj;
`archcost suggest` says which architectures to measure. Where latency_std_ms or energy_std_mj is
given, precise measurements weigh more. A device that has a model on another dataset is known
already, and starts from that. With --extrapolate no measurement is needed: a device without such a
model is then the mean of the known devices; the intervals are wide. The model is saved in the
folder of your models, where `archcost predict` finds it, with a report beside it, and logged to
MLflow."""

EPILOG = """\
examples:
  archcost suggest --space fbnet -n 10 > to_measure.csv
  archcost transfer my_phone measured.csv --space fbnet
  archcost predict --archs to_measure.csv --device my_phone
  archcost suggest --space any -n 10 > networks.csv
  archcost transfer my_npu networks_measured.csv --space any
  archcost transfer raspi4 mine.csv --space nasbench201 --dataset ImageNet16-120
      a device that is known, on another dataset
  archcost transfer raspi4 --space nasbench201 --dataset darcy --input 1x88x88 --classes 1 \\
      --extrapolate
"""
REPORT = "transfer_report.md"


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "transfer",
        help="make a cost model of a new device from a few measurements",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("device", help="id of the new device, such as my_phone")
    parser.add_argument(
        "measurements", type=Path, nargs="?", help="CSV or Parquet file; none with --extrapolate"
    )
    add_space_argument(parser, required=True)
    parser.add_argument("--metric", help="latency or energy (default: what the file holds)")
    add_dataset_arguments(parser)
    parser.add_argument(
        "--sources",
        nargs="*",
        action=Names,
        metavar="ID",
        help="known devices to start from (default: all with a latency model)",
    )
    parser.add_argument(
        "--extrapolate",
        action="store_true",
        help="make a model without measurements, of what the device costs on another dataset or "
        "else of what known devices do",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed (default: %(default)s)")
    parser.add_argument(
        "--experiment",
        default="archcost",
        metavar="NAME",
        help="MLflow experiment (default: %(default)s)",
    )
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def networks_report(model: CostModel) -> str:
    """Say what a model of any networks was made of, and how well it predicts those left out."""
    told, scores = model.manifest.training, model.manifest.scores
    sources = ", ".join(told["sources"]) or "none"
    lines = [f"Made of {told['n_train']} measured networks. Known devices: {sources}.", ""]
    if "left_out_spearman" in scores:
        rank, within = scores["left_out_spearman"], 100 * scores["left_out_within_10_percent"]
        lines.append(f"Networks left out in turn: Spearman {rank:.3f}, {within:.0f} % within 10 %.")
    return "\n".join(lines) + "\n"


def run(arguments: argparse.Namespace) -> int:
    """Transfer, save, log, report, and return the exit status."""
    from archcost.errors import ArchcostError
    from archcost.models import user_models_folder
    from archcost.models.store import hiding_note
    from archcost.tracking.trial_logs import log_transfer
    from archcost.training import transfer
    from archcost.training.rescaled_report import rescaled_report
    from archcost.training.transfer_report import transfer_report

    if arguments.measurements is None and not arguments.extrapolate:
        raise ArchcostError(
            "transfer needs a file of measurements; --extrapolate does without, from what the "
            "device costs on another dataset or else from the known devices"
        )
    model = transfer(
        arguments.space,
        arguments.measurements,
        device=arguments.device,
        metric=arguments.metric,
        dataset=arguments.dataset,
        sources=arguments.sources,
        seed=arguments.seed,
        extrapolate=arguments.extrapolate,
    )
    folder = model.save(user_models_folder() / str(model.key))
    if model.manifest.predictor == "transfer":
        report = transfer_report(model).to_markdown()
    elif model.space.is_open:
        report = networks_report(model)
    elif model.manifest.predictor == "rescaled":
        report = rescaled_report(model)
    else:
        report = (
            f"Made of {model.manifest.training['n_train']} measurements by "
            f"{model.manifest.predictor}, which ranks held-out ones better than transfer: "
            f"{model.manifest.scores['held_out']}.\n"
        )
    report = f"# {model.key}\n\n{report}"
    report_file = folder.parent / f"{model.key}-{REPORT}"
    with whole_file(report_file) as part:
        part.write_text(report, encoding="utf-8")
    uri = log_transfer(model, report, arguments.experiment)
    lines = [report, f"saved in {folder}", f"report in {report_file}"]
    if (note := hiding_note(model.key)) is not None:
        lines.append(note)
    if uri is not None:
        lines.append(f"logged as {uri}")
    manifest = model.manifest
    facts = {
        "key": str(model.key),
        "predictor": manifest.predictor,
        "n_train": manifest.training["n_train"],
        "scores": manifest.scores,
        "folder": folder,
        "report": report_file,
        "uri": uri,
    }
    show(arguments, "\n".join(lines), facts)
    return 0
