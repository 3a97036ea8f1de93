"""A report as one HTML file that needs no other, with its figures as PNG files beside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DPI = 130
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 3rem; border-bottom: 1px solid #ccc; }
img { max-width: 100%; height: auto; display: block; margin: 1rem 0; }
.table { overflow-x: auto; max-height: 32rem; overflow-y: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #eee; }
th:first-child, td:first-child { text-align: left; } thead th { position: sticky; top: 0;
  background: #fff; border-bottom: 1px solid #999; }
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report.

    Parameters
    ----------
    name : str
        Starts the names of its files, such as ``"nasbench201_proxies"``.
    title : str
        Its heading.
    text : str
        What it shows, one or more sentences.
    table : pandas.DataFrame or None
        Figures; also written as CSV.
    figures : dict of str to Figure
        Plots by name.
    level : int
        2 for a part, 3 for a section of it.
    """

    name: str
    title: str
    text: str
    table: pd.DataFrame | None = None
    figures: dict[str, Figure] = field(default_factory=dict)
    level: int = 3


def write_page(folder: Path, title: str, sections: Sequence[Section]) -> list[Path]:
    """Write ``report.html``, and each figure as PNG and each table as CSV beside it.

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
    files = [folder / "report.html"]
    folder.mkdir(parents=True, exist_ok=True)
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for section in sections:
        parts.append(f"<h{section.level}>{html.escape(section.title)}</h{section.level}>")
        parts.append(f"<p>{html.escape(section.text)}</p>" if section.text else "")
        for name, figure in section.figures.items():
            file = folder / f"{section.name}_{name}.png"
            figure.savefig(file, dpi=DPI)
            files.append(file)
            data = base64.b64encode(file.read_bytes()).decode()
            alt = html.escape(f"{section.title}: {name.replace('_', ' ')}")
            parts.append(f'<img alt="{alt}" src="data:image/png;base64,{data}">')
        if section.table is not None:
            files.append(folder / f"{section.name}.csv")
            section.table.to_csv(files[-1], index=False)
            parts.append(f'<div class="table">{_table(section.table)}</div>')
    unfinished = files[0].with_suffix(".part")
    unfinished.write_text(
        "<!DOCTYPE html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n",
        encoding="utf-8",
    )
    unfinished.replace(files[0])
    return files


def _table(frame: pd.DataFrame) -> str:
    return str(frame.to_html(index=False, border=0, float_format="{:.3f}".format, na_rep=""))
