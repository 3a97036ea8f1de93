"""Measure networks on this device; archcost export copies this file beside them.

python3 run_models.py            measure all of manifest.csv in rounds and write results.csv
python3 run_models.py MODEL      measure one file and print {"latency_ms": ...}

It needs Python 3.7 or newer, numpy, and for .onnx onnxruntime; for .tflite ai_edge_litert,
tflite_runtime or tensorflow. Each measurement goes to visits.txt at once: after Ctrl-C, a crash or
a power cut the same command goes on where it was. More --rounds extend what is finished.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Visits = dict[tuple[int, str], list[str]]

RUNTIMES = {
    ".onnx": ["onnxruntime"],
    ".tflite": [
        "ai_edge_litert.interpreter",
        "tflite_runtime.interpreter",
        "tensorflow.lite.python.interpreter",
    ],
}
DIED = "died"


def runtime_for(path: Path) -> Any:
    """Return the first runtime for a kind of file that is installed here."""
    names = RUNTIMES.get(path.suffix, [])
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    packages = [name.split(".")[0] for name in names]
    return sys.exit(f"{path.name}: running {path.suffix} files needs one of {packages}")


def load(path: Path, threads: int) -> Callable[[], Any]:
    """Return a function that runs the network once on the CPU."""
    runtime, rng = runtime_for(path), np.random.default_rng(0)
    if path.suffix == ".onnx":
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        image = {i.name: rng.standard_normal(i.shape).astype("f") for i in session.get_inputs()}
        return lambda: session.run(None, image)
    interpreter = runtime.Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    for i in interpreter.get_input_details():
        shape, kind = i["shape"], i["dtype"]
        is_int = np.issubdtype(kind, np.integer)
        values = rng.integers(-128, 128, shape) if is_int else rng.standard_normal(shape)
        interpreter.set_tensor(i["index"], values.astype(kind))
    return lambda: interpreter.invoke()


def fastest_ms(path: Path, args: argparse.Namespace) -> float:
    """Load a network, warm up, and return the fastest of some runs."""
    run, times_ms = load(path, args.threads), []
    for _ in range(args.warmup + args.runs):
        start = time.perf_counter()
        run()
        times_ms.append((time.perf_counter() - start) * 1e3)
    return min(times_ms[args.warmup :])


def read_visits(path: Path, setup: str) -> Visits:
    """Return what came of each round and file so far; a line without an end died there."""
    text = path.read_text() if path.exists() else ""
    missing = setup if not text else "" if text.endswith("\n") else DIED
    if missing:
        with path.open("a") as log:
            log.write(missing + "\n")
    first, *lines = (text + missing).splitlines()
    if first != setup:
        sys.exit(f"{path} was begun with {first!r}, now it is {setup!r}; move the file away")
    visits: Visits = {}
    for words in (line.split(" ", 2) for line in lines):
        if len(words) == 3:
            outcome = DIED if words[2].endswith(DIED) else words[2]
            visits.setdefault((int(words[0]), words[1]), []).append(outcome)
    return visits


def measure_all(folder: Path, args: argparse.Namespace) -> None:
    """Visit the networks in rounds, each in another order, and write the results."""
    with (folder / "manifest.csv").open(newline="") as manifest:
        archs = {row["file"]: row["arch"] for row in csv.DictReader(manifest)}
    if not archs:
        sys.exit(f"{folder / 'manifest.csv'} lists no network")
    runtime = import_module(runtime_for(Path(min(archs))).__name__.split(".")[0])
    setup = (
        f"{runtime.__name__} {getattr(runtime, '__version__', '')}, {args.threads} threads, "
        f"the fastest of {args.runs} runs after {args.warmup}"
    )
    visits = read_visits(folder / "visits.txt", setup)
    todo = [
        (number, file)
        for number in range(args.rounds)
        for file in random.Random(number).sample(sorted(archs), len(archs))
    ]
    # What died is tried once more, after all the others.
    todo = [v for v in todo if v not in visits] + [v for v in todo if visits.get(v) == [DIED]]
    print(f"{setup}\n{len(archs)} networks, {len(todo)} measurements to go", flush=True)
    begin = shown = time.time()
    try:
        with (folder / "visits.txt").open("a") as log:
            for done, (number, file) in enumerate(todo, 1):
                log.write(f"{number} {file} ")
                log.flush()
                try:
                    outcome = f"{fastest_ms(folder / file, args):.6f}"
                except Exception as error:  # one network that fails must not end the rest
                    outcome = " ".join(f"{type(error).__name__}: {error}".split())
                    print(file, outcome, flush=True)
                log.write(outcome + "\n")
                log.flush()
                visits.setdefault((number, file), []).append(outcome)
                if time.time() - shown > 10:
                    shown = time.time()
                    left = (shown - begin) / done * (len(todo) - done) / 60
                    print(f"{done} of {len(todo)}, {left:.0f} minutes to go", flush=True)
    finally:
        write_results(folder / "results.csv", archs, visits, args.runs)


def write_results(path: Path, archs: dict[str, str], visits: Visits, runs: int) -> None:
    """Write the mean of the middle half of each network's rounds, as archcost measure does."""
    found_ms: dict[str, list[float]] = {}
    for (_, file), outcomes in visits.items():
        of_file = found_ms.setdefault(file, [])
        if outcomes[-1][0].isdigit():  # else an error
            of_file.append(float(outcomes[-1]))
    with path.open("w", newline="") as results:
        table = csv.writer(results)
        table.writerow(["arch", "latency_ms", "latency_std_ms", "n_repeats", "status"])
        for file, arch in archs.items():
            ms = sorted(found_ms.get(file, []))
            if ms:
                middle = ms[len(ms) // 4 : len(ms) - len(ms) // 4]
                latency_ms, std_ms = f"{np.mean(middle):.6f}", f"{np.std(ms):.6f}"
                table.writerow([arch, latency_ms, std_ms, len(ms) * runs, "ok"])
            else:
                table.writerow([arch, "", "", 0, "failed" if file in found_ms else "not_measured"])
    print(f"{path}: {sum(map(bool, found_ms.values()))} of {len(archs)} networks have a latency")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", type=Path, help="one file (default: manifest.csv)")
    for name, default in {"rounds": 10, "runs": 5, "warmup": 1, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default: {default}")
    args = parser.parse_args()
    if min(args.rounds, args.runs, args.threads, args.warmup + 1) < 1:
        parser.error("--rounds, --runs and --threads must be 1 or more, --warmup 0 or more")
    try:
        if args.model:
            print(json.dumps({"latency_ms": fastest_ms(args.model, args)}))
        else:
            measure_all(Path(__file__).parent, args)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
