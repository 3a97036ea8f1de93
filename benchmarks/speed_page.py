"""The page of ``speed.py``: a table of figures and a plot."""

import json
import platform
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

GPU_FIGURES = Path(__file__).parent / "results" / "gpu.json"

KINDS = {
    "one": ("One architecture at a time", "microseconds an architecture", 1e6),
    "batch": ("In batches", "nanoseconds an architecture", 1e9),
    "process": ("Processes and files", "milliseconds", 1e3),
}

TEXT = """\
# Speed

Written by `python benchmarks/speed.py`; the plot shows the same numbers. Both sides of a ratio
ran in one process, warm and in turns, pinned to the same cores ({cores} x {cpu}; one core for
NAS-Bench-201, {cores} for FBNet), and the best of the repeats counts. A bold ratio misses its
target.

{table}

![Time per architecture of archcost and of what it is compared with](speed.png)

## What is compared

- `query_by_index` is HW-NAS-Bench's table query, written again on a table of equal size: ten
  look-ups in nested dicts and lists with `float()`, then the product of nine. It answers all
  metrics of one dataset, `archcost.predict` one; that is how either is used in a search loop.
- XGBoost is archcost's own `xgboost` predictor on the bundled FBNet measurements. "One encoded
  row" and "encoded before" give it the encoding for nothing; archcost starts from op ids. Both
  use {cores} threads in batches.
- `numpy.take` gathers from the same 15,625 numbers without checking the indices' sign.

## What is exact

| compiled form | predictors | how | tolerance, tested on |
|---|---|---|---|
| `cells` | all, on NAS-Bench-201 | a table of 15,625 costs and deviations | none, all cells |
| `additive` | `lookup`, `ridge` on FBNet | 11 gathers of op pairs | 1e-12, 100,000 networks |
| `mlp` | `mlp` on FBNet | gathered rows, single precision | 1e-5, 100,000 networks |
| `gp` | `gp` on FBNet, its mean | gathered features, all centres | 1e-9, 100,000 networks |
| `additive_posterior` | `transfer` on FBNet | as `additive`, with variance | 1e-12, 300 networks |

A row's answer has the same bits alone, in any batch, and from any number of threads or processes.

`gnn`, `xgboost` and `lightgbm` have no compiled form on FBNet and answer through their libraries,
as `gp` does for standard deviations. For trees no library serves: tl2cgen needs a C compiler where
it is used, lleaves brings LLVM and takes LightGBM only, and the trees' features alone cost more
than a whole additive model.
"""

GPU_TEXT = """\
## On a GPU

Written by `python benchmarks/gpu.py` on one {card} (torch {torch}, CUDA {cuda}). A tensor of op
ids is answered where it lies; the error is the largest relative one against numpy's answer.

| what | time | ratio | error |
|---|---|---|---|
{tensors}

The eager runtime on the same card, `archcost measure --runtime torch_cuda` (fp32, TF32 off), in
five interleaved rounds of ten inferences. Such small networks are bound by launches from the host:
64 images take the time of one, and what varies is the host.

| networks | how many | latency of the batch | median spread of the rounds |
|---|---|---|---|
{eager}
"""


@dataclass(frozen=True)
class Figure:
    """One measured time, and how it compares."""

    kind: str
    name: str
    seconds: float | None
    ratio: str = ""
    target: str = ""
    met: bool = True


@dataclass(frozen=True)
class Speed:
    """All figures of a run."""

    figures: tuple[Figure, ...]
    n_cores: int

    def table(self) -> str:
        """Return the figures as a table in Markdown."""
        lines = ["| what | time | ratio | target |", "|---|---|---|---|"]
        for figure in self.figures:
            ratio = figure.ratio if figure.met or not figure.ratio else f"**{figure.ratio}**"
            time = "" if figure.seconds is None else _time(figure.seconds)
            lines.append(f"| {figure.name} | {time} | {ratio} | {figure.target} |")
        return "\n".join(lines)


def write_page(speed: Speed, folder: Path) -> None:
    """Write ``speed.md`` and ``speed.png``."""
    text = TEXT.format(table=speed.table(), cores=speed.n_cores, cpu=platform.machine())
    (folder / "speed.md").write_text(text + "\n" + gpu_text(GPU_FIGURES))
    _plot(speed, folder / "speed.png")


def gpu_text(path: Path) -> str:
    """Return the section on what ``gpu.py`` measured on a GPU."""
    figures = json.loads(path.read_text())
    rows = [
        f"| `model.predict` of {f['n_archs'] / 1e6:g} million {f['space']} op ids | "
        f"{_time(f['seconds'])} | {f['numpy_seconds'] / f['seconds']:.0f} x the rate of numpy on "
        f"the GPU's host | {f['largest_relative_error']:.1g} |"
        for f in figures["predict"]
    ]
    cost = figures["expected_cost"]
    rows.append(
        f"| `expected_cost` of an FBNet supernet and its gradient | {_time(cost['seconds'])} | | "
        f"{cost['relative_error']:.1g} |"
    )
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in figures["runtime"]:
        groups.setdefault(f"{row['space']} with `{row['runtime']}`", []).append(row)
    eager = [
        f"| {name} | {len(found)} | {min(r['latency_ms'] for r in found):.2f} to "
        f"{max(r['latency_ms'] for r in found):.2f} ms | "
        f"{median(r['spread_ms'] / r['latency_ms'] for r in found):.0%} |"
        for name, found in groups.items()
    ]
    return GPU_TEXT.format(
        card=figures["card"], torch=figures["torch"], cuda=figures["cuda"],
        tensors="\n".join(rows), eager="\n".join(eager),
    )  # fmt: skip


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _plot(speed: Speed, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    shown = {
        kind: [f for f in speed.figures if f.kind == kind and f.seconds and f.name != "the same"]
        for kind in KINDS
    }
    heights = [len(figures) for figures in shown.values()]
    figure, panels = plt.subplots(
        len(KINDS), 1, figsize=(9, 0.34 * sum(heights) + 2.4), height_ratios=heights,
        layout="constrained",
    )  # fmt: skip
    rivals = ("HW-NAS-Bench", "XGBoost", "numpy", 'python -c "import numpy')
    for panel, (kind, (title, label, factor)) in zip(panels, KINDS.items(), strict=True):
        names = [f.name for f in shown[kind]]
        values = [(f.seconds or 0) * factor for f in shown[kind]]
        colors = ["0.65" if name.startswith(rivals) else "tab:blue" for name in names]
        bars = panel.barh(names, values, color=colors)
        panel.bar_label(bars, [f"{value:.3g}" for value in values], padding=3, fontsize=8)
        panel.set(title=title, xlabel=label)
        if kind != "process":
            panel.set_xscale("log")
        panel.margins(x=0.2)
        panel.invert_yaxis()
    figure.savefig(path, dpi=130)
    plt.close(figure)
