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
RESULTS = """
## Results

The tasks of HELP, MultiPredict and NASFLAT: 5 to 15 source devices with 800 or 900 architectures
each, and target devices with as many measurements as the rows say; 20 for the published methods.
Spearman on all architectures that were not measured, mean over the targets (± over seeds; {seeds}).

"""
PROTOCOL = """# Transfer: protocol, and results by device

The tasks of HELP (NeurIPS 2021), MultiPredict (2023) and NASFLAT (MLSys 2024): source devices with
900 (ND) or 800 measured architectures each, target devices with *n* measurements in all, of the
architectures that `suggest` names. Scored by Spearman's correlation on every architecture of the
published table that was not measured, mean over the targets; NASFLAT's own figures are on 128 test
architectures. The targets were never tuned on. `python benchmarks/transfer.py` reproduces it all
and renders this page. Mean over seeds; measured architectures are those that `suggest` chooses,
unless said otherwise.
"""
DRIFT = """
The published costs of phones and of gold_6226 [drift](drift.md): Spearman against them, and, after
it, against the costs of every other unmeasured row less the drift that the rows between show, none
of which was measured (one to three seeds; published costs: all seeds).

"""
DRIFT_COUNTS = (10, 20, 50)
OTHERS = {"own": "Tables of our own", "made_up": "Made-up devices"}
"""Tasks on which constants may be chosen, and their titles."""
CEILING = (0.980, 1.000, 0.927, 0.981, 0.979, 0.823, 0.811)
"""A model fit on 80 % of the target's own table."""


def render(results: Path) -> None:
    """Write the page for users, its plot, and the results by device."""
    frame = pd.read_json(results, lines=True)
    published = frame[frame["task"].isin(TASKS)]
    # A task is scored by the mean over its targets; the spread is that of these means over seeds.
    by_seed = published.groupby(["how", "n", "task", "seed"])[["spearman", "coverage"]].mean()
    text = INTRO.read_text(encoding="utf-8")
    text += RESULTS.format(seeds=_seeds(published))
    text += _markdown(_main_table(by_seed, ("none", "chosen"), _ranks(published)))
    text += "\n![Spearman against measurements](transfer.png)\n"
    text += "\nShare of unmeasured architectures within the 90 % interval, mean over targets.\n\n"
    text += _markdown(_coverage(by_seed))
    text += _drift(published)
    text += "\nBy device, for random measurements, on tables of our own and on made-up devices: "
    text += "[notes/transfer_results.md](notes/transfer_results.md).\n"
    (DOCS / "transfer.md").write_text(text, encoding="utf-8")
    notes = PROTOCOL
    for task, title in OTHERS.items():
        part = frame[frame["task"] == task]
        if len(part):
            notes += f"\n## {title} ({_seeds(part)})\n\nSpearman, and after it the share within "
            notes += "the 90 % interval.\n\n" + _markdown(_both(part))
    notes += f"\n## Random measurements ({_seeds(published[published['how'] == 'random'])})\n\n"
    notes += _markdown(_main_table(by_seed, ("random",), {}))
    notes += f"\n## Published tasks by device ({_seeds(published)})\n\nSpearman, and after it the "
    notes += "share within the 90 % interval.\n\n" + _markdown(_devices(published))
    notes += (
        "\n## Time\n\nSeconds of processor time of one `transfer` on one core of a machine busy "
    )
    notes += "with other work, median and 95th percentile, source devices already known.\n\n"
    notes += _markdown(_seconds(frame))
    (DOCS / "notes" / "transfer_results.md").write_text(notes, encoding="utf-8")
    _plot(by_seed)


def _drift(frame: pd.DataFrame) -> str:
    """Return the section on devices whose published costs drift, empty without results."""
    if "corrected" not in frame:
        return ""
    part = frame[frame["how"] == "chosen"]
    means = part.groupby(["task", "device", "n"])[["spearman", "corrected"]].mean()
    means = means.dropna()
    both = (means["spearman"].map(_three) + " " + means["corrected"].map(_three)).unstack()
    both = both[[n for n in DRIFT_COUNTS if n in both]].dropna()
    return DRIFT + _markdown(both.reset_index())


def _seeds(frame: pd.DataFrame) -> str:
    """Return how many seeds each task has, such as ``3 to 4 seeds``."""
    counts = frame.groupby("task")["seed"].nunique()
    low, high = int(counts.min()), int(counts.max())
    if low < high:
        return f"{low} to {high} seeds"
    return f"{low} seed" + "s" * (low > 1)


def _both(frame: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman and coverage by device and number of measurements, the mean last."""
    means = frame.groupby(["device", "n"])[["spearman", "coverage"]].mean()
    table = (means["spearman"].map(_three) + " " + means["coverage"].map(_two)).unstack()
    mean = means.groupby("n").mean()
    table.loc["mean"] = mean["spearman"].map(_three) + " " + mean["coverage"].map(_two)
    return table.reset_index()


def _ranks(frame: pd.DataFrame) -> dict[str, float]:
    """Return what the mean of the sources' ranks gives without any measurement, by task."""
    means = frame[frame["how"] == "none"].groupby("task")["mean_rank"].mean()
    return {str(task): float(mean) for task, mean in means.items()}


def _main_table(
    by_seed: pd.DataFrame, hows: tuple[str, ...], ranks: dict[str, float]
) -> pd.DataFrame:
    rows = [
        {"": name, **dict(zip(TASKS, map(_three, v), strict=True))} for name, v in PUBLISHED.items()
    ]
    if ranks:
        of_tasks = {task: _three(ranks[task]) for task in TASKS if task in ranks}
        rows.append({"": "mean of the sources' ranks, none measured", **of_tasks})
    for how in hows:
        for n in sorted({key[1] for key in by_seed.loc[[how]].index}):
            part = by_seed.loc[(how, n)]["spearman"].groupby("task")
            mean, spread = part.mean(), part.std()
            row = {"": f"archcost, {n} {how}" if n else "archcost, none measured"}
            # One seed has no spread.
            spread = spread.map(lambda value: f" ± {value:.3f}" if value == value else "")
            row |= {t: f"{mean[t]:.3f}{spread[t]}" for t in TASKS if t in mean}
            rows.append(row)
    rows.append({"": "ceiling", **dict(zip(TASKS, map(_three, CEILING), strict=True))})
    return pd.DataFrame(rows).fillna("")


def _coverage(by_seed: pd.DataFrame) -> pd.DataFrame:
    table = by_seed.loc["chosen"]["coverage"].groupby(["n", "task"]).mean().unstack()
    table = table[[task for task in TASKS if task in table]]
    table["mean"] = table.mean(axis=1)
    return table.map(_three).rename_axis("measurements").reset_index()


def _seconds(frame: pd.DataFrame) -> pd.DataFrame:
    measured = frame[frame["n"] > 0]
    table = measured.groupby("n")["cpu_seconds"].quantile([0.5, 0.95]).unstack()
    return table.map(_three).rename_axis("measurements").reset_index()


def _devices(frame: pd.DataFrame) -> pd.DataFrame:
    part = frame[frame["how"] == "chosen"].copy()
    part["task"] = pd.Categorical(part["task"], TASKS)
    means = part.groupby(["task", "device", "n"], observed=True)[["spearman", "coverage"]].mean()
    both = means["spearman"].map(_three) + " " + means["coverage"].map(_two)
    return both.unstack().reset_index()


def _two(value: float) -> str:
    return f"{value:.2f}"


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
            if (how, task) not in by_seed.index.droplevel(["n", "seed"]):
                continue
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
