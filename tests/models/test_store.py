"""Odd, damaged and foreign folders among the models are named and never in the way of others."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

import archcost
from archcost.datasets import CostKey
from archcost.errors import ArchcostWarning, IntegrityError, MissingDataError, UnknownNameError
from archcost.models import CostModel, find_model, manifests, model_keys
from archcost.models.store import PRETRAINED
from archcost.training import suggest, transfer
from archcost.training.transfer_sources import _of_models

GOOD = "nasbench201-my_board-latency-cifar10"


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Return a folder with one good model of the user's."""
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    add(tmp_path, GOOD)
    return tmp_path


def add(models, name):
    """Add a copy of a pretrained model under a name."""
    source = PRETRAINED / "nasbench201-eyeriss-latency-cifar10"
    if name != GOOD:
        return shutil.copytree(source, models / name)
    model = CostModel.load(source)
    key = CostKey.parse(name)
    card = replace(model.device, id=key.device)
    manifest = replace(model.manifest, key=key, device=card)
    return CostModel(model.predictor, manifest).save(models / name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (f"{GOOD} (copy)", r"dataset .*but got 'cifar10 \(copy\)'"),
        (f"{GOOD}.bak", r"but got 'cifar10\.bak'"),
        ("old", "must read space-device-metric-dataset"),
        ("space_of_mine-my_board-latency-cifar10", "space must be one of .*'space_of_mine'"),
        ("nasbench201-My Board-latency-cifar10", "a device id must be"),
    ],
)
def test_a_folder_with_an_odd_name_is_skipped_and_named(models, name, reason):
    add(models, name)
    for listing in (model_keys, manifests, archcost.devices):
        with pytest.warns(ArchcostWarning, match=f"skipped: .*{reason}") as caught:
            found = listing()
        assert len(caught) == 1 and str(models / name) in str(caught[0].message)
        assert len(found) == 1 + len(list(PRETRAINED.glob("*/manifest.json")))
    assert archcost.predict(7, "my_board") > 0  # what is there needs no list, and no warning
    with (
        pytest.warns(ArchcostWarning, match="skipped"),
        pytest.raises(UnknownNameError, match="did you mean 'my_board'"),
    ):
        archcost.predict(7, "my_bord")


@pytest.mark.parametrize("damage", ["", "{", "[]", "\x00" * 900, None])
def test_a_damaged_manifest_is_skipped_and_named(models, damage):
    name = "nasbench201-other-latency-cifar10"
    path = add(models, name) / "manifest.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "predictor": "gp"}) if damage is None else damage)
    with pytest.warns(ArchcostWarning, match=f"{name} is skipped: .*manifest.json"):
        found = manifests()
    assert GOOD in [str(manifest.key) for manifest in found]
    assert name not in [str(manifest.key) for manifest in found]
    with pytest.raises(IntegrityError, match="manifest"):
        archcost.predict(7, "other")
    command = [sys.executable, "-m", "archcost", "devices"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "my_board" in shown.stdout
    assert len(shown.stderr.splitlines()) == 1
    assert shown.stderr.startswith(f"archcost: warning: the model {name} is skipped: ")


def test_a_damaged_own_model_is_not_replaced_by_the_pretrained_one(models):
    key = "nasbench201-raspi4-latency-cifar10"
    folder = models / key
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    assert find_model(CostKey.parse(key)) == folder
    with pytest.raises(IntegrityError, match="damaged"):
        archcost.load("raspi4")


@pytest.mark.slow
@pytest.mark.parametrize("file", ["manifest.json", "weights.npz", "compiled.npz"])
def test_a_damaged_model_is_not_in_the_way_of_suggest_and_transfer(models, file):
    path = models / GOOD / file
    path.write_bytes(path.read_bytes()[:-20])
    _of_models.cache_clear()
    with pytest.warns(ArchcostWarning, match=f"{GOOD} is skipped"):
        assert len(suggest("nasbench201", 2)) == 2
    _of_models.cache_clear()
    measured = {7: 1.0, 1462: 2.0, 15000: 3.0}
    with pytest.warns(ArchcostWarning, match=f"{GOOD} is skipped"):
        assert transfer("nasbench201", measured, device="new").predict(7) > 0
    with pytest.raises(IntegrityError, match=r"damaged|changed"):
        suggest("nasbench201", 2, sources=["my_board", "raspi4"])


def test_half_a_model_is_none(models):
    (models / "nasbench201-half-latency-cifar10" / "files-0123456789abcdef").mkdir(parents=True)
    (models / ".saving-abc" / "model").mkdir(parents=True)
    (models / "notes.txt").write_text("mine")
    shipped = {path.parent.name for path in PRETRAINED.glob("*/manifest.json")}
    assert {str(key) for key in model_keys()} == {*shipped, GOOD}
    with pytest.raises(UnknownNameError, match=r"device must be one of .* but got 'half'"):
        archcost.load("half")
    with pytest.raises(UnknownNameError, match="device of nasbench201 must be one of"):
        archcost.load("half", space="nasbench201")
    with pytest.raises(MissingDataError, match="has none"):
        archcost.load(models / "nasbench201-half-latency-cifar10")


@pytest.mark.slow
def test_transfer_learns_anew_from_a_model_that_is_saved_anew(models):
    measured = {7: 1.0, 1462: 2.0, 15000: 3.0}
    before = transfer("nasbench201", measured, device="new", sources=["my_board", "raspi4"])
    shutil.rmtree(models / GOOD)
    other = CostModel.load(PRETRAINED / "nasbench201-pixel3-latency-cifar10")
    key = CostKey.parse(GOOD)
    manifest = replace(other.manifest, key=key, device=replace(other.device, id=key.device))
    CostModel(other.predictor, manifest).save(models / GOOD)
    after = transfer("nasbench201", measured, device="new", sources=["my_board", "raspi4"])
    assert before.predict(99) != after.predict(99)
