"""The command ``archcost models``: the saved cost models, one's own and those that ship."""

from __future__ import annotations

import argparse
from typing import Any

from archcost.cli.options import add_space_argument
from archcost.cli.output import add_output_arguments, show

EPILOG = """\
examples:
  archcost models list
  archcost models list --own
  archcost models show nasbench201-raspi4-latency-cifar10
  archcost models remove nasbench201-my_board-latency-cifar10

Models are named by space, device, metric and dataset. A model of yours goes before a pretrained
one of the same name; when it is removed, the pretrained one counts again."""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "models",
        help="list, show and remove saved cost models",
        description="List, show and remove saved cost models.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION")
    listing = _add(actions, "list", "list the models that predictions come from")
    listing.add_argument("--own", action="store_true", help="only your own, not the pretrained")
    add_space_argument(listing, "only this search space: ")
    add_output_arguments(listing, csv=True)
    listing.set_defaults(run=run_list)
    showing = _add(actions, "show", "say all that is known of a model")
    showing.add_argument("key", metavar="MODEL", help="its name, as `archcost models list` has it")
    add_space_argument(showing, "search space of the model, if it is your own: ")
    add_output_arguments(showing)
    showing.set_defaults(run=run_show)
    removing = _add(actions, "remove", "delete models of your own")
    removing.add_argument("keys", nargs="+", metavar="MODEL", help="names of models of yours")
    add_output_arguments(removing)
    removing.set_defaults(run=run_remove)


def run_list(args: argparse.Namespace) -> int:
    """Print one line a model."""
    from archcost.cli.printing import text_table
    from archcost.models import manifests, user_models_folder

    own = user_models_folder()
    rows = [
        {
            "model": str(manifest.key),
            "predictor": manifest.predictor,
            "rows": manifest.training.get("n_train"),
            "spearman": manifest.scores.get("spearman"),
            "origin": "own" if (own / str(manifest.key)).is_dir() else "pretrained",
        }
        for manifest in manifests()
        if args.space in (None, manifest.key.space)
    ]
    if args.own:
        rows = [row for row in rows if row["origin"] == "own"]
    head = ("model", "predictor", "rows", "spearman", "origin")
    cells = [
        [f"{cell:.4f}" if isinstance(cell, float) else str(cell or "") for cell in row.values()]
        for row in rows
    ]
    show(args, text_table(head, cells), rows)
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print the manifest of a model in words."""
    from archcost.datasets import CostKey
    from archcost.models import Manifest, find_model

    folder = find_model(CostKey.parse(args.key))
    manifest = Manifest.read(folder)
    card = manifest.device
    facts = {
        "model": str(manifest.key),
        "folder": folder,
        "device": card,
        "predictor": manifest.predictor,
        "params": manifest.params,
        "training": manifest.training,
        "scores": manifest.scores,
        "versions": manifest.versions,
    }
    lines = [f"{manifest.key}  ({folder})", f"  device: {card.name} ({card.kind})"]
    lines.append(f"  with: {card.conditions}")
    if card.source:
        lines.append(f"  source: {card.source}")
    params = ", ".join(f"{name}={value}" for name, value in manifest.params.items())
    lines.append(f"  predictor: {manifest.predictor}" + (f" ({params})" if params else ""))
    lines.append(f"  trained on {manifest.training.get('n_train')} architectures")
    for name, value in manifest.scores.items():
        if isinstance(value, float):
            lines.append(f"  {name.replace('_', ' ')}: {value:.4g}")
    show(args, "\n".join(lines), facts)
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Delete models of the user; those that ship stay."""
    from archcost.errors import MissingDataError
    from archcost.models import user_models_folder
    from archcost.models.manifest import MANIFEST
    from archcost.models.model_folder import remove_model

    root = user_models_folder()
    own = sorted(path.parent.name for path in root.glob(f"[!.]*/{MANIFEST}"))
    for key in args.keys:
        if key not in own:
            raise MissingDataError(
                f"only a model of your own can be removed, one of {own or 'none yet'} in {root}, "
                f"but got {key!r}"
            )
    for key in dict.fromkeys(args.keys):
        remove_model(root / key)
    text = "\n".join(f"removed {root / key}" for key in args.keys)
    show(args, text, {"removed": list(args.keys), "folder": root})
    return 0


def _add(actions: Any, name: str, text: str) -> Any:
    return actions.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
