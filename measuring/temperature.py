"""The temperature of this machine, where a sensor can be read."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic, sleep

from archcost.errors import ArchcostError

LEAST_C, MOST_C = 1.0, 150.0
"""Readings outside are those of sensors that are not connected."""
POLL_S = 1.0
LONGEST_WAIT_S = 900.0
"""A machine that is not cooler after this long will not be."""


def read_temperature_c() -> float | None:
    """Return the highest temperature of a sensor of this machine in degrees Celsius, else None.

    Read with ``psutil``; most virtual machines, Windows and macOS show no sensor.
    """
    try:
        import psutil

        sensors = psutil.sensors_temperatures()
    except (ImportError, AttributeError, OSError, RuntimeError):
        return None
    found = [
        float(entry.current)
        for entries in sensors.values()
        for entry in entries
        if entry.current is not None and LEAST_C < entry.current < MOST_C
    ]
    return max(found, default=None)


def wait_until_cool(
    most_c: float,
    deadline: float = math.inf,
    *,
    read: Callable[[], float | None] = read_temperature_c,
    pause: Callable[[float], None] = sleep,
    clock: Callable[[], float] = monotonic,
) -> float | None:
    """Wait until the machine is no warmer than a limit; return its temperature.

    Parameters
    ----------
    most_c : float
        The limit in degrees Celsius.
    deadline : float
        Reading of `clock` after which not to wait any longer.
    read, pause, clock : callable
        The sensor, what waits, and what tells the time in seconds.

    Raises
    ------
    ArchcostError
        If no sensor can be read, or the machine is still too warm after a quarter of an hour.
    """
    begun = clock()
    while True:
        now_c = read()
        if now_c is None:
            raise ArchcostError(
                "--max-temperature needs a temperature sensor that psutil can read (pip install "
                "psutil; most virtual machines have none); leave it out here"
            )
        if now_c <= most_c or clock() >= deadline:
            return now_c
        if clock() - begun > LONGEST_WAIT_S:
            raise ArchcostError(
                f"the machine must cool down to {most_c:g} degrees Celsius, but after "
                f"{LONGEST_WAIT_S / 60:.0f} minutes it has {now_c:g}; give a higher "
                "--max-temperature; the same command goes on from here"
            )
        pause(POLL_S)
