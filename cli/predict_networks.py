"""The answer of ``archcost predict`` for any network: its cost, and where it goes."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.cli.cost_printing import digits, sentence, show_costs
from archcost.cli.output import say, show
from archcost.cli.printing import text_table
from archcost.datasets.whole_file import whole_file
from archcost.errors import ArchcostError
from archcost.prediction import load_for
from archcost.spaces.any_network import read_networks

if TYPE_CHECKING:
    from archcost.models import CostModel

DEAREST = 5
"""Layers that are shown."""

PLOTS = (".png", ".svg", ".pdf")


def run_networks(arguments: argparse.Namespace, texts: list[str]) -> int:
    """Predict networks and print; of a single one with its dearest layers."""
    asked = (arguments.device, arguments.metric, arguments.space, arguments.dataset)
    model = load_for(texts[0], *asked, arguments.model)
    shape = None if arguments.shape is None else numbers_of(arguments.shape)
    graphs = []
    for text in texts:
        found: Any = read_networks(text, shape=shape, batch_size=arguments.batch)
        graphs.append(found)
    costs = model.predict(graphs, extrapolate=arguments.extrapolate)
    bounds = model.predict_interval(graphs, extrapolate=arguments.extrapolate)
    for text, graph in zip(texts, graphs, strict=True):
        if unmeasured := model.unmeasured(graph):
            from archcost.models.network_prediction import named_shares

            say(
                arguments,
                f"archcost: no measurement covers these ops of {text}, with their share of the "
                f"cost, which widens the interval: {named_shares(unmeasured)}",
            )
    if len(texts) > 1 or not arguments.archs:
        if arguments.layers is not None:
            raise ArchcostError(f"--layers must go with one network, but got {len(texts)}")
        show_costs(arguments, model, texts, costs, np.asarray(bounds))
        return 0
    _show_layers(arguments, model, graphs[0], float(costs[0]), bounds[0])
    return 0


def _show_layers(
    arguments: argparse.Namespace, model: CostModel, graph: Any, cost: float, bounds: Any
) -> None:
    from archcost.models.network_prediction import layer_rows

    name = f"{model.key.metric}_{model.unit.lower()}"
    rows = [
        {name if key == "cost" else key: value for key, value in row.items()}
        for row in layer_rows(model.layer_costs(graph))
    ]
    dearest = sorted(rows, key=lambda row: -float(row[name]))[:DEAREST]
    cells = [
        [
            f"{row['name'] or row['layer']} ({row['op']})", str(row["output"]),
            digits(row[name]), f"{row['share']:.1%}".replace("%", " %"),
        ]
        for row in dearest
    ]  # fmt: skip
    share = sum(float(row["share"]) for row in dearest)
    lines = [
        sentence(cost, bounds, model.unit),
        f"of {len(rows)} layers these are the dearest, {share:.0%}".replace("%", " %") + " in all:",
        text_table(["layer", "output", model.unit, "share"], cells),
    ]
    if model.device.notes:
        lines.insert(1, f"{model.device.id}: {model.device.notes}")
    if arguments.layers is not None:
        write_layers(arguments.layers, rows, name)
        lines.append(f"all layers in {arguments.layers}")
    facts = {"arch": arguments.archs[0], name: cost}
    facts |= {f"{name}_low": bounds[0], f"{name}_high": bounds[1]}
    if arguments.output == "json":
        show(arguments, "", {**facts, "n_layers": len(rows), "dearest_layers": dearest})
    else:
        show(arguments, "\n".join(lines), [facts])


def write_layers(path: Path, rows: list[dict[str, Any]], name: str) -> None:
    """Write the costs of layers as CSV, or as a bar plot.

    Raises
    ------
    ArchcostError
        If the file is of another kind.
    """
    if path.suffix == ".csv":
        with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix in PLOTS:
        from archcost.analysis.layer_plot import plot_layers

        plot_layers(rows, name, path)
    else:
        raise ArchcostError(
            f"--layers must be a .csv file, or one of {list(PLOTS)} for a plot, but got {path}"
        )


def numbers_of(text: str) -> list[int]:
    """Return a shape as the command line has it.

    Examples
    --------
    >>> numbers_of("3,224,224"), numbers_of("3x64x64")
    ([3, 224, 224], [3, 64, 64])
    """
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        raise ArchcostError(
            f"--shape must be positive whole numbers, such as 3,224,224, but got {text!r}"
        )
    return [int(part) for part in parts]
