"""What a process pays for archcost: imports, cold start, memory, loading."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from speed_page import Figure
from speed_timing import best_times

from archcost.models import CostModel, find_model, model_keys
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")


def process_time(command: list[str]) -> float:
    """Return the wall time of a process in seconds."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def python(code: str) -> str:
    """Return what a fresh Python prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def processes(repeats: int) -> list[Figure]:
    """Import, cold start, memory, loading, and what is imported."""
    commands = {
        "numpy": [sys.executable, "-c", "import numpy"],
        "archcost": [sys.executable, "-c", "import archcost"],
        "command": [str(Path(sys.executable).with_name("archcost")), "predict", "1462",
                    "--device", "raspi4"],
    }  # fmt: skip
    shortest = dict.fromkeys(commands, float("inf"))
    for _ in range(repeats):
        for name, command in commands.items():
            shortest[name] = min(shortest[name], process_time(command))
    imported, command = (shortest[n] / shortest["numpy"] for n in ("archcost", "command"))
    figures = [
        Figure("process", 'python -c "import numpy"', shortest["numpy"]),
        Figure("process", 'python -c "import archcost"', shortest["archcost"],
               f"{imported:.2f} x", "<= 1.5 x", imported <= 1.5),
        Figure("process", "archcost predict, cold", shortest["command"],
               f"{command:.2f} x", "<= 3 x", command <= 3),
    ]  # fmt: skip
    # Not resource.getrusage: a new process begins with the peak of the one that started it.
    peak = "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    bare = int(python(f"import numpy; {peak}"))
    for space, arch in ((CELLS, CELLS.format(7)), (NETS, NETS.format([1] * 22))):
        asked = [(k.device, k.metric, k.dataset) for k in model_keys() if k.space == space.name]
        code = (
            f"import archcost\nfor device, metric, dataset in {asked!r}:\n"
            f"    archcost.predict({arch!r}, device, metric, dataset=dataset)\n{peak}"
        )
        more = (int(python(code)) - bare) / 1024
        figures.append(
            Figure("memory", f"after predicting all {len(asked)} costs of {space.name}", None,
                   f"{more:.0f} MiB over numpy", "<= 60 MiB", more <= 60)
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        peaks = [
            int(
                python(
                    "from archcost.cli.main import main\n"
                    "main(['scan', '--space', 'fbnet', '--device', 'raspi4', '--quiet', "
                    f"'--max-latency-ms', '20', '--count', '{count}', "
                    f"'--out', '{folder}/scan.parquet'])\n{peak}"
                ).splitlines()[-1]
            )
            for count in (1_000_000, 50_000_000)
        ]
    grown = (peaks[1] - peaks[0]) / 1024
    figures.append(
        Figure("memory", "archcost scan of 50 million instead of 1 million", None,
               f"{grown:+.0f} MiB of {peaks[0] / 1024:.0f}", "constant", abs(grown) < 20)
    )  # fmt: skip
    folders = [find_model(key) for key in model_keys()]
    slowest = max(
        best_times(3, lambda folder=folder: CostModel.load(folder).compile())[0]
        for folder in folders
    )
    figures.append(
        Figure("process", f"load and compile, slowest of {len(folders)} models", slowest,
               f"{slowest * 1e3:.1f} ms", "< 50 ms", slowest < 0.05)
    )  # fmt: skip
    heavy = "{'torch', 'mlflow', 'sklearn', 'pandas', 'xgboost', 'lightgbm', 'scipy', 'pyarrow'}"
    loaded = python(
        f"import sys, archcost\narchcost.predict(7, 'raspi4')\nprint(*({heavy} & set(sys.modules)))"
    )
    figures.append(
        Figure("memory", "of torch, mlflow, sklearn, pandas, ... after a prediction", None,
               loaded or "none is imported", "none", not loaded)
    )  # fmt: skip
    return figures
