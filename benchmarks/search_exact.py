"""The proven best of FBNet's 9^22 networks, beside what a scan and evolution find.

Scores: ``flops``; ``weights``, the logarithm of each block's MFLOPs (a stand-in for accuracy, with
diminishing returns); ``random``, uniform numbers. Seconds are those of the processor, so that a
busy machine does not matter; models are loaded beforehand.

Results are appended to ``results/search_exact.jsonl``, one line each; what is there is not run
again. ``docs/search.md`` is rendered from the file.

    python benchmarks/search_exact.py              run what is missing, then render
    python benchmarks/search_exact.py --render     render only
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from search_page import read_lines, render
from threadpoolctl import threadpool_limits

import archcost
from archcost.search import exact_front, optimum, search
from archcost.search.limits import find_limits
from archcost.search.scan_engines import on_threads
from archcost.search.scan_progress import scan
from archcost.search.scan_scores import SumScore, work_score
from archcost.search.scanning import ScanPlan
from archcost.spaces import get_space

RESULTS = Path(__file__).parent / "results" / "search_exact.jsonl"
SPACE = get_space("fbnet")
LIMITS: dict[str, dict[str, float]] = {
    "one": {"raspi4": 20.0},
    "four": {"raspi4": 20.0, "eyeriss": 8.0, "pixel3": 12.0, "fpga:energy": 60.0},
    "four with params": {"raspi4": 20.0, "eyeriss": 8.0, "fpga:energy": 60.0, "params": 1e6},
    "two with memory": {"raspi4": 20.0, "peak_activation_bytes": 3e5},
}
GRID_MS = (8.0, 12.0, 16.0, 20.0, 25.0, 30.0, 40.0, 50.0)
"""Limits at which a scan and evolution are asked, for the plot."""
N_DRAWS = 10**8
N_EVALUATIONS = 10_000
REPEATS = 5

Task = tuple[str, Callable[[], dict[str, Any]]]


def main() -> None:
    """Run what is missing and render."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="render only")
    if not parser.parse_args().render:
        done = {line["task"] for line in read_lines(RESULTS)}
        RESULTS.parent.mkdir(exist_ok=True)
        with threadpool_limits(1):
            for name, run in tasks():
                if name not in done:
                    line = {"task": name, **run()}
                    with RESULTS.open("a") as file:
                        file.write(json.dumps(line) + "\n")
                    print(line, flush=True)
    render()


def tasks() -> Iterator[Task]:
    """Yield every name and what it runs."""
    models = {
        name: archcost.load(*name.split(":"), space=SPACE)
        for name in ("raspi4", "eyeriss", "pixel3", "fpga:energy")
    }
    for score in scores():
        for limits in LIMITS:
            for k in (1, 10):
                yield (
                    f"optimum {score}, {limits}, k={k}",
                    lambda a=(score, limits, k): proven(*a, models),
                )
        yield f"front {score}", lambda score=score: front(score, models)
    for score in ("flops", "weights"):
        for limit_ms in GRID_MS:
            yield f"scan {score}, {limit_ms:g} ms", lambda a=(score, limit_ms): scanned(*a)
            yield (
                f"evolution {score}, {limit_ms:g} ms",
                lambda a=(score, limit_ms): evolved(*a, models),
            )


def scores() -> dict[str, SumScore]:
    """Return the scores by name."""
    flops = work_score("flops", SPACE)
    # What a block adds to the block that computes least: a skip, free where shapes stay.
    added = flops.table - flops.table.min(axis=1, keepdims=True)
    table = np.random.default_rng(0).uniform(0, 2, flops.table.shape)
    return {
        "flops": flops,
        "weights": SumScore("weights", np.log1p(added)),
        "random": SumScore("random", table),
    }


def proven(score: str, limits: str, k: int, models: Any) -> dict[str, Any]:
    """Find an optimum; the fastest of some runs, or one that took long."""
    times = []
    while len(times) < REPEATS and sum(times) < 10:
        start = time.process_time()
        found = optimum(SPACE, scores()[score], LIMITS[limits], k=k, models=models, seconds=60)
        times.append(time.process_time() - start)
    return {
        "cpu_s": min(times), "score": found.score, "bound": found.bound, "gap": found.gap,
        "method": found.method, "costs": found.costs, "arch": found.arch,
    }  # fmt: skip


def front(score: str, models: Any) -> dict[str, Any]:
    """Find a whole front against latency on raspi4."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        found = exact_front(SPACE, scores()[score], "raspi4", models=models)
        times.append(time.process_time() - start)
    return {
        "cpu_s": min(times), "n_points": len(found),
        "latency_ms": found["raspi4_latency_ms"].round(4).tolist(),
        "score": found.iloc[:, 1].round(4).tolist(),
    }  # fmt: skip


def scanned(score: str, limit_ms: float) -> dict[str, Any]:
    """Draw many networks and keep the best within a limit."""
    limits = find_limits(SPACE, {"raspi4": limit_ms})
    plan = ScanPlan(SPACE, scores()[score], limits, count=N_DRAWS, top=1)
    start = time.process_time()
    found = scan(plan, on_threads(1))
    best = float(found.score[0]) if len(found.score) else None
    return {"cpu_s": time.process_time() - start, "score": best, "n_within": found.n_within}


def evolved(score: str, limit_ms: float, models: Any) -> dict[str, Any]:
    """Evolve networks within a limit, whose score is asked for one by one."""
    rank = scores()[score]
    start = time.process_time()
    found = search(
        SPACE, lambda arch: float(rank(SPACE.parse(arch)[None])[0]), {"raspi4": limit_ms},
        models=models, budget=N_EVALUATIONS, cautious=False,
    )  # fmt: skip
    return {"cpu_s": time.process_time() - start, "score": float(found.front["score"].iloc[0])}


if __name__ == "__main__":
    main()
