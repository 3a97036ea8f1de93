"""Transfer of a known device to another dataset."""

import numpy as np
import pytest

from archcost.cli.main import main
from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchcostWarning, CostTableError, MissingDataError
from archcost.models import CostModel, Manifest
from archcost.predictors import LookupPredictor
from archcost.spaces import SPACES
from archcost.training import transfer
from archcost.training.other_datasets import known_on_another_dataset
from archcost.training.rescaled_report import rescaled_report

CELLS = SPACES["nasbench201"]
OPS = CELLS.sample(60, seed=4)


def truth(ops, share=1.0):
    return 3.0 + (ops == 3).sum(axis=1) * 4.0 * share + (ops == 2).sum(axis=1) * share


def model_of(device, dataset="cifar10", **training):
    predictor = LookupPredictor(dataset=dataset).fit(OPS, truth(OPS), space=CELLS)
    key = CostKey("nasbench201", device, "latency", dataset)
    card = DeviceCard(device, device)
    return CostModel(
        predictor, Manifest(key, card, "lookup", predictor.get_params(), training=training)
    )


def pairs(n, share=0.25):
    costs = truth(OPS[:n], share)
    return {CELLS.format(ops): cost for ops, cost in zip(OPS[:n], costs, strict=True)}


def test_the_same_device_comes_first():
    model = transfer(
        CELLS, pairs(5), device="pi", dataset="ImageNet16-120", sources=[model_of("pi")]
    )
    assert model.manifest.predictor == "rescaled"
    assert model.manifest.training["sources"] == ["nasbench201-pi-latency-cifar10"]
    assert str(model.key) == "nasbench201-pi-latency-imagenet16_120"
    np.testing.assert_allclose(model.predict(OPS[5:]), truth(OPS[5:], 0.25), rtol=0.1)
    assert "Made of 5 measurements and of nasbench201-pi-latency-cifar10" in rescaled_report(model)


def test_another_device_and_the_same_dataset_are_no_start():
    for source in (model_of("other"), model_of("pi", "ImageNet16-120")):
        assert known_on_another_dataset(CELLS, "pi", "latency", "ImageNet16-120", [source]) is None


def test_the_nearest_input_that_was_measured_itself_is_taken():
    near = model_of("pi", "cifar100", sources=["elsewhere"])
    found = known_on_another_dataset(
        CELLS, "pi", "latency", "ImageNet16-120", [near, model_of("pi", "cifar10")]
    )
    assert found.key.dataset == "cifar10"


def test_without_measurements_only_when_asked_for_and_never_in_silence(tmp_path):
    given = {"device": "pi", "dataset": "ImageNet16-120", "sources": [model_of("pi")]}
    with pytest.raises(CostTableError, match="needs at least 2 measured"):
        transfer(CELLS, {}, **given)
    with pytest.warns(ArchcostWarning, match="is extrapolated from .* without any measurement"):
        model = transfer(CELLS, {}, extrapolate=True, **given)
    assert model.manifest.training["extrapolated"] and model.manifest.training["n_train"] == 0
    saved = CostModel.load(model.save(tmp_path / str(model.key)))
    low, high = saved.predict_interval(OPS[0])
    assert high > 4 * low
    np.testing.assert_allclose(saved.predict(OPS), model.predict(OPS), rtol=1e-12)
    with pytest.raises(MissingDataError, match="must have a model on another dataset"):
        transfer(CELLS, None, extrapolate=True, **{**given, "device": "stranger"})


@pytest.mark.filterwarnings("ignore::archcost.errors.ArchcostWarning")
def test_predictions_of_an_extrapolated_model_say_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    model = transfer(
        CELLS, None, device="pi", dataset="ImageNet16-120", sources=[model_of("pi")],
        extrapolate=True,
    )  # fmt: skip
    model.save(tmp_path / str(model.key))
    cell = CELLS.format(OPS[0])
    assert main(["predict", cell, "--device", "pi", "--dataset", "ImageNet16-120"]) == 0
    assert "extrapolated from nasbench201-pi-latency-cifar10" in capsys.readouterr().err
    assert main(["predict", cell, "--device", "raspi4", "--dataset", "ImageNet16-120"]) == 2
    assert "with --extrapolate of none, `archcost transfer raspi4" in capsys.readouterr().err


def test_the_command_needs_a_file_or_extrapolate(capsys):
    assert main(["transfer", "raspi4", "--space", "nasbench201"]) == 2
    assert "--extrapolate does without" in capsys.readouterr().err
