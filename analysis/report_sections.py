"""The sections of a report, one function each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcost.analysis import analysis_plots as plots
from archcost.analysis import charts
from archcost.analysis.agreement import clustered, device_agreement, device_map
from archcost.analysis.device_specific import placed_fronts, shared_costs
from archcost.analysis.drift import is_notable
from archcost.analysis.noise import status_counts
from archcost.analysis.proxies import PROXIES, proxy_correlations
from archcost.analysis.report_page import Section
from archcost.datasets import CostKey, CostTable
from archcost.errors import CostTableError

if TYPE_CHECKING:
    import pandas as pd

    from archcost.analysis.analysis_plots import Labels


def entries_section(table: CostTable) -> Section:
    """Count the entries of each cost by status."""
    counts = status_counts(table)
    entries, with_cost = int(counts.to_numpy().sum()), int(counts["ok"].sum())
    summary = (
        f"{counted(entries, 'entry', 'entries')} of {counted(len(counts), 'cost')}, "
        f"{'all' if with_cost == entries else with_cost} with a value."
    )
    text = (
        f"{summary} An entry without one says why, such as did_not_compile; it is counted here and "
        "takes part in nothing below."
    )
    counts.insert(0, "cost", counts.index)
    title = "Entries and why some have no cost"
    return Section("entries", title, summary, text, counts, level=2)


def proxies_section(table: CostTable, keys: list[CostKey], labels: Labels) -> Section:
    """Show how far proxy costs track those of a table."""
    correlations = proxy_correlations(table, keys)
    flops = correlations[correlations["proxy"] == "flops"].set_index("key")["spearman"]
    if flops.isna().all():
        summary = "The proxy costs do not vary."
    elif len(flops) == 1:
        summary = f"FLOPs rank the {labels[flops.index[0]]} cost with Spearman {flops.iloc[0]:.2f}."
    else:
        summary = (
            f"FLOPs rank costs with Spearman {flops.min():.2f} ({labels[flops.idxmin()]}) to "
            f"{flops.max():.2f} ({labels[flops.idxmax()]})."
        )
    text = (
        f"{summary} Proxy costs are exact counts over all layers; where their rank correlation "
        "with the cost is low, counting them picks the wrong networks. Choose "
        f"{'a proxy' if len(keys) == 1 else 'a device and a proxy'} below the chart; each point is "
        "an architecture."
    )
    figures = {"summary": plots.proxy_summary_plot(correlations, labels)}
    figures |= {name: plots.proxy_plot(table, labels, name) for name in PROXIES}
    columns = ["key", "proxy", "n_archs", "spearman", "kendall", "pearson"]
    return Section(
        f"{keys[0].space}_proxies",
        "How far proxy costs track the cost",
        summary,
        text,
        correlations[columns],
        figures,
        {"chart": charts.proxy_chart(table, correlations, labels)},
        printed=tuple(PROXIES),
    )


def agreement_section(
    table: CostTable, keys: list[CostKey], labels: Labels, yours: str | None = None
) -> Section:
    """Show how far the devices of a table agree; `yours` is a device to be seen among them."""
    rows = table.to_pandas()
    of_device = rows.drop_duplicates("device").set_index("device")["kind"].astype(str)
    kinds = {str(key): "yours" if key.device == yours else of_device[key.device] for key in keys}
    matrix = device_agreement(table, keys)
    order = clustered(matrix)
    matrix = matrix.loc[order, order]
    pairs = matrix.where(~_diagonal(matrix)).stack()
    name, title = f"{keys[0].space}_agreement", "How far devices agree"
    if not len(pairs):
        return Section(name, title, text="No two devices share architectures.")
    (first, second), low = pairs.idxmin(), pairs.min()
    summary = (
        f"The two that agree least are {labels[first]} and {labels[second]} ({low:.2f}); the "
        f"median pair has {pairs.median():.2f}."
    )
    text = (
        "Spearman's correlation between devices over shared architectures. On the map, devices "
        "that rank architectures alike lie close, and names that would overlap show on hovering; "
        "in the matrix, devices that agree stand side by side. "
        f"{summary}"
    )
    span = (min(0.0, float(pairs.min())), 1.0)
    places = device_map(matrix)
    places["kind"] = [kinds[name] for name in places.index]
    places["device"] = [labels[name] for name in places.index]
    places["nearest"] = [labels[name] for name in places["nearest"]]
    figures = {
        "map": plots.device_map_plot(places),
        "matrix": plots.heat_map(matrix, labels, title="Spearman correlation", span=span),
    }
    table_of = matrix.rename(index=labels, columns=labels).reset_index(names="device")
    chart = charts.device_map_chart(places)
    return Section(
        name, title, summary, text, table_of, figures, {"map_chart": chart}, printed=("map",)
    )


def search_section(
    table: CostTable, keys: list[CostKey], labels: Labels, accuracy: pd.Series
) -> Section:
    """Show what it costs to search on one device and deploy on another."""
    title = "What it costs to search on one device and deploy on another"
    name = f"{keys[0].space}_search"
    try:
        frame = shared_costs(table, accuracy, keys)
    except CostTableError as error:
        return Section(name, title, text=f"Left out: {error}.")
    placed = placed_fronts(table, accuracy, keys)
    others = placed[placed["searched_on"] != placed["placed_on"]]
    worst = others.loc[others["hypervolume_lost"].idxmax()]
    summary = (
        f"On average {others['still_optimal'].mean():.0%} of the Pareto-optimal architectures of "
        f"one device are optimal on another, too."
    )
    text = (
        f"Over the {len(frame)} architectures that have an accuracy and every cost: the "
        f"Pareto-optimal architectures of one device, placed on another. {summary} On average "
        f"{others['regret'].mean():.2f} points of accuracy are lost at an equal budget, and "
        f"{others['unmet'].mean():.1%} of the budgets cannot be met at all. The worst pair, "
        f"searched on {labels[worst['searched_on']]} and placed on {labels[worst['placed_on']]}, "
        f"loses {worst['hypervolume_lost']:.0%} of the hypervolume."
    )
    figures = {"fronts": plots.fronts_plot(frame, labels)}
    for loss, unit, scale in (
        ("regret", "accuracy lost at equal budgets (points)", 1.0),
        ("hypervolume_lost", "hypervolume lost (%)", 100.0),
    ):
        matrix = placed.pivot(index="searched_on", columns="placed_on", values=loss)
        matrix = scale * matrix.loc[list(labels), list(labels)]
        figures[loss] = plots.heat_map(
            matrix, labels, title=unit, rows="searched on", columns="placed on"
        )
    chart = {"chart": charts.fronts_chart(frame, labels)}
    return Section(name, title, summary, text, placed, figures, chart, printed=("fronts",))


def noise_section(noise: pd.DataFrame, labels: Labels, space: str) -> Section:
    """Show how noisy the table is; `noise` is that of ``noise_estimates``."""
    known = noise[noise["ceiling"].notna()]
    if known.empty:
        text = (
            "The table holds neither repeated measurements nor enough equal networks to tell how "
            "noisy it is."
        )
        return Section(f"{space}_noise", "Noise", text, text, noise)
    worst = known.loc[known["ceiling"].idxmin()]
    reach = f"{worst['ceiling']:.3f} on {labels[worst['key']]}"
    if len(known) > 1:
        reach = f"from {reach} up to {known['ceiling'].max():.3f}"
    summary = f"A perfect predictor would reach a Spearman correlation of {reach}."
    text = (
        "How far measurements of equal networks disagree (isomorphic cells with the same live "
        f"ops, or repeats), and hence how well any predictor can score. {summary}"
    )
    figures = {"noise": plots.noise_plot(noise, labels)}
    shown = noise.drop(columns=["space", "device", "metric", "dataset"])
    title = "Noise, and how high any predictor can score"
    return Section(f"{space}_noise", title, summary, text, shown, figures)


def drift_section(drift: pd.DataFrame, labels: Labels, space: str) -> Section:
    """Show which costs drift; `drift` is that of ``drift_estimates``."""
    found = drift[is_notable(drift) & (drift["autocorrelation"] > 0)]
    if found.empty:
        text = (
            "The residuals of consecutive rows do not resemble each other: no drift shows, or the "
            "rows do not stand in the order of measuring."
        )
        return Section(f"{space}_drift", "Drift", "No drift shows.", text, drift)
    worst = found.loc[found["autocorrelation"].idxmax()]
    summary = (
        f"{len(found)} of {counted(len(drift), 'cost')} drifted with the order of measuring, most "
        f"that of {labels[worst['key']]} (autocorrelation {worst['autocorrelation']:.2f})."
    )
    text = (
        f"{summary} There the residuals of consecutive rows resemble each other. A regression and "
        "the drift are learned from every other row and compared with the rows between."
    )
    figures = {"drift": plots.drift_plot(found, labels)}
    title = "Drift with the order of measuring"
    return Section(f"{space}_drift", title, summary, text, drift, figures)


def curves_section(curve: pd.DataFrame, noise: pd.DataFrame, labels: Labels) -> Section:
    """Show how predictors learn: `curve` is that of ``learning_curve``, of one key or several."""
    ceilings = dict(zip(noise["key"], noise["ceiling"], strict=True))
    shown = {name: labels[name] for name in curve["key"].unique()}
    last = curve[curve["n_train"] == curve["n_train"].max()]
    best = last.groupby("predictor")["spearman"].mean()
    summary = (
        f"With {counted(last['n_train'].iloc[0], 'row')}, {best.idxmax()} ranks held-out rows best "
        f"(Spearman {best.max():.3f} on average)."
        if best.notna().any()
        else "No predictor ranks held-out rows."
    )
    splits = counted(curve["seed"].nunique(), "split")
    text = (
        f"Spearman's correlation on held-out rows over the number of training rows, mean and span "
        f"over {splits}; dashed: the ceiling by noise. {summary}"
    )
    columns = ["key", "predictor", "n_train", "seed", "spearman", "kendall", "mape"]
    figures = {"curves": plots.curve_plot(curve, ceilings, shown)}
    space = CostKey.parse(curve["key"].iloc[0]).space
    return Section(f"{space}_curves", "Learning curves", summary, text, curve[columns], figures)


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "device"), counted(2, "entry", "entries")
    ('1 device', '2 entries')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def _diagonal(matrix: pd.DataFrame) -> pd.DataFrame:
    return matrix.apply(lambda column: column.index == column.name)
