"""Saving is one step, for readers too: whoever looks finds the old model or the new one."""

import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from warm_processes import WarmProcess

import archcost
from archcost.datasets import CostKey, DeviceCard
from archcost.errors import IntegrityError
from archcost.models import CostModel, Manifest, find_model, model_folder
from archcost.models.manifest import MANIFEST
from archcost.models.model_folder import remove_model, save_model
from archcost.models.store import LOADED
from archcost.predictors import PREDICTORS
from archcost.spaces import NASBench201

CELLS = NASBench201().all_ops[:3]
KEY = CostKey("nasbench201", "raspi4", "latency", "cifar10")
"""That of a pretrained model, which would answer wherever the user's own is missed."""


def small_model(scale):
    """Return a model whose costs grow with `scale`."""
    ops = NASBench201().sample(40, seed=0)
    predictor = PREDICTORS["lookup"]().fit(ops, scale * (1.0 + (ops == 3).sum(axis=1)))
    card = DeviceCard(KEY.device, KEY.device)
    return CostModel(predictor, Manifest(KEY, card, "lookup", predictor.get_params()))


def cost_of_first(scale):
    return small_model(scale).predict(CELLS[0])


def test_a_new_model_lies_flat_and_a_replaced_one_in_a_subfolder(tmp_path):
    folder = small_model(1.0).save(tmp_path / str(KEY))
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json", "weights.npz", "compiled.npz",
    }  # fmt: skip
    for scale in (2.0, 3.0):
        small_model(scale).save(folder)
        contents = [path.name for path in folder.iterdir() if path.name != "manifest.json"]
        assert len(contents) == 1 and contents[0].startswith("files-")
        assert {path.name for path in (folder / contents[0]).iterdir()} == {
            "weights.npz", "compiled.npz",
        }  # fmt: skip
        model = CostModel.load(folder)
        assert model.predict(CELLS[0]) == pytest.approx(cost_of_first(scale))
        np.testing.assert_allclose(model.predictor.predict(CELLS), model.predict(CELLS))
    assert [path.name for path in tmp_path.iterdir()] == [str(KEY)]
    copied = shutil.copytree(folder, tmp_path / "copy")
    assert CostModel.load(copied).predict(CELLS[0]) == pytest.approx(cost_of_first(3.0))


def test_a_damaged_model_can_be_replaced(tmp_path):
    folder = small_model(1.0).save(tmp_path / str(KEY))
    for damage in ("", "{", '{"contents": "..", "files": {"../precious": ""}}'):
        (tmp_path / "precious").write_text("thesis")
        (folder / "manifest.json").write_text(damage)
        small_model(2.0).save(folder)
        assert CostModel.load(folder).predict(CELLS[0]) == pytest.approx(cost_of_first(2.0))
        assert (tmp_path / "precious").read_text() == "thesis"


def test_a_save_that_fails_leaves_the_old_model_and_nothing_else(tmp_path):
    folder = small_model(1.0).save(tmp_path / str(KEY))
    before = sorted(tmp_path.rglob("*"))

    def fails(place):
        (place / "weights.npz").write_bytes(b"half")
        raise OSError("no space left on device")

    for target in (folder, tmp_path / "new"):
        with pytest.raises(OSError, match="no space left"):
            save_model(target, fails)
    assert sorted(tmp_path.rglob("*")) == before
    assert CostModel.load(folder).predict(CELLS[0]) == pytest.approx(cost_of_first(1.0))


def test_what_killed_processes_left_is_removed_after_an_hour(tmp_path):
    folder = small_model(1.0).save(tmp_path / str(KEY))
    small_model(1.0).save(folder)
    current = next(folder.glob("files-*"))
    left = [folder / "files-0123456789abcdef", tmp_path / ".saving-abc"]
    young = folder / "files-fedcba9876543210"
    for path in (*left, young):
        path.mkdir()
        (path / "weights.npz").write_bytes(b"half")
    for path in (*left, current):
        os.utime(path, (0, time.time() - 4000))
    small_model(2.0).save(folder)
    assert not any(path.exists() for path in left)
    assert young.exists() and not current.exists()


