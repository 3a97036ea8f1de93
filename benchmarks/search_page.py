"""Render ``docs/search.md`` and ``docs/notes/search.md`` from the lines of two benchmarks."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from search_exact_page import exact_details, exact_section

DOCS = Path(__file__).parent.parent / "docs"
RESULTS = Path(__file__).parent / "results"
INTRO, NOTES, PROTOCOL = (
    Path(__file__).parent / f"search_{name}.md" for name in ("intro", "notes", "protocol")
)
# True latency (ms) and accuracy (%) of HELP's choices, as its authors published them.
PUBLISHED = {
    ("titan_rtx_256", 18): (17.8, 69.7), ("titan_rtx_256", 21): (18.9, 71.5),
    ("titan_rtx_256", 25): (24.2, 71.8), ("gold_6226", 8): (8.0, 67.3),
    ("gold_6226", 11): (10.7, 70.2), ("gold_6226", 14): (14.3, 72.1),
    ("pixel2", 14): (13.0, 69.7), ("pixel2", 18): (19.0, 71.8), ("pixel2", 22): (25.0, 73.2),
    ("eyeriss", 5): (3.9, 71.5), ("eyeriss", 7): (5.1, 71.8), ("eyeriss", 9): (9.1, 73.5),
    ("fpga", 4): (3.8, 70.2), ("fpga", 5): (4.7, 71.8), ("fpga", 6): (7.4, 73.5),
}  # fmt: skip
WAYS = {
    "measuring": "measured where it decides",
    "bound": "by upper bound",
    "mean": "by predicted mean",
}


def render() -> None:
    """Write the page and the notes from what there is."""
    results = pd.DataFrame(read_lines(RESULTS / "search.jsonl"))
    results["lost"] = results["best"] - results["accuracy"]
    exact = read_lines(RESULTS / "search_exact.jsonl")
    page = ["# Search", "", *exact_section(exact, DOCS), "", INTRO.read_text(), *summary(results)]
    notes = [NOTES.read_text(), *exact_details(exact), "", PROTOCOL.read_text()]
    for way, title in WAYS.items():
        for n in sorted(results["n"].unique()):
            chosen = results[(results["way"] == way) & (results["n"] == n)]
            notes += ["", f"### {title[0].upper()}{title[1:]}, {n} measurements", ""]
            notes += by_limit(chosen)
    (DOCS / "search.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    (DOCS / "notes" / "search.md").write_text("\n".join(notes) + "\n", encoding="utf-8")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the results in a file; none if there is no file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def summary(results: pd.DataFrame) -> list[str]:
    """Return a row for each way to choose and number of measurements."""
    rows = [
        "| chosen | measurements | limit kept (share of searches) | least over the limits | "
        "points below the best possible, mean | of limits that HELP kept: less accurate than "
        "HELP, mean accuracy | the same, share of searches |",
        "|---|---|---|---|---|---|---|",
    ]
    for way, title in WAYS.items():
        for n, chosen in results[results["way"] == way].groupby("n"):
            kept = chosen.groupby(["device", "limit_ms"])["kept"].mean()
            means = chosen.groupby(["device", "limit_ms"])["accuracy"].mean()
            fair = {key: value for key, value in PUBLISHED.items() if value[0] <= key[1]}
            worse = [key for key, value in fair.items() if means[key] < value[1] - 0.05]
            of_fair = chosen[[key in fair for key in _keys(chosen)]]
            theirs = [fair[key][1] for key in _keys(of_fair)]
            below = (of_fair["accuracy"] < [value - 0.05 for value in theirs]).mean()
            rows.append(
                f"| {title} | {n} | {chosen['kept'].mean():.3f} | {kept.min():.2f} | "
                f"{chosen['lost'].mean():.2f} | {len(worse)} of {len(fair)} | {below:.2f} |"
            )
    return rows


def by_limit(chosen: pd.DataFrame) -> list[str]:
    """Return a row for each device and limit."""
    rows = [
        "| device | limit (ms) | latency (ms), mean and worst | accuracy (%), mean and worst | "
        "limit kept | HELP: latency, accuracy | best possible (%) | points below it |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for key, (help_ms, help_accuracy) in PUBLISHED.items():
        some = chosen[[other == key for other in _keys(chosen)]]
        if some.empty:
            continue
        device, limit = key
        broke = " (over)" if help_ms > limit else ""
        rows.append(
            f"| {device} | {limit} | {some['latency_ms'].mean():.2f}, "
            f"{some['latency_ms'].max():.2f} | {some['accuracy'].mean():.2f}, "
            f"{some['accuracy'].min():.2f} | {some['kept'].sum()} of {len(some)} | "
            f"{help_ms}{broke}, {help_accuracy} | {some['best'].iloc[0]:.2f} | "
            f"{some['lost'].mean():.2f} |"
        )
    return rows


def _keys(results: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(results["device"], results["limit_ms"].astype(int), strict=True))
