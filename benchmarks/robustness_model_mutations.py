"""Change bytes, files and fields of saved models."""

import hashlib
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from robustness_fault import FaultError

from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchcostError
from archcost.models import CostModel, Manifest
from archcost.models.store import PRETRAINED
from archcost.predictors import PREDICTORS
from archcost.spaces import get_space

Rng = np.random.Generator
SHIPPED = ("nasbench201-raspi4-latency-cifar10", "fbnet-fpga-energy-cifar100")
OWN = (("fbnet", "xgboost"), ("fbnet", "gp"), ("nasbench201", "ridge"))
ODD = (None, 0, -1, 1e308, float("nan"), "", "x" * 1000, [], {}, {"a": 1}, True, "../../etc/passwd")


def attack(seed: int, folder: Path) -> str:
    """Change one thing about a copy of a model, load it, and ask it."""
    rng = np.random.default_rng(seed)
    originals = _originals(folder)
    original = originals[rng.integers(len(originals))]
    copy = folder / "copy" / original.name
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(original, copy)
    change = CHANGES[rng.integers(len(CHANGES))]
    changed = change(rng, copy)
    try:
        model = CostModel.load(changed)
        answers = _ask(model)
    except ArchcostError as error:
        if len(str(error)) < 20:
            raise FaultError(f"{change.__name__}: the error says too little: {error}") from None
        return "refused"
    if not np.allclose(answers, _answers(original), rtol=1e-9, atol=0):
        raise FaultError(f"{change.__name__} of {original.name}: another answer, no error")
    return "the same answers"


@cache
def _originals(folder: Path) -> tuple[Path, ...]:
    """Return folders of models of several kinds."""
    made = [PRETRAINED / name for name in SHIPPED]
    for space_name, predictor in OWN:
        space = get_space(space_name)
        ops = space.sample(60, seed=0)
        cost = 1.0 + (ops.astype(float) ** 2) @ np.linspace(0.1, 1.0, space.n_positions)
        fitted = PREDICTORS[predictor]().fit(ops, cost)
        key = CostKey(space_name, f"my_{predictor}", "latency", space.default_dataset)
        manifest = Manifest(key, DeviceCard(key.device, "mine"), predictor, fitted.get_params())
        model = CostModel(fitted, manifest)
        model.save(folder / "flat" / str(key))
        for _ in range(2):  # replaced, so that its files lie in a subfolder
            model.save(folder / "replaced" / str(key))
        made += [folder / kind / str(key) for kind in ("flat", "replaced")]
    return tuple(made)


@cache
def _answers(original: Path) -> npt.NDArray[np.float64]:
    return _ask(CostModel.load(original))


def _ask(model: CostModel) -> npt.NDArray[np.float64]:
    ops = model.space.sample(5, seed=1)
    costs, stds = model.predict(ops, return_std=True)
    return np.array([*costs, *stds, model.predict(ops[0].tolist())])


def _any_file(rng: Rng, folder: Path) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return files[rng.integers(len(files))]


def flipped_bit(rng: Rng, folder: Path) -> Path:
    """Flip a bit of a file."""
    path = _any_file(rng, folder)
    content = bytearray(path.read_bytes())
    content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)
    return folder


def changed_bytes(rng: Rng, folder: Path) -> Path:
    """Overwrite, insert or take out a few bytes of a file."""
    path = _any_file(rng, folder)
    content = path.read_bytes()
    start, length = int(rng.integers(len(content))), int(rng.integers(1, 20))
    inserted = b"" if rng.random() < 0.3 else rng.bytes(length)
    skipped = 0 if rng.random() < 0.3 else length
    path.write_bytes(content[:start] + inserted + content[start + skipped :])
    return folder


def shortened_file(rng: Rng, folder: Path) -> Path:
    """Cut a file's end off."""
    path = _any_file(rng, folder)
    content = path.read_bytes()
    path.write_bytes(content[: rng.integers(len(content))])
    return folder


def other_file(rng: Rng, folder: Path) -> Path:
    """Take a file away, or put another in its place."""
    path, other = _any_file(rng, folder), _any_file(rng, folder)
    content = other.read_bytes()
    path.unlink()
    if rng.random() < 0.7:
        path.write_bytes(content)
    return folder


def other_name(rng: Rng, folder: Path) -> Path:
    """Give the folder the name of another key, or a name that is none."""
    space, _, metric, dataset = folder.name.split("-")
    names = (
        f"{space}-pixel3-{metric}-{dataset}",
        f"{folder.name} (copy)",
        f"{space}-my_xgboost-{'energy' if metric == 'latency' else 'latency'}-{dataset}",
    )
    return folder.rename(folder.with_name(names[rng.integers(len(names))]))


def changed_field(rng: Rng, folder: Path) -> Path:
    """Change a field of the manifest; its hash does not fit any more."""
    return _with_field(rng, folder, hashed=False)


def lying_field(rng: Rng, folder: Path) -> Path:
    """Change a field of the manifest and its hash as well."""
    return _with_field(rng, folder, hashed=True)


def lying_numbers(rng: Rng, folder: Path) -> Path:
    """Put numbers that cannot be into the compiled form, with hashes that fit."""
    (path,) = [*folder.rglob("compiled.npz")] or [None]
    if path is None:
        return flipped_bit(rng, folder)
    with np.load(path) as arrays:
        content = dict(arrays)
    name = sorted(content)[rng.integers(len(content))]
    values = content[name]
    kind = rng.integers(4)
    if kind == 0:
        del content[name]
    elif kind == 1:
        content[name] = np.array(["no number"] * 3)
    elif kind == 2 and values.dtype.kind == "f":
        changed = np.array(values, dtype=values.dtype, ndmin=1)
        changed.flat[rng.integers(changed.size)] = rng.choice([np.nan, np.inf, -np.inf])
        content[name] = changed.reshape(values.shape)
    elif kind == 3 and name == "means":
        content[name] = values * rng.choice([0.0, -1.0])
    else:
        content[name] = np.zeros((2, 3, 4, 5))
    np.savez(path, **content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["compiled.npz"] = hashlib.sha256(path.read_bytes()).hexdigest()
    _write(folder, manifest, hashed=True)
    return folder


CHANGES: tuple[Callable[[Rng, Path], Path], ...] = (
    flipped_bit, changed_bytes, shortened_file, other_file, other_name, changed_field, lying_field,
    lying_numbers,
)  # fmt: skip


def _with_field(rng: Rng, folder: Path, *, hashed: bool) -> Path:
    manifest = json.loads((folder / "manifest.json").read_text())
    # Parameters are what the predictor was made with: nothing tells that they are others.
    names = [name for name in sorted(manifest) if name not in ("sha256", "params")]
    inside: Any = manifest
    name = names[rng.integers(len(names))]
    if isinstance(manifest[name], dict) and manifest[name] and rng.random() < 0.5:
        inside, name = manifest[name], sorted(manifest[name])[rng.integers(len(manifest[name]))]
    if rng.random() < 0.2:
        del inside[name]
    else:
        inside[name] = ODD[rng.integers(len(ODD))]
    _write(folder, manifest, hashed=hashed)
    return folder


def _write(folder: Path, manifest: dict[str, Any], *, hashed: bool) -> None:
    if hashed:
        content = {name: value for name, value in manifest.items() if name != "sha256"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        manifest["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
