"""Facts about this machine for the provenance of a measured table."""

from __future__ import annotations

import os
import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def describe_machine() -> dict[str, str | int]:
    """Return CPU model, cores, frequency governor and system; never a host or user name.

    Returns
    -------
    dict
        ``cpu``, ``cores``, ``governor`` (``"not readable"`` on most virtual machines) and
        ``system``.
    """
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "governor": _read(GOVERNOR) or "not readable",
        "system": f"{platform.system()} {platform.machine()}",
    }


def _cpu_model() -> str:
    """Return the CPU's name from the kernel, else from Python."""
    fields: dict[str, str] = {}
    for line in _read(CPUINFO).splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    known = [fields[key] for key in ("model name", "Model", "Hardware") if fields.get(key)]
    if not known:
        return platform.processor() or platform.machine()
    detail = [f"{key} {fields[key]}" for key in ("cpu family", "model") if fields.get(key)]
    return f"{known[0]} ({', '.join(detail)})" if detail else known[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
