"""A user's device among the known ones: which rank architectures alike, and which do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archcost.analysis import analysis_plots as plots
from archcost.analysis import charts
from archcost.analysis.agreement import device_map
from archcost.analysis.report_page import Section
from archcost.datasets import CostKey, CostTable
from archcost.errors import MissingDataError
from archcost.models import CostModel, find_model, manifests
from archcost.tracking.run_names import shortened
from archcost.training.metrics import RANK_DECIMALS

if TYPE_CHECKING:
    import pandas as pd

    from archcost.analysis.analysis_plots import Labels

MOST_ARCHS = 1000
"""Architectures on which devices are compared, at most."""
DRAWN = 500
"""Architectures drawn where a device has a model but no table."""
ALIKE = 3
"""Devices that the summary names."""


def known_devices_sections(table: CostTable, key: CostKey, labels: Labels) -> list[Section]:
    """Place a cost of a table among those that installed models predict.

    Parameters
    ----------
    table : CostTable
        Holds the costs of `key`.
    key : CostKey
        The device to be placed.
    labels : mapping of str to str
        Short names of the table's keys.

    Returns
    -------
    list of Section
        One section; none if no other device has a model of the space, metric and dataset.
    """
    frame, kinds = costs_of_known_devices(table, key)
    if frame.shape[1] < 2:
        return []
    agreement = frame.round(RANK_DECIMALS).corr(method="spearman", min_periods=3)
    alike = agreement[key.device].drop(key.device).sort_values(ascending=False)
    label = labels[str(key)]
    first = shortened([f"{name} ({value:.2f})" for name, value in alike.items()][:ALIKE], ALIKE)
    summary = f"{label} ranks architectures most like {first}"
    if len(alike) > ALIKE:
        summary += f"; least like {alike.index[-1]} ({alike.iloc[-1]:.2f})"
    text = (
        f"{summary}. Spearman's correlation of the costs on {label} with those that the installed "
        f"models predict for {len(alike)} known {'device' if len(alike) == 1 else 'devices'}, over "
        f"{len(frame)} architectures. On the map, devices that rank architectures alike lie close; "
        "names that would overlap show on hovering."
    )
    places = device_map(agreement).reset_index(names="device")
    places["kind"] = ["yours" if name == key.device else kinds[name] for name in places["device"]]
    found = alike.rename("spearman").rename_axis("device").reset_index()
    found.insert(1, "kind", [kinds[name] for name in found["device"]])
    return [
        Section(
            f"{key.space}_{label.replace(' ', '_')}_among_known",
            f"{label} among the known devices",
            f"{summary}.",
            text,
            found,
            {"map": plots.device_map_plot(places)},
            {"map_chart": charts.device_map_chart(places)},
            printed=("map",),
        )
    ]


def costs_of_known_devices(table: CostTable, key: CostKey) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the costs of a key beside those that models of other devices predict.

    Returns
    -------
    pandas.DataFrame
        Index: at most 1,000 architectures; columns: device ids, that of `key` first.
    dict of str to str
        Whether each known device's costs were measured or simulated.
    """
    import pandas as pd

    ops, cost = table.costs(key)
    rows = np.unique(np.linspace(0, len(cost) - 1, min(len(cost), MOST_ARCHS)).round().astype(int))
    columns = {key.device: cost[rows]}
    kinds: dict[str, str] = {}
    for manifest in manifests():
        other = manifest.key
        place = (other.space, other.metric, other.dataset)
        if other.device != key.device and place == (key.space, key.metric, key.dataset):
            columns[other.device] = CostModel.load(find_model(other)).predict(ops[rows])
            kinds[other.device] = manifest.device.kind
    return pd.DataFrame(columns), kinds


def predicted_table(device: str, space: str | None = None) -> CostTable:
    """Return what a device's models predict for random architectures, for want of a table.

    Parameters
    ----------
    device : str
        A device with an installed model.
    space : str, optional
        Only its models of this search space.

    Returns
    -------
    CostTable
        500 architectures a model, of the kind ``derived``.

    Raises
    ------
    MissingDataError
        If it has no model.
    """
    tables = []
    for manifest in manifests():
        key = manifest.key
        if key.device == device and space in (None, key.space):
            model = CostModel.load(find_model(key))
            archs = model.space.sample(min(DRAWN, model.space.n_archs), seed=0)
            tables.append(
                CostTable.from_costs(
                    key.space, archs, model.predict(archs), device=device, metric=key.metric,
                    dataset=key.dataset_name, kind="derived",
                )
            )  # fmt: skip
    if not tables:
        raise MissingDataError(
            f"--device must have a table or a model, but {device} has neither; give --table, or "
            "make a model with `archcost train` or `archcost transfer`"
        )
    return CostTable.concat(tables)
