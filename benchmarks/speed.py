"""How fast predictions are, as ratios to what is used today; writes ``docs/speed.md``.

Both sides of a ratio run in this process, warm, in turns, on the same pinned cores, and the best
of the repeats counts. Other programs on the machine change the times a lot, the ratios little.

    python benchmarks/speed.py            a few minutes
    python benchmarks/speed.py --quick    a look, with few repeats; writes nothing
"""

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from speed_page import Figure, Speed, write_page
from speed_processes import processes
from speed_timing import best_times, each
from threadpoolctl import threadpool_limits

import archcost
from archcost.datasets import CostKey, DeviceCard, load_bundled
from archcost.models import CostModel, Manifest, find_model, model_keys, pareto_front
from archcost.predictors import PREDICTORS
from archcost.spaces import get_space
from archcost.training import distil

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")
CORES = sorted(os.sched_getaffinity(0))[:2]
N_BATCH = 1_000_000
N_SLOW_BATCH = 20_000
METRICS = (
    "edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency", "pixel3_latency",
    "eyeriss_latency", "eyeriss_energy", "eyeriss_arithmetic_intensity", "fpga_latency",
    "fpga_energy",
)  # fmt: skip


class HWMetrics:
    """The table query of HW-NAS-Bench, as its API does it, on a table of equal size."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        columns = {metric: rng.random(CELLS.size).tolist() for metric in METRICS}
        self.HW_metrics = {"nasbench201": {"cifar10": columns}}

    def query_by_index(self, arch_index: int, dataname: str) -> dict[str, float]:
        """Return ten costs and the product of nine."""
        answer = {}
        for metric in METRICS:
            answer[metric] = float(self.HW_metrics["nasbench201"][dataname][metric][arch_index])
        product = 1.0
        for metric in METRICS:
            if metric != "eyeriss_arithmetic_intensity":
                product *= answer[metric]
        answer["average_hw_metric"] = product
        return answer


def cells_one_by_one(repeats: int) -> list[Figure]:
    """NAS-Bench-201, one cell at a time: against HW-NAS-Bench's query."""
    bench = HWMetrics()
    indices = np.random.default_rng(1).integers(CELLS.size, size=500).tolist()
    strings = [CELLS.format(index) for index in indices]
    tuples = [tuple(CELLS.parse(index).tolist()) for index in indices]
    form = archcost.load("raspi4").compile()
    query, *ours = best_times(
        repeats,
        each(lambda index: bench.query_by_index(index, "cifar10"), indices),
        each(lambda arch: archcost.predict(arch, "raspi4"), strings),
        each(form, strings),
        each(form, indices),
        each(form, tuples),
    )
    names = ("archcost.predict(string, device)", "compiled model, string", "compiled model, index",
             "compiled model, op tuple")  # fmt: skip
    limits = (1.0, 0.3, 0.3, 0.3)
    figures = [Figure("one", "HW-NAS-Bench query_by_index", query / len(indices))]
    for name, seconds, limit in zip(names, ours, limits, strict=True):
        figures.append(
            Figure("one", name, seconds / len(indices), f"{seconds / query:.2f} x its time",
                   f"<= {limit} x", seconds / query <= limit)
        )  # fmt: skip
    return figures


def fitted_on_bundled(name: str, **params: Any) -> CostModel:
    """Return a predictor fitted on the bundled FBNet measurements."""
    key = CostKey("fbnet", "cpu_onnxruntime", "latency", "cifar100")
    ops, cost = load_bundled("fbnet-cpu_onnxruntime").costs(key)
    predictor = PREDICTORS[name](**params).fit(ops, cost)
    card = DeviceCard("cpu_onnxruntime", "this CPU")
    return CostModel(predictor, Manifest(key, card, name, predictor.get_params()))


