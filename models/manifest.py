"""The manifest of a saved model: what it is for, how it was made, and its files' hashes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchcostError, IntegrityError, MissingDataError

MANIFEST = "manifest.json"
FORMAT = 1
"""Version of the folder's layout; a reader refuses a later one."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a cost model besides its weights.

    Parameters
    ----------
    key : CostKey
        Space, device, metric and dataset.
    device : DeviceCard
        What the device is and how its costs came about.
    predictor : str
        Name of the predictor in ``archcost.predictors.PREDICTORS``.
    params : mapping
        Constructor parameters of the predictor, JSON values.
    training : mapping
        What it learned from: number of rows, hash of the table, kind of costs, seed.
    scores : mapping
        Held-out scores and their protocol (split, n, seed).
    versions : mapping of str to str
        Libraries that trained it.
    compiled : str or None
        Kind of the compiled form, if there is one.
    files : mapping of str to str
        SHA-256 of every other file in the folder.
    """

    key: CostKey
    device: DeviceCard
    predictor: str
    params: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    compiled: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the manifest as JSON, its own hash included."""
        content = {"format": FORMAT, **asdict(self), "key": str(self.key), "unit": self.key.unit}
        content["sha256"] = _content_hash(content)
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read and check the manifest of a model folder.

        Raises
        ------
        MissingDataError
            If the folder holds no manifest.
        IntegrityError
            If the manifest was changed, truncated, or written by a later version.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise MissingDataError(
                f"a model folder must hold {MANIFEST}, but {folder} has none; "
                "make one with `archcost train` or CostModel.save"
            )
        try:
            content = json.loads(path.read_bytes())
            if content["format"] > FORMAT:
                raise IntegrityError(
                    f"{path} has format {content['format']}, but this archcost reads up to "
                    f"{FORMAT}; upgrade archcost"
                )
            claimed = content.pop("sha256")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(f"{path} is damaged ({error}); save the model again") from None
        if claimed != _content_hash(content):
            raise IntegrityError(
                f"{path} was changed after it was saved (its hash differs); save the model again"
            )
        try:
            del content["format"], content["unit"]
            key = CostKey.parse(content.pop("key"))
            return cls(key=key, device=DeviceCard(**content.pop("device")), **content)
        except (ArchcostError, KeyError, TypeError) as error:
            raise IntegrityError(f"{path} does not fit this archcost: {error}") from None


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_files(folder: Path, files: Mapping[str, str]) -> None:
    """Check that every file is there and has the hash that the manifest names.

    Raises
    ------
    IntegrityError
        If a file is missing or was changed.
    """
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise IntegrityError(
                f"a model file is missing: {path}; save or install the model again"
            )
        if file_hash(path) != expected:
            raise IntegrityError(
                f"{path} was changed after it was saved (its hash differs from {MANIFEST}); "
                "save or install the model again"
            )


def _content_hash(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
