"""Threads and processes that share models get the bits that one alone gets."""

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from warm_processes import CONTEXT

import archcost
from archcost import prediction
from archcost.datasets import CostKey, DeviceCard
from archcost.models import CostModel, Manifest
from archcost.predictors import PREDICTORS
from archcost.spaces import get_space

KINDS = {
    "nasbench201-cells": ("ridge", {}),
    "fbnet-sums": ("lookup", {}),
    "fbnet-logs": ("ridge", {"scale": "log"}),
    "fbnet-process": ("gp", {}),
    "fbnet-networks": ("mlp", {"max_epochs": 3, "width": 32, "n_members": 2}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of models, one of each kind of compiled form."""
    folder = tmp_path_factory.mktemp("models")
    for name, (predictor, params) in KINDS.items():
        space_name, _, device = name.partition("-")
        space = get_space(space_name)
        ops = space.sample(80, seed=1)
        cost = 1.0 + (ops.astype(float) ** 2) @ np.linspace(0.1, 1.0, space.n_positions)
        fitted = PREDICTORS[predictor](**params).fit(ops, cost)
        key = CostKey(space_name, device, "latency", space.default_dataset)
        manifest = Manifest(key, DeviceCard(device, device), predictor, fitted.get_params())
        CostModel(fitted, manifest).save(folder / str(key))
    return folder


def questions(folder: Path) -> list[tuple[object, str, Path]]:
    """Return batches and single architectures, each with its device and model."""
    asked: list[tuple[object, str, Path]] = []
    for name in KINDS:
        space_name, _, device = name.partition("-")
        space = get_space(space_name)
        model = folder / str(CostKey(space_name, device, "latency", space.default_dataset))
        ops = space.sample(300, seed=5)
        asked += [(archs, device, model) for archs in (ops, *ops[:20].tolist())]
    return asked


def answers(asked: list[tuple[object, str, Path]]) -> list[bytes]:
    return [
        np.array(archcost.predict(archs, device, model=model, return_std=True)).tobytes()
        for archs, device, model in asked
    ]


def test_eight_threads(folder, monkeypatch):
    asked = questions(folder)
    expected = answers(asked)
    monkeypatch.setattr(prediction, "_models", {})  # so that the threads load as well
    start = threading.Barrier(8)

    def work(_: int) -> list[bytes]:
        start.wait()
        return answers(asked)

    with ThreadPoolExecutor(8) as pool:
        assert all(given == expected for given in pool.map(work, range(8)))


@pytest.mark.slow
def test_four_processes(folder):
    asked = questions(folder)
    expected = answers(asked)
    with ProcessPoolExecutor(4, mp_context=CONTEXT) as pool:
        by_name = [
            pool.submit(archcost.predict, archs, device, model=model, return_std=True)
            for archs, device, model in asked
        ]
        sent = [  # the model itself goes to the process
            pool.submit(CostModel.load(model).predict, archs, return_std=True)
            for archs, _, model in asked
        ]
        assert [np.array(answer.result()).tobytes() for answer in by_name] == expected
        assert [np.array(answer.result()).tobytes() for answer in sent] == expected
