"""The analyses of a cost table as one report: a page, plots, and an MLflow run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archcost.analysis.drift import drift_estimates
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
from archcost.training.learning_curves import learning_curve
from archcost.training.tracker import Tracker

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
    """

    title: str = "Cost tables: proxies, devices, search, noise"
    predictors: tuple[str, ...] = ("ridge", "xgboost")
    sizes: tuple[int, ...] = (50, 124, 300, 900)
    seeds: int = 2
    curves: int = 6
    experiment: str = "archcost"


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
    """
    settings = settings or ReportSettings()
    sections = [entries_section(table)]
    with_costs = [key for key in table.keys() if len(table.costs(key)[1]) > 2]  # noqa: SIM118
    for space in sorted({key.space for key in with_costs}):
        keys = [key for key in with_costs if key.space == space]
        sections.append(Section(space, f"Search space {space}", "", level=2))
        sections += _space_sections(table.select(space=space), keys, accuracy, settings, progress)
    files = write_page(Path(folder), settings.title, sections)
    _log(files, sections, settings)
    return files[0]


def short_labels(keys: Sequence[CostKey]) -> dict[str, str]:
    """Name keys by their device, and where it has several by metric and dataset too."""
    labels = {}
    for key in keys:
        of_device = [other for other in keys if other.device == key.device]
        parts = [
            getattr(key, name)
            for name in ("metric", "dataset")
            if len({getattr(other, name) for other in of_device}) > 1
        ]
        labels[str(key)] = " ".join([key.device, *parts])
    return labels


def _space_sections(
    table: CostTable,
    keys: list[CostKey],
    accuracy: pd.Series | None,
    settings: ReportSettings,
    progress: bool,
) -> list[Section]:
    labels = short_labels(keys)
    noise = noise_estimates(table, keys)
    sections = [proxies_section(table, keys, labels)]
    if len(keys) > 1:
        sections.append(agreement_section(table, keys, labels))
        if accuracy is not None and accuracy.index[0] in get_space(keys[0].space):
            sections.append(search_section(table, keys, labels, accuracy))
    sections.append(noise_section(noise, labels, keys[0].space))
    sections.append(drift_section(drift_estimates(table, keys), labels, keys[0].space))
    curve = _curves(table, keys[: settings.curves], settings, progress)
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


def _log(files: Sequence[Path], sections: Sequence[Section], settings: ReportSettings) -> None:
    """Log the files, and the least correlation with a proxy in each space, to MLflow."""
    with Tracker(settings.experiment) as tracker, tracker.run(settings.title, REPORT):
        tracker.log(_write_log, files, sections)


def _write_log(files: Sequence[Path], sections: Sequence[Section]) -> None:
    import mlflow

    for file in files:
        mlflow.log_artifact(str(file), REPORT)
    for section in sections:
        if section.name.endswith("_proxies") and section.table is not None:
            lowest = float(section.table["spearman"].min())
            if not math.isnan(lowest):
                mlflow.log_metric(f"{section.name}_least_spearman", lowest)
