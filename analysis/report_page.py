"""A report as one HTML file that needs no other, with its figures as PNG and PDF beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archcost.analysis.web_page import write_html

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from archcost.analysis.charts import Chart

DPI = 110


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report.

    Parameters
    ----------
    name : str
        Starts the names of its files, such as ``"nasbench201_proxies"``.
    title : str
        Its heading.
    summary : str
        What came out, in one sentence for the contents.
    text : str
        What it shows, one or more sentences.
    table : pandas.DataFrame or None
        Figures; also written as CSV.
    figures : dict of str to Figure
        Plots by name; those for which there is a chart are for print only.
    charts : dict of str to dict
        Interactive charts by name, as Vega-Lite specifications.
    printed : tuple of str
        Names of figures that a chart stands for on the page.
    level : int
        2 for a part, 3 for a section of it.
    """

    name: str
    title: str
    summary: str = ""
    text: str = ""
    table: pd.DataFrame | None = None
    figures: dict[str, Figure] = field(default_factory=dict)
    charts: dict[str, Chart] = field(default_factory=dict)
    printed: tuple[str, ...] = ()
    level: int = 3


def write_page(folder: Path, title: str, sections: Sequence[Section]) -> list[Path]:
    """Write ``report.html``, and each figure as PNG and PDF and each table as CSV beside it.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    title : str
        Heading of the page.
    sections : sequence of Section
        In their order.

    Returns
    -------
    list of Path
        The files written, the page first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "report.html"]
    pictures: dict[str, list[dict[str, str]]] = {section.name: [] for section in sections}
    printed: dict[str, list[str]] = {section.name: [] for section in sections}
    tables = {}
    for section in sections:
        for name, figure in section.figures.items():
            file = folder / f"{section.name}_{name}.png"
            figure.savefig(file, dpi=DPI)
            figure.savefig(file.with_suffix(".pdf"), metadata={"CreationDate": None})
            files += [file, file.with_suffix(".pdf")]
            printed[section.name] += [path.name for path in files[-2:]]
            if name not in section.printed:
                alt = f"{section.title}: {name.replace('_', ' ')}"
                data = base64.b64encode(file.read_bytes()).decode()
                pictures[section.name].append({"alt": alt, "data": data})
        if section.table is not None:
            files.append(folder / f"{section.name}.csv")
            section.table.to_csv(files[-1], index=False)
            tables[section.name] = html_table(section.table)
    write_html(
        files[0],
        "report.html",
        title=title,
        sections=sections,
        pictures=pictures,
        printed=printed,
        tables=tables,
        charts={
            f"{section.name}_{name}": chart
            for section in sections
            for name, chart in section.charts.items()
        },
    )
    return files


def html_table(frame: pd.DataFrame) -> str:
    """Return a frame as an HTML table with three decimals; what does not exist stays blank."""
    return str(frame.to_html(index=False, border=0, float_format="{:.3f}".format, na_rep=""))
