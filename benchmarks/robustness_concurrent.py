"""Run sixteen commands at once in one folder."""

from pathlib import Path

import numpy as np
from robustness_commands import COMMANDS, check_place, start, succeed, workplace
from robustness_fault import FaultError

PROCESSES = 16
SHARED = ("train", "transfer", "register")
READING = ("devices --space nasbench201", "predict 7 --device my_board", "compare")


def attack(seed: int, folder: Path) -> str:
    """Start commands that share models and store, all at once; half of the folders are fresh."""
    rng = np.random.default_rng(seed)
    place = workplace(folder)
    fresh = seed % 2 == 0
    if fresh:
        (place / "mlflow.db").unlink()
        words = [COMMANDS["train"]] * PROCESSES
    else:
        choices = [*(COMMANDS[name] for name in SHARED), *READING]
        words = [choices[rng.integers(len(choices))] for _ in range(PROCESSES)]
    processes = [start(each, place) for each in words]
    for each, process in zip(words, processes, strict=True):
        _, err = process.communicate()
        if process.returncode != 0 or "Traceback" in err or "warning" in err:
            raise FaultError(f"`{each}` among {PROCESSES}: {process.returncode}, {err[-300:]}")
    check_place(place)
    succeed("register --device my_board", place)
    return "sixteen first trains" if fresh else "sixteen mixed"
