"""How well each predictor ranks and how long it trains, on published and bundled tables.

Protocol: `n` architectures drawn at random train, all other rows test; 5 draws; Spearman and
Kendall (tau-b) of truth and prediction rounded to 9 decimals (exact columns are full of ties).
Times are CPU seconds of one thread. Results are appended to ``results/quality.jsonl``, one line a
fit; what is there is not run again. ``docs/results.md`` and its plots are rendered from the file.

    python benchmarks/quality.py --data ../shared/data      run what is missing, then render
    python benchmarks/quality.py --render                   render only
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, spearmanr

from archcost.datasets import CostTable, load_bundled
from archcost.datasets.source_help import HELP
from archcost.datasets.source_oneproxy import ONEPROXY
from archcost.features import OneHotOps
from archcost.features.whole_work import whole_work
from archcost.predictors import PREDICTORS
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.position_work import network_work

RESULTS = Path(__file__).parent / "results" / "quality.jsonl"

CELL_DEVICES = (
    "raspi4", "pixel3", "gold_6226", "eyeriss", "fpga", "titan_rtx_256", "pixel2", "1080ti_1",
)  # fmt: skip
ONEPROXY_DEVICES = ("edgegpu", "edgetpu", "raspi4", "pixel3", "eyeriss", "fpga")
FBNET_DEVICES = ("gold_6226", "pixel2", "titan_rtx_1", "eyeriss", "fpga", "raspi4")
BUNDLED_SPACES = ("natsbench_size", "ofa_mbv3", "autoformer_tiny")
BUNDLED_DEVICE = "cpu_onnxruntime"
EXACT_FBNET = ("eyeriss", "fpga", "pixel3", "raspi4")
SEEDS = range(5)
CHEAP = ("lookup", "ridge", "xgboost", "lightgbm", "gp")
NEURAL = ("mlp", "gnn")
REVISION = {
    **dict.fromkeys(product(("ridge", "xgboost", "lightgbm", "gp"), ("nasbench201",)), 2),
    **dict.fromkeys(product(("mlp", "gnn"), ("fbnet",)), 2),
    **dict.fromkeys(product(("mlp", "gnn"), ("nasbench201",)), 3),
}
"""Raised where a predictor changes; results of earlier revisions are run again."""
FEW_DEVICES = ("raspi4", "gold_6226", "pixel2", "titan_rtx_1", "titan_rtx_256")
WITH_TOTALS = "totals_lightgbm"
BASELINES = ("onehot_ridge", "plain_xgboost", WITH_TOTALS)
"""Library defaults on one-hot ops; the last one has the totals of ``TOTALS`` beside them."""
PHASES = (  # by importance; size 0 stands for 80 % of the rows
    ((*CHEAP, *BASELINES), (900, 124)),
    (NEURAL, (900,)),
    ((*CHEAP, *BASELINES), (0, 300, 50, 3000)),
    (("mlp",), (124, 300, 50)),
    (("gnn",), (124, 300, 50)),
    (NEURAL, (3000, 0)),
)


class Job(NamedTuple):
    """One fit: which table and device, which predictor, how many rows, which draw."""

    source: str
    space: str
    device: str
    predictor: str
    n: int
    seed: int


def jobs() -> Iterator[Job]:
    """Yield all fits, those behind the targets first and the dear ones last."""
    groups = (
        ("help", "nasbench201", CELL_DEVICES, 12_500),
        ("help", "fbnet", FBNET_DEVICES, 4_000),
        ("oneproxy", "nasbench201", ONEPROXY_DEVICES, 0),
        *(("bundled", space, (BUNDLED_DEVICE,), 0) for space in BUNDLED_SPACES),
    )
    for device in EXACT_FBNET:
        yield from (Job("help", "fbnet", device, "lookup", 500, seed) for seed in SEEDS)
    for predictors, sizes in PHASES:
        for size in sizes:
            for source, space, devices, most in groups:
                n = size or most
                if n == 0 or (source != "help" and n > 900):
                    continue
                if source == "bundled" and (n not in PHASES[0][1] or predictors == NEURAL):
                    continue
                for seed in SEEDS:
                    for device in devices:
                        for predictor in predictors:
                            few = seed < 2 and device in FEW_DEVICES
                            if predictor in NEURAL and n >= 3000 and not few:
                                continue
                            yield Job(source, space, device, predictor, n, seed)


class Column(NamedTuple):
    """All costs of one device, and what a user would learn from besides the ops."""

    space: SearchSpace
    ops: npt.NDArray[np.int8]
    cost_ms: npt.NDArray[np.float64]
    totals: npt.NDArray[np.float64]


@cache
def read_table(folder: Path, source: str, space: str) -> CostTable:
    """Read the table of a source that has the costs of a space."""
    if source == "bundled":
        return load_bundled(f"{space}-{BUNDLED_DEVICE}")
    published = {"help": HELP, "oneproxy": ONEPROXY}[source]
    return published.parse(folder / published.folder)


@cache
def read_column(folder: Path, source: str, space: str, device: str) -> Column:
    """Read the latency of a device, and the totals of ``TOTALS`` of each network."""
    table = read_table(folder, source, space)
    (key,) = (
        key
        for key in table.keys()  # noqa: SIM118  no mapping
        if (key.space, key.device, key.metric) == (space, device, "latency")
    )
    known, (ops, cost_ms) = get_space(space), table.costs(key)
    return Column(known, ops, cost_ms, network_work(known, ops, key.dataset_name, whole_work))


def plain_features(name: str, column: Column) -> npt.NDArray[np.float64]:
    """Return one-hot ops, and the totals where the baseline has them."""
    one_hot = np.asarray(OneHotOps().bind(column.space).transform(column.ops), dtype=np.float64)
    return np.hstack([one_hot, column.totals]) if name == WITH_TOTALS else one_hot


def plain_model(name: str) -> Any:
    """Return what a user would write without this package."""
    from lightgbm import LGBMRegressor
    from sklearn.linear_model import RidgeCV
    from xgboost import XGBRegressor

    if name == "onehot_ridge":
        return RidgeCV(np.logspace(-3, 3, 13))
    return (
        XGBRegressor(n_jobs=1) if name == "plain_xgboost" else LGBMRegressor(n_jobs=1, verbosity=-1)
    )


def run(job: Job, column: Column) -> dict[str, Any]:
    """Fit and score one job."""
    cost_ms = column.cost_ms
    rows = np.random.default_rng(job.seed).permutation(len(cost_ms))
    train, test = rows[: job.n], rows[job.n :]
    plain = job.predictor in BASELINES
    given: npt.NDArray[Any] = plain_features(job.predictor, column) if plain else column.ops
    model = plain_model(job.predictor) if plain else PREDICTORS[job.predictor](seed=job.seed)
    options = {} if plain else {"space": column.space}
    start = time.process_time()
    model.fit(given[train], cost_ms[train], **options)
    fitted = time.process_time()
    predicted = np.asarray(model.predict(given[test]), dtype=np.float64)
    done = time.process_time()
    truth, guess = np.round(cost_ms[test], 9), np.round(predicted, 9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant predictions have no rank correlation
        spearman, kendall = spearmanr(guess, truth).statistic, kendalltau(guess, truth).statistic
    return {
        **job._asdict(),
        "revision": REVISION.get((job.predictor, job.space), 1),
        "n_test": len(test),
        "spearman": round(float(np.nan_to_num(spearman)), 6),
        "kendall": round(float(np.nan_to_num(kendall)), 6),
        "mape": round(float(np.mean(np.abs(predicted / cost_ms[test] - 1))), 6),
        "fit_s": round(fitted - start, 4),
        "predict_s": round(done - fitted, 4),
    }


def read_results() -> list[dict[str, Any]]:
    """Return the results so far; a later line replaces an earlier one of the same job."""
    if not RESULTS.exists():
        return []
    lines = RESULTS.read_text().splitlines()
    rows = map(json.loads, filter(None, lines))
    current = (
        row
        for row in rows
        if row.get("revision", 1) == REVISION.get((row["predictor"], row["space"]), 1)
    )
    return list({job_of(row): row for row in current}.values())


def job_of(row: dict[str, Any]) -> Job:
    """Return the job that a result belongs to."""
    return Job(**{field: row[field] for field in Job._fields})


def run_missing(folder: Path, minutes: float, only: set[str], spaces: set[str]) -> None:
    """Run what has no result yet, for at most `minutes`."""
    from tqdm import tqdm

    done = {job_of(row) for row in read_results()}
    todo = [
        job
        for job in jobs()
        if job not in done
        and (not only or job.predictor in only)
        and (not spaces or job.space in spaces)
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    end = time.monotonic() + 60 * minutes
    for job in tqdm(todo, leave=False):
        if time.monotonic() > end:
            break
        result = run(job, read_column(folder, job.source, job.space, job.device))
        with RESULTS.open("a") as file:
            file.write(json.dumps(result) + "\n")


def main() -> None:
    """Run the benchmark and render its report."""
    parser = argparse.ArgumentParser(description="Quality of the predictors on published tables.")
    parser.add_argument("--data", type=Path, default=os.environ.get("ARCHCOST_DATA_DIR"))
    parser.add_argument("--render", action="store_true", help="render what there is and stop")
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after this long")
    parser.add_argument("--only", nargs="*", default=[], help="predictors to run")
    parser.add_argument("--spaces", nargs="*", default=[], help="search spaces to run")
    options = parser.parse_args()
    if not options.render:
        if options.data is None:
            parser.error("name the folder of the published tables with --data")
        run_missing(Path(options.data), options.minutes, set(options.only), set(options.spaces))
    from quality_report import render

    render(read_results())


if __name__ == "__main__":
    main()
