"""The analyses of a cost table as one report: a page, plots, and an MLflow run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archcost.analysis.drift import drift_estimates
from archcost.analysis.known_devices import known_devices_sections
from archcost.analysis.noise import noise_estimates
from archcost.analysis.report_page import Section, write_page
from archcost.analysis.report_sections import (
    agreement_section,
    curves_section,
    drift_section,
    entries_section,
    noise_section,
    proxies_section,
    search_section,
)
from archcost.datasets import CostKey, CostTable
from archcost.spaces import get_space
from archcost.tracking.learning_curves import learning_curve, log_learning_curve
from archcost.tracking.mlflow_store import DESCRIPTION
from archcost.tracking.run_names import run_name, short_labels, shortened
from archcost.tracking.tracker import Tracker

if TYPE_CHECKING:
    import pandas as pd

REPORT = "report"
"""Role of a report's MLflow run."""


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """Title, learning curves and MLflow experiment of a report.

    Parameters
    ----------
    title : str
        Heading of the page.
    predictors : tuple of str
        Predictors of the learning curves; none leaves the curves out.
    sizes : tuple of int
        Training rows of the learning curves; those above half of a table are left out.
    seeds : int
        Splits of the learning curves.
    curves : int
        Keys that get a learning curve: the first so many.
    experiment : str
        The MLflow experiment that keeps the report.
    device : str or None
        A device to be placed among those with installed models.
    """

    title: str = "Cost tables: proxies, devices, search, noise"
    predictors: tuple[str, ...] = ("ridge", "xgboost")
    sizes: tuple[int, ...] = (50, 124, 300, 900)
    seeds: int = 2
    curves: int = 6
    experiment: str = "archcost"
    device: str | None = None


def write_report(
    table: CostTable,
    folder: str | Path,
    *,
    accuracy: pd.Series | None = None,
    settings: ReportSettings | None = None,
    progress: bool = False,
) -> Path:
    """Analyse a table and write a report; log it to MLflow.

    Parameters
    ----------
    table : CostTable
        Costs of any spaces and devices.
    folder : str or Path
        Where ``report.html``, the PNGs and the CSVs go.
    accuracy : pandas.Series, optional
        As `read_accuracy` returns it; without it, the third analysis is left out.
    settings : ReportSettings, optional
        Title, learning curves, MLflow experiment.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    Path
        ``report.html``, which needs no other file.

    Examples
    --------
    >>> from archcost.spaces import get_space
    >>> space = get_space("nasbench201")
    >>> cells = space.sample(60, seed=0)
    >>> cost_ms = 1.0 + (cells == 3).sum(axis=1)
    >>> table = CostTable.from_costs(space, cells, cost_ms, device="my_board")
    >>> write_report(table, "my_report", settings=ReportSettings(curves=0)).name
    'report.html'
    """
    settings = settings or ReportSettings()
    sections, curves = [entries_section(table)], []
    with_costs = [key for key in table.keys() if len(table.costs(key)[1]) > 2]  # noqa: SIM118
    for space in sorted({key.space for key in with_costs}):
        keys = [key for key in with_costs if key.space == space]
        of_space = table.select(space=space)
        curve = _curves(of_space, keys[: settings.curves], settings, progress)
        sections.append(Section(space, f"Search space {space}", level=2))
        sections += _space_sections(of_space, keys, accuracy, settings, curve)
        curves += [] if curve is None else [curve]
    files = write_page(Path(folder), settings.title, sections)
    name = run_name("report", shortened(short_labels(table.keys()).values()))
    with Tracker(settings.experiment) as tracker, tracker.run(name, REPORT):
        tracker.log(_write_log, files, sections)
        for curve in curves:
            log_learning_curve(tracker, curve)
    return files[0]


def _space_sections(
    table: CostTable,
    keys: list[CostKey],
    accuracy: pd.Series | None,
    settings: ReportSettings,
    curve: pd.DataFrame | None,
) -> list[Section]:
    labels = short_labels(keys)
    noise = noise_estimates(table, keys)
    sections = []
    for key in keys:
        if key.device == settings.device:
            sections += known_devices_sections(table, key, labels)
    sections.append(proxies_section(table, keys, labels))
    if len(keys) > 1:
        sections.append(agreement_section(table, keys, labels, settings.device))
        if accuracy is not None and accuracy.index[0] in get_space(keys[0].space):
            sections.append(search_section(table, keys, labels, accuracy))
    sections.append(noise_section(noise, labels, keys[0].space))
    sections.append(drift_section(drift_estimates(table, keys), labels, keys[0].space))
    if curve is not None:
        sections.append(curves_section(curve, noise, labels))
    return sections


def _curves(
    table: CostTable, keys: list[CostKey], settings: ReportSettings, progress: bool
) -> pd.DataFrame | None:
    """Return the learning curves of all keys that have enough rows."""
    import pandas as pd

    curves = []
    for key in keys if settings.predictors else ():
        n_archs = len(table.costs(key)[1])
        sizes = [size for size in settings.sizes if 2 * size <= n_archs]
        if sizes:
            curves.append(
                learning_curve(
                    table,
                    key,
                    predictors=settings.predictors,
                    sizes=sizes,
                    seeds=range(settings.seeds),
                    progress=progress,
                )
            )
    return pd.concat(curves, ignore_index=True) if curves else None


def _write_log(files: Sequence[Path], sections: Sequence[Section]) -> None:
    """Log files, summaries, and the least correlation with a proxy in each space."""
    import mlflow

    lines = [f"- **{section.title}**: {section.summary}" for section in sections if section.summary]
    mlflow.set_tag(DESCRIPTION, "\n".join(lines))
    for file in files:
        mlflow.log_artifact(str(file), REPORT)
    for section in sections:
        if section.name.endswith("_proxies") and section.table is not None:
            lowest = float(section.table["spearman"].min())
            if not math.isnan(lowest):
                mlflow.log_metric(f"{section.name}_least_spearman", lowest)
