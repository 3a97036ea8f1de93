"""Accelerators to simulate, each described by a TOML file that a user can copy and edit."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archcost.datasets.cost_key import check_device_id
from archcost.datasets.devices import DEVICES
from archcost.errors import ArchcostError, MissingDataError, check_name
from archcost.plugins import is_reference

FOLDER = Path(__file__).resolve().parent / "accelerators"
SUFFIX = ".toml"
ABOUT = ("simulator", "name", "description", "source")
"""The keys that every description has; what else it has is up to its simulator."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """An accelerator as its description file has it.

    Parameters
    ----------
    id : str
        The stem of the file; the device id in tables and models.
    simulator : str
        What computes its costs, such as ``"zigzag"`` or ``"my_simulator.py:MySimulator"``.
    name, description, source : str
        The accelerator in words, and where its figures come from.
    settings : mapping
        All other keys; the simulator checks and uses them.
    folder : Path, optional
        Where a simulator's file is looked for: the folder of the description.
    """

    id: str
    simulator: str
    name: str
    description: str
    source: str
    settings: Mapping[str, Any]
    folder: Path = Path()

    @property
    def simulator_path(self) -> str:
        """The simulator, with the folder where it is the reference of a file."""
        return str(self.folder / self.simulator) if is_reference(self.simulator) else self.simulator

    @property
    def sha256(self) -> str:
        """Hash of what decides the costs: simulator and settings, not the words."""
        decisive = json.dumps([self.simulator, self.settings], sort_keys=True)
        return hashlib.sha256(decisive.encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Return the whole description as JSON data, for the provenance of a table."""
        return {key: getattr(self, key) for key in ("id", *ABOUT)} | dict(self.settings)


def accelerators() -> dict[str, Path]:
    """Return the description files that ship with the package, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}


def load_accelerator(name: str | Path) -> Accelerator:
    """Read an accelerator that ships, by name, or a description file of your own.

    Parameters
    ----------
    name : str or Path
        Such as ``"eyeriss_like"`` or ``"my_npu.toml"``.

    Returns
    -------
    Accelerator
        The description; its settings are checked by its simulator (``Simulator.check``).

    Raises
    ------
    UnknownNameError
        If there is no accelerator of that name, or the file's name is no device id.
    MissingDataError
        If there is no such file.
    ArchcostError
        If the file is no TOML, lacks one of the keys that all have, or takes the name of another
        device.
    """
    shipped = accelerators()
    if isinstance(name, str) and Path(name).suffix != SUFFIX:
        return _read(shipped[check_name("accelerator", name, shipped)])
    path = Path(name)
    accelerator = _read(path)
    device = DEVICES.get(accelerator.id)
    if device is not None and accelerator.id not in shipped:
        raise ArchcostError(
            f"a description file must not be named like a known device, but {path} takes the "
            f"id of {device.name!r} by {device.source}; rename it, such as to "
            f"{accelerator.id}_like{SUFFIX}"
        )
    if accelerator.id in shipped and accelerator.sha256 != _read(shipped[accelerator.id]).sha256:
        raise ArchcostError(
            f"a description file must not be named like another accelerator, but {path} differs "
            f"from the {accelerator.id!r} that ships; rename it, such as to my_{path.name}"
        )
    return accelerator


def _read(path: Path) -> Accelerator:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise MissingDataError(
            f"there is no description file {path}; 'archcost simulate --show eyeriss_like' prints "
            "one to begin with"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArchcostError(f"{path} must be a TOML file, but {error}") from None
    about = {}
    for key in ABOUT:
        about[key] = values.pop(key, None)
        if not isinstance(about[key], str) or not about[key].strip():
            raise ArchcostError(
                f"{key} in {path} must be a text in quotes, but got {about[key]!r}; every "
                f"description has the keys {list(ABOUT)}"
            )
    return Accelerator(id=check_device_id(path.stem), **about, settings=values, folder=path.parent)
