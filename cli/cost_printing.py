"""How predicted costs are printed: one as a sentence, several as CSV."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from archcost.cli.output import show

if TYPE_CHECKING:
    from archcost.models import CostModel


def show_costs(
    arguments: argparse.Namespace, model: CostModel, texts: list[str], costs: Any, bounds: Any
) -> None:
    """Print one cost as a sentence, several as CSV."""
    unit = model.unit
    name = f"{model.key.metric}_{unit.lower()}"
    columns = ("arch", name, f"{name}_low", f"{name}_high")
    rows = list(zip(texts, costs, *bounds.T, strict=True))
    if len(texts) == 1 and arguments.archs:
        words = sentence(costs[0], bounds[0], unit)
    else:
        lines = [f"{text},{cost:.6g},{low:.6g},{high:.6g}" for text, cost, low, high in rows]
        words = "\n".join([",".join(columns), *lines])
    show(arguments, words, [dict(zip(columns, row, strict=True)) for row in rows])


def sentence(cost: float, bounds: Any, unit: str) -> str:
    """Return a cost with its interval in words."""
    low, high = map(digits, bounds)
    return f"{digits(cost)} {unit} (90 %: {low} to {high})"


def digits(cost: float) -> str:
    """Return three digits or the whole number, whichever says more."""
    return f"{cost:.0f}" if cost >= 1000 else f"{cost:.3g}"
