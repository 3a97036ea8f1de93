"""The manifest of a saved model: what it is for, how it was made, and its files' hashes."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from archcost.datasets import CostKey, DeviceCard
from archcost.datasets.cost_key import dataset_id
from archcost.errors import ArchcostError, IntegrityError, MissingDataError, UnknownNameError
from archcost.spaces import get_space
from archcost.spaces.spaces import SHIPPED

MANIFEST = "manifest.json"
FORMAT = 2
"""Version of the folder's layout; a reader refuses a later one. The first had no fingerprint."""

MOST_BYTES = 2**24
"""Size of a manifest at most; those that are written have a few thousand bytes."""

CONTENTS = re.compile(r"(files-[0-9a-f]{16})?")
FILE_NAME = re.compile(r"\w[\w.-]*")
FILE_HASH = re.compile(r"[0-9a-f]{64}")


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
        The name by which ``archcost.predictors.get_predictor`` finds it.
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
        SHA-256 of every other file.
    contents : str
        Subfolder that holds the other files; empty where they lie beside the manifest.
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
    contents: str = ""

    def to_json(self) -> str:
        """Return the manifest as JSON; unit, fingerprint of the space and own hash included."""
        content = {
            "format": FORMAT,
            **asdict(self),
            "key": str(self.key),
            "unit": self.key.unit,
            "fingerprint": get_space(self.key.space).fingerprint,
        }
        content["sha256"] = _content_hash(content)
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read and check the manifest of a model folder.

        Raises
        ------
        MissingDataError
            If the folder holds no manifest, or the search space of its model is not at hand.
        IntegrityError
            If the manifest was changed, truncated or written by a later version, or if it is that
            of another model than the folder's name says.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise MissingDataError(
                f"a model folder must hold {MANIFEST}, but {folder} has none; "
                "make one with `archcost train` or CostModel.save"
            )
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
            content = json.loads(path.read_bytes())
            version = content.pop("format")
            if type(version) is not int or version < 1:
                raise ValueError(f"format {version!r}")
            if version > FORMAT:
                raise IntegrityError(
                    f"{path} has format {version}, but this archcost reads up to {FORMAT}; "
                    "upgrade archcost"
                )
            claimed = content.pop("sha256")
            actual = _content_hash({"format": version, **content})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise IntegrityError(f"{path} is damaged ({error}); save the model again") from None
        if claimed != actual:
            raise IntegrityError(
                f"{path} was changed after it was saved (its hash differs); save the model again"
            )
        try:
            return cls._checked(content, folder)
        except (ArchcostError, AttributeError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, MissingDataError):
                raise
            raise IntegrityError(
                f"{path} does not fit this archcost: {error}; save or install the model again"
            ) from None

    @classmethod
    def _checked(cls, content: dict[str, Any], folder: Path) -> Self:
        """Return the manifest of what was read, once it is known to be of this folder's model."""
        unit, fingerprint = content.pop("unit"), content.pop("fingerprint", None)
        key = _key_of_space_at_hand(content.pop("key"), folder)
        check_folder_name(folder, key)
        if unit != key.unit:
            raise IntegrityError(f"the unit of {key.metric} must be {key.unit}, but is {unit!r}")
        known = get_space(key.space).fingerprint
        if fingerprint != known and (fingerprint is not None or key.space not in SHIPPED):
            raise IntegrityError(
                f"the positions and ops of {key.space} must be those that the model learned, "
                f"fingerprint {known}, but its fingerprint is {fingerprint!r}"
            )
        manifest = cls(key=key, device=DeviceCard(**content.pop("device")), **content)
        manifest._check_fields()
        return manifest

    def _check_fields(self) -> None:
        if self.device.id != self.key.device:
            raise IntegrityError(f"the card must be that of {self.key}, but is of {self.device.id}")
        for name in ("params", "training", "scores", "versions", "files"):
            if not isinstance(getattr(self, name), dict):
                raise IntegrityError(f"{name} must be a mapping, but is {getattr(self, name)!r}")
        if not isinstance(self.predictor, str) or not isinstance(self.compiled, str | None):
            raise IntegrityError("predictor and compiled must be names")
        learned = self.params.get("dataset") or self.key.dataset
        if dataset_id(self.key.space, learned) != self.key.dataset:
            raise IntegrityError(f"the predictor's dataset must be {self.key.dataset}: {learned}")
        if not self.files:
            raise IntegrityError("files must name the model's files, but is empty")
        for name, digest in self.files.items():
            if not FILE_NAME.fullmatch(name) or not FILE_HASH.fullmatch(digest):
                raise IntegrityError(f"files must map names to hashes, but has {name!r}: {digest}")
        if not CONTENTS.fullmatch(self.contents):
            raise IntegrityError(f"contents must be files-... or empty, but is {self.contents!r}")


def check_folder_name(folder: Path, key: CostKey) -> None:
    """Check that a folder does not bear the name of another model's key.

    Raises
    ------
    IntegrityError
        If it does.
    """
    if folder.name != str(key) and _is_key(folder.name):
        raise IntegrityError(
            f"a model's folder must bear the name of its key, but {folder} is to hold a model of "
            f"{key}; name it {key}"
        )


def _key_of_space_at_hand(text: str, folder: Path) -> CostKey:
    space = text.partition("-")[0]
    try:
        get_space(space)
    except UnknownNameError as error:
        raise MissingDataError(
            f"{folder} holds a model of the search space {space}, which is not at hand ({error}); "
            "give the space, such as space='my_space.py:MySpace', or register it"
        ) from None
    return CostKey.parse(text)


def _is_key(name: str) -> bool:
    try:
        CostKey.parse(name)
    except UnknownNameError:
        return False
    return True


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(folder: Path, files: Mapping[str, str]) -> None:
    """Check that every file is in `folder` and has the hash that the manifest names.

    Raises
    ------
    IntegrityError
        If a file is missing or was changed.
    """
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise IntegrityError(
                f"a model file is missing: {path}; load the model again if it was replaced "
                "meanwhile, else save or install it again"
            )
        if file_hash(path) != expected:
            raise IntegrityError(
                f"{path} was changed after it was saved (its hash differs from {MANIFEST}); "
                "save or install the model again"
            )


def _content_hash(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
