"""The command ``archcost devices``."""

import argparse
from typing import Any

from archcost.cli.options import add_space_argument
from archcost.cli.output import add_output_arguments, say, show
from archcost.cli.printing import text_table
from archcost.datasets import CostKey
from archcost.errors import check_name
from archcost.models import Manifest, manifests, user_models_folder
from archcost.models.store import hides_pretrained

HEAD = (
    "space", "device", "metric", "unit", "dataset", "predictor", "rows", "Spearman", "Kendall",
    "origin",
)  # fmt: skip


EPILOG = """\
examples:
  archcost devices
  archcost devices --space fbnet --device raspi4
  archcost devices --like raspi5
  archcost devices --space nasbench201 --like raspi4
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "devices",
        help="list what can be predicted, and how well",
        description="List every cost that can be predicted: the pretrained models and your own. "
        "Scores are rank correlations on held-out architectures; rows is how many architectures "
        "the model was trained on in the end; origin says which are your own, and which of them "
        "hide a pretrained one (`archcost models remove` brings it back). With --like the most "
        "similar devices come first: by the rank correlation of predicted costs if the device is "
        "known, else by name.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_space_argument(parser, "only this search space: ")
    parser.add_argument("--device", help="only this device, with its card")
    parser.add_argument(
        "--like", metavar="ID", help="the devices most like this one first, and how alike they are"
    )
    add_output_arguments(parser, csv=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table, and the card of a single device."""
    found = manifests()
    if arguments.space is not None:
        found = [manifest for manifest in found if manifest.key.space == arguments.space]
    if arguments.device is not None:
        device = check_name("device", arguments.device, {m.key.device for m in found})
        found = [manifest for manifest in found if manifest.key.device == device]
    rows = [_row(manifest) for manifest in found]
    if arguments.like is not None:
        rows = _sorted_by_likeness(found, arguments.like)
        if not any("alike" in row for row in rows):
            said = f"no model of {arguments.like!r} is known: devices by how alike their names are"
            say(arguments, f"archcost: {said}")
    head = list(rows[0]) if rows else list(HEAD)
    text = text_table(head, [[_cell(value) for value in row.values()] for row in rows])
    if arguments.device and found:
        card = found[0].device
        text += (
            f"\n\n{card.id}: {card.name} ({card.kind})\n"
            f"with: {card.conditions}\n"
            f"source: {card.source}" + (f"\n{card.notes}" if card.notes else "")
        )
    show(arguments, text, rows)
    return 0


def _sorted_by_likeness(found: list[Manifest], device: str) -> list[dict[str, Any]]:
    """Put the devices first that are most alike: in what costs much there, else in name."""
    from archcost.analysis.nearest_devices import nearest_in_cost, nearest_in_name

    if any(manifest.key.device == device for manifest in found):
        alike = nearest_in_cost(device, found)
        return [{**_row(manifest), "alike": likeness} for manifest, likeness in alike]
    return [_row(manifest) for manifest in nearest_in_name(device, found)]


def _row(manifest: Manifest) -> dict[str, Any]:
    key, scores = manifest.key, manifest.scores
    values = (
        key.space,
        key.device,
        key.metric,
        key.unit,
        key.dataset,
        manifest.predictor,
        manifest.training.get("n_train"),
        scores.get("spearman"),
        scores.get("kendall"),
        _origin(key),
    )
    return dict(zip(HEAD, values, strict=True))


def _origin(key: CostKey) -> str:
    if not (user_models_folder() / str(key)).is_dir():
        return "pretrained"
    return "own, hides a pretrained one" if hides_pretrained(key) else "own"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
