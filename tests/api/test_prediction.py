"""archcost.predict, load and devices, and where models are found."""

import shutil

import numpy as np
import pytest

import archcost
from archcost import prediction
from archcost.datasets import CostTable
from archcost.errors import ArchitectureError, MissingDataError, UnknownNameError
from archcost.spaces import get_space
from archcost.training import TrainSettings, train

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train models of an own device in both spaces, latency and energy."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("nasbench201", "fbnet"):
        space = get_space(name)
        ops = space.sample(60, seed=1)
        for metric, factor in (("latency", 1.0), ("energy", 5.0)):
            cost = factor * (1.0 + (ops == 3).sum(axis=1) + 0.1 * ops.sum(axis=1))
            table = CostTable.from_costs(space, ops, cost, device="my_board", metric=metric)
            model = train(table, settings=TrainSettings(predictor="lookup"))
            model.save(folder / str(model.key))
    return folder


@pytest.fixture
def my_board(trained, tmp_path, monkeypatch):
    """Return a folder of the user's with models of an own device."""
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    monkeypatch.setattr(prediction, "_models", {})
    return shutil.copytree(trained, tmp_path, dirs_exist_ok=True)


def test_own_models_are_found(my_board):
    ops = get_space("nasbench201").parse(CELL)
    latency_ms = archcost.predict(CELL, "my_board")
    assert type(latency_ms) is float
    assert latency_ms == pytest.approx(1.0 + 1 + 0.1 * ops.sum(), rel=1e-4)
    assert archcost.predict(CELL, "my_board", "energy") == pytest.approx(5 * latency_ms, rel=1e-4)
    batch = archcost.predict([CELL, ops, 7], "my_board")
    assert batch.shape == (3,) and batch[0] == batch[1] == latency_ms
    network = ["k3_e1"] * 22
    assert archcost.predict(network, "my_board") == archcost.predict("-".join(network), "my_board")
    mean, std = archcost.predict(CELL, "my_board", return_std=True)
    assert mean == latency_ms and std >= 0


def test_a_model_can_be_named_by_folder_or_given(my_board):
    folder = my_board / "nasbench201-my_board-latency-cifar10"
    expected = archcost.predict(CELL, "my_board")
    assert archcost.predict(CELL, "my_board", model=folder) == expected
    assert archcost.predict(CELL, "my_board", model=str(folder)) == expected
    assert archcost.predict(CELL, "my_board", model=archcost.load(folder)) == expected
    with pytest.raises(UnknownNameError, match="was asked for"):
        archcost.predict(CELL, "other_board", model=folder)
    with pytest.raises(MissingDataError, match="archcost train"):
        archcost.predict(CELL, "my_board", model=my_board / "nothing")


def test_errors_name_the_nearest_choice(my_board):
    with pytest.raises(UnknownNameError, match=r"device.*did you mean 'my_board'"):
        archcost.predict(CELL, "my_bord")
    with pytest.raises(UnknownNameError, match=r"device.*did you mean 'my_board'"):
        archcost.predict(CELL, "My-Board")
    with pytest.raises(UnknownNameError, match="did you mean 'latency'"):
        archcost.predict(CELL, "my_board", "latencies")
    with pytest.raises(UnknownNameError, match=r"dataset.*did you mean 'cifar10'"):
        archcost.predict(CELL, "my_board", dataset="cifar")
    with pytest.raises(UnknownNameError, match=r"dataset of my_board latency must be one of"):
        archcost.predict(CELL, "my_board", dataset="cifar100")
    with pytest.raises(UnknownNameError, match="space must be one of"):
        archcost.predict(CELL, "my_board", space="nasbench101")
    with pytest.raises(ArchitectureError, match="no search space accepts"):
        archcost.predict("no network", "my_board")
    with pytest.raises(ArchitectureError, match="must read like"):
        archcost.predict(CELL[:-1], "my_board")


def test_devices_list_own_models_with_scores(my_board):
    frame = archcost.devices()
    own = frame[frame["device"] == "my_board"]
    assert len(own) == 4
    assert set(own["unit"]) == {"ms", "mJ"}
    assert (own["n_train"] == 60).all()
    assert own["spearman"].between(-1, 1).all()
    assert set(archcost.devices("fbnet")["space"]) == {"fbnet"}


def test_pretrained_models_answer_with_an_empty_user_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(prediction, "_models", {})
    assert 1.0 < archcost.predict(CELL, "eyeriss") < 20.0
    assert archcost.load("raspi4").manifest.scores["n_test"] == 3125
    latency = archcost.predict("-".join(["k3_e1"] * 22), "fpga")
    assert latency == pytest.approx(10.73952, rel=1e-6)  # printed by HW-NAS-Bench's example
    energy = archcost.predict("-".join(["k3_e1"] * 22), "fpga", "energy")
    assert energy == pytest.approx(75.17664, rel=1e-6)
    assert np.isfinite(archcost.predict([CELL], "edgetpu")).all()


def test_a_model_trained_anew_is_used_at_once(my_board, monkeypatch):
    monkeypatch.setattr(prediction, "_models", prediction.LOADED)
    before = archcost.predict(CELL, "my_board")
    ops = get_space("nasbench201").sample(60, seed=1)
    cost = 2.0 * (1.0 + (ops == 3).sum(axis=1) + 0.1 * ops.sum(axis=1))
    table = CostTable.from_costs("nasbench201", ops, cost, device="my_board")
    model = train(table, settings=TrainSettings(predictor="lookup"))
    model.save(my_board / str(model.key))
    assert archcost.predict(CELL, "my_board") == pytest.approx(2 * before, rel=1e-4)


def test_given_models_are_not_kept_and_named_ones_are_bounded(my_board, monkeypatch):
    kept = {}
    monkeypatch.setattr(prediction, "_models", kept)
    monkeypatch.setattr(prediction, "MOST_LOADED", 5)
    folder = my_board / "nasbench201-my_board-latency-cifar10"
    expected = archcost.predict(CELL, "my_board")
    for _ in range(20):
        assert archcost.predict(CELL, "my_board", model=archcost.load(folder)) == expected
    assert len(kept) == 1
    for place in range(20):
        copy = shutil.copytree(folder, my_board / f"copy{place}")
        assert archcost.predict(CELL, "my_board", model=copy) == expected
        assert archcost.predict(CELL, "my_board", model=copy) == expected
    assert len(kept) == 5
    assert archcost.predict(CELL, "my_board") == expected


@pytest.mark.parametrize("arch", [CELL, 1462])
@pytest.mark.parametrize("name", [["my_board"], {}, np.array(["my_board"])])
def test_what_is_no_name_is_refused_in_any_place(my_board, arch, name):
    with pytest.raises(UnknownNameError, match="device must be one device id"):
        archcost.predict(arch, name)
    with pytest.raises(UnknownNameError, match="metric must be one of"):
        archcost.predict(arch, "my_board", name)
    with pytest.raises(UnknownNameError, match="dataset of nasbench201 must be one of"):
        archcost.predict(arch, "my_board", dataset=name)
    with pytest.raises(UnknownNameError, match="model must be a saved model's folder"):
        archcost.predict(arch, "my_board", model=name)
