"""Render ``docs/collect.md`` and its plot."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd

from archcost.datasets import Provenance, bundled_tables, load_bundled

DOCS = Path(__file__).parent.parent / "docs"
INTRO = Path(__file__).parent / "collect_intro.md"
TITLES = {"nasbench201": "NAS-Bench-201, CIFAR-10", "fbnet": "FBNet, CIFAR-100"}


def render(rows: pd.DataFrame) -> None:
    """Write the page and the plot."""
    parts = [
        INTRO.read_text(encoding="utf-8").rstrip(),
        "",
        "## The tables that ship",
        "",
        *shipped(),
    ]
    parts += ["", "## Against the devices of HW-NAS-Bench", ""]
    parts += ["![Spearman of each table of ours and each device](collect.png)"]
    for space, found in rows.groupby("space", sort=False):
        parts += ["", f"### {TITLES[space]}", "", *markdown(found)]
    DOCS.mkdir(exist_ok=True)
    (DOCS / "collect.md").write_text("\n".join(parts) + "\n", encoding="utf-8")
    plot(rows)


def shipped() -> list[str]:
    """Return a row for each bundled table: what made it, and how far it repeats itself."""
    lines = [
        "| table | kind | made with | costs | without a cost | rounds | repeatability |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in bundled_tables():
        table = load_bundled(name)
        facts = table.provenance
        counts = table.counts()
        made = (
            f"{facts.simulator or facts.runtime} {facts.simulator_version or facts.runtime_version}"
        )
        kind = ", ".join(sorted(set(table.to_pandas()["kind"])))
        repeats = facts.repeatability_spearman
        without = [f"{n:,} {status}" for status, n in counts.items() if status != "ok" and n]
        lines.append(
            f"| `{name}` | {kind} | {made} | {counts['ok']:,} | {', '.join(without)} | "
            f"{rounds_of(facts)} | {'exact' if repeats is None else f'{repeats:.4f}'} |"
        )
    return lines


def rounds_of(facts: Provenance) -> str:
    """Return how many rounds the architectures of a table were measured in."""
    if facts.rounds is None or facts.fewest_rounds == facts.rounds:
        return str(facts.rounds or "")
    return f"{facts.fewest_rounds} to {facts.rounds}"


def markdown(rows: pd.DataFrame) -> list[str]:
    """Return a row for each table of ours, a column for each device: Spearman / Kendall (n)."""
    devices = list(rows["device"].unique())
    lines = [
        "| | " + " | ".join(devices) + " |",
        "|---|" + "---|" * len(devices),
    ]
    for ours, found in rows.groupby("ours", sort=False):
        cells = [f"{r.spearman:.3f} / {r.kendall:.3f} ({r.n:,})" for r in found.itertuples()]
        lines.append(f"| {ours} | " + " | ".join(cells) + " |")
    return lines


def plot(rows: pd.DataFrame) -> None:
    """Draw Spearman as two coloured tables, one a space."""
    spaces = [(space, found) for space, found in rows.groupby("space", sort=False)]
    shown = [
        found[~found["ours"].str.endswith("energy")].pivot_table(
            "spearman", "ours", "device", sort=False
        )
        for _, found in spaces
    ]
    figure, axes = plt.subplots(
        1,
        len(shown),
        figsize=(13, 1.5 + 0.42 * max(map(len, shown))),
        width_ratios=[frame.shape[1] for frame in shown],
        layout="constrained",
    )
    for axis, (space, _), frame in zip(axes, spaces, shown, strict=True):
        image = axis.imshow(frame, vmin=0.5, vmax=1.0, cmap="viridis", aspect="auto")
        axis.set_xticks(range(frame.shape[1]), frame.columns, rotation=30, ha="right")
        axis.set_yticks(range(len(frame)), [n.removesuffix(" latency") for n in frame.index])
        axis.set_title(TITLES[space])
        axis.set_xlabel("device of HW-NAS-Bench, latency (ms)")
        for y, row in enumerate(frame.to_numpy()):
            for x, value in enumerate(row):
                ink = "black" if value > 0.8 else "white"
                axis.text(x, y, f"{value:.3f}", ha="center", va="center", color=ink)
    axes[0].set_ylabel("MACs, and bundled tables, latency (ms)")
    figure.colorbar(image, ax=axes, label="Spearman correlation", shrink=0.8, extend="min")
    figure.savefig(DOCS / "collect.png", dpi=110)
    plt.close(figure)
