"""The part of ``docs/search.md`` on proven optima, with its plot."""

from pathlib import Path
from typing import Any

INTRO = Path(__file__).parent / "search_exact_intro.md"

FRONT = """\
A scan draws 10^8 networks with at most the limit's latency on raspi4; evolution may ask for 10^4
scores. The scan stays far below where the limit is tight, since random networks are not. Evolution
comes close, and does not know how close.
"""

Results = dict[str, dict[str, Any]]


def exact_section(lines: list[dict[str, Any]], docs: Path) -> list[str]:
    """Return the lines of the page's section, and draw its plot; nothing without results."""
    results = {line["task"]: line for line in lines}
    if not results:
        return []
    rows = ["| limits | best | ten best | target (best, ten best) |", "|---|---|---|---|"]
    for limits in dict.fromkeys(task.split(", ")[1] for task in results if "optimum" in task):
        one, ten = (_range(results, f", {limits}, k={k}") for k in (1, 10))
        rows.append(f"| {limits} | {one} s | {ten} s | {_target(f', {limits},')} s, 1 s |")
    fronts = [line for task, line in results.items() if task.startswith("front")]
    proven = [line["gap"] == 0 for task, line in results.items() if task.startswith("optimum")]
    slowest = max(line["cpu_s"] for line in fronts)
    sizes = [line["n_points"] for line in fronts]
    words = (
        f"{sum(proven)} of {len(proven)} optima are proven. A whole front against latency on "
        f"raspi4, of {min(sizes):,} to {max(sizes):,} networks, takes at most {slowest:.3f} s."
    )
    _plot(results, docs)
    picture = "![score against latency, the proven front on top](search.png)"
    return [INTRO.read_text(), *rows, "", words, "", FRONT, picture]


def exact_details(lines: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the notes: every optimum and front, and what others find."""
    results = {line["task"]: line for line in lines}
    rows = [
        "| score, limits, best | seconds | target | best score | gap | by |",
        "|---|---|---|---|---|---|",
    ]
    for task, line in results.items():
        if task.startswith("optimum"):
            target = "1" if "k=10" in task else _target(task)
            gap = "0, proven" if line["gap"] == 0 else f"{line['gap']:.3g}"
            rows.append(
                f"| {task.removeprefix('optimum ')} | {line['cpu_s']:.3f} | {target} | "
                f"{line['score']:.4f} | {gap} | {line['method']} |"
            )
    fronts = [
        f"The whole front of *{task.removeprefix('front ')}* against latency on raspi4: "
        f"{line['n_points']} networks in {line['cpu_s']:.3f} s (target: 100 in 2 s)."
        for task, line in results.items()
        if task.startswith("front")
    ]
    return [*rows, "", *fronts, "", FRONT, *_comparison(results)]


def _target(task: str) -> str:
    return "0.05" if ", one," in task else "0.3"


def _range(results: Results, end: str) -> str:
    """Return the least and the most CPU seconds of the tasks with an ending."""
    seconds = [line["cpu_s"] for task, line in results.items() if task.endswith(end)]
    return f"{min(seconds):.3f} to {max(seconds):.3f}"


def _plot(results: Results, docs: Path) -> None:
    """Draw what a scan and evolution find beside the front."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, score in zip(figure.subplots(1, 2), ("flops", "weights"), strict=True):
        front = results.get(f"front {score}")
        if front is None:
            continue
        axes.plot(front["latency_ms"], front["score"], label="proven front")
        for kind, marker in (("scan", "o"), ("evolution", "^")):
            found = _by_limit(results, kind, score)
            axes.plot(list(found), [line["score"] for line in found.values()], marker, label=kind)
        axes.set(xlabel="latency on raspi4 (ms)", ylabel="MFLOPs" if score == "flops" else score)
        axes.legend()
    figure.savefig(docs / "search.png", dpi=120)


def _comparison(results: Results) -> list[str]:
    """Return a table of what a scan and evolution find beside the front."""
    rows = []
    for score in ("flops", "weights"):
        front = results.get(f"front {score}")
        if front is None:
            continue
        scans, evolutions = (_by_limit(results, kind, score) for kind in ("scan", "evolution"))
        for limit_ms in sorted(scans.keys() & evolutions.keys()):
            pairs = zip(front["latency_ms"], front["score"], strict=True)
            best = max(value for cost, value in pairs if cost <= limit_ms)
            cells = [
                "none" if line["score"] is None else f"{line['score']:.3f}"
                for line in (scans[limit_ms], evolutions[limit_ms])
            ]
            rows.append(
                f"| {score} | {limit_ms:g} | {best:.3f} | {cells[0]} | "
                f"{scans[limit_ms]['cpu_s']:.1f} | {cells[1]} | "
                f"{evolutions[limit_ms]['cpu_s']:.1f} |"
            )
    return [
        "| score | limit (ms) | proven best | scan, 10^8 | seconds | evolution, 10^4 | seconds |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


def _by_limit(results: Results, kind: str, score: str) -> dict[float, dict[str, Any]]:
    start, end = f"{kind} {score}, ", " ms"
    return {
        float(task.removeprefix(start).removesuffix(end)): line
        for task, line in results.items()
        if task.startswith(start)
    }
