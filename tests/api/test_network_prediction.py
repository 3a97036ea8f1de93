"""Predictions of any network through ``archcost.predict``."""

import csv
from pathlib import Path

import numpy as np
import pytest

import archcost
from archcost.errors import ArchcostError, ArchcostWarning, ArchitectureError, UnknownNameError
from archcost.models import CostModel
from archcost.models.network_prediction import MOST_UNMEASURED, layer_rows
from archcost.networks import GraphBuilder
from archcost.networks.model_files import model_file
from archcost.spaces import get_space
from archcost.zoo import zoo_network

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
DEVICES = ("cpu_litert", "cpu_onnxruntime", "cpu_openvino")


@pytest.fixture(scope="module")
def model():
    return archcost.load("cpu_onnxruntime", space="any")


@pytest.mark.parametrize("device", DEVICES)
def test_measured_networks_cost_about_what_was_measured(device):
    rows = csv.DictReader((RESULTS / f"networks-{device}.csv").read_text().splitlines())
    measured = {row["network"]: float(row["latency_ms"]) for row in rows}
    names = [f"{name}@224" for name in ("resnet18", "mobilenetv2_100", "vit_tiny_patch16")]
    found = archcost.predict(names, device)
    np.testing.assert_allclose(found, [measured[name] for name in names], rtol=0.15)


def test_a_network_costs_the_same_in_every_form(model, tmp_path):
    import torch

    from archcost.networks.torch_module import torch_module

    graph = zoo_network("resnet18@96")
    expected = archcost.predict(graph, "cpu_onnxruntime")
    assert expected == model.predict("resnet18@96") == model.predict([graph])[0]
    assert archcost.predict(["resnet18@96"], "cpu_onnxruntime")[0] == expected
    path = tmp_path / "net.onnx"
    path.write_bytes(model_file(graph, "onnx", "fp32"))
    module = torch_module(graph)
    image = torch.zeros(1, 3, 96, 96)
    for given, options in (
        (path, {}), (str(path), {}), (module, {"example": image}),
        (module, {"shape": (3, 96, 96)}), (torch.export.export(module, (image,)), {}),
    ):  # fmt: skip
        found = archcost.predict(given, "cpu_onnxruntime", **options)
        assert found == pytest.approx(expected, rel=0.02)


def test_standard_deviations_and_intervals(model):
    mean, std = archcost.predict("resnet18@96", "cpu_onnxruntime", return_std=True)
    assert isinstance(mean, float) and 0 < std < mean
    low, high = model.predict_interval("resnet18@96")
    assert low < mean < high


def test_costs_of_layers_sum_to_the_prediction(model):
    layers = model.layer_costs("mobilenetv2_100@96")
    assert sum(layer.cost for layer in layers) == pytest.approx(model.predict("mobilenetv2_100@96"))
    rows = layer_rows(layers)
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert rows[0]["inputs"] == "1x3x96x96" and rows[-1]["output"] == "1x1000"


def test_members_of_search_spaces_are_networks_too():
    rows = csv.DictReader((RESULTS / "networks-cpu_onnxruntime.csv").read_text().splitlines())
    measured = {row["network"].split("::", 3)[-1]: float(row["latency_ms"]) for row in rows
                if row["network"].startswith("space::ofa_mbv3::ImageNet")}  # fmt: skip
    space = get_space("ofa_mbv3")
    found = archcost.predict([space.graph(arch) for arch in measured], "cpu_onnxruntime")
    np.testing.assert_allclose(found, list(measured.values()), rtol=0.25)


def test_other_batch_sizes_are_refused_or_wider(model):
    with pytest.raises(ArchcostError, match="batch size that was measured, 1, but has 8"):
        archcost.predict("resnet18@96#8", "cpu_onnxruntime")
    with pytest.raises(ArchcostError, match="batch size that was measured"):
        archcost.predict("resnet18@96", "cpu_onnxruntime", batch_size=8)
    one, one_std = model.predict("resnet18@96", return_std=True)
    eight, eight_std = model.predict("resnet18@96#8", return_std=True, extrapolate=True)
    assert 5 < eight / one < 12
    assert eight_std / eight > one_std / one + 0.3


def fourier_network(share_of_other):
    builder = GraphBuilder()
    x = builder.conv(builder.input((3, 64, 64)), 64, 3, name="conv")
    if share_of_other:
        x = builder.other("fft", x, shape=x.shape, macs=int(share_of_other * 1e9))
    return builder.graph(x)


def test_ops_that_no_measurement_covers_are_named_and_refused(model):
    graph = fourier_network(1)
    (name, share), *_ = model.unmeasured(graph).items()
    assert name == "fft" and share > MOST_UNMEASURED
    with pytest.raises(ArchcostError, match=r"at most 20 % of a network's cost.*fft \(\d+ %\)"):
        archcost.predict(graph, "cpu_onnxruntime")
    mean, std = archcost.predict(graph, "cpu_onnxruntime", return_std=True, extrapolate=True)
    assert std > share * mean
    assert model.unmeasured(fourier_network(0)) == {}


@pytest.mark.parametrize("device", ["raspi4", "1080ti_1"])
def test_published_devices_promise_no_networks(device):
    with pytest.raises(UnknownNameError, match="published of search spaces alone"):
        archcost.predict("resnet18", device)


def test_errors_of_reading_reach_the_user(tmp_path):
    import torch
    from torch import nn

    with pytest.raises(ArchcostError, match="did you mean 'resnet18'"):
        archcost.load("cpu_litert", space="any").predict("resnet19")
    with pytest.raises(ArchcostError, match="example of its input"):
        archcost.predict(nn.Conv2d(3, 8, 3), "cpu_litert")
    with pytest.warns(ArchcostWarning, match="training mode"):
        archcost.predict(nn.Sequential(nn.Conv2d(3, 8, 3)), "cpu_litert", shape=(3, 32, 32))
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(ArchcostError, match=r"must be an ONNX file|must hold nodes"):
        archcost.predict(path, "cpu_litert")
    with pytest.raises(ArchcostError, match="there is none"):
        archcost.predict("missing.onnx", "cpu_litert")
    with pytest.raises(ArchitectureError, match="no search space accepts"):
        archcost.predict("nonsense", "cpu_litert")
    assert archcost.predict(
        nn.Conv2d(3, 8, 3).eval(), "cpu_litert", example=torch.zeros(1, 3, 32, 32)
    ) < 1  # fmt: skip


def test_models_of_spaces_have_no_layers():
    with pytest.raises(ArchcostError, match="sums over kernels"):
        archcost.load("cpu_litert", space="fbnet").layer_costs("-".join(["skip"] * 22))


def test_a_model_is_saved_and_loaded(model, tmp_path):
    folder = tmp_path / str(model.key)
    model.save(folder)
    assert CostModel.load(folder).predict("resnet18@96") == model.predict("resnet18@96")


def test_devices_list_models_of_any_networks():
    found = archcost.devices("any")
    assert sorted(set(found["device"]) & set(DEVICES)) == sorted(DEVICES)
    assert (found["predictor"] == "kernels").all()
