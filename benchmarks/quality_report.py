"""Render ``docs/results.md``, its plots and notes from the lines of the quality benchmark."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from drift_corrected import drift_section

DOCS = Path(__file__).parent.parent / "docs"
PREDICTORS = ("lookup", "ridge", "xgboost", "lightgbm", "mlp", "gnn", "gp")
TREES = ("xgboost", "lightgbm")
SIX = ("titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss")
TITLES = {
    ("help", "nasbench201"): "NAS-Bench-201 (HELP, 15,625 cells, CIFAR-10)",
    ("oneproxy", "nasbench201"): "NAS-Bench-201 (HW-NAS-Bench through OneProxy, 1,999 cells)",
    ("help", "fbnet"): "FBNet (HELP, 5,000 networks, CIFAR-100)",
    ("bundled", "natsbench_size"): "NATS-Bench's sizes (ONNX Runtime, 2,000 networks, CIFAR-10)",
    ("bundled", "ofa_mbv3"): "Once-for-all (ONNX Runtime, 2,000 networks, ImageNet)",
    ("bundled", "autoformer_tiny"): "AutoFormer-tiny (ONNX Runtime, ImageNet)",
}
BASELINES = ("onehot_ridge", "plain_xgboost", "totals_lightgbm")
INTRO, NOTES = (Path(__file__).parent / f"results_{name}.md" for name in ("intro", "notes"))
USUAL = 900
"""Training rows of the tables on the page; those of all other sizes are in the notes."""


class Cell(NamedTuple):
    """Which runs belong together: all draws of one fit."""

    source: str
    space: str
    device: str
    predictor: str
    n: int


Runs = dict[Cell, list[dict[str, Any]]]


def render(rows: Iterable[dict[str, Any]]) -> None:
    """Write the report and the plots from what there is."""
    runs: Runs = defaultdict(list)
    for row in rows:
        runs[Cell(*(row[field] for field in Cell._fields))].append(row)
    parts = [
        INTRO.read_text(),
        *targets(runs),
        *drift_section(),
        *beside_totals(runs),
        *neural_gaps(runs),
        *times(runs),
    ]
    notes = [NOTES.read_text()]
    for (source, space), title in TITLES.items():
        sizes = sorted({cell.n for cell in runs if (cell.source, cell.space) == (source, space)})
        picture = f"![learning curves](results_{source}_{space}.png)\n"
        parts += [f"## {title}\n", picture, *table(runs, source, space, USUAL)]
        notes.append(f"## {title}\n")
        for n in sizes:
            notes += [f"### n = {n}\n", *table(runs, source, space, n)]
        plot_curves(runs, source, space, title)
    (DOCS / "results.md").write_text("\n".join(parts), encoding="utf-8")
    (DOCS / "notes" / "results.md").write_text("\n".join(notes), encoding="utf-8")


def mean(runs: Runs, cell: Cell, field: str = "spearman") -> float | None:
    """Return the mean over draws, None without any."""
    values = [row[field] for row in runs.get(cell, [])]
    return float(np.mean(values)) if values else None


def best(runs: Runs, source: str, space: str, device: str, n: int) -> tuple[str, float, float]:
    """Return the predictor with the best mean Spearman, that mean, and its mean Kendall."""
    cells = [Cell(source, space, device, name, n) for name in PREDICTORS]
    scored = [(mean(runs, cell), cell) for cell in cells]
    found = [(score, cell) for score, cell in scored if score is not None]
    if not found:
        return "none yet", float("nan"), float("nan")
    score, cell = max(found)
    kendall = mean(runs, cell, "kendall")
    assert kendall is not None
    return cell.predictor, score, kendall


def targets(runs: Runs) -> list[str]:
    """Return the table of targets and what was reached."""
    lines = [
        "## Targets\n",
        "| cost (NAS-Bench-201) | n | reference | target | reached (best predictor) |",
        "|---|---|---|---|---|",
    ]
    six = [best(runs, "help", "nasbench201", device, 900) for device in SIX]
    names = ", ".join(f"{device} {b[0]}" for device, b in zip(SIX, six, strict=True))
    lines.append(
        f"| mean Spearman of {', '.join(SIX)} | 900 | .789 BRP-NAS, .974 LightGBM | .978 | "
        f"{np.mean([b[1] for b in six]):.4f} ({names}) |"
    )
    for device, n, reference, target in (
        ("raspi4", 900, "LightGBM .966 / .854", ".976 / .875"),
        ("pixel3", 900, "LightGBM .968 / .860", ".977 / .878"),
        ("gold_6226", 124, "plain GP .976 / .869", ".980 / .885"),
        ("raspi4", 124, "plain GP .936 / .789", ".950 / .815"),
    ):
        name, spearman, kendall = best(runs, "help", "nasbench201", device, n)
        lines.append(
            f"| {device}, Spearman / Kendall | {n} | {reference} | {target} | "
            f"{spearman:.4f} / {kendall:.4f} ({name}) |"
        )
    lines += ["", "| cost (FBNet), Spearman | n | one-hot ridge | reached (best predictor) |"]
    lines.append("|---|---|---|---|")
    for device in ("gold_6226", "pixel2", "titan_rtx_1"):
        name, spearman, _ = best(runs, "help", "fbnet", device, 4000)
        plain = number(mean(runs, Cell("help", "fbnet", device, "onehot_ridge", 4000)))
        lines.append(f"| {device} | 4000 | {plain} | {spearman:.4f} ({name}) |")
    lines += [
        "",
        "| exact costs, Spearman of `lookup` | n | mean | worst draw |",
        "|---|---|---|---|",
    ]
    exact = [("nasbench201", device, 50) for device in ("eyeriss", "fpga")]
    exact += [("fbnet", device, 500) for device in ("eyeriss", "fpga", "pixel3", "raspi4")]
    for space, device, n in exact:
        rows = runs.get(Cell("help", space, device, "lookup", n), [])
        worst = min((row["spearman"] for row in rows), default=float("nan"))
        shown = number(mean(runs, Cell("help", space, device, "lookup", n)))
        lines.append(f"| {space} {device} | {n} | {shown} | {worst:.4f} |")
    return [*lines, ""]


def beside_totals(runs: Runs) -> list[str]:
    """Return how the predictors compare with LightGBM on one-hot ops and four totals."""
    lines = [
        "## Beside a plain LightGBM that knows the totals\n",
        "`LGBMRegressor` with its defaults on one-hot ops, FLOPs, parameters, activations and",
        "layer count, on the same draws (n = 900, mean ± deviation over draws); the predictor is",
        "the one with the best mean Spearman.\n",
        "| cost | LightGBM: Spearman | MAPE | predictor | Spearman | MAPE |",
        "|---|---|---|---|---|---|",
    ]
    for source, space, device in columns(runs):
        plain = Cell(source, space, device, "totals_lightgbm", 900)
        if source in ("bundled", "help") and plain in runs:
            name, *_ = best(runs, source, space, device, 900)
            ours = plain._replace(predictor=name)
            scores = [spread(runs, c, f) for c in (plain, ours) for f in ("spearman", "mape")]
            lines.append(f"| {space} {device} | {' | '.join([*scores[:2], name, *scores[2:]])} |")
    return [*lines, ""]


def spread(runs: Runs, cell: Cell, field: str) -> str:
    """Return the mean over draws and its deviation as text."""
    values = [row[field] for row in runs.get(cell, [])]
    return f"{np.mean(values):.4f} ±{np.std(values):.4f}" if values else ""


def neural_gaps(runs: Runs) -> list[str]:
    """Return how far the neural predictors are from the best tree at n = 900."""
    lines = [
        "## The neural predictors and the trees\n",
        "Spearman at n = 900; the gap is to the better of xgboost and lightgbm.\n",
        "| cost | best tree | mlp | gap | gnn | gap |",
        "|---|---|---|---|---|---|",
    ]
    for source, space, device in columns(runs):
        trees = [mean(runs, Cell(source, space, device, name, 900)) for name in TREES]
        known = [value for value in trees if value is not None]
        if not known:
            continue
        entries = []
        if not any(Cell(source, space, device, name, 900) in runs for name in ("mlp", "gnn")):
            continue
        for name in ("mlp", "gnn"):
            value = mean(runs, Cell(source, space, device, name, 900))
            gap = "" if value is None else f"{value - max(known):+.4f}"
            entries += [number(value), gap]
        label = f"{space} {device}" + (" (OneProxy)" if source == "oneproxy" else "")
        lines.append(f"| {label} | {max(known):.4f} | {' | '.join(entries)} |")
    return [*lines, ""]


def times(runs: Runs) -> list[str]:
    """Return CPU time of training, as multiples of a plain XGBRegressor on the same rows."""
    lines = [
        "## Training time\n",
        "CPU seconds of one thread, mean over devices and draws, and in brackets the ratio to",
        "a plain `XGBRegressor` (library defaults, one-hot) on the same rows in the same run.\n",
    ]
    for space, source in (("nasbench201", "help"), ("fbnet", "help")):
        lines += [f"| {space}, n | {' | '.join(PREDICTORS)} | all |", "|---" * 9 + "|"]
        for n in sorted({cell.n for cell in runs if (cell.source, cell.space) == (source, space)}):
            entries, total = [], 0.0
            for name in PREDICTORS:
                ratios, seconds = [], []
                for cell, rows in runs.items():
                    if (cell.source, cell.space, cell.predictor, cell.n) != (
                        source,
                        space,
                        name,
                        n,
                    ):
                        continue
                    plain = {
                        row["seed"]: row["fit_s"]
                        for row in runs.get(cell._replace(predictor="plain_xgboost"), [])
                    }
                    seconds += [row["fit_s"] for row in rows]
                    ratios += [r["fit_s"] / plain[r["seed"]] for r in rows if r["seed"] in plain]
                total += float(np.mean(seconds)) if seconds else 0.0
                ratio = f" ({np.median(ratios):.1f})" if ratios else ""
                entries.append(f"{np.mean(seconds):.2f}{ratio}" if seconds else "")
            lines.append(f"| {n} | {' | '.join(entries)} | {total:.1f} |")
        lines.append("")
    return lines


def table(runs: Runs, source: str, space: str, n: int) -> list[str]:
    """Return a table of Spearman / Kendall for one training size."""
    mine = [cell for cell in runs if (cell.source, cell.space, cell.n) == (source, space, n)]
    names = [name for name in (*PREDICTORS, *BASELINES) if name in {c.predictor for c in mine}]
    lines = [f"Spearman ± its deviation over draws / Kendall; {n} rows to learn from.\n"]
    lines += [f"| device | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for device in sorted({cell.device for cell in mine}):
        entries = []
        for name in names:
            rows = runs.get(Cell(source, space, device, name, n), [])
            spearman = [row["spearman"] for row in rows]
            kendall = [row["kendall"] for row in rows]
            entries.append(
                f"{np.mean(spearman):.4f} ±{np.std(spearman):.4f} / {np.mean(kendall):.3f}"
                + ("" if len(rows) >= 5 else f" ({len(rows)})")
                if rows
                else ""
            )
        lines.append(f"| {device} | {' | '.join(entries)} |")
    return [*lines, ""]


def plot_curves(runs: Runs, source: str, space: str, title: str) -> None:
    """Plot one learning curve per device and predictor: the share of rank left unexplained."""
    devices = sorted({c.device for c in runs if (c.source, c.space) == (source, space)})
    if not devices:
        return
    n_rows = -(-len(devices) // 4)
    figure, axes = plt.subplots(n_rows, 4, figsize=(16, 3.4 * n_rows), squeeze=False)
    for axis, device in zip(axes.flat, devices, strict=False):
        for name in PREDICTORS:
            cells = sorted(c for c in runs if c[:4] == (source, space, device, name))
            unexplained = [1 - np.mean([r["spearman"] for r in runs[c]]) for c in cells]
            points = [(c.n, max(u, 1e-5)) for c, u in zip(cells, unexplained, strict=True)]
            if points:
                axis.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
        axis.set(title=device, xscale="log", yscale="log", xlabel="training architectures")
    for axis in axes.flat[len(devices) :]:
        axis.set_axis_off()
    for row in axes:
        row[0].set_ylabel("1 - Spearman")
    axes[0, 0].legend(fontsize=7)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(DOCS / f"results_{source}_{space}.png", dpi=80)
    plt.close(figure)


def columns(runs: Runs) -> list[tuple[str, str, str]]:
    """Return source, space and device of all costs that have results."""
    return sorted({(cell.source, cell.space, cell.device) for cell in runs})


def number(value: float | None) -> str:
    """Return a correlation as text, nothing for None."""
    return "" if value is None else f"{value:.4f}"
