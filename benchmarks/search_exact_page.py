"""The part of ``docs/search.md`` on proven optima, with its plot."""

from pathlib import Path
from typing import Any

INTRO = Path(__file__).parent / "search_exact_intro.md"

FRONT = """\
A scan draws 10^8 networks with at most the limit's latency on raspi4; evolution may ask for 10^4
scores. The scan stays far below where the limit is tight, since random networks are not. Evolution
comes close, and does not know how close:
"""


def exact_section(lines: list[dict[str, Any]], docs: Path) -> list[str]:
    """Return the lines of the section, and draw its plot; nothing without results."""
    results = {line["task"]: line for line in lines}
    if not results:
        return []
    rows = [
        "| score, limits, best | seconds | target | best score | gap | by |",
        "|---|---|---|---|---|---|",
    ]
    for task, line in results.items():
        if task.startswith("optimum"):
            target = "1" if "k=10" in task else "0.05" if ", one," in task else "0.3"
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
    return [INTRO.read_text(), *rows, "", *fronts, "", FRONT, *_comparison(results, docs)]


def _comparison(results: dict[str, dict[str, Any]], docs: Path) -> list[str]:
    """Return a table of what a scan and evolution find beside the front, and draw it."""
    from matplotlib.figure import Figure

    rows = [
        "| score | limit (ms) | proven best | scan, 10^8 | seconds | evolution, 10^4 | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
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
        scans, evolutions = (_by_limit(results, kind, score) for kind in ("scan", "evolution"))
        for limit_ms in scans.keys() & evolutions.keys():
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
    figure.savefig(docs / "search.png", dpi=120)
    head, body = rows[:2], sorted(rows[2:], key=_order)
    return [*head, *body, "", "![score against latency, the proven front on top](search.png)"]


def _by_limit(results: dict[str, Any], kind: str, score: str) -> dict[float, dict[str, Any]]:
    start, end = f"{kind} {score}, ", " ms"
    return {
        float(task.removeprefix(start).removesuffix(end)): line
        for task, line in results.items()
        if task.startswith(start)
    }


def _order(row: str) -> tuple[str, float]:
    _, score, limit, *_ = row.split("|")
    return score, float(limit)
