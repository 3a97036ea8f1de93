"""Measure networks on this device; archcost export copies this file beside them.

python3 run_models.py          measures all of manifest.csv in rounds and writes results.csv
python3 run_models.py MODEL    measures one file and prints {"latency_ms": ...}

Wall time and CPU time of this process are taken both. With one thread the latency is the CPU time,
which does not count what other processes do; --clock wall chooses the other, at any time.

Needs Python 3.7 or newer, numpy, and for .onnx files onnxruntime; for .tflite files ai_edge_litert,
tflite_runtime or tensorflow. Each measurement is appended to visits.csv (round, file, wall_ms,
cpu_ms, status, temperature_c) at once: after Ctrl-C or a crash the same command goes on with the
next one, and more --rounds extend what is there. A network has failed if no round of it was
completed. Move visits.csv away before measuring with other --threads.

temperature_c is that of the hottest sensor before the visit, in degrees Celsius, where Linux or
psutil shows one; --max-temperature waits until the device is no warmer.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
from collections import defaultdict
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

import numpy as np

VISIT = ["round", "file", "wall_ms", "cpu_ms", "status", "temperature_c"]
RESULT = ["latency_ms", "latency_std_ms", "n_repeats", "status", "wall_ms", "cpu_ms"]
RUNS = 5  # after one to warm up; the fastest counts
LITERT = ("ai_edge_litert", "tflite_runtime", "tensorflow.lite.python")


def runtime_for(path: Path) -> Any:
    """Import the first runtime for a kind of file that is installed."""
    onnx = path.suffix == ".onnx"
    names = ["onnxruntime"] if onnx else [f"{package}.interpreter" for package in LITERT]
    for name in names:
        with suppress(ImportError):
            return import_module(name)
    raise SystemExit(f"{path} needs one of the packages {[n.split('.')[0] for n in names]}")


def load(path: Path, threads: int) -> Any:
    """Return a function that runs the network once on the CPU."""
    runtime, rng = runtime_for(path), np.random.default_rng(0)
    if path.suffix == ".onnx":
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        session = runtime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        image = {i.name: rng.normal(size=i.shape).astype("f") for i in session.get_inputs()}
        return lambda: session.run(None, image)
    network = runtime.Interpreter(str(path), num_threads=threads)
    network.allocate_tensors()
    for i in network.get_input_details():
        network.set_tensor(i["index"], rng.integers(-128, 128, i["shape"]).astype(i["dtype"]))
    return network.invoke


def fastest_ms(path: Path, threads: int) -> Any:
    """Load a network, warm up, and return the fastest of some runs in wall and in CPU time."""
    run, times_s = load(path, threads), []
    for _ in range(1 + RUNS):
        start = [perf_counter(), process_time()]
        run()
        times_s.append(np.subtract([perf_counter(), process_time()], start))
    return np.min(times_s[1:], axis=0) * 1000


def temperature_c() -> float | None:
    """Return the highest temperature of a sensor, None if there is none."""
    found = []
    for zone in Path("/sys/class/thermal").glob("thermal_zone*/temp"):
        with suppress(OSError, ValueError):
            found.append(int(zone.read_text()) / 1000)
    with suppress(Exception):  # psutil may be missing, or find no sensor
        sensors = import_module("psutil").sensors_temperatures()
        found += [entry.current for entries in sensors.values() for entry in entries]
    # Others are of sensors that are not connected.
    return max((value for value in found if value and 1 < value < 150), default=None)


def cool_down(most_c: float | None) -> str:
    """Wait until the device is cool enough; return the cell of its temperature, if it is known."""
    now_c = temperature_c()
    if most_c is not None and now_c is None:
        raise SystemExit("--max-temperature needs a temperature sensor, but none can be read here")
    while most_c is not None and now_c is not None and now_c > most_c:
        sleep(1)
        now_c = temperature_c()
    return "" if now_c is None else f",{now_c:.1f}"


def read_csv(path: Path, columns: list[str] | None = None) -> list[dict[str, str]]:
    """Return the rows of a file, with a header if no columns are given."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file, columns))


def measure_all(
    folder: Path, rounds: int, threads: int, clock: str, most_c: float | None = None
) -> None:
    """Visit the networks in rounds, each in another order; write the results after each."""
    files = [row["file"] for row in read_csv(folder / "manifest.csv")]
    runtime_for(folder / files[0])  # if there is none, stop before a visit is lost
    with (folder / "visits.csv").open("a") as log:
        visited = {(v["round"], v["file"]) for v in read_csv(folder / "visits.csv", VISIT)}
        for number in range(1, rounds + 1):
            order = random.Random(number).sample(files, len(files))
            for file in [f for f in order if (str(number), f) not in visited]:
                warmth = cool_down(most_c)
                # Each visit ends the line of the one before: an interrupted one has no status.
                print(f"\n{number},{file}", end=",", file=log, flush=True)
                try:
                    outcome = "{:.6f},{:.6f},ok".format(*fastest_ms(folder / file, threads))
                except Exception as error:  # the others must go on
                    outcome = f",,{type(error).__name__}"
                    print(error)
                print(outcome + warmth, end="", file=log, flush=True)
                print(f"round {number} of {rounds}: {file} {outcome}", flush=True)
            write_results(folder, clock)


def write_results(folder: Path, clock: str) -> None:
    """Write the median of each network's rounds, as far as they have come, on both clocks."""
    times_ms = defaultdict(list)
    for visit in read_csv(folder / "visits.csv", VISIT):
        if visit["status"] == "ok":
            times_ms[visit["file"]].append([float(visit["wall_ms"]), float(visit["cpu_ms"])])
    with (folder / "results.csv").open("w", newline="") as results:
        rows = csv.writer(results)
        rows.writerow(["arch", *RESULT, "clock"])
        for row in read_csv(folder / "manifest.csv"):
            result: list[Any] = ["", "", 0, "failed", "", ""]
            if row["file"] in times_ms:
                ms = np.array(times_ms[row["file"]])
                both, std = np.median(ms, 0), np.std(ms, 0)
                place = ["wall", "cpu"].index(clock)
                result = [both[place], std[place], len(ms) * RUNS, "ok", *both]
            rows.writerow([row["arch"], *result, clock])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("model", nargs="?", type=Path, help="one file (default: all)")
    parser.add_argument("--rounds", type=int, default=10, help="default: 10")
    parser.add_argument("--threads", type=int, default=1, help="default: 1")
    parser.add_argument("--clock", choices=["cpu", "wall"], help="default: cpu with 1 thread")
    parser.add_argument("--max-temperature", type=float, metavar="CELSIUS", dest="most_c")
    args = parser.parse_args()
    counts = args.threads == 1 and os.name != "nt"  # Windows counts CPU time in steps of 16 ms
    clock = args.clock or ("cpu" if counts else "wall")
    if clock == "cpu" and not counts:
        parser.error("--clock cpu must go with --threads 1, and not on Windows; use wall")
    if args.model:
        wall_ms, cpu_ms = fastest_ms(args.model, args.threads)
        chosen_ms = cpu_ms if clock == "cpu" else wall_ms
        both = {"clock": clock, "wall_ms": wall_ms, "cpu_ms": cpu_ms}
        print(json.dumps({"latency_ms": chosen_ms, **both}))
    else:
        measure_all(Path(__file__).parent, args.rounds, args.threads, clock, args.most_c)
