"""Stop a writing command at a random moment, then run it again."""

import signal
import subprocess
from pathlib import Path

import numpy as np
from robustness_commands import COMMANDS, SECONDS, TYPICAL_S, check_place, start, succeed, workplace
from robustness_fault import FaultError

START_S = 6.0
"""About how long a fresh interpreter takes to import what a command needs."""
N_EXPORTED = 4
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def attack(seed: int, folder: Path) -> str:
    """Stop one command in a workplace, with or without a store of MLflow; run it to its end."""
    rng = np.random.default_rng(seed)
    name = list(COMMANDS)[seed % len(COMMANDS)]
    stop = SIGNALS[rng.integers(len(SIGNALS))]
    place = workplace(folder)
    if name in ("train", "transfer") and rng.random() < 0.5:
        (place / "mlflow.db").unlink()  # the first command of a folder makes it
    afresh = seed % 10 == 0
    process = start(COMMANDS[name], place, afresh=afresh)
    usual = SECONDS.get(COMMANDS[name], TYPICAL_S) + START_S * afresh
    try:
        process.communicate(timeout=rng.uniform(0, 1.2 * usual))
    except subprocess.TimeoutExpired:
        process.send_signal(stop)
    _, err = process.communicate()
    began = "cli/main.py" in err or process.returncode not in (1, -stop)
    if stop == signal.SIGINT and not began:  # Python says itself that its start was interrupted
        process.returncode, err = -stop, ""
    ended = "in time" if process.returncode == 0 else stop.name
    if process.returncode not in (0, -stop, 130) or (ended != "in time" and "Traceback" in err):
        raise FaultError(f"{name} after {stop.name}: {process.returncode}, {err[-300:]}")
    exported = place / "exported"
    written = exported.exists() and not (exported / ".unfinished").exists()
    if name == "export" and written and any(exported.iterdir()):  # it is not written again
        if len(list((exported / "models").iterdir())) != N_EXPORTED:
            raise FaultError(f"half an export after {stop.name}")
        return f"{name} {ended}"
    succeed(COMMANDS[name], place)
    if name not in ("train", "transfer"):  # which may have begun without the old store
        check_place(place, tracked=name == "register")
    return f"{name} {ended}"
