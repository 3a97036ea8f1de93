"""Figures of a CUDA GPU: the eager runtime, predictions of tensors, and an expected cost.

    python benchmarks/gpu.py --out gpu.json

It needs torch, numpy and what `archcost.predict` needs (no MLflow, no ONNX); run it where archcost
is installed, or from a checkout, which it puts on the path under the name archcost by itself.
"""

import argparse
import importlib.util
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
N_ARCHS = 12
N_ROUNDS = 5
N_BATCH = 1_000_000


def find_archcost():
    """Import archcost, if it is not installed from the folders of the checkout."""
    if importlib.util.find_spec("archcost") is not None:
        return
    api = ROOT / "api"
    spec = importlib.util.spec_from_file_location(
        "archcost", api / "__init__.py", submodule_search_locations=[str(api), str(ROOT)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["archcost"] = module
    spec.loader.exec_module(module)


def main():
    """Measure, and write what was measured with the name of the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--target", choices=["cuda", "cpu"], default="cuda", help="cpu: to try it")
    arguments = parser.parse_args()
    find_archcost()
    is_gpu = arguments.target == "cuda"
    figures = {
        "card": torch.cuda.get_device_name() if is_gpu else "none",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "runtime": [
            line
            for space in ("nasbench201", "fbnet")
            for batch_size in (1, 64)
            for line in eager(space, batch_size, arguments.target)
        ],
        "predict": [
            tensor_predictions(name, arguments.target) for name in ("fbnet", "nasbench201")
        ],
        "expected_cost": expected_cost(arguments.target),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps({**figures, "runtime": f"{len(figures['runtime'])} networks"}, indent=1))


def eager(space_name, batch_size, target):
    """Yield latencies of some networks, in interleaved rounds, and how well the rounds agree."""
    from archcost.measuring.torch_eager import TorchEager
    from archcost.spaces import get_space

    space, runtime = get_space(space_name), TorchEager(target, batch_size)
    dataset = space.default_dataset
    archs = space.sample(N_ARCHS, seed=0)
    loaded = [runtime.load(space, ops, dataset, threads=1) for ops in archs]
    rounds = np.empty((N_ROUNDS, N_ARCHS))
    for number in range(N_ROUNDS):
        for place, infer in enumerate(loaded):
            infer()
            infer()
            rounds[number, place] = np.median([infer() for _ in range(10)])
    for ops, latencies_ms in zip(archs, rounds.T, strict=True):
        yield {
            "runtime": runtime.name, "space": space_name, "dataset": dataset,
            "arch": space.format(ops), "latency_ms": float(np.median(latencies_ms)),
            "spread_ms": float(np.ptp(latencies_ms)),
        }  # fmt: skip


def tensor_predictions(space_name, target):
    """Time a prediction of many op ids on the device, and compare it with numpy's."""
    import archcost

    model = archcost.load("raspi4", space=space_name)
    space = model.space
    ops = space.draw(N_BATCH, np.random.default_rng(0))
    tensor = torch.from_numpy(ops).to(target)
    found = model.predict(tensor)
    seconds = best_of(lambda: model.predict(tensor), target)
    numpy_seconds = best_of(lambda: model.predict(ops), "cpu")
    error = np.abs(found.cpu().numpy() / model.predict(ops) - 1).max()
    return {
        "space": space_name, "n_archs": N_BATCH, "device": str(found.device), "seconds": seconds,
        "numpy_seconds": numpy_seconds, "largest_relative_error": float(error),
    }  # fmt: skip


def expected_cost(target):
    """Time an expected cost and its gradient, and compare it with numpy's."""
    import archcost

    model = archcost.load("raspi4", space="fbnet")
    weights = torch.randn(22, 9, device=target, dtype=torch.float64, requires_grad=True)

    def step():
        weights.grad = None
        cost = model.expected_cost(torch.softmax(weights, dim=-1))
        cost.backward()
        return cost

    cost = step()
    plain = model.expected_cost(torch.softmax(weights, dim=-1).detach().cpu().numpy())
    return {
        "device": str(cost.device), "seconds": best_of(step, target), "latency_ms": cost.item(),
        "relative_error": abs(cost.item() / float(plain) - 1),
        "gradient_norm": float(weights.grad.norm()),
    }  # fmt: skip


def best_of(call, target, repeats=10):
    """Return the seconds of the fastest call, the device's work included."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        if target == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
