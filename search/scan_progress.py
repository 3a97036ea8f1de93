"""What a scan has found so far, kept in a file so that it can stop and go on."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from archcost.datasets.array_file import read_arrays
from archcost.datasets.whole_file import whole_file
from archcost.errors import ArchcostError, IntegrityError
from archcost.progress import progress_bar
from archcost.search.scan_engines import ScanEngine
from archcost.search.scanning import CHUNK, Found, ScanPlan, merge, nothing

SAVED_EVERY_S = 2.0


def scan(
    plan: ScanPlan, engine: ScanEngine, kept_in: Path | None = None, *, progress: bool = False
) -> Found:
    """Scan, and return the best architectures of all.

    The result depends on the plan alone: not on the engine, nor on how often the scan was
    stopped.

    Parameters
    ----------
    plan : ScanPlan
        What to scan.
    engine : ScanEngine
        Where to run.
    kept_in : pathlib.Path, optional
        File of what was found so far; the scan goes on from it if it is there. It is written
        every two seconds and when the scan is interrupted, always as a whole.
    progress : bool, default=False
        Show a progress bar on standard error.

    Returns
    -------
    Found
        The best architectures, best first.

    Raises
    ------
    ArchcostError
        If the file is of a scan with another plan.
    IntegrityError
        If the file is no scan's.
    """
    identity = plan.identity()
    done, found = 0, nothing(plan)
    if kept_in is not None and kept_in.exists():
        done, found = _read(kept_in, identity)
    saved = time.monotonic()
    bar = progress_bar(
        total=plan.total,
        initial=min(done * CHUNK, plan.total),
        unit=" arch",
        unit_scale=True,
        show=progress,
        desc="scanning",
    )
    steps = engine(plan, done)
    try:
        for next_chunk, more in steps:
            found = merge(plan, found, more)
            done = next_chunk
            bar.update(min(done * CHUNK, plan.total) - bar.n)
            bar.set_postfix(within=found.n_within, refresh=False)
            if kept_in is not None and time.monotonic() - saved > SAVED_EVERY_S:
                _write(kept_in, identity, done, found)
                saved = time.monotonic()
    except BaseException:
        if kept_in is not None:
            _write(kept_in, identity, done, found)
        raise
    finally:
        bar.close()
        steps.close()
    return found


def _write(path: Path, identity: dict[str, object], done: int, found: Found) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            identity=np.array(json.dumps(identity)),
            done=np.array(done),
            ops=found.ops,
            score=found.score,
            costs=found.costs,
            n_within=np.array(found.n_within),
        )


def _read(path: Path, identity: dict[str, object]) -> tuple[int, Found]:
    try:
        arrays = read_arrays(path)
        kept: dict[str, Any] = dict(json.loads(str(arrays["identity"])))
        found = Found(arrays["ops"], arrays["score"], arrays["costs"], int(arrays["n_within"]))
        done = int(arrays["done"])
    except (IntegrityError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise IntegrityError(
            f"{path} is not what a scan has kept ({error}); delete it to start anew"
        ) from None
    differs = [name for name, value in identity.items() if kept.get(name) != value]
    if differs:
        raise ArchcostError(
            f"{path} is of a scan with another {', '.join(differs)}; go on with the options it "
            "was begun with, choose another output, or delete it"
        )
    return done, found
