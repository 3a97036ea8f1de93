"""Render ``docs/transfer.md`` from the results of ``transfer.py``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

DOCS = Path(__file__).parent.parent / "docs"
INTRO = Path(__file__).parent / "transfer_intro.md"
TASKS = ("ND", "FD", "F1", "F2", "F3", "F4", "FA")
PUBLISHED = {
    "HELP, as run by NASFLAT's authors": (0.948, 0.910, 0.793, 0.543, 0.413, 0.799, 0.370),
    "MultiPredict": (0.930, 0.960, 0.756, 0.567, 0.434, 0.763, 0.450),
    "NASFLAT (128 test architectures)": (0.959, 0.961, 0.809, 0.871, 0.814, 0.734, 0.577),
}
"""Mean Spearman over the targets with 20 measurements, from the papers."""
CEILING = (0.980, 1.000, 0.927, 0.981, 0.979, 0.823, 0.811)
"""A model fit on 80 % of the target's own table."""


def render(results: Path) -> None:
    """Write the page and its plot."""
    frame = pd.read_json(results, lines=True)
    # A task is scored by the mean over its targets; the spread is that of these means over seeds.
    by_seed = frame.groupby(["how", "n", "task", "seed"])[["spearman", "coverage"]].mean()
    text = INTRO.read_text(encoding="utf-8")
    n_seeds = frame["seed"].nunique()
    text += f"\n## Results, {n_seeds} seeds\n\nMean Spearman over the targets (± over seeds).\n\n"
    text += _markdown(_main_table(by_seed))
    text += "\n![Spearman against measurements](transfer.png)\n"
    text += "\n### Intervals\n\nShare of unmeasured architectures within the 90 % interval, "
    text += "measured architectures chosen.\n\n" + _markdown(_coverage(by_seed))
    text += "\n### Time\n\nSeconds of one `transfer` on one core of a machine busy with other "
    text += "work, median and 95th percentile, source devices already known.\n\n"
    text += _markdown(_seconds(frame))
    text += "\n### By device\n\nSpearman, measured architectures chosen.\n\n"
    text += _markdown(_devices(frame))
    DOCS.mkdir(exist_ok=True)
    (DOCS / "transfer.md").write_text(text, encoding="utf-8")
    _plot(by_seed)


def _main_table(by_seed: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {"": name, **dict(zip(TASKS, map(_three, v), strict=True))} for name, v in PUBLISHED.items()
    ]
    for how in ("chosen", "random"):
        for n in sorted({key[1] for key in by_seed.index}):
            part = by_seed.loc[(how, n)]["spearman"].groupby("task")
            mean, spread = part.mean(), part.std()
            row = {"": f"archcost, {n} {how}"}
            row |= {t: f"{mean[t]:.3f} ± {spread[t]:.3f}" for t in TASKS if t in mean}
            rows.append(row)
    rows.append({"": "ceiling", **dict(zip(TASKS, map(_three, CEILING), strict=True))})
    return pd.DataFrame(rows).fillna("")


def _coverage(by_seed: pd.DataFrame) -> pd.DataFrame:
    table = by_seed.loc["chosen"]["coverage"].groupby(["n", "task"]).mean().unstack()
    table = table[[task for task in TASKS if task in table]]
    table["mean"] = table.mean(axis=1)
    return table.map(_three).rename_axis("measurements").reset_index()


def _seconds(frame: pd.DataFrame) -> pd.DataFrame:
    table = frame.groupby("n")["seconds"].quantile([0.5, 0.95]).unstack()
    return table.map(_three).rename_axis("measurements").reset_index()


def _devices(frame: pd.DataFrame) -> pd.DataFrame:
    part = frame[frame["how"] == "chosen"].copy()
    part["task"] = pd.Categorical(part["task"], TASKS)
    grouped = part.groupby(["task", "device", "n"], observed=True)["spearman"].mean()
    return grouped.unstack().map(_three).reset_index()


def _three(value: float) -> str:
    return f"{value:.3f}"


def _markdown(table: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|" + " --- |" * table.shape[1]]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines) + "\n"


def _plot(by_seed: pd.DataFrame) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(TASKS))
    for place, (task, axes) in enumerate(zip(TASKS, panels, strict=True)):
        for how, style in (("chosen", "o-"), ("random", "s--")):
            part = by_seed.xs((how, task), level=("how", "task"))["spearman"].groupby("n")
            axes.plot(part.mean().index, part.mean(), style, markersize=3, label=f"archcost, {how}")
        for (name, scores), marker in zip(PUBLISHED.items(), "^vD", strict=True):
            axes.plot(20, scores[place], marker, color="0.4", markersize=5, label=name)
        axes.axhline(CEILING[place], color="black", linewidth=0.7, linestyle=":", label="ceiling")
        axes.set_xscale("log")
        axes.set_xticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
        axes.minorticks_off()
        axes.set_ylim(0.35, 1.01)
        axes.set_title(task, fontsize=10)
        axes.tick_params(labelsize=7)
    panels[0].set_ylabel("Spearman")
    figure.supxlabel("measurements", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=6, fontsize=8, frameon=False)
    figure.savefig(DOCS / "transfer.png", dpi=130)
