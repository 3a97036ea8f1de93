"""Let a writing command run out of space."""

from pathlib import Path

import numpy as np
from robustness_commands import COMMANDS, check_place, start, succeed, workplace
from robustness_fault import FaultError

MESSAGE = 1000
"""Bytes that are always left, as what a command says goes to a file as well."""
SMALLEST, LARGEST = 1e2, 2e6
"""Bounds of the size in bytes at which files stop growing, which stands in for a full disk."""


def attack(seed: int, folder: Path) -> str:
    """Run one command whose files may not grow beyond a random size, then run it freely."""
    rng = np.random.default_rng(seed)
    name = list(COMMANDS)[seed % len(COMMANDS)]
    limit = max(MESSAGE, int(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))))
    place = workplace(folder)
    process = start(COMMANDS[name], place, max_bytes=limit)
    _, err = process.communicate(timeout=600)
    if process.returncode not in (0, 2) or "Traceback" in err:
        raise FaultError(f"{name} with {limit} bytes: {process.returncode}, {err[-300:]}")
    said = [line for line in err.splitlines() if line.startswith("archcost:")]
    if process.returncode == 2 and not said:
        raise FaultError(f"{name} with {limit} bytes failed without a reason: {err[-300:]}")
    tracked = name in ("train", "transfer", "register")
    check_place(place, tracked=tracked)
    if name != "export" or process.returncode != 0:  # a folder that is whole is not written again
        succeed(COMMANDS[name], place)
    check_place(place, tracked=tracked)
    return f"{name} {'refused' if process.returncode else 'went on' if said else 'had space'}"
