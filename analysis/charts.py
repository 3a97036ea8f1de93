"""Interactive charts as Vega-Lite specifications: plain dicts that a page draws offline.

Widths follow the page, so that the charts are legible on a phone; every point says on hovering
what it stands for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.analysis.agreement import cost_frame
from archcost.analysis.device_specific import front_rows
from archcost.analysis.map_labels import label_places
from archcost.analysis.proxies import PROXIES, proxy_costs
from archcost.datasets import CostKey, CostTable
from archcost.spaces import get_space

if TYPE_CHECKING:
    import pandas as pd

    from archcost.training.metrics import Costs

Chart = dict[str, Any]
"""A Vega-Lite specification."""

Labels = Mapping[str, str]

MOST_POINTS = 600
"""Architectures in a chart at most: more would make the page heavy and hide each other."""
BLUE, ORANGE, GREY = "#0072b2", "#e69f00", "#b0b0b0"
DIGITS = 4
MAP_SIZE, MAP_EDGE, MAP_FONT = (340, 390), 45, 10
"""Width and height of the map on a page 400 pixels wide, its edge, and the font, in pixels."""


def proxy_chart(table: CostTable, correlations: pd.DataFrame, labels: Labels) -> Chart:
    """Draw costs over proxy costs, with menus for the device and the proxy.

    Parameters
    ----------
    table : CostTable
        Costs of one space.
    correlations : pandas.DataFrame
        As `proxy_correlations` returns it; its Spearman correlation is shown in the title.
    labels : mapping of str to str
        The keys to draw and what to call them.

    Returns
    -------
    dict
        A specification with at most 600 architectures, drawn evenly over the table.
    """
    keys = [CostKey.parse(name) for name in labels]
    frame = _thinned(cost_frame(table, keys))
    space = get_space(keys[0].space)
    ops = space.parse_many(list(frame.index))
    values: list[dict[str, Any]] = [{"arch": arch} for arch in frame.index]
    for dataset in {key.dataset for key in keys}:
        for proxy, proxied in proxy_costs(space, ops, dataset).items():
            _set(values, f"{proxy} {dataset}", proxied)
    for name, label in labels.items():
        _set(values, label, frame[name].to_numpy())
    spearman = {
        f"{labels[row['key']]} {row['proxy']}": f"{row['spearman']:.2f}"
        for row in correlations.to_dict("records")
    }
    units = {labels[str(key)]: f"{key.metric} ({key.unit})" for key in keys}
    datasets = {labels[str(key)]: key.dataset for key in keys}
    first = next(iter(labels.values()))
    named = set(units.values())
    cost = named.pop() if len(named) == 1 else "cost (latency in ms, energy in mJ)"
    title = (
        f"device + ': Spearman ' + {json.dumps(spearman)}[device + ' ' + proxy] + "
        f"' with ' + {json.dumps(PROXIES)}[proxy]"
    )
    return _chart(
        values,
        title={"text": {"expr": title}},
        params=[
            _choice("device", list(labels.values()), first),
            _menu("proxy", list(PROXIES), "flops", list(PROXIES.values())),
        ],
        transform=[
            {"calculate": "datum[device]", "as": "cost"},
            {"calculate": f"datum[proxy + ' ' + {json.dumps(datasets)}[device]]", "as": "x"},
            {"calculate": f"{json.dumps(units)}[device]", "as": "unit"},
            {"filter": "isValid(datum.cost)"},
        ],
        mark={"type": "circle", "size": 40, "opacity": 0.5, "color": BLUE},
        encoding={
            "x": _number("x", "proxy cost"),
            "y": _number("cost", cost),
            "tooltip": [_text("arch", "architecture"), _text("x", "proxy"), _text("cost"),
                        _text("unit", "which is")],
        },
    )  # fmt: skip


def device_map_chart(places: pd.DataFrame) -> Chart:
    """Draw devices so that those that rank architectures alike lie close.

    Names that would overlap on a phone are left out; they show on hovering.

    Parameters
    ----------
    places : pandas.DataFrame
        As `device_map` returns it.
    """
    # Room for the names at the edges.
    base: Chart = {
        axis: {**_number(axis, None, axis=False), "scale": {"zero": False, "padding": MAP_EDGE}}
        for axis in ("x", "y")
    }
    values = places.round(DIGITS).to_dict("records")
    at = places[["x", "y"]].to_numpy(dtype=float)
    size = np.array(MAP_SIZE) - 2 * MAP_EDGE
    on_page = (at - at.min(axis=0)) / np.maximum(np.ptp(at, axis=0), 1e-9) * size
    mine = [row for row, kind in enumerate(places["kind"]) if kind == "yours"]
    named = label_places(list(places["device"]), on_page, MAP_FONT, mine)
    for value, place in zip(values, named, strict=True):
        value["named"] = place
    kinds = {"yours": "#d55e00", "measured": BLUE, "simulated": "#009e73", "derived": GREY}
    present = [kind for kind in kinds if kind in set(places["kind"])]
    colour = {
        "field": "kind",
        "type": "nominal",
        "title": None,
        "scale": {"domain": present, "range": [kinds[kind] for kind in present]},
        "legend": {"orient": "bottom"},
    }  # fmt: skip
    texts: list[Chart] = [
        {
            "transform": [{"filter": f"datum.named == '{place}'"}],
            "mark": {"type": "text", "dy": dy, "fontSize": MAP_FONT},
            "encoding": base | {"text": {"field": "device"}},
        }
        for place, dy in (("above", -13), ("below", 14))
    ]
    return _chart(
        values,
        layer=[
            {
                "mark": {"type": "circle", "size": 110, "opacity": 0.8},
                "encoding": {
                    **base,
                    "color": colour,
                    "tooltip": [_text("device"), _text("nearest"), _text("spearman", "Spearman")],
                },
            },
            *texts,
        ],
        height=420,
        params=[],
    )


def fronts_chart(frame: pd.DataFrame, labels: Labels) -> Chart:
    """Draw on a device its own Pareto front and that of another, with menus for the two.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `shared_costs` returns it.
    labels : mapping of str to str
        The keys to draw and what to call them.
    """
    score = frame["accuracy"].to_numpy()
    fronts = {
        label: set(front_rows(frame[name].to_numpy(), score)) for name, label in labels.items()
    }
    on_fronts = sorted(set().union(*fronts.values()))
    drawn = sorted({*on_fronts, *_even(len(frame), max(0, MOST_POINTS - len(on_fronts)))})
    values: list[dict[str, Any]] = [{"arch": arch} for arch in frame.index[drawn]]
    _set(values, "accuracy", score[drawn])
    for name, label in labels.items():
        _set(values, label, frame[name].to_numpy()[drawn])
    for row, value in zip(drawn, values, strict=True):
        value["fronts"] = [label for label, front in fronts.items() if row in front]
    names = list(labels.values())
    units = {labels[name]: CostKey.parse(name).unit for name in labels}
    tooltip = [_text("arch", "architecture"), _text("accuracy"), _text("cost"), _text("unit")]
    at = {"x": _number("cost", "cost on the device (ms or mJ)"),
          "y": _number("accuracy", "accuracy (%)")}  # fmt: skip

    def front(device: str, colour: str) -> list[Chart]:
        chosen = [{"filter": f"indexof(datum.fronts, {device}) >= 0"}]
        line = {"type": "line", "interpolate": "step-after", "color": colour}
        point = {"type": "circle", "size": 55, "color": colour, "opacity": 1}
        return [
            {"transform": chosen, "mark": line, "encoding": at},
            {"transform": chosen, "mark": point, "encoding": {**at, "tooltip": tooltip}},
        ]

    return _chart(
        values,
        title={"text": {"expr": "'blue: front of ' + device + '; orange: of ' + other"}},
        params=[_menu("device", names, names[0]), _menu("other", names, names[-1])],
        transform=[
            {"calculate": "datum[device]", "as": "cost"},
            {"calculate": f"{json.dumps(units)}[device]", "as": "unit"},
        ],
        layer=[
            {
                "mark": {"type": "circle", "size": 20, "color": GREY},
                "encoding": {**at, "tooltip": tooltip},
            },
            *front("other", ORANGE),
            *front("device", BLUE),
        ],
    )


def residual_chart(
    archs: Sequence[str], truth: Costs, predicted: Costs, stds: Costs, key: CostKey
) -> Chart:
    """Draw predicted over true costs with the line on which they agree.

    Parameters
    ----------
    archs : sequence of str
        The architectures.
    truth, predicted, stds : numpy.ndarray of float64, shape (n_archs,)
        True and predicted costs, and the standard deviations of the predictions.
    key : CostKey
        What they are.
    """
    shown = _even(len(truth), MOST_POINTS)
    values: list[dict[str, Any]] = [{"arch": archs[row]} for row in shown]
    error = 100 * (predicted - truth) / truth
    columns = {"true": truth, "predicted": predicted, "std": stds, "error": error}
    for name, column in columns.items():
        _set(values, name, column[shown])
    ends = [float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))]
    line = [{"true": end, "predicted": end} for end in ends]
    at = {"x": _number("true", f"true {key.metric} ({key.unit})"),
          "y": _number("predicted", f"predicted {key.metric} ({key.unit})")}  # fmt: skip
    tooltip = [_text("arch", "architecture"), _text("true"), _text("predicted"),
               _text("std", "standard deviation"), _text("error", "error (%)")]  # fmt: skip
    return _chart(
        values,
        layer=[
            {"data": {"values": line}, "mark": {"type": "line", "color": "black"}, "encoding": at},
            {
                "mark": {"type": "circle", "size": 40, "opacity": 0.5, "color": BLUE},
                "encoding": {**at, "tooltip": tooltip},
            },
        ],
    )


def _chart(values: list[dict[str, Any]], *, height: int = 340, **more: Any) -> Chart:
    return {
        "width": "container",
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": values},
        **more,
    }


def _menu(name: str, options: list[str], value: str, labels: list[str] | None = None) -> Chart:
    bind: Chart = {"input": "select", "options": options, "name": f"{name} "}
    return {"name": name, "value": value, "bind": bind | ({"labels": labels} if labels else {})}


def _choice(name: str, options: list[str], value: str) -> Chart:
    """Return a menu, or a constant where there is nothing to choose."""
    return _menu(name, options, value) if len(options) > 1 else {"name": name, "value": value}


def _number(field: str, title: str | None, *, axis: bool = True) -> Chart:
    found: Chart = {"field": field, "type": "quantitative", "title": title,
                    "scale": {"zero": False}}  # fmt: skip
    return found if axis else {**found, "axis": None}


def _text(field: str, title: str | None = None) -> Chart:
    return {"field": field, "title": title or field}


def _even(n: int, most: int) -> list[int]:
    """Return at most so many rows, evenly over all."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)).tolist()


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[_even(len(frame), MOST_POINTS)]


def _set(values: list[dict[str, Any]], name: str, column: Costs) -> None:
    """Put a column into rows, with as many digits as a reader can use."""
    for row, value in zip(values, column, strict=True):
        if np.isfinite(value):
            row[name] = float(f"{value:.{DIGITS}g}")