def networks(repeats: int) -> list[Figure]:
    """FBNet, one by one and in batches: against XGBoost on the same table."""
    import xgboost

    trees = fitted_on_bundled("xgboost").predictor
    booster, encoder, n_trees = trees.booster_, trees.encoder_, trees.n_trees_
    booster.set_param({"nthread": len(CORES)})
    ops = NETS.sample(N_SLOW_BATCH, seed=1)
    encoded = encoder.transform(ops).astype(np.float32)
    row, lists = encoded[:1], ops[:300].tolist()

    def bare_row(_: object) -> object:
        return booster.inplace_predict(row, iteration_range=(0, n_trees))

    def bare_batch() -> object:
        return booster.inplace_predict(encoded, iteration_range=(0, n_trees))

    def whole_batch() -> object:
        data = xgboost.DMatrix(encoder.transform(ops), nthread=len(CORES))
        return booster.predict(data, iteration_range=(0, n_trees))

    additive, mlp = fitted_on_bundled("ridge"), fitted_on_bundled("mlp", max_epochs=20)
    distilled = distil(mlp)
    rmse = distilled.manifest.scores["distilled_rmse"]
    forms = {
        "additive": additive.compile(),
        "network ensemble": mlp.compile(),
        f"network ensemble, distilled ({rmse:.2%} off)": distilled.compile(),
    }
    one_row, *ones = best_times(
        repeats, each(bare_row, lists), *(each(f, lists) for f in forms.values())
    )
    figures = [Figure("one", f"XGBoost, one encoded row, {n_trees} trees", one_row / len(lists))]
    for (name, _), seconds, least in zip(forms.items(), ones, (100, None, 20), strict=True):
        figures.append(
            Figure("one", f"FBNet {name} model, op list", seconds / len(lists),
                   f"{one_row / seconds:.0f} x faster", f">= {least} x" if least else "",
                   least is None or one_row / seconds >= least)
        )  # fmt: skip

    many = np.random.default_rng(2).integers(9, size=(N_BATCH, 22), dtype=np.int8)
    keys = [key for key in model_keys() if key.space == "fbnet"]
    models = {str(key): CostModel.load(find_model(key)) for key in keys}
    slow, bare, *times = best_times(
        max(3, repeats // 4),
        whole_batch,
        bare_batch,
        *(lambda model=model: model.predict(many) for model in models.values()),
        lambda: mlp.predict(ops),
        lambda: distilled.predict(many),
    )
    student, network = times.pop() / N_BATCH, times.pop() / len(ops)
    slow, bare = slow / len(ops), bare / len(ops)
    slowest = max(times) / N_BATCH
    gain, harsh, rate = slow / slowest, bare / slowest, 1 / slowest
    return [
        *figures,
        Figure("batch", "XGBoost, architectures to costs", slow),
        Figure("batch", "XGBoost, encoded before", bare),
        Figure("batch", f"FBNet, slowest of {len(keys)} pretrained models", slowest,
               f"{gain:.0f} x the rate ({harsh:.0f} x without encoding)", ">= 30 x", harsh >= 30),
        Figure("batch", "the same", slowest, f"{rate / 1e6:.1f} million a second",
               ">= 10 million a second (additive)", rate >= 1e7),
        Figure("batch", "FBNet network ensemble model", network,
               f"{slow / network:.0f} x the rate ({bare / network:.0f} x without encoding)"),
        Figure("batch", "the same, distilled", student,
               f"{slow / student:.0f} x the rate ({bare / student:.0f} x without encoding)",
               ">= 30 x", bare / student >= 30),
        many_devices(repeats, list(models.values()), many[:100_000]),
    ]  # fmt: skip


def many_devices(repeats: int, models: list[CostModel], ops: Any) -> Figure:
    """All devices in one pass: against one after the other."""
    from archcost.models import predict_many

    one_by_one, together = best_times(
        max(3, repeats // 3),
        lambda: [model.predict(ops) for model in models],
        lambda: predict_many(ops, models),
    )
    return Figure(
        "batch", f"predict_many, all {len(models)} FBNet costs", together / len(ops),
        f"{one_by_one / together:.1f} x as fast as one after the other",
    )  # fmt: skip


def cells_in_batches(repeats: int) -> list[Figure]:
    """NAS-Bench-201 by index: against a bare gather."""
    model = archcost.load("raspi4")
    table = model.compile().means.copy()
    indices = np.random.default_rng(3).integers(CELLS.size, size=N_BATCH)
    ops = CELLS.all_ops[indices]
    bare, ours, by_ops = best_times(
        repeats, lambda: np.take(table, indices), lambda: model.predict_index(indices),
        lambda: model.predict(ops),
    )  # fmt: skip
    return [
        Figure("batch", "numpy.take on 15,625 costs", bare / N_BATCH),
        Figure("batch", "NAS-Bench-201, predict_index", ours / N_BATCH,
               f"{bare / ours:.2f} x the rate", ">= 0.5 x", bare / ours >= 0.5),
        Figure("batch", "NAS-Bench-201, op arrays", by_ops / N_BATCH, f"{bare / by_ops:.2f} x"),
    ]  # fmt: skip


def whole_spaces(repeats: int) -> list[Figure]:
    """Time a scan and a Pareto front; they have no rival."""
    from archcost.search.limits import Limit
    from archcost.search.quantities import PredictedCost
    from archcost.search.scan_engines import on_threads
    from archcost.search.scan_progress import scan
    from archcost.search.scan_scores import work_score
    from archcost.search.scanning import ScanPlan

    limit = Limit(PredictedCost(archcost.load("raspi4", space="fbnet")), 20.0)
    plan = ScanPlan(NETS, work_score("flops", NETS), (limit,), count=8_000_000)
    costs = np.random.default_rng(4).random((100_000, 3))
    ids = np.ones(plan.count * NETS.n_positions, dtype=np.int8).view(np.int64)
    parts = np.array_split(ids, len(CORES))
    with ThreadPoolExecutor(len(CORES)) as threads:
        scanned, front, read = best_times(
            max(1, repeats // 10),
            lambda: scan(plan, on_threads(len(CORES))),
            lambda: pareto_front(costs),
            lambda: list(threads.map(np.bitwise_or.reduce, parts)),
        )
    rate = plan.count / scanned
    return [
        Figure("batch", "archcost scan (draw, two costs, best 1000)", scanned / plan.count,
               f"{rate / 1e6:.1f} million a second"),
        Figure("batch", "reading an architecture's 22 bytes from memory", read / plan.count,
               f"the scan has {read / scanned:.2f} x its rate", ">= 0.33 x",
               read / scanned >= 0.33),
        Figure("batch", "pareto_front, 100,000 x 3", front / len(costs), f"{front:.2f} s in all"),
    ]  # fmt: skip


def main() -> None:
    """Measure everything, then write the page and its plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few repeats; writes nothing")
    quick = parser.parse_args().quick
    repeats = 5 if quick else 60
    os.sched_setaffinity(0, CORES[:1])
    with threadpool_limits(1):  # what runs on threads here brings its own
        figures = [*cells_one_by_one(repeats), *cells_in_batches(repeats)]
        os.sched_setaffinity(0, CORES)
        figures += [*networks(repeats), *whole_spaces(repeats)]
    figures += processes(min(repeats, 25))
    speed = Speed(tuple(figures), n_cores=len(CORES))
    print(speed.table())
    if not quick:
        write_page(speed, Path(__file__).parent.parent / "docs")


if __name__ == "__main__":
    main()
