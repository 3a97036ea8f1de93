"""Names of runs that begin with what tells them apart: predictor, device, training rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archcost.datasets import CostKey

DOT = " · "
LONGEST = 250
"""Characters of a run's name at most, as MLflow keeps no more."""


def short_labels(keys: Sequence[CostKey]) -> dict[str, str]:
    """Name keys by their device and, where it has several costs, by what tells those apart.

    Parameters
    ----------
    keys : sequence of CostKey
        All keys that stand side by side.

    Returns
    -------
    dict of str to str
        Labels by the keys' strings.

    Examples
    --------
    >>> keys = [CostKey("fbnet", "fpga", metric, "cifar100") for metric in ("latency", "energy")]
    >>> list(short_labels(keys).values())
    ['fpga latency', 'fpga energy']
    """
    labels = {}
    for key in keys:
        of_device = [other for other in keys if other.device == key.device]
        parts = [
            getattr(key, name)
            for name in ("space", "metric", "dataset")
            if len({getattr(other, name) for other in of_device}) > 1
        ]
        labels[str(key)] = " ".join([key.device, *parts])
    return labels


def run_name(*parts: str) -> str:
    """Join what a run is, in the order of what differs most.

    Examples
    --------
    >>> run_name("my_predictors.py:GNN", "raspi4", "n=900")
    'GNN · raspi4 · n=900'
    """
    first, *others = parts
    return DOT.join([first.rpartition(":")[2], *(part for part in others if part)])[:LONGEST]


def shortened(names: Iterable[str], most: int = 2) -> str:
    """Return the first names and how many more there are.

    Examples
    --------
    >>> shortened(["raspi4", "fpga", "edgetpu", "pixel3"])
    'raspi4, fpga and 2 more'
    """
    names = list(dict.fromkeys(names))
    if len(names) <= max(most, 2):
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
