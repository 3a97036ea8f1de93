"""The sections of a report, one function each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcost.analysis import analysis_plots as plots
from archcost.analysis.agreement import clustered, device_agreement
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
    entries = int(counts.to_numpy().sum())
    text = (
        f"{entries} entries of {len(counts)} costs. An entry without a cost says why, such as "
        "did_not_compile; it is counted here and takes part in nothing below."
    )
    counts.insert(0, "cost", counts.index)
    return Section("entries", "Entries and why some have no cost", text, counts)


def proxies_section(table: CostTable, keys: list[CostKey], labels: Labels) -> Section:
    """Show how far proxy costs track those of a table."""
    correlations = proxy_correlations(table, keys)
    flops = correlations[correlations["proxy"] == "flops"].set_index("key")["spearman"]
    text = (
        "Proxy costs are exact counts over all layers. Spearman's correlation of FLOPs with the "
        f"cost spans {flops.min():.2f} ({labels[flops.idxmin()]}) to {flops.max():.2f} "
        f"({labels[flops.idxmax()]}); where it is low, counting FLOPs picks the wrong networks."
        if flops.notna().any()
        else "The proxy costs do not vary."
    )
    figures = {"summary": plots.proxy_summary_plot(correlations, labels)}
    figures |= {name: plots.proxy_plot(table, labels, name) for name in PROXIES}
    columns = ["key", "proxy", "n_archs", "spearman", "kendall", "pearson"]
    title = "How far proxy costs track the cost"
    return Section(f"{keys[0].space}_proxies", title, text, correlations[columns], figures)


def agreement_section(table: CostTable, keys: list[CostKey], labels: Labels) -> Section:
    """Show how far the devices of a table agree."""
    matrix = device_agreement(table, keys)
    order = clustered(matrix)
    matrix = matrix.loc[order, order]
    pairs = matrix.where(~_diagonal(matrix)).stack()
    text = "No two devices share architectures."
    if len(pairs):
        (first, second), low = pairs.idxmin(), pairs.min()
        text = (
            "Spearman's correlation between devices over shared architectures, devices that agree "
            f"side by side. The two that agree least are {labels[first]} and {labels[second]} "
            f"({low:.2f}); the median pair has {pairs.median():.2f}."
        )
    title = "Spearman correlation"
    low_end = min(0.0, float(pairs.min())) if len(pairs) else 0.0
    figure = plots.heat_map(matrix, labels, title=title, span=(low_end, 1.0))
    table_of = matrix.rename(index=labels, columns=labels).reset_index(names="device")
    return Section(
        f"{keys[0].space}_agreement", "How far devices agree", text, table_of, {"matrix": figure}
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
        return Section(name, title, f"Left out: {error}.")
    placed = placed_fronts(table, accuracy, keys)
    others = placed[placed["searched_on"] != placed["placed_on"]]
    worst = others.loc[others["hypervolume_lost"].idxmax()]
    text = (
        f"Over the {len(frame)} architectures that have an accuracy and every cost: the "
        "Pareto-optimal architectures of one device, placed on another. On average "
        f"{others['still_optimal'].mean():.0%} of them are optimal there too, "
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
    return Section(name, title, text, placed, figures)


def noise_section(noise: pd.DataFrame, labels: Labels, space: str) -> Section:
    """Show how noisy the table is; `noise` is that of ``noise_estimates``."""
    known = noise[noise["ceiling"].notna()]
    if known.empty:
        text = (
            "The table holds neither repeated measurements nor enough equal networks to tell how "
            "noisy it is."
        )
        return Section(f"{space}_noise", "Noise", text, noise)
    worst = known.loc[known["ceiling"].idxmin()]
    text = (
        "How far measurements of equal networks disagree (isomorphic cells with the same live "
        "ops, or repeats), and hence how high a Spearman correlation a perfect predictor can "
        f"reach: from {worst['ceiling']:.3f} on {labels[worst['key']]} up to "
        f"{known['ceiling'].max():.3f}."
    )
    figures = {"noise": plots.noise_plot(noise, labels)}
    shown = noise.drop(columns=["space", "device", "metric", "dataset"])
    title = "Noise, and how high any predictor can score"
    return Section(f"{space}_noise", title, text, shown, figures)


def drift_section(drift: pd.DataFrame, labels: Labels, space: str) -> Section:
    """Show which costs drift; `drift` is that of ``drift_estimates``."""
    found = drift[is_notable(drift) & (drift["autocorrelation"] > 0)]
    if found.empty:
        text = (
            "The residuals of consecutive rows do not resemble each other: no drift shows, or the "
            "rows do not stand in the order of measuring."
        )
        return Section(f"{space}_drift", "Drift", text, drift)
    worst = found.loc[found["autocorrelation"].idxmax()]
    text = (
        "Where the residuals of consecutive rows resemble each other, the costs drifted with the "
        f"order of measuring: on {len(found)} of {len(drift)} devices, most on "
        f"{labels[worst['key']]} (autocorrelation {worst['autocorrelation']:.2f}). A regression "
        "and the drift are learned from every other row and compared with the rows between."
    )
    figures = {"drift": plots.drift_plot(found, labels)}
    return Section(f"{space}_drift", "Drift with the order of measuring", text, drift, figures)


def curves_section(curve: pd.DataFrame, noise: pd.DataFrame, labels: Labels) -> Section:
    """Show how predictors learn: `curve` is that of ``learning_curve``, of one key or several."""
    ceilings = dict(zip(noise["key"], noise["ceiling"], strict=True))
    shown = {name: labels[name] for name in curve["key"].unique()}
    text = (
        "Spearman's correlation on held-out rows over the number of training rows, mean and span "
        f"over {curve['seed'].nunique()} splits; dashed: the ceiling by noise."
    )
    columns = ["key", "predictor", "n_train", "seed", "spearman", "kendall", "mape"]
    figures = {"curves": plots.curve_plot(curve, ceilings, shown)}
    space = CostKey.parse(curve["key"].iloc[0]).space
    return Section(f"{space}_curves", "Learning curves", text, curve[columns], figures)


def _diagonal(matrix: pd.DataFrame) -> pd.DataFrame:
    return matrix.apply(lambda column: column.index == column.name)
