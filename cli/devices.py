"""The command ``archcost devices``."""

import argparse
from typing import Any

from archcost.cli.options import add_space_argument
from archcost.cli.printing import text_table
from archcost.errors import check_name
from archcost.models import Manifest, manifests

HEAD = (
    "space", "device", "metric", "unit", "dataset", "predictor", "rows", "Spearman", "Kendall",
)  # fmt: skip


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "devices",
        help="list what can be predicted, and how well",
        description="List every cost that can be predicted: the pretrained models and your own. "
        "Scores are rank correlations on held-out architectures; rows is how many architectures "
        "the model was trained on in the end.",
        epilog="example:\n  archcost devices --space fbnet --device raspi4",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_space_argument(parser, "only this search space: ")
    parser.add_argument("--device", help="only this device, with its card")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table, and the card of a single device."""
    found = manifests()
    if arguments.space is not None:
        found = [manifest for manifest in found if manifest.key.space == arguments.space]
    if arguments.device is not None:
        device = check_name("device", arguments.device, {m.key.device for m in found})
        found = [manifest for manifest in found if manifest.key.device == device]
    print(text_table(HEAD, [_row(manifest) for manifest in found]))
    if arguments.device and found:
        card = found[0].device
        print(f"\n{card.id}: {card.name} ({card.kind})")
        print(f"runtime {card.runtime}, precision {card.precision}, batch {card.batch_size}")
        print(f"source: {card.source}" + (f"\n{card.notes}" if card.notes else ""))
    return 0


def _row(manifest: Manifest) -> tuple[str, ...]:
    key, scores = manifest.key, manifest.scores
    return (
        key.space,
        key.device,
        key.metric,
        key.unit,
        key.dataset,
        manifest.predictor,
        str(manifest.training.get("n_train", "")),
        _score(scores.get("spearman")),
        _score(scores.get("kendall")),
    )


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