def test_a_loaded_model_never_mixes_with_the_one_that_replaced_it(tmp_path):
    folder = small_model(1.0).save(tmp_path / str(KEY))
    old = CostModel.load(folder)
    small_model(2.0).save(folder)
    assert old.predict(CELLS[0]) == pytest.approx(cost_of_first(1.0))
    with pytest.raises(IntegrityError, match="load the model again if it was replaced"):
        old.predictor  # noqa: B018


WRITER = """
import pathlib, sys, time
from archcost.models import CostModel
folder, go_on, *saved = sys.argv[1:]
models = [CostModel.load(model) for model in saved]
for model in models:
    model.predictor
pathlib.Path(saved[0] + " loaded").touch()
while not pathlib.Path(go_on).exists():
    time.sleep(0.01)
for turn in range(120):
    models[turn % 2].save(folder)
"""


@pytest.mark.slow
def test_readers_always_find_a_whole_model_while_two_processes_save(tmp_path, monkeypatch):
    scales = (1.0, 2.0, 3.0, 4.0, 5.0)
    ready = [str(small_model(scale).save(tmp_path / f"ready {scale}")) for scale in scales]
    go_on, tmp_path = tmp_path / "go on", tmp_path / "models"
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    folder = small_model(1.0).save(tmp_path / str(KEY))
    writers = [WarmProcess("-c", WRITER, folder, go_on, *pair) for pair in (ready[1:3], ready[3:5])]
    for writer, model in zip(writers, (ready[1], ready[3]), strict=True):
        while not Path(f"{model} loaded").exists():
            assert writer.poll() is None, writer.communicate()
            time.sleep(0.01)
    possible = [cost_of_first(scale) for scale in scales]
    seen, wrong = [], []
    done = threading.Event()

    def read():
        while not done.is_set():
            try:
                found = find_model(KEY)
                cost = CostModel.load(found).predict(CELLS[0])
            except Exception as error:
                wrong.append(repr(error))
                continue
            seen.append(cost)
            if found != folder or not np.isclose(cost, possible).any():
                wrong.append((found, cost))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    go_on.touch()
    for writer in writers:
        writer.communicate()
    done.set()
    for thread in readers:
        thread.join()
    assert [writer.returncode for writer in writers] == [0, 0]
    assert not wrong, wrong[:3]
    assert len(seen) > 100 and len({round(cost, 6) for cost in seen}) > 2
    # Files of models that the other process replaced at the same moment count as abandoned later.
    monkeypatch.setattr(model_folder, "ABANDONED_AFTER_S", -1.0)
    CostModel.load(ready[0]).save(folder)
    left = {path.name for path in folder.iterdir()}
    assert len(left) == 2 and [path.name for path in tmp_path.iterdir()] == [str(KEY)], left


def test_two_processes_that_save_a_new_model_at_once_both_succeed(tmp_path):
    folder = tmp_path / str(KEY)
    second = small_model(2.0)

    def write_late(place):
        second.save(folder)  # the other process is first
        return small_model(1.0)._write(place)

    save_model(folder, write_late)
    assert CostModel.load(folder).predict(CELLS[0]) == pytest.approx(cost_of_first(1.0))


def test_a_model_saved_in_this_process_is_used_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    monkeypatch.setattr("archcost.prediction._models", LOADED)
    for scale in (1.0, 2.0, 3.0):
        small_model(scale).save(tmp_path / str(KEY))
        cost = archcost.predict(CELLS[0], KEY.device)
        assert cost == pytest.approx(cost_of_first(scale))


def test_a_model_is_removed_in_one_step(tmp_path, monkeypatch):
    folder = tmp_path / "models" / "nasbench201-my_board-latency-cifar10"
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text("{}")

    def killed(path, **_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(model_folder.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_model(folder)
    assert not folder.exists()
    (left,) = folder.parent.iterdir()
    os.utime(left, (0, 0))
    folder.mkdir()
    remove_model(folder)  # which also takes away what was left
    assert list(folder.parent.iterdir()) == []
